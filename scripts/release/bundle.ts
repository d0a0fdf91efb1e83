/** The programs of a release, with every package in them that is JavaScript alone. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../../test/arm64/host.ts';
import type * as Build from '../build.mjs';
import { packageFolder } from './package-folder.ts';

/** Packages with native parts: they are copied beside the bundles instead. */
export const NATIVE_PACKAGES = [
  'better-sqlite3',
  'koffi',
  '@serialport/bindings-cpp',
  'epoll',
  'onnxruntime-node',
] as const;

/** How a bundle asks for a package: the two ways may lead to different files of it. */
export interface Asked {
  readonly name: string;
  readonly how: 'import' | 'require';
}

export interface Bundled {
  /** Folders under node_modules whose code is in the bundles, sorted. */
  readonly packages: readonly string[];
  /** What the bundles ask for at run time, sorted. */
  readonly asked: readonly Asked[];
}

/** The bundler is loaded as it stands: bundled itself it would take this program for its own. */
function bundler(): Promise<typeof Build> {
  const file = pathToFileURL(join(ROOT, 'scripts', 'build.mjs')).href;
  return import(file) as Promise<typeof Build>;
}

/**
 * Whether a package has parts that are compiled: they would be missing beside a bundle. npm takes
 * these files for a recipe, too.
 */
export function hasNativeParts(folder: string): boolean {
  const names = ['binding.gyp', 'prebuilds', 'build/Release'];
  return names.some((name) => existsSync(join(ROOT, 'node_modules', folder, name)));
}

/**
 * Writes `outdir/*.js`.
 * @throws Error with esbuild's report, or naming a package that cannot be bundled
 */
export async function writeBundles(outdir: string, version: string): Promise<Bundled> {
  const { buildRelease } = await bundler();
  const metafile = await buildRelease({ outdir, version, external: NATIVE_PACKAGES });
  const packages = new Set<string>();
  const asked = new Map<string, Asked>();
  for (const { inputs, imports } of Object.values(metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const folder = bytesInOutput > 0 ? packageFolder(path) : null;
      if (folder !== null) packages.add(folder);
    }
    for (const { path: name, kind } of imports) {
      if (!NATIVE_PACKAGES.some((native) => native === name)) continue;
      const how = kind === 'require-call' ? 'require' : 'import';
      asked.set(`${name} ${how}`, { name, how });
    }
  }
  const native = [...packages].filter(hasNativeParts);
  if (native.length > 0) {
    throw new Error(`${native.join(', ')}: has native parts and belongs into NATIVE_PACKAGES`);
  }
  const byKey = [...asked].sort(([a], [b]) => (a < b ? -1 : 1));
  return { packages: [...packages].sort(), asked: byKey.map(([, one]) => one) };
}

/** Bundles the checks of native parts, to be run with a tree's packages; returns the file. */
export async function bundleChecks(outdir: string): Promise<string> {
  const { buildRelease } = await bundler();
  const entries = { checks: 'test/arm64/checks.ts' };
  await buildRelease({ outdir, version: '0.0.0', external: NATIVE_PACKAGES, entries });
  return join(outdir, 'checks.js');
}

/** Files of packages, relative to node_modules, that are read when these are asked for; sorted. */
export async function filesBehind(asked: readonly Asked[]): Promise<readonly string[]> {
  const { traceFiles } = await bundler();
  const line = ({ name, how }: Asked): string => `${how}(${JSON.stringify(name)});`;
  const { inputs } = await traceFiles({ code: asked.map(line).join('\n'), external: ['*.node'] });
  const prefix = 'node_modules/';
  return Object.keys(inputs)
    .filter((path) => path.startsWith(prefix))
    .map((path) => path.slice(prefix.length))
    .sort();
}
