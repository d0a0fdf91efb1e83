/** Debian's smallest systems with systemd, made once by debootstrap and kept as tarballs. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cachedFolder, CACHE, runTool } from '../arm64/host.ts';
import { EMULATION_PARTS } from './emulation.ts';

export const SUITES = ['bookworm', 'trixie'] as const;
export type Suite = (typeof SUITES)[number];
export const DEBIAN_ARCHES = ['amd64', 'arm64'] as const;
export type DebianArch = (typeof DEBIAN_ARCHES)[number];

export const ROOT_PARTS = [
  { file: 'debootstrap', apt: 'debootstrap' },
  { file: '/usr/share/keyrings/debian-archive-keyring.gpg', apt: 'debian-archive-keyring' },
  { file: 'dpkg-deb', apt: 'dpkg' },
  { file: 'unshare', apt: 'util-linux' },
  { file: 'ip', apt: 'iproute2' },
  { file: 'ssh', apt: 'openssh-client' },
  { file: '/usr/sbin/mosquitto', apt: 'mosquitto' },
  ...EMULATION_PARTS,
] as const;

const MIRROR = 'http://deb.debian.org/debian';
/** With what the package depends on, so that its installation needs no network. */
const INCLUDED = 'systemd,udev,nftables,openssl,passwd,libstdc++6,procps';

export interface RootOptions {
  /** Made anew, with what Debian has now. */
  readonly renew: boolean;
  /** Packages beside those that every root has. */
  readonly more: readonly string[];
}

/** The tarball of a fresh root. @throws Error with debootstrap's last words */
export async function rootTarball(
  suite: Suite,
  arch: DebianArch,
  { renew, more }: RootOptions,
): Promise<string> {
  const name = join('deb-roots', [suite, arch, ...more].join('-'));
  const included = [INCLUDED, ...more].join(',');
  if (renew) rmSync(join(CACHE, name), { recursive: true, force: true });
  const folder = await cachedFolder(name, `${MIRROR} ${included}`, async (target) => {
    console.log(`making a root of Debian ${suite} for ${arch}: takes minutes, once`);
    const root = join(target, 'root');
    const downloads = join(CACHE, 'deb-roots-downloads');
    await runTool('mkdir', ['-p', downloads]);
    await runTool('debootstrap', [
      ...[`--arch=${arch}`, '--variant=minbase', `--include=${included}`],
      ...[`--cache-dir=${downloads}`, suite, root, MIRROR],
    ]);
    await runTool('rm', ['-rf', join(root, 'var/cache/apt/archives'), join(root, 'proc')]);
    await runTool('mkdir', [
      '-p',
      join(root, 'proc'),
      join(root, 'var/cache/apt/archives/partial'),
    ]);
    await pack(root, join(target, TARBALL));
    await runTool('rm', ['-rf', '--one-file-system', root]);
  });
  return join(folder, TARBALL);
}

const TARBALL = 'root.tar.gz';

async function pack(root: string, file: string): Promise<void> {
  const numbers = ['--numeric-owner', '--xattrs', '--acls'];
  await runTool('tar', ['-I', 'gzip -1', ...numbers, '-cf', file, '-C', root, '.']);
}

/** Unpacks a fresh root into `folder`, which must not exist. */
export async function unpackRoot(tarball: string, folder: string): Promise<void> {
  if (existsSync(folder)) throw new Error(`${folder} is there already`);
  await runTool('mkdir', ['-p', folder]);
  await runTool('tar', ['--numeric-owner', '--xattrs', '--acls', '-xzf', tarball, '-C', folder]);
  // All that is needed is there: an emulated apt reads these lists for minutes, for nothing.
  await runTool('rm', ['-rf', join(folder, 'var/lib/apt/lists')]);
}
