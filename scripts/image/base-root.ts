/** The root without the product: Debian's packages, then what only the image has. Both cached. */
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { CACHE, cachedFolder, CannotRunHere, ROOT, runTool } from '../../test/arm64/host.ts';
import { packRoot, runInRoot, unpackRoot } from './arm64-root.ts';
import { DATA_LINKS, fstabText } from './layout.ts';
import type { DebianSuite } from './packages.ts';
import { COMPONENTS, DPKG_SETTINGS, KEYRING, MIRROR, PACKAGES, sourcesText } from './packages.ts';

const SYSTEM_IMAGE = join(ROOT, 'system', 'image');
const PACKED = 'root.tar';
/** The initramfs itself, and what its tools of bookworm remember about it. */
const INITRAMFS_FOLDERS = ['boot', 'var/lib/initramfs-tools'] as const;
const APT = ['apt-get', '-y', '-q', '-o', 'Dpkg::Options::=--force-unsafe-io'] as const;

export type Say = (line: string) => void;

/**
 * Packs Debian's packages, as new as they were when it was first made, into a file of the cache.
 * @param renew asks Debian again
 * @throws CannotRunHere when Debian cannot be reached
 */
async function debianRoot(suite: DebianSuite, renew: boolean, say: Say): Promise<string> {
  const name = nameOf('debian', suite);
  if (renew) rmSync(join(CACHE, name), { recursive: true, force: true });
  const key = `${PACKAGES.join(' ')}\n${DPKG_SETTINGS}${sourcesText(suite)}`;
  const folder = await cachedFolder(name, key, async (target) => {
    say(`fetching Debian ${suite} for arm64 (ten minutes or more; kept for the next time)`);
    const root = join(target, 'root');
    await bootstrap(suite, root);
    say('installing its packages through qemu-user');
    await installPackages(suite, root);
    await packRoot(root, join(target, PACKED));
    rmSync(root, { recursive: true });
  });
  return join(folder, PACKED);
}

const nameOf = (kind: string, suite: string): string => join('images', `${kind}-${suite}`);

async function bootstrap(suite: DebianSuite, root: string): Promise<void> {
  try {
    await runTool('debootstrap', [
      ...['--arch=arm64', '--variant=minbase', '--foreign', `--keyring=${KEYRING}`],
      ...[`--components=${COMPONENTS.replaceAll(' ', ',')}`, suite, root, `${MIRROR}/debian`],
    ]);
  } catch (error) {
    const last = error instanceof Error ? (error.message.trim().split('\n').at(-1) ?? '') : '';
    throw new CannotRunHere(
      `debootstrap of ${suite} from ${MIRROR} failed: ${last}; is the network there?`,
    );
  }
  writeFileSync(join(root, 'etc/dpkg/dpkg.cfg.d/embereye'), DPKG_SETTINGS);
  await runInRoot(root, ['/debootstrap/debootstrap', '--second-stage']);
}

async function installPackages(suite: DebianSuite, root: string): Promise<void> {
  writeFileSync(join(root, 'etc/apt/sources.list'), sourcesText(suite));
  cpSync('/etc/resolv.conf', join(root, 'etc/resolv.conf'), { dereference: true });
  const policy = join(root, 'usr/sbin/policy-rc.d');
  // Nothing is started while packages are installed here.
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  // The initramfs is made once, at the end.
  const environment = { INITRD: 'No' };
  await runInRoot(root, [...APT, 'update'], environment);
  await runInRoot(root, [...APT, 'upgrade'], environment);
  const install = [...APT, 'install', '--no-install-recommends', ...PACKAGES];
  await runInRoot(root, install, environment);
  await runInRoot(root, ['apt-get', 'clean']);
  rmSync(policy);
  rmSync(join(root, 'var/lib/apt/lists'), { recursive: true });
  mkdirSync(join(root, 'var/lib/apt/lists/partial'), { recursive: true });
}

