import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Refused } from '../../src/update/refused.ts';
import { resume } from '../../src/update/resume.ts';
import { verifyTree } from '../../src/update/tree.ts';
import { checkRelease, putOnTrial } from '../../src/update/updater.ts';
import {
  makeRelease,
  packTree,
  plainMain,
  SigningKey,
  writeManifest,
  writeTree,
} from './releases.ts';
import { seen, Site, TERMS } from './site.ts';

let site: Site;
beforeEach(() => {
  site = new Site();
});
afterEach(() => site.remove());

const install = (from: string, more = {}) =>
  putOnTrial(site.order(from, more), TERMS, site.world());

/** The name of what the real launcher would start, by the tree that it lies in. */
function launched(...args: string[]): string {
  const launcher = join(import.meta.dirname, '../../system/bin/embereye-launch');
  const environment = { ...process.env, EMBEREYE_ROOT: site.root };
  return execFileSync('sh', [launcher, ...args, '--version'], { env: environment })
    .toString()
    .trim();
}

describe('a release', () => {
  it('that is signed and newer is installed, flushed, and on trial', async () => {
    const trial = await install(makeRelease(site.out, { version: '1.1.0', key: site.key }));
    expect(trial).toMatchObject({ slot: 'a', version: '1.1.0', origin: 'cli:root' });
    expect(site.steps).toEqual([
      ...['fetched', 'verified', 'forgotten', 'emptied', 'unpacked', 'compared', 'triedOut'],
      ...['renamed', 'begun', 'restarted'],
    ]);
    expect(site.state).toMatchObject({ current: { place: 'factory' }, trial: { slot: 'a' } });
    expect(site.phases).toEqual(['requested 1.1.0', 'started 1.1.0']);
    await verifyTree(join(site.paths.releases, 'a'));
    expect(launched()).toBe('1.1.0');
    expect(launched('--confirmed')).toBe('1.0.0');
  });

  it('a second one goes into the other slot; the one that runs is not touched', async () => {
    site.looked = () => seen('1.0.0');
    await install(makeRelease(site.out, { version: '1.1.0', key: site.key }));
    site.looked = () => seen('1.1.0');
    const judged = resume(TERMS, site.world());
    await site.clock.run(TERMS.steadyMs + 5000);
    expect(await judged).toBe('confirmed');
    await install(makeRelease(site.out, { version: '1.2.0', key: site.key }));
    expect(site.state).toMatchObject({ current: { place: 'a' }, trial: { slot: 'b' } });
    expect(launched('--confirmed')).toBe('1.1.0');
  });

  const cases: readonly (readonly [string, string, (out: string, key: SigningKey) => string])[] = [
    [
      'of somebody else',
      'not trusted here',
      (out) => makeRelease(out, { version: '1.1.0', key: new SigningKey('ffffffffffffffff') }),
    ],
    [
      'that was changed',
      'is not what key',
      (out, key) => {
        const file = makeRelease(out, { version: '1.1.0', key });
        writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.from('x')]));
        return file;
      },
    ],
    [
      'without a signature',
      '.minisig cannot be read',
      (out, key) => {
        const file = makeRelease(out, { version: '1.1.0', key });
        rmSync(`${file}.minisig`);
        return file;
      },
    ],
    [
      'that is older',
      '--allow-downgrade',
      (out, key) => makeRelease(out, { version: '0.9.0', key }),
    ],
    [
      'that runs already',
      'runs already',
      (out, key) => makeRelease(out, { version: '1.0.0', key }),
    ],
    [
      'for another machine',
      'this machine is linux-',
      (out, key) =>
        makeRelease(out, { version: '1.1.0', key, arch: process.arch === 'x64' ? 'arm64' : 'x64' }),
    ],
    [
      'whose signature is of another version',
      'outside of embereye-1.2.0/',
      (out, key) => {
        const parts = { version: '1.1.0', key };
        writeTree(join(out, 'tree'), parts);
        return packTree(join(out, 'tree'), out, parts, `embereye 1.2.0 linux-${process.arch}`);
      },
    ],
    [
      'whose signature is of no release',
      'is no release of embereye',
      (out, key) => {
        writeTree(join(out, 'tree'), { version: '1.1.0', key });
        return packTree(join(out, 'tree'), out, { version: '1.1.0', key }, 'SHA256SUMS');
      },
    ],
    [
      'with another database',
      'no way back',
      (out, key) => makeRelease(out, { version: '1.1.0', key, databaseVersion: 2 }),
    ],
    [
      'that does not start',
      'does not run on this machine',
      (out, key) => makeRelease(out, { version: '1.1.0', key, main: 'echo broken build; exit 1' }),
    ],
    [
      'that calls itself otherwise',
      'does not run on this machine (--version: 9.9.9',
      (out, key) => makeRelease(out, { version: '1.1.0', key, main: plainMain('9.9.9') }),
    ],
    [
      'that does not take the configuration',
      'does not take the configuration',
      (out, key) => {
        const refuses = `case "$*" in *check-config*) exit 3 ;; esac\n`;
        return makeRelease(out, { version: '1.1.0', key, main: plainMain('1.1.0') + refuses });
      },
    ],
    [
      'that is not gzip',
      'cannot be unpacked',
      (out, key) => {
        const file = join(out, 'x.tar.gz');
        writeFileSync(file, 'no gzip at all');
        const text = key.signature(
          Buffer.from('no gzip at all'),
          `embereye 1.1.0 linux-${process.arch}`,
        );
        writeFileSync(`${file}.minisig`, text);
        return file;
      },
    ],
  ];
  it.each(cases)('%s is refused, and nothing changes', async (_, why, make) => {
    const refusal = install(make(site.out, site.key));
    await expect(refusal).rejects.toThrow(Refused);
    await expect(refusal).rejects.toThrow(why);
    expect(site.state).toMatchObject({ current: { place: 'factory' }, trial: null });
    expect(site.phases.at(-1)).toMatch(/^refused /);
    expect(site.state?.history.at(-1)?.reason).toContain(why);
    for (const name of ['a', 'a.unfinished']) {
      expect(existsSync(join(site.paths.releases, name)), name).toBe(false);
    }
    expect(site.restarts).toBe(0);
    expect(launched()).toBe('1.0.0');
  });

  it('that is exchanged after its signature was checked is refused', async () => {
    const from = makeRelease(site.out, { version: '1.1.0', key: site.key });
    site.onStep = (name) => {
      if (name !== 'verified') return;
      const parts = { version: '1.1.0', key: site.key, more: { 'dist/evil.js': 'x' } };
      rmSync(join(site.out, 'tree-1.1.0'), { recursive: true });
      makeRelease(site.out, parts);
    };
    await expect(install(from)).rejects.toThrow('was changed while it was read');
    expect(existsSync(join(site.paths.releases, 'a.unfinished'))).toBe(false);
  });

  it('an older one is installed by whoever stands there and says so', async () => {
    const from = makeRelease(site.out, { version: '0.9.0', key: site.key });
    expect((await install(from, { allowDowngrade: true })).version).toBe('0.9.0');
  });

  it('another version than was asked for is refused', async () => {
    const from = makeRelease(site.out, { version: '1.1.0', key: site.key });
    await expect(install(from, { wanted: '1.2.0' })).rejects.toThrow('1.2.0 was asked for');
  });

  it('a key of the owner counts too', async () => {
    const owner = new SigningKey('ffffffffffffffff');
    const { ownerKeys } = site.paths;
    execFileSync('mkdir', ['-p', ownerKeys]);
    writeFileSync(join(ownerKeys, 'owner.pub'), owner.publicText);
    expect(await install(makeRelease(site.out, { version: '1.1.0', key: owner }))).toBeDefined();
  });

  it('without room it is refused before anything is unpacked', async () => {
    site.free = 70 * 1024 * 1024 - 1;
    const more = { 'config/large': 'x'.repeat(8 * 1024 * 1024) };
    const from = makeRelease(site.out, { version: '1.1.0', key: site.key, more });
    await expect(install(from)).rejects.toThrow(/has 70 MiB left.*make room/);
    expect(site.steps).not.toContain('unpacked');
  });

  it('--check says what would be, and does nothing', async () => {
    const from = makeRelease(site.out, { version: '1.1.0', key: site.key });
    const text = await checkRelease(site.order(from), site.world());
    expect(text).toBe('1.1.0 would be installed over 1.0.0');
    expect(site.state).toBeNull();
  });

  it('everybody may read what is installed, whatever mask root works with', async () => {
    const from = makeRelease(site.out, { version: '1.1.0', key: site.key });
    const mask = process.umask(0o077);
    try {
      await install(from);
    } finally {
      process.umask(mask);
    }
    const modeOf = (path: string): number => statSync(join(site.paths.releases, path)).mode & 0o777;
    for (const folder of ['.', 'a', 'a/bin']) expect(modeOf(folder), folder).toBe(0o755);
    expect(modeOf('state.json')).toBe(0o644);
    expect(modeOf('a/bin/node')).toBe(0o755);
    expect(modeOf('a/dist/embereye.js')).toBe(0o755);
    expect(modeOf('a/release.json')).toBe(0o644);
  });

  it('only one updater works at a time', async () => {
    const from = makeRelease(site.out, { version: '1.1.0', key: site.key });
    let second: Promise<unknown> = Promise.resolve();
    site.onStep = (name) => {
      if (name === 'verified') second = install(from).catch((error: unknown) => error);
    };
    await install(from);
    expect(String(await second)).toContain('another update is under way');
  });

  it('the lock of a process that is gone counts no more', async () => {
    const from = makeRelease(site.out, { version: '1.1.0', key: site.key });
    execFileSync('mkdir', ['-p', site.paths.releases]);
    writeFileSync(join(site.paths.releases, 'install.lock'), `${process.pid} another-boot 1`);
    expect((await install(from)).version).toBe('1.1.0');
  });
});

