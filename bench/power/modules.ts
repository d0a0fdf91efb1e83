/** Kernel modules of the guest's own Debian package, with what each of them needs, in order. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cachedFolder, runTool } from '../../test/arm64/host.ts';
import type { GuestKernel } from '../../test/kernel/debian.ts';
import { privateApt } from '../../test/kernel/debian.ts';

export interface Module {
  readonly name: string;
  readonly bytes: Buffer;
}

/** As `modprobe` would load them: dependencies first. What is built in is left out. */
export async function modulesOf(
  kernel: GuestKernel,
  wanted: readonly string[],
): Promise<readonly Module[]> {
  const folder = await cachedFolder(join('modules', kernel.release), kernel.version, (target) =>
    fetchModules(kernel, target),
  );
  const files = new Map(
    readdirSync(folder).map((file) => [nameOf(file), join(folder, file)] as const),
  );
  const loaded = new Map<string, Module>();
  const load = (name: string): void => {
    const file = files.get(name);
    if (file === undefined || loaded.has(name)) return;
    const bytes = readFileSync(file);
    for (const other of dependenciesOf(bytes)) load(other);
    loaded.set(name, { name, bytes });
  };
  for (const name of wanted) load(name);
  return [...loaded.values()];
}

/** Where the modules that a disk and a network need may lie within `kernel/`. */
const FOLDERS = ['drivers/block', 'drivers/net', 'drivers/virtio', 'fs/ext4', 'fs/jbd2', 'fs'];
const MORE_FOLDERS = ['lib', 'crypto', 'arch/arm64/crypto', 'net/core'];

async function fetchModules(kernel: GuestKernel, folder: string): Promise<void> {
  console.log(`fetching the modules of Linux ${kernel.version}`);
  const apt = await privateApt(kernel.release, join(folder, 'apt'));
  await apt('apt-get', ['download', '-q', `linux-image-${kernel.version}`], folder);
  const [archive] = readdirSync(folder).filter((name) => name.endsWith('.deb'));
  const tree = join(folder, 'tree');
  await runTool('dpkg-deb', ['-x', join(folder, archive ?? ''), tree]);
  const roots = ['usr/lib', 'lib'].map((path) => join(tree, path, 'modules', kernel.version));
  const root = join(roots.find((path) => existsSync(path)) ?? '', 'kernel');
  for (const path of [...FOLDERS, ...MORE_FOLDERS]) {
    const from = join(root, path);
    if (!existsSync(from)) continue;
    for (const file of readdirSync(from)) {
      if (!/\.ko(\.xz)?$/.test(file)) continue;
      if (file.endsWith('.xz')) await runTool('xz', ['-d', '-k', join(from, file)]);
      const plain = file.replace(/\.xz$/, '');
      writeFileSync(join(folder, plain), readFileSync(join(from, plain)));
    }
  }
  await runTool('rm', ['-r', tree, join(folder, archive ?? ''), join(folder, 'apt')]);
}

/** The kernel takes `-` and `_` in names for the same. */
function nameOf(file: string): string {
  return basename(file, '.ko').replaceAll('-', '_');
}

/** What the module says of itself: `depends=a,b` among its zero-terminated facts. */
function dependenciesOf(bytes: Buffer): readonly string[] {
  const at = bytes.indexOf('\0depends=');
  if (at < 0) return [];
  const end = bytes.indexOf(0, at + 1);
  const list = bytes.toString('latin1', at + '\0depends='.length, end);
  return list.split(',').flatMap((name) => (name === '' ? [] : nameOf(name)));
}
