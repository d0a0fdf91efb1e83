import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PackedSeed, SeedParts } from '../../scripts/provision/seed-pack.ts';
import { hostNameOf, packSeed } from '../../scripts/provision/seed-pack.ts';
import { Authority, hasOpenssl } from '../uplink/authority.ts';
import { CONFIG } from './flash-image.ts';

const DAY_MS = 86_400_000;
let folder: string;
let authority: Authority;

const pack = (change: Partial<SeedParts> = {}, nowMs = Date.now()): PackedSeed =>
  packSeed(
    {
      config: { name: 'unit.yaml', text: CONFIG },
      ...{ identity: null, hostname: null, networks: [], authorizedKeys: null },
      ...{ brokerPassword: null, releaseKeys: [] },
      ...change,
    },
    nowMs,
  );

describe('a seed for a card', () => {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'embereye-pack-'));
    return () => rmSync(folder, { recursive: true });
  });

  it('refuses a configuration that the unit would refuse, with file, line and remedy', () => {
    const text = 'device:\n  id: a\nzonez: []\n';
    expect(() => pack({ config: { name: 'unit.yaml', text } })).toThrow(
      'unit.yaml:3: zonez = []: unknown field; did you mean "zones"?',
    );
  });

  it('refuses names, keys and files that are no good, all at once', () => {
    writeFileSync(join(folder, 'keys'), 'from="*" ssh-ed25519 AAAA\n');
    const networks = [{ name: 'Wired.NETWORK', bytes: Buffer.from('x') }];
    const wrong = { hostname: 'a b', authorizedKeys: join(folder, 'keys'), networks };
    expect(() => pack(wrong)).toThrow(
      /Wired.NETWORK: call it[^]*hostname: "a b"[^]*authorized_keys:1/,
    );
    expect(() => pack({ brokerPassword: join(folder, 'none') })).toThrow('none: cannot be read');
  });

  it('tells of files that the configuration names and the card does not bring', () => {
    const text = `${CONFIG}uplink:
  brokers:
    - { id: a, url: 'mqtts://b:8883', username: x, passwordFile: /etc/embereye/broker-password }
    # - passwordFile: /etc/embereye/old
`;
    const config = { name: 'unit.yaml', text };
    expect(pack({ config }).notes).toEqual([
      'the configuration names /etc/embereye/broker-password, which this card does not bring',
    ]);
    writeFileSync(join(folder, 'password'), 'x');
    expect(pack({ config, brokerPassword: join(folder, 'password') }).notes).toEqual([]);
  });

  it.each([
    ['kitchen_1', 'kitchen-1'],
    ['_a_', 'a'],
    ['---', 'embereye'],
  ])('%s has the host name %s', (id, name) => {
    expect(hostNameOf(id)).toBe(name);
  });
});

describe.skipIf(!hasOpenssl)('an identity for a card (needs openssl)', () => {
  let good: { cert: string; key: string };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'embereye-identity-'));
    authority = new Authority();
    good = authority.make('kitchen-1', 'DNS:kitchen-1');
  });
  afterAll(async () => {
    await authority.remove();
    rmSync(folder, { recursive: true });
  });

  const identity = (cert = good.cert, key: string | null = good.key, id = 'kitchen-1'): string => {
    const made = mkdtempSync(join(folder, 'one-'));
    mkdirSync(made, { recursive: true });
    writeFileSync(join(made, 'ca.crt'), authority.read(authority.caFile));
    writeFileSync(join(made, 'device.crt'), authority.read(cert));
    writeFileSync(join(made, 'device.json'), JSON.stringify({ deviceId: id }));
    if (key !== null) writeFileSync(join(made, 'device.key'), authority.read(key));
    return made;
  };

  it('goes along, its secrets as such', () => {
    const { files, deviceId } = pack({ identity: identity() });
    expect(deviceId).toBe('kitchen-1');
    const manifest = JSON.parse(files.get('seed.json')!.toString()) as {
      files: Record<string, { mode: string; to: string }>;
    };
    expect(manifest.files['device.key']).toMatchObject({
      ...{ mode: '0640', to: '/etc/embereye/identity/device.key' },
    });
  });

  it('is refused when its certificate is for another key', () => {
    const other = authority.make('b', 'DNS:b');
    expect(() => pack({ identity: identity(good.cert, other.key) })).toThrow(
      'device.crt: does not belong to device.key',
    );
  });

  it('is refused when it is for another unit', () => {
    const { cert, key } = authority.make('b', 'DNS:b');
    expect(() => pack({ identity: identity(cert, key) })).toThrow('device.crt: is for "b"');
    expect(() => pack({ identity: identity(cert, key, 'b') })).toThrow('deviceId is "b"');
  });

  it('is refused when it has expired, or is not valid yet', () => {
    const old = authority.make('kitchen-1', 'DNS:a', [-20, -1]);
    expect(() => pack({ identity: identity(old.cert, old.key) })).toThrow(
      /device.crt: has expired on .*enrol the unit again/,
    );
    const early = authority.make('kitchen-1', 'DNS:a', [5, 50]);
    expect(() => pack({ identity: identity(early.cert, early.key) })).toThrow(
      /device.crt: is not valid before .*set the clock/,
    );
  });

  it('is refused when its authority has expired', () => {
    expect(() => pack({ identity: identity() }, Date.now() + 301 * DAY_MS)).toThrow(
      /ca.crt: has expired on .*provision ca renew/,
    );
  });

  it('is refused without its key: it was made on another unit', () => {
    expect(() => pack({ identity: identity(good.cert, null) })).toThrow('no device.key');
    expect(() => pack({ identity: join(folder, 'none') })).toThrow('not an identity');
  });
});
