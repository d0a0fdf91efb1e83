// Bundles the command line and the store's writer thread. Packages stay external: native parts
// cannot be bundled, and an installation carries node_modules with exactly the locked versions.
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
 * @param outdir where to instead of dist: somebody is using that.
 */
export async function build({ outdir = 'dist' } = {}) {
  await esbuild.build({
    ...common,
    entryPoints: {
      embereye: 'src/main.ts',
      'store-writer': 'src/store/writer-thread.ts',
      'bus-thread': 'src/hal/native/bus-thread.ts',
      'gpio-holder': 'src/gpio-holder.ts',
      inference: 'src/inference.ts',
    },
    outdir,
    // The young generation otherwise grows to 48 MB in a flood, although next to nothing in it
    // survives a collection: 150 MB resident where 100 MB do, at the same pace (`npm run bench`).
    banner: { js: '#!/usr/bin/env -S node --max-semi-space-size=2' },
  });
  chmodSync(resolve(root, outdir, 'embereye.js'), 0o755);
}

/** Bundles one entry outside src into dist, or another folder, and returns the file. */
export async function buildEntry(entry, { outdir = 'dist' } = {}) {
  const name = `${dirname(entry).replaceAll('/', '-')}-${basename(entry, '.ts')}`;
  await esbuild.build({ ...common, entryPoints: { [name]: entry }, outdir });
  return resolve(root, outdir, `${name}.js`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
