import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeDeb } from '../../scripts/release/deb.ts';
import { changelogText, controlText } from '../../scripts/release/deb-control.ts';
import { debianVersion } from '../../scripts/release/version.ts';
import { hasProgram } from './programs.ts';
import { writeFakeTree } from './fake-tree.ts';

const EPOCH = 1_800_000_000;

function output(command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

describe('control', () => {
  const facts = {
    debianVersion: '1.2.3~rc.1',
    architecture: 'arm64',
    installedKibibytes: 4321,
    libraries: ['libstdc++6 (>= 11)', 'libc6 (>= 2.34)'],
  } as const;

  it('names what the programs and the scripts need', () => {
    const lines = controlText(facts).split('\n');
    expect(lines).toContain('Version: 1.2.3~rc.1');
    expect(lines).toContain('Architecture: arm64');
    expect(lines).toContain('Installed-Size: 4321');
    expect(lines).toContain(
      'Depends: libc6 (>= 2.34), libstdc++6 (>= 11), nftables, openssl, passwd',
    );
    expect(controlText(facts).endsWith('\n')).toBe(true);
  });

  it('has a changelog with the time of the sources', () => {
    const text = changelogText('1.2.3', EPOCH);
    expect(text).toContain('embereye (1.2.3) stable; urgency=medium');
    expect(text).toContain('>  Fri, 15 Jan 2027 08:00:00 +0000');
  });
});

describe.skipIf(!hasProgram('dpkg'))('versions, as dpkg sorts them (needs dpkg)', () => {
  it.each([
    ['1.2.3-rc.1', '1.2.3'],
    ['1.2.3-rc.1', '1.2.3-rc.2'],
    ['1.2.3-rc.9', '1.2.3-rc.10'],
    ['1.2.3-alpha', '1.2.3-beta'],
    ['1.2.3', '1.2.10'],
    ['1.9.0', '1.10.0-beta'],
  ])('%s is older than %s', (older, newer) => {
    const args = ['--compare-versions', debianVersion(older), 'lt', debianVersion(newer)];
    expect(spawnSync('dpkg', args).status).toBe(0);
  });
});

describe.skipIf(!hasProgram('dpkg-deb'))('the package of a tree (needs dpkg-deb)', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'embereye-package-'));
    writeFakeTree(join(folder, 'tree'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const make = (out: string, version = '1.2.3'): Promise<string> => {
    const tree = join(folder, 'tree');
    return writeDeb({
      tree,
      version,
      arch: 'arm64',
      out: join(folder, out),
      sourceDateEpoch: EPOCH,
    });
  };

  it('has each file in its place, of root, readable and as old as the sources', async () => {
    const file = await make('out', '1.2.3-rc.1');
    expect(basename(file)).toBe('embereye_1.2.3~rc.1_arm64.deb');
    const shown = new Map(
      output('env', 'TZ=UTC', 'dpkg-deb', '--contents', file)
        .trim()
        .split('\n')
        .map((line) => {
          const [mode, owner, , day, time, path = '', ...rest] = line.split(/\s+/);
          return [path.slice(1), [mode, owner, day, time, ...rest].join(' ')];
        }),
    );
    const when = 'root/root 2027-01-15 08:00';
    expect(Object.fromEntries(shown)).toMatchObject({
      '/opt/embereye/': `drwxr-xr-x ${when}`,
      '/opt/embereye/bin/node': `-rwxr-xr-x ${when}`,
      '/opt/embereye/bin/embereye-launch': `-rwxr-xr-x ${when}`,
      '/opt/embereye/dist/embereye.js': `-rw-r--r-- ${when}`,
      '/opt/embereye/dist/linked.js': `lrwxrwxrwx ${when} -> embereye.js`,
      '/opt/embereye/system/bin/embereye': `-rwxr-xr-x ${when}`,
      '/usr/bin/embereye': `lrwxrwxrwx ${when} -> /opt/embereye/bin/embereye`,
      '/usr/lib/systemd/system/embereye.service': `-rw-r--r-- ${when}`,
      '/usr/lib/systemd/system/embereye.service.d/limits.conf': `-rw-r--r-- ${when}`,
      '/usr/lib/udev/rules.d/70-embereye.rules': `-rw-r--r-- ${when}`,
      '/usr/share/doc/embereye/copyright': `-rw-r--r-- ${when}`,
      '/usr/share/doc/embereye/changelog.gz': `-rw-r--r-- ${when}`,
    });
    const outside = [...shown.keys()].filter((path) => !/^\/(opt|usr|$)/.test(path));
    expect(outside).toEqual([]);
    expect([...shown.keys()].filter((path) => path.endsWith('/fstab'))).toEqual([
      '/opt/embereye/system/image/fstab',
    ]);
    expect(new Set([...shown.values()].map((line) => line.split(' ')[1]))).toEqual(
      new Set(['root/root']),
    );
  });

  it('has sums of every file, and no conffile that apt would ask about', async () => {
    const file = await make('out');
    const control = join(folder, 'control');
    output('dpkg-deb', '--control', file, control);
    const root = join(folder, 'unpacked');
    output('dpkg-deb', '--extract', file, root);
    const sums = readFileSync(join(control, 'md5sums'), 'utf8');
    const files = output('find', root, '-type', 'f', '-printf', '%P\n').trim().split('\n');
    expect(
      sums
        .trim()
        .split('\n')
        .map((line) => line.slice(34)),
    ).toEqual(files.sort());
    output('sh', '-c', `cd ${root} && md5sum --quiet --check ${control}/md5sums`);
    const members = output('sh', '-c', `cd ${control} && ls`);
    expect(members.trim().split('\n').sort()).toEqual(
      ['control', 'md5sums', 'postinst', 'postrm', 'preinst', 'prerm'].sort(),
    );
  });

  it('switches on the units that say where they belong, and stops all', async () => {
    const file = await make('out');
    output('dpkg-deb', '--control', file, join(folder, 'control'));
    const script = (name: string): string => readFileSync(join(folder, 'control', name), 'utf8');
    expect(script('postinst')).toContain("UNITS='embereye-gpio-holder.service embereye.service'");
    expect(script('prerm')).toContain(
      "ALL_UNITS='embereye.service embereye-gpio-holder.service embereye-update.service'",
    );
    expect(script('preinst')).toContain("DATABASE_VERSION='3'");
  });

  it('is the same bytes from the same files, whatever their times and modes', async () => {
    const first = readFileSync(await make('one'));
    const tree = join(folder, 'tree');
    utimesSync(join(tree, 'release.json'), 1, 1);
    chmodSync(join(tree, 'release.json'), 0o600);
    chmodSync(join(tree, 'system'), 0o700);
    const second = readFileSync(await make('two'));
    expect(second.equals(first)).toBe(true);
  });

  it('refuses a system file that nobody said the place of', async () => {
    writeFakeTreeAgain({ 'system/polkit/rules': 'x' });
    await expect(make('out')).rejects.toThrow('system/polkit: its place is not known');
  });

  it('refuses a tree that does not say which database it writes', async () => {
    writeFakeTreeAgain({ 'release.json': '{}' });
    await expect(make('out')).rejects.toThrow('names no databaseVersion');
  });

  function writeFakeTreeAgain(more: Readonly<Record<string, string>>): void {
    rmSync(join(folder, 'tree'), { recursive: true });
    writeFakeTree(join(folder, 'tree'), more);
  }
});
