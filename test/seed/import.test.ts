import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configurationReport, runSeedImport } from '../../src/commands/seed.ts';
import type { ImportResult } from '../../src/seed/import.ts';
import { importSeed } from '../../src/seed/import.ts';
import { Authority, hasOpenssl } from '../uplink/authority.ts';
import { CONFIG, makeFolder, makeRoot, put, textIn, writeSeed } from './seed-folder.ts';

const isRoot = process.getuid?.() === 0;
let base: string;
let card: string;
let root: string;

beforeEach(() => {
  base = makeFolder();
  card = join(base, 'card/embereye');
  root = makeRoot(join(base, 'root'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const FILES = {
  'appliance.yaml': CONFIG,
  hostname: 'kitchen-1\n',
  'broker-password': 'hunter2\n',
  'claim.json': '{"hash":"abc"}\n',
  'network/10-wired.network': '[Match]\nName=eth0\n',
  authorized_keys: 'ssh-ed25519 AAAAC3Nz installer\n',
  'release-keys/owner.pub': 'untrusted comment\nRWQ\n',
};
const PLACES = {
  'appliance.yaml': 'etc/embereye/appliance.yaml',
  hostname: 'etc/hostname',
  'broker-password': 'etc/embereye/broker-password',
  'claim.json': 'etc/embereye/identity/claim.json',
  'network/10-wired.network': 'etc/systemd/network/10-wired.network',
  authorized_keys: 'etc/ssh/authorized_keys.d/embereye-admin',
  'release-keys/owner.pub': 'etc/embereye/release-keys/owner.pub',
} as const;

const run = (onStep?: (step: string) => void): ImportResult =>
  importSeed({
    ...{ from: card, to: root, configuration: configurationReport, asRoot: isRoot },
    ...(onStep === undefined ? {} : { onStep }),
  });

function expectWhole(): void {
  for (const [name, text] of Object.entries(FILES)) {
    expect(textIn(root, PLACES[name as keyof typeof FILES])).toBe(text);
  }
}

describe('importing a seed', () => {
  it('puts every file into its place, with its mode', () => {
    writeSeed(card, FILES);
    expect(run()).toMatchObject({ kind: 'imported', deviceId: 'kitchen-1' });
    expectWhole();
    const mode = (name: string): number => lstatSync(join(root, name)).mode & 0o777;
    expect(mode('etc/embereye/appliance.yaml')).toBe(0o640);
    expect(mode('etc/embereye/broker-password')).toBe(0o640);
    expect(mode('etc/hostname')).toBe(0o644);
  });

  it.skipIf(!isRoot)('gives the files of the service to its group (needs root)', () => {
    writeSeed(card, FILES);
    run();
    const { uid, gid } = lstatSync(join(root, 'etc/embereye/broker-password'));
    expect([uid, gid]).toEqual([0, 987]);
    expect(lstatSync(join(root, 'etc/hostname')).gid).toBe(0);
  });

  it.skipIf(!isRoot)('refuses where the package is missing (needs root)', () => {
    writeSeed(card, FILES);
    put(join(root, 'etc/group'), 'root:x:0:\n');
    const result = run();
    expect(JSON.stringify(result)).toContain('install the package embereye first');
    expect(existsSync(join(root, 'etc/embereye'))).toBe(false);
  });

  it('removes the secrets from the card, and only them', () => {
    writeSeed(card, FILES);
    run();
    expect(existsSync(join(card, 'broker-password'))).toBe(false);
    expect(existsSync(join(card, 'claim.json'))).toBe(false);
    expect(textIn(card, 'appliance.yaml')).toBe(CONFIG);
    expect(textIn(card, 'imported.txt')).toContain('removed: broker-password claim.json');
  });

  it('overwrites a secret before it removes it', () => {
    writeSeed(card, FILES);
    linkSync(join(card, 'broker-password'), join(base, 'same cells'));
    run();
    expect(textIn(base, 'same cells')).toBe('\0'.repeat('hunter2\n'.length));
  });

  it('does nothing the second time, whatever became of the unit since', () => {
    writeSeed(card, FILES);
    run();
    put(join(root, 'etc/hostname'), 'renamed\n');
    expect(run().kind).toBe('nothing');
    expect(textIn(root, 'etc/hostname')).toBe('renamed\n');
  });

  it('takes another seed that was written later', () => {
    writeSeed(card, FILES);
    run();
    const note = textIn(card, 'imported.txt');
    writeSeed(card, { 'appliance.yaml': CONFIG, hostname: 'other\n' });
    put(join(card, 'imported.txt'), note);
    expect(run().kind).toBe('imported');
    expect(textIn(root, 'etc/hostname')).toBe('other\n');
  });

  it('has nothing to do where there is no seed', () => {
    mkdirSync(card, { recursive: true });
    expect(run().kind).toBe('nothing');
    expect(
      importSeed({
        from: join(base, 'none'),
        to: root,
        configuration: configurationReport,
        asRoot: false,
      }).kind,
    ).toBe('nothing');
  });

  it('follows links of the unit, and stays below its root', () => {
    mkdirSync(join(root, 'data/etc'), { recursive: true });
    mkdirSync(join(root, 'etc/systemd'), { recursive: true });
    symlinkSync('/data/etc/hostname', join(root, 'etc/hostname'));
    symlinkSync('../../../../../data/network', join(root, 'etc/systemd/network'));
    writeSeed(card, FILES);
    run();
    expect(textIn(root, 'data/etc/hostname')).toBe('kitchen-1\n');
    expect(textIn(root, 'data/network/10-wired.network')).toContain('eth0');
    expect(lstatSync(join(root, 'etc/hostname')).isSymbolicLink()).toBe(true);
  });

  it('leaves a unit with links in a circle alone, with words', () => {
    symlinkSync('/etc/hostname', join(root, 'etc/hostname'));
    writeSeed(card, FILES);
    expect(() => run()).toThrow('links that lead to links');
  });
});

describe('a power cut while importing', () => {
  function stepsOf(): readonly string[] {
    const steps: string[] = [];
    writeSeed(card, FILES);
    run((step) => steps.push(step));
    return steps;
  }

  it('after any step: the next start ends with the same unit', () => {
    const steps = stepsOf();
    expect(steps.length).toBeGreaterThan(2 * Object.keys(FILES).length);
    for (const [stop, name] of steps.entries()) {
      rmSync(root, { recursive: true });
      makeRoot(root);
      writeSeed(card, FILES);
      let done = 0;
      const cut = (): void => {
        if (done++ === stop) throw new Error('cut');
      };
      expect(() => run(cut), name).toThrow('cut');
      // The card loses nothing that the unit does not have.
      if (!existsSync(join(card, 'imported.txt'))) {
        expect(existsSync(join(card, 'broker-password')), name).toBe(true);
      } else expectWhole();
      expect(['imported', 'nothing'], name).toContain(run().kind);
      expectWhole();
      expect(existsSync(join(card, 'broker-password')), name).toBe(false);
      expect(existsSync(join(card, 'claim.json')), name).toBe(false);
    }
  });

  it('that leaves half a note: the seed is imported again', () => {
    writeSeed(card, FILES);
    put(join(card, 'imported.txt'), 'deviceId: kitc');
    expect(run().kind).toBe('imported');
  });

  it.skipIf(isRoot)('a card that cannot be written is told (needs not to be root)', () => {
    writeSeed(card, FILES);
    chmodSync(card, 0o555);
    expect(run().kind).toBe('notErased');
    chmodSync(card, 0o755);
    expectWhole();
  });
});

describe('a seed that is wrong imports nothing', () => {
  const refused = (): string => {
    const result = run();
    expect(existsSync(join(root, 'etc/hostname'))).toBe(false);
    expect(existsSync(join(root, 'etc/embereye'))).toBe(false);
    return result.kind === 'refused' ? result.problems.join('\n') : result.kind;
  };

  it('a file that changed', () => {
    writeSeed(card, FILES);
    put(join(card, 'hostname'), 'kitchen-2\n');
    expect(refused()).toContain('hostname: not what seed.json says');
  });

  it('a file that is missing, a link, too large', () => {
    writeSeed(card, FILES);
    rmSync(join(card, 'hostname'));
    symlinkSync('/etc/shadow', join(card, 'hostname'));
    rmSync(join(card, 'broker-password'));
    put(join(card, 'claim.json'), new Uint8Array(2 * 1024 * 1024));
    const words = refused();
    expect(words).toContain('hostname: not a plain file');
    expect(words).toContain('broker-password: cannot be read');
    expect(words).toContain('claim.json: 2097152 bytes');
  });

  it.each([
    ['an invalid configuration', { 'appliance.yaml': 'zonez: []\n' }, 'appliance.yaml:1: zonez'],
    [
      'a configuration of another unit',
      { 'appliance.yaml': 'device: {id: b}\n' },
      'device.id is "b"',
    ],
    ['a bad host name', { hostname: '-x_y\n' }, 'hostname: "-x_y"'],
    ['an identity of another unit', { 'device.json': '{"deviceId":"b"}' }, 'deviceId is "b"'],
    ['a device.json that is none', { 'device.json': 'x' }, 'device.json: not JSON'],
    ['a certificate that is none', { 'device.crt': 'x' }, 'device.crt: cannot be used'],
    ['a key that is none', { 'device.key': 'x' }, 'device.key: cannot be used'],
    [
      'options before a key',
      { authorized_keys: 'command="x" ssh-rsa AAAA\n' },
      'authorized_keys:1',
    ],
  ])('%s', (_, files, words) => {
    writeSeed(card, { ...FILES, ...files });
    expect(refused()).toContain(words);
  });

  it('the command leaves error.txt on the card, and takes it away once all is well', () => {
    writeSeed(card, { ...FILES, hostname: '-' });
    const lines: string[] = [];
    const io = { out: (line: string) => lines.push(line), err: (line: string) => lines.push(line) };
    expect(runSeedImport({ from: card, to: root }, isRoot, io)).toBe(3);
    expect(textIn(card, 'error.txt')).toContain('- hostname: "-"');
    expect(lines.join('\n')).toContain('nothing was imported');
    put(join(card, 'hostname'), 'x');
    const text = textIn(card, 'error.txt');
    writeSeed(card, FILES);
    put(join(card, 'error.txt'), text);
    expect(runSeedImport({ from: card, to: root }, isRoot, io)).toBe(0);
    expect(existsSync(join(card, 'error.txt'))).toBe(false);
  });

  it('the command imports into a running system only as root', () => {
    const lines: string[] = [];
    const io = { out: (line: string) => lines.push(line), err: (line: string) => lines.push(line) };
    expect(runSeedImport({ from: card, to: '/' }, false, io)).toBe(4);
    expect(lines).toEqual(['seed: only root may import; run it with sudo']);
  });
});

describe.skipIf(!hasOpenssl)('an identity in a seed (needs openssl)', () => {
  let authority: Authority;
  beforeEach(() => (authority = new Authority()));
  afterEach(() => authority.remove());

  const identity = (crt: string, key: string, ca = authority.caFile): Record<string, string> => ({
    ...FILES,
    'ca.crt': authority.read(ca),
    'device.crt': authority.read(crt),
    'device.key': authority.read(key),
    'device.json': '{"deviceId":"kitchen-1"}',
  });

  it('is taken when key, certificate and authority belong together', () => {
    const { cert, key } = authority.make('kitchen-1', 'DNS:kitchen-1');
    writeSeed(card, identity(cert, key));
    expect(run().kind).toBe('imported');
    expect(textIn(root, 'etc/embereye/identity/device.key')).toBe(authority.read(key));
    expect(existsSync(join(card, 'device.key'))).toBe(false);
  });

  it('is refused with the key of another one, or another authority', () => {
    const { cert } = authority.make('kitchen-1', 'DNS:kitchen-1');
    const other = authority.make('b', 'DNS:b');
    writeSeed(card, identity(cert, other.key));
    expect(JSON.stringify(run())).toContain('does not belong to device.key');
    const self = authority.selfSigned('kitchen-1', 'DNS:kitchen-1');
    writeSeed(card, identity(self.cert, self.key));
    expect(JSON.stringify(run())).toContain('was not issued by ca.crt');
  });
});
