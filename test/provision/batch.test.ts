import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeAuthority } from '../../scripts/provision/authority.ts';
import type { BatchArguments } from '../../scripts/provision/batch.ts';
import { runBatch } from '../../scripts/provision/batch.ts';
import { readInventory } from '../../scripts/provision/inventory.ts';
import { guarded } from '../../scripts/provision/trouble.ts';
import type { ProvisionWorld } from '../../scripts/provision/world.ts';
import { configurationReport } from '../../src/commands/seed.ts';
import { checkSeed } from '../../src/seed/check.ts';
import { canMakeImages, makeImage, onCard, testWorld } from './flash-image.ts';

const PASSPHRASE = 'correct horse battery';
const DAY_MS = 86_400_000;
let folder: string;
const at = (name: string): string => join(folder, name);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'embereye-batch-'));
  writeFileSync(at('passphrase'), PASSPHRASE);
  writeFileSync(at('template.yaml'), 'device:\n  name: "{{street}}"\n');
  writeFileSync(at('sites.csv'), 'deviceId,street\na,Main St\nb,High St\n');
  await makeAuthority({ path: at('ca'), name: 'Test', days: 100 }, PASSPHRASE, testWorld(folder));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function batch(
  change: Partial<BatchArguments> = {},
  world: Partial<ProvisionWorld> = {},
): Promise<{ readonly code: number; readonly text: string }> {
  const made = testWorld(folder, world);
  const wish: BatchArguments = {
    ...{ sites: 'sites.csv', template: 'template.yaml', out: 'out', ca: 'ca' },
    ...{ seedsOnly: true, releaseKey: [], dryRun: false, passphraseFile: 'passphrase' },
    ...change,
  };
  const code = await guarded(made, () => runBatch(wish, made));
  return { code, text: made.text() };
}

const seedOf = (id: string): ReturnType<typeof checkSeed> =>
  checkSeed(at(`out/${id}/embereye`), configurationReport);
const serialOf = (id: string): string =>
  (JSON.parse(readFileSync(at(`out/${id}/done.json`), 'utf8')) as { serial: string }).serial;