describe('a tree that is not what its manifest says is refused', () => {
  const spoils: readonly (readonly [string, string, (tree: string) => void])[] = [
    ['a file more', 'is not in the manifest', (tree) => writeFileSync(`${tree}/extra`, '')],
    ['a file less', 'is missing', (tree) => rmSync(`${tree}/keys/test.pub`)],
    [
      'other content',
      'has other content',
      (tree) => {
        const text = readFileSync(`${tree}/dist/embereye.js`, 'utf8');
        writeFileSync(`${tree}/dist/embereye.js`, text.replace('echo', 'ecko'));
      },
    ],
    ['other length', 'bytes', (tree) => writeFileSync(`${tree}/keys/test.pub`, 'short')],
    ['other rights', 'has the permissions 777', (tree) => chmodSync(`${tree}/bin/node`, 0o777)],
    ['setuid', 'has the permissions 4755', (tree) => chmodSync(`${tree}/bin/node`, 0o4755)],
    [
      'a link elsewhere',
      'leads to',
      (tree) => {
        rmSync(`${tree}/config/link`);
        symlinkSync('../bin/node', `${tree}/config/link`);
      },
    ],
    [
      'a link for a file',
      'is no file',
      (tree) => {
        renameSync(`${tree}/bin/node`, `${tree}/../node`);
        symlinkSync('/bin/sh', `${tree}/bin/node`);
      },
    ],
    [
      'a link out, also by the manifest',
      'outside',
      (tree) => {
        symlinkSync('../../../etc', `${tree}/config/etc`);
        writeManifest(tree);
      },
    ],
    [
      'no program',
      'is not in the manifest',
      (tree) => {
        rmSync(`${tree}/bin/node`);
        writeManifest(tree);
      },
    ],
    ['no manifest', 'cannot be used', (tree) => rmSync(`${tree}/manifest.json`)],
  ];
  it.each(spoils)('%s', async (_, why, spoil) => {
    const tree = join(site.out, 'spoilt');
    writeTree(tree, { version: '1.1.0', key: site.key });
    await verifyTree(tree);
    spoil(tree);
    await expect(verifyTree(tree)).rejects.toThrow(Refused);
    await expect(verifyTree(tree)).rejects.toThrow(why);
  });

  it('a tarball with such a tree installs nothing', async () => {
    const tree = join(site.out, 'tree');
    const parts = { version: '1.1.0', key: site.key };
    writeTree(tree, parts);
    chmodSync(join(tree, 'bin/node'), 0o4755);
    await expect(install(packTree(tree, site.out, parts))).rejects.toThrow('is setuid');
    chmodSync(join(tree, 'bin/node'), 0o755);
    symlinkSync('/etc/passwd', join(tree, 'config/passwd'));
    await expect(install(packTree(tree, site.out, parts))).rejects.toThrow('outside');
    rmSync(join(tree, 'config/passwd'));
    execFileSync('ln', [join(tree, 'bin/node'), join(tree, 'bin/other')]);
    await expect(install(packTree(tree, site.out, parts))).rejects.toThrow('neither file nor');
  });
});
