/** A root of arm64 as a folder of this machine, and commands in it through qemu-user. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { CannotRunHere, runTool } from '../../test/arm64/host.ts';

const REGISTRY = '/proc/sys/fs/binfmt_misc';
/** As the package qemu-user-static would have the system's own service register it. */
const REGISTRATION = '/usr/lib/binfmt.d/qemu-aarch64.conf';

/**
 * Programs of arm64 start on this machine afterwards. On a machine whose init does so already
 * nothing happens; else it stays registered until the next start of the machine.
 * @throws CannotRunHere with what to install
 */
export async function ensureArm64Programs(): Promise<void> {
  if (process.arch === 'arm64') return;
  const entry = `${REGISTRY}/qemu-aarch64`;
  if (!existsSync(`${REGISTRY}/register`)) {
    await runTool('mount', ['-t', 'binfmt_misc', 'binfmt_misc', REGISTRY]);
  }
  if (existsSync(entry)) return;
  if (!existsSync(REGISTRATION)) {
    throw new CannotRunHere('install first: sudo apt-get install -y qemu-user-static');
  }
  try {
    writeFileSync(`${REGISTRY}/register`, readFileSync(REGISTRATION, 'utf8').trim());
  } catch (error) {
    // Another build may have been faster.
    if (existsSync(entry)) return;
    const cause = error instanceof Error ? error.message : String(error);
    throw new CannotRunHere(`programs of arm64 cannot be registered (${cause}); start binfmt_misc`);
  }
}

/**
 * Mounts live in a namespace of the command's own: they are gone with it, however it ends. The
 * shell stays as the first process outside the new root, so that maintainer scripts see a chroot.
 */
const IN_ROOT = `
root="$1"; shift
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for name in null zero full random urandom tty; do
  touch "$root/dev/$name"; mount --bind "/dev/$name" "$root/dev/$name"
done
ln -s /proc/self/fd "$root/dev/fd"
chroot "$root" "$@"
exit $?
`;

/** Runs a command in a root. @throws Error with its last words */
export function runInRoot(
  root: string,
  command: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  return runTool(
    'unshare',
    [
      ...['--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private'],
      ...['sh', '-ec', IN_ROOT, 'sh', root, ...command],
    ],
    {
      cwd: '/',
      environment: {
        LC_ALL: 'C.UTF-8',
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        HOME: '/root',
        DEBIAN_FRONTEND: 'noninteractive',
        ...environment,
      },
    },
  );
}

const TAR = ['--numeric-owner', '--xattrs', '--xattrs-include=*', '--sort=name'] as const;

/** Packs a root into one file, owners and all. */
export async function packRoot(root: string, file: string): Promise<void> {
  await runTool('tar', [...TAR, '-cf', file, '-C', root, '.']);
}

/** Unpacks it into an existing folder. */
export async function unpackRoot(file: string, root: string): Promise<void> {
  await runTool('tar', [...TAR.slice(0, 3), '-xpf', file, '-C', root]);
}
