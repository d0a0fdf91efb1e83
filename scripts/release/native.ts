/**
 * Add-ons that are bound to V8's binary interface, compiled for one architecture and one Node. The
 * same package, Node and compiler give the same bytes wherever the project lies. Everything else
 * with native parts is N-API and comes ready-made in its package.
 */
import { cpSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cachedFolder, ROOT, runTool } from '../../test/arm64/host.ts';
import type { KnownPackage } from '../../test/arm64/packages.ts';
import { locked, unpackedPackage } from '../../test/arm64/packages.ts';
import type { Arch } from './arch.ts';
import { factsOf } from './arch.ts';

/** Package to the file that its compilation gives, within `build/Release`. */
export const COMPILED = {
  'better-sqlite3': 'better_sqlite3.node',
  epoll: 'epoll.node',
} as const;

export type CompiledPackage = keyof typeof COMPILED;

/** Packages with headers that the compiled ones include. */
const NEEDED_TO_COMPILE = ['nan'];

export function isCompiled(name: string): name is CompiledPackage {
  return name in COMPILED;
}

/** Gives the file of a compiled add-on. */
export type AddOnSource = (name: CompiledPackage, arch: Arch) => Promise<string>;

/** Counts changes of what this file does to a compilation: old results are not used again. */
const RECIPE = 3;

/** First line of the compiler's `--version`: another compiler may give other bytes. */
export async function compilerVersion(arch: Arch): Promise<string> {
  const text = await runTool(`${factsOf(arch).triplet}-g++`, ['--version']);
  return text.split('\n')[0] ?? '';
}

/**
 * The compiled file, from the cache or made now (better-sqlite3 takes minutes).
 * @throws Error with the last output of the compiler
 */
export async function compiledAddOn(
  name: CompiledPackage,
  arch: Arch,
  node: KnownPackage = factsOf(arch).node,
): Promise<string> {
  const { version, integrity } = locked(name);
  const compiler = await compilerVersion(arch);
  const folder = await cachedFolder(
    join('built', `${name}-${version}-node-${node.version}-${arch}`),
    `${integrity} ${node.integrity} ${compiler} ${RECIPE}`,
    (target) => compileInto(target, name, arch, node),
  );
  return join(folder, COMPILED[name]);
}

/** Compiles without the cache; `target` is an empty folder that only the result is left in. */
export async function compileInto(
  target: string,
  name: CompiledPackage,
  arch: Arch,
  node: KnownPackage = factsOf(arch).node,
): Promise<void> {
  console.log(`compiling ${name} ${locked(name).version} for ${arch} and Node ${node.version}`);
  const source = join(target, 'source');
  const installed = join(ROOT, 'node_modules', name);
  const isSource = (path: string): boolean => !path.startsWith(join(installed, 'build'));
  cpSync(installed, source, { recursive: true, filter: isSource });
  // All that is compiled lies in one folder: messages within the result name files by the way to
  // them, and that is then the same on every machine.
  for (const needed of NEEDED_TO_COMPILE) {
    cpSync(join(ROOT, 'node_modules', needed), join(target, 'node_modules', needed), {
      recursive: true,
    });
  }
  const nodeFolder = join(target, 'node');
  cpSync(join(await unpackedPackage(node), 'include'), join(nodeFolder, 'include'), {
    recursive: true,
  });
  const rebuild = [nodeGyp(), 'rebuild', '--release', `--arch=${arch}`, `--nodedir=${nodeFolder}`];
  const variables = Object.entries(environmentOf(arch, target)).map(([key, v]) => `${key}=${v}`);
  // With nothing else in it: npm hands its settings on as variables, and node-gyp believes a
  // `nodedir` of somebody's .npmrc more than its own command line.
  await runTool('env', ['-i', ...variables, process.execPath, ...rebuild], { cwd: source });
  const built = join(target, COMPILED[name]);
  cpSync(join(source, 'build', 'Release', COMPILED[name]), built);
  await stripped(built, arch);
  await runTool('rm', ['-r', source, nodeFolder, join(target, 'node_modules')]);
}

/** Takes the symbols out that nothing needs at run time. */
export async function stripped(file: string, arch: Arch): Promise<void> {
  await runTool(`${factsOf(arch).triplet}-strip`, ['--strip-all', file]);
}

function environmentOf(arch: Arch, target: string): Record<string, string> {
  const { triplet } = factsOf(arch);
  const flags = `-ffile-prefix-map=${target}=.`;
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '/',
    CC: `${triplet}-gcc`,
    CXX: `${triplet}-g++`,
    AR: `${triplet}-ar`,
    LINK: `${triplet}-g++`,
    CFLAGS: flags,
    CXXFLAGS: flags,
    LC_ALL: 'C',
    TZ: 'UTC',
  };
}

/** npm brings it along, whichever way npm itself came. */
function nodeGyp(): string {
  const npmFolders = [
    ...(process.env['npm_execpath'] === undefined
      ? []
      : [dirname(dirname(process.env['npm_execpath']))]),
    join(dirname(dirname(process.execPath)), 'lib', 'node_modules', 'npm'),
    '/usr/share/nodejs/npm',
  ];
  const files = npmFolders.map((folder) =>
    join(folder, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js'),
  );
  const found = files.find((file) => existsSync(file));
  if (found === undefined) throw new Error(`node-gyp is in none of: ${files.join(', ')}`);
  return found;
}