describe('a batch of seeds', () => {
  it('gives every unit a seed it will take, an identity, a label and a line', async () => {
    const { code, text } = await batch();
    expect(text).toContain('2 of 2 units');
    expect(code).toBe(0);
    for (const id of ['a', 'b']) {
      const seed = seedOf(id);
      expect(seed.ok && seed.checked.seed.deviceId).toBe(id);
      expect(seed.ok && seed.checked.files.has('device.key')).toBe(true);
      expect(existsSync(at(`out/${id}/identity/label.png`))).toBe(true);
    }
    expect(readFileSync(at('out/inventory.csv'), 'utf8')).toBe(
      'deviceId,name,site,hostname,serial,file,label\n' +
        `a,,,a,${serialOf('a')},a/embereye,a/identity/label.pdf\n` +
        `b,,,b,${serialOf('b')},b/embereye,b/identity/label.pdf\n`,
    );
    expect(readFileSync(at('out/labels.pdf'), 'latin1')).toContain('%PDF');
    expect(statSync(at('out/labels.pdf')).mode & 0o077).toBe(0);
    expect(readInventory(at('ca/inventory.jsonl')).map(({ deviceId }) => deviceId)).toEqual([
      'a',
      'b',
    ]);
  });

  it('again makes nothing again', async () => {
    await batch();
    const serial = serialOf('a');
    const { code, text } = await batch();
    expect([code, serialOf('a')]).toEqual([0, serial]);
    expect(text.match(/is there already/g)).toHaveLength(2);
    expect(existsSync(at('out/labels-2.pdf'))).toBe(false);
  });

  it('goes on where it was stopped, and keeps identities when a line changes', async () => {
    const stop = new AbortController();
    const out = (line: string): void => {
      if (line.startsWith('a: made')) stop.abort();
    };
    const first = await batch({}, { signal: stop.signal, out });
    expect([first.code, first.text]).toEqual([1, expect.stringContaining('1 units are left')]);
    const serial = serialOf('a');
    writeFileSync(at('sites.csv'), 'deviceId,street\na,New St\nb,High St\n');
    expect((await batch()).code).toBe(0);
    expect(readFileSync(at('out/a/embereye/appliance.yaml'), 'utf8')).toContain('New St');
    expect([serialOf('a'), seedOf('b').ok]).toEqual([serial, true]);
  });

  it('a bad line is named, nothing is written for it, and the others are done', async () => {
    writeFileSync(at('sites.csv'), 'deviceId,street\na,Main St\nB!,x\nc,\nd,y\n');
    const { code, text } = await batch();
    expect(code).toBe(1);
    expect(text).toContain('sites.csv:3 (B!): column "deviceId" = "B!"');
    expect(text).toContain('sites.csv:4 (c): column "street": empty');
    expect(existsSync(at('out/c'))).toBe(false);
    expect([seedOf('a').ok, seedOf('d').ok]).toEqual([true, true]);
  });

  it('a password file that is missing is told by its line', async () => {
    writeFileSync(at('sites.csv'), 'deviceId,street,brokerPasswordFile\na,x,pw\nb,x,none\n');
    writeFileSync(at('pw'), 'hunter2');
    const { code, text } = await batch();
    expect([code, text]).toEqual([1, expect.stringMatching(/sites\.csv:3 \(b\): .*none/)]);
    expect(text).not.toContain('hunter2');
    expect(existsSync(at('out/b'))).toBe(false);
    expect(readFileSync(at('out/a/embereye/broker-password'), 'utf8')).toBe('hunter2');
  });

  it('an authority that has expired issues nothing', async () => {
    const nowMs = (): number => Date.now() + 101 * DAY_MS;
    const { code, text } = await batch({}, { nowMs });
    expect([code, text]).toEqual([1, expect.stringContaining('sites.csv:2 (a): the authority')]);
    expect(text).toContain('has expired');
    expect(existsSync(at('out/a'))).toBe(false);
  });

  it('an identity that has expired since is not put onto cards', async () => {
    await batch();
    const { code, text } = await batch({}, { nowMs: () => Date.now() + 101 * DAY_MS });
    expect([code, text]).toEqual([1, expect.stringContaining('device.crt: has expired')]);
  });

  it('an identity of another unit is not used', async () => {
    await batch();
    writeFileSync(at('sites.csv'), 'deviceId,street\nz,Main St\n');
    cpSync(at('out/a/identity'), at('out/z/identity'), { recursive: true });
    const { code, text } = await batch();
    expect([code, text]).toEqual([1, expect.stringContaining('device.crt: is for "a"')]);
    expect(existsSync(at('out/z/done.json'))).toBe(false);
  });

  it('a dry run writes nothing and needs no passphrase', async () => {
    const { code, text } = await batch({ dryRun: true, passphraseFile: 'none' });
    expect([code, text]).toEqual([0, expect.stringContaining('would make 2 units (a, b)')]);
    expect(existsSync(at('out'))).toBe(false);
  });

  it('wants either an image or seeds', async () => {
    expect((await batch({ image: 'x' })).code).toBe(2);
    expect((await batch({ seedsOnly: false })).code).toBe(2);
  });
});

describe.skipIf(!canMakeImages)('a batch of images (needs dosfstools and mtools)', () => {
  it('makes one a unit', async () => {
    makeImage(at('image.img'));
    const { code, text } = await batch({ seedsOnly: false, image: 'image.img' });
    expect(text).toContain('a: made: a/a.img');
    expect(code).toBe(0);
    expect(onCard(at('out/a/a.img'), 'embereye/appliance.yaml')).toContain('id: a');
    expect(onCard(at('out/b/b.img'), 'embereye/appliance.yaml')).toContain('id: b');
    expect(onCard(at('out/b/b.img'), 'embereye/device.crt')).toContain('BEGIN CERTIFICATE');
  });

  it('an image that is refused is refused before any certificate is issued', async () => {
    writeFileSync(at('image.img'), new Uint8Array(1000));
    const { code, text } = await batch({ seedsOnly: false, image: 'image.img' });
    expect([code, text]).toEqual([1, expect.stringContaining('no partition table')]);
    expect(existsSync(at('out/a'))).toBe(false);
    expect(readInventory(at('ca/inventory.jsonl'))).toEqual([]);
  });
});