/** What a build starts from. */
export interface Base {
  /** A root with Debian's packages, packed. */
  readonly packed: string;
  /** A folder with what update-initramfs made, laid out as in the root. */
  readonly initramfs: string;
  /** Seconds; when Debian's packages were fetched. No time in the image is later. */
  readonly epoch: number;
}

/** What takes long, from the cache. @throws CannotRunHere, or Error with its last words */
export async function baseOf(suite: DebianSuite, renew: boolean, say: Say): Promise<Base> {
  const packed = await debianRoot(suite, renew, say);
  const epoch = Math.floor(statSync(packed).mtimeMs / 1000);
  const settings = 'etc/initramfs-tools';
  const ours = join(SYSTEM_IMAGE, 'root', settings);
  const name = nameOf('initramfs', suite);
  const initramfs = await cachedFolder(name, `${epoch} ${digestOf(ours)}`, async (target) => {
    say('making the initramfs through qemu-user (some minutes; kept for the next time)');
    const root = join(target, 'root');
    mkdirSync(root);
    await unpackRoot(packed, root);
    await layFiles(ours, join(root, settings));
    const environment = { SOURCE_DATE_EPOCH: `${epoch}` };
    await runInRoot(root, ['update-initramfs', '-c', '-k', 'all'], environment);
    for (const folder of INITRAMFS_FOLDERS) {
      mkdirSync(join(target, folder), { recursive: true });
      if (!existsSync(join(root, folder))) continue;
      for (const file of readdirSync(join(root, folder))) {
        const made = folder !== 'boot' || file.startsWith('initrd.img-');
        if (made) cpSync(join(root, folder, file), join(target, folder, file));
      }
    }
    rmSync(root, { recursive: true });
  });
  return { packed, initramfs, epoch };
}

/** Makes `root`, a new folder, the whole root but for the product: boot files too. */
export async function prepareRoot({ packed, initramfs, epoch }: Base, root: string): Promise<void> {
  mkdirSync(root, { mode: 0o755 });
  await unpackRoot(packed, root);
  await layImageFiles(root);
  for (const folder of INITRAMFS_FOLDERS) {
    cpSync(join(initramfs, folder), join(root, folder), { recursive: true });
  }
  const prepare = '/usr/lib/embereye/image/prepare';
  await runInRoot(root, [prepare], { SOURCE_DATE_EPOCH: `${epoch}` });
  rmSync(join(root, prepare));
}

/** With tar, so that what lies there keeps its owner and mode, and ours belongs to root. */
async function layFiles(from: string, to: string): Promise<void> {
  const pack = join(to, 'files.tar');
  await runTool('tar', ['--owner=0', '--group=0', '--mode=go-w', '-cf', pack, '-C', from, '.']);
  await runTool('tar', ['--no-overwrite-dir', '-xpf', pack, '-C', to]);
  rmSync(pack);
}

async function layImageFiles(root: string): Promise<void> {
  await layFiles(join(SYSTEM_IMAGE, 'root'), root);
  cpSync(join(SYSTEM_IMAGE, 'prepare'), join(root, 'usr/lib/embereye/image/prepare'));
  writeFileSync(join(root, 'etc/fstab'), fstabText());
  for (const [at, target] of Object.entries(DATA_LINKS)) {
    rmSync(join(root, at), { recursive: true, force: true });
    mkdirSync(dirname(join(root, at)), { recursive: true });
    symlinkSync(target, join(root, at));
  }
  const overlays = join(SYSTEM_IMAGE, 'overlays');
  for (const name of readdirSync(overlays)) {
    const built = join(root, 'boot/firmware/overlays', name.replace(/\.dts$/, '.dtbo'));
    await runTool('dtc', ['-@', '-q', '-O', 'dtb', '-o', built, join(overlays, name)]);
  }
}

/** Changes with every name, mode and byte below a folder. */
export function digestOf(folder: string): string {
  const hash = createHash('sha256');
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
  for (const name of names) {
    const path = join(folder, name);
    const bytes = readFileSync(path);
    hash.update(`${name}\0${statSync(path).mode & 0o777}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex');
}
