/**
 * Debian's arm64 kernels with apt's own checks of their signatures, without a change to this
 * machine's package lists: apt runs with folders of its own.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cachedFolder, CACHE, CannotRunHere, runTool } from '../arm64/host.ts';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const MIRROR = 'http://deb.debian.org';

export const DEBIAN_PARTS = [
  { file: 'dpkg-deb', apt: 'dpkg' },
  { file: 'apt-get', apt: 'apt' },
  { file: KEYRING, apt: 'debian-archive-keyring' },
] as const;

export type DebianRelease = 'bookworm' | 'trixie';

export interface GuestKernel {
  readonly release: DebianRelease;
  /** As `uname -r` says it. */
  readonly version: string;
  readonly image: string;
  /** Device tree of the Raspberry Pi 3 B. */
  readonly piTree: string;
  readonly busybox: string;
}

/**
 * The newest kernel of a release when it was first fetched; `renew` asks again.
 * @throws CannotRunHere when it cannot be fetched
 */
export async function debianKernel(release: DebianRelease, renew: boolean): Promise<GuestKernel> {
  const key = renew ? `${Date.now()}` : 'newest';
  const kept = join(CACHE, 'kernels', release);
  const fetch = (): Promise<string> =>
    cachedFolder(join('kernels', release), key, (folder) => fetchKernel(release, folder));
  const folder = existsSync(kept) && !renew ? kept : await fetch();
  const version = readFileSync(join(folder, 'version'), 'utf8');
  return {
    release,
    version,
    image: join(folder, 'vmlinuz'),
    piTree: join(folder, 'bcm2837-rpi-3-b.dtb'),
    busybox: join(folder, 'busybox'),
  };
}

async function fetchKernel(release: DebianRelease, folder: string): Promise<void> {
  console.log(`fetching the arm64 kernel of Debian ${release}`);
  const apt = await privateApt(release, join(folder, 'apt'));
  const shown = await apt('apt-cache', ['show', '--no-all-versions', 'linux-image-arm64']);
  const [, name] = /^Depends: (linux-image-\S+)/m.exec(shown) ?? [];
  if (name === undefined) throw new CannotRunHere(`Debian ${release} lists no arm64 kernel`);
  const downloads = join(folder, 'downloads');
  mkdirSync(downloads);
  await apt('apt-get', ['download', '-q', name, 'busybox-static'], downloads);
  const tree = join(folder, 'tree');
  for (const file of readdirSync(downloads)) {
    await runTool('dpkg-deb', ['-x', join(downloads, file), tree]);
  }
  const version = name.slice('linux-image-'.length);
  const piTree = join(tree, 'usr/lib', name, 'broadcom/bcm2837-rpi-3-b.dtb');
  cpSync(join(tree, 'boot', `vmlinuz-${version}`), join(folder, 'vmlinuz'));
  cpSync(join(tree, 'boot', `config-${version}`), join(folder, 'config'));
  cpSync(piTree, join(folder, 'bcm2837-rpi-3-b.dtb'));
  const busybox = ['usr/bin/busybox', 'bin/busybox'].map((path) => join(tree, path));
  cpSync(busybox.find((path) => existsSync(path)) ?? '', join(folder, 'busybox'));
  writeFileSync(join(folder, 'version'), version);
  await runTool('rm', ['-r', tree, downloads, join(folder, 'apt')]);
}

export type Apt = (command: string, args: readonly string[], cwd?: string) => Promise<string>;

/** An apt of its own for one release, in `folder`. @throws CannotRunHere */
export async function privateApt(release: DebianRelease, folder: string): Promise<Apt> {
  for (const path of ['state/lists/partial', 'cache/archives/partial']) {
    mkdirSync(join(folder, path), { recursive: true });
  }
  writeFileSync(join(folder, 'state', 'status'), '');
  const entry = (archive: string, suite: string): string =>
    `deb [arch=arm64 signed-by=${KEYRING}] ${MIRROR}/${archive} ${suite} main\n`;
  const sources = join(folder, 'sources.list');
  writeFileSync(
    sources,
    entry('debian', release) + entry('debian-security', `${release}-security`),
  );
  const settings = {
    'APT::Architecture': 'arm64',
    'APT::Architectures': 'arm64',
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Dir::State': join(folder, 'state'),
    'Dir::State::status': join(folder, 'state', 'status'),
    'Dir::Cache': join(folder, 'cache'),
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
  };
  const file = join(folder, 'apt.conf');
  const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`);
  writeFileSync(file, lines.join(''));
  const apt: Apt = (command, args, cwd = folder) =>
    runTool(command, args, { cwd, environment: { APT_CONFIG: file } });
  try {
    await apt('apt-get', ['update', '-q']);
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n').at(-1) ?? '') : String(error);
    throw new CannotRunHere(`Debian's package lists cannot be fetched from ${MIRROR}: ${why}`);
  }
  return apt;
}
