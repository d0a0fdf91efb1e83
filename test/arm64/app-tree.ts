/** A folder with packages as an installation on arm64 has them, for one Node release line. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import type { CompiledPackage } from '../../scripts/release/native.ts';
import { isCompiled } from '../../scripts/release/native.ts';
import { crossBuilt } from './cross-build.ts';
import { ROOT } from './host.ts';
import type { KnownPackage } from './packages.ts';
import { locked, unpackedPackage } from './packages.ts';

const INSTALLED = join(ROOT, 'node_modules');

/** Where a package looks for what was compiled for it. */
const ADD_ONS: Readonly<Record<CompiledPackage, string>> = {
  'better-sqlite3': 'build/Release/better_sqlite3.node',
  epoll: 'build/Release/epoll.node',
};

/** Ready-made parts that come as packages of their own. */
const ARM64_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  koffi: ['@koromix/koffi-linux-arm64'],
};

/** Parts of packages that are for compiling, or for other machines. */
const LEFT_OUT = [
  /^better-sqlite3\/(build|deps|src)(\/|$)/,
  /^epoll\/(build|src|test|example)(\/|$)/,
  /^koffi\/(vendor|doc|lib)(\/|$)/,
  /^onnxruntime-node\/bin\/napi-v\d+\/(?!linux$|linux\/arm64)./,
  /^@serialport\/bindings-cpp\/(build|src)(\/|$)/,
  /^@serialport\/bindings-cpp\/prebuilds\/(?!linux-arm64)./,
];

/** Writes `target/node_modules` with `names` and all they depend on. @throws Error */
export async function writePackages(
  target: string,
  names: readonly string[],
  node: KnownPackage,
): Promise<void> {
  const modules = join(target, 'node_modules');
  rmSync(modules, { recursive: true, force: true });
  mkdirSync(modules, { recursive: true });
  for (const folder of closureOf(names)) {
    cpSync(join(INSTALLED, folder), join(modules, folder), {
      recursive: true,
      filter: (path) => isKept(relative(INSTALLED, path)),
    });
    for (const name of ARM64_PACKAGES[folder] ?? []) {
      cpSync(await unpackedPackage(locked(name)), join(modules, name), { recursive: true });
    }
    if (isCompiled(folder)) {
      cpSync(await crossBuilt(folder, node), join(modules, folder, ADD_ONS[folder]));
    }
  }
}

function isKept(path: string): boolean {
  const unix = path.split(sep).join('/');
  return !LEFT_OUT.some((pattern) => pattern.test(unix));
}

/** Folders under node_modules, nested ones as "a/node_modules/b" within their owner's copy. */
function closureOf(names: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (name: string, from: string): void => {
    const folder = resolveFrom(from, name);
    if (found.has(folder)) return;
    found.add(folder);
    for (const wanted of dependenciesOf(folder)) visit(wanted, folder);
  };
  for (const name of names) visit(name, '');
  // What lies within another package's folder is copied with it.
  return new Set([...found].filter((folder) => !folder.includes('/node_modules/')));
}

/** As Node looks: within the asking package, then in the folders above it. */
function resolveFrom(from: string, name: string): string {
  for (let folder = from; folder !== ''; folder = parentOf(folder)) {
    const nested = `${folder}/node_modules/${name}`;
    if (existsSync(join(INSTALLED, nested))) return nested;
  }
  if (!existsSync(join(INSTALLED, name))) throw new Error(`${name} is not installed: npm ci`);
  return name;
}

function parentOf(folder: string): string {
  const cut = folder.lastIndexOf('/node_modules/');
  return cut < 0 ? '' : folder.slice(0, cut);
}

function dependenciesOf(folder: string): readonly string[] {
  const file = join(INSTALLED, folder, 'package.json');
  const { dependencies = {} } = JSON.parse(readFileSync(file, 'utf8')) as {
    dependencies?: Record<string, string>;
  };
  return Object.keys(dependencies);
}

/** The packages that the product asks for itself. */
export function productPackages(): readonly string[] {
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  return Object.keys(dependencies);
}
