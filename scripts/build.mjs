// Bundles the command line and what runs beside it. In development packages stay external, as
// node_modules has exactly the locked versions; a release bundles them in, save the native ones.
import { chmodSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  sourcemap: true,
  logLevel: 'warning',
  define: { EMBEREYE_VERSION: JSON.stringify(version) },
};

/**
 * dist/embereye.js, which is also the `bin` of the package, and beside it what runs on its own: the
 * store's writer thread, the thread of a wired bus, the processes that hold GPIO lines and that run
 * the trained model.
 */
const entryPoints = {
  embereye: 'src/main.ts',
  'store-writer': 'src/store/writer-thread.ts',
  'bus-thread': 'src/hal/native/bus-thread.ts',
  'gpio-holder': 'src/gpio-holder.ts',
  'guard-thread': 'src/service/guard-thread.ts',
  inference: 'src/inference.ts',
};

// The young generation otherwise grows to 48 MB in a flood, although next to nothing in it
// survives a collection: 150 MB resident where 100 MB do, at the same pace (`npm run bench`).
const firstLine = '#!/usr/bin/env -S node --max-semi-space-size=2';

/** @param outdir where to instead of dist: somebody is using that. */
export async function build({ outdir = 'dist' } = {}) {
  await esbuild.build({ ...common, entryPoints, outdir, banner: { js: firstLine } });
  chmodSync(resolve(root, outdir, 'embereye.js'), 0o755);
}

/**
 * The same programs with their packages bundled in, for a release. Names and lines stay readable in
 * stack traces without source maps.
 * @param external packages that stay outside, because they have native parts.
 * @param entries names and sources of other programs than the release's own.
 * @returns esbuild's metafile: what is inside, and which packages are asked for at run time.
 */
export async function buildRelease({ outdir, version: released, external, entries = entryPoints }) {
  const { metafile } = await esbuild.build({
    ...common,
    entryPoints: entries,
    outdir,
    packages: 'bundle',
    external,
    sourcemap: false,
    legalComments: 'none',
    metafile: true,
    define: { EMBEREYE_VERSION: JSON.stringify(released) },
    // Packages of the older kind ask for Node's own modules with `require`.
    banner: {
      js: [
        firstLine,
        "import { createRequire as createRequireHere } from 'node:module';",
        'const require = createRequireHere(import.meta.url);',
      ].join('\n'),
    },
  });
  return metafile;
}

/**
 * Which files are read at run time when `code` is: for packages that are copied, not bundled.
 * @param external what is not followed.
 */
export async function traceFiles({ code, external }) {
  const { metafile } = await esbuild.build({
    ...common,
    stdin: { contents: code, resolveDir: root, loader: 'js' },
    packages: 'bundle',
    external,
    sourcemap: false,
    write: false,
    metafile: true,
    logLevel: 'error',
  });
  return metafile;
}

/** Bundles one entry outside src into dist, or another folder, and returns the file. */
export async function buildEntry(entry, { outdir = 'dist' } = {}) {
  const name = `${dirname(entry).replaceAll('/', '-')}-${basename(entry, '.ts')}`;
  await esbuild.build({ ...common, entryPoints: { [name]: entry }, outdir });
  return resolve(root, outdir, `${name}.js`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
