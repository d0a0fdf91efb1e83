/** node_modules of a release: packages with native parts, and only what is read of them. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from '../../test/arm64/host.ts';
import { locked, unpackedPackage } from '../../test/arm64/packages.ts';
import type { Arch } from './arch.ts';
import type { Asked } from './bundle.ts';
import { filesBehind } from './bundle.ts';
import type { AddOnSource } from './native.ts';
import { stripped } from './native.ts';
import { packageFolder } from './package-folder.ts';

const INSTALLED = join(ROOT, 'node_modules');

/** A native file of a release: from where, and its place under node_modules. */
interface NativeFile {
  readonly from: string;
  readonly to: string;
}

/** Fields of a package.json that matter at run time, or say what the folder is. */
const KEPT_FIELDS = ['name', 'version', 'license', 'type', 'main', 'exports', 'imports'] as const;

/**
 * Writes `target/node_modules`.
 * @returns the folders of the packages that are in it, sorted.
 * @throws Error when a part is missing or cannot be compiled
 */
export async function writeModules(
  target: string,
  arch: Arch,
  asked: readonly Asked[],
  addOns: AddOnSource,
): Promise<readonly string[]> {
  const modules = join(target, 'node_modules');
  const scripts = await filesBehind(asked);
  const natives = await nativeFiles(arch, addOns);
  for (const path of [...scripts, ...kindFiles(scripts)]) {
    copy(join(INSTALLED, path), join(modules, path));
  }
  for (const { from, to } of natives) {
    copy(from, join(modules, to));
    await stripped(join(modules, to), arch);
  }
  const koffi = koffiPackage(arch);
  const koffiFolder = await unpackedPackage(locked(koffi));
  copy(join(koffiFolder, 'index.js'), join(modules, koffi, 'index.js'));
  const folders = new Set([...scripts, ...natives.map(({ to }) => to)].map(folderOf));
  for (const folder of folders) {
    const from = folder === koffi ? koffiFolder : join(INSTALLED, folder);
    writePackageJson(join(from, 'package.json'), join(modules, folder, 'package.json'));
  }
  return [...folders].sort();
}

/** A package.json deeper in a package says of what kind the files beside it are. */
function kindFiles(scripts: readonly string[]): readonly string[] {
  const found = new Set<string>();
  for (const path of scripts) {
    for (let at = dirname(path); at !== folderOf(path); at = dirname(at)) {
      const file = `${at}/package.json`;
      if (existsSync(join(INSTALLED, file))) found.add(file);
    }
  }
  return [...found];
}

function folderOf(path: string): string {
  const folder = packageFolder(`node_modules/${path}`);
  if (folder === null) throw new Error(`${path} belongs to no package`);
  return folder;
}

/** The package that brings koffi's native part. */
export const koffiPackage = (arch: Arch): string => `@koromix/koffi-linux-${arch}`;

/** Everything that the dynamic linker will load, by package. */
async function nativeFiles(arch: Arch, addOns: AddOnSource): Promise<readonly NativeFile[]> {
  const koffi = koffiPackage(arch);
  const koffiFile = `linux_${arch}/koffi.node`;
  const tags = arch === 'arm64' ? 'armv8.glibc' : 'glibc';
  const onnx = `onnxruntime-node/bin/napi-v6/linux/${arch}`;
  const shipped = [
    `@serialport/bindings-cpp/prebuilds/linux-${arch}/@serialport+bindings-cpp.${tags}.node`,
    `${onnx}/onnxruntime_binding.node`,
    `${onnx}/libonnxruntime.so.1`,
  ];
  return [
    ...shipped.map((path) => ({ from: join(INSTALLED, path), to: path })),
    {
      from: join(await unpackedPackage(locked(koffi)), koffiFile),
      to: `${koffi}/${koffiFile}`,
    },
    {
      from: await addOns('better-sqlite3', arch),
      to: 'better-sqlite3/build/Release/better_sqlite3.node',
    },
    { from: await addOns('epoll', arch), to: 'epoll/build/Release/epoll.node' },
  ];
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to);
}

/** Without scripts, development packages and the rest that no unit needs. */
function writePackageJson(from: string, to: string): void {
  const whole = JSON.parse(readFileSync(from, 'utf8')) as Record<string, unknown>;
  const kept = KEPT_FIELDS.flatMap((field) => (field in whole ? [[field, whole[field]]] : []));
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, `${JSON.stringify(Object.fromEntries(kept), null, 2)}\n`);
}
