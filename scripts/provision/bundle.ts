/** Makes the provision tool one file, which runs wherever Node does. */
import { readFileSync } from 'node:fs';
import type { Plugin } from 'esbuild';
import { build } from 'esbuild';

/** What the shell scripts beside it look for. */
export const BUNDLE_NAME = 'embereye-provision.mjs';

/** Files that are shipped together, from the checkout's scripts/provision. */
export const SHIPPED_SCRIPTS: readonly string[] = [
  ...['run.sh', 'flash', 'batch', 'enrol', 'ca', 'install', 'verify', 'retire'],
];

/**
 * Bundles the provision tool and every package it uses into one file of JavaScript.
 * @param root the checkout, with its packages installed
 * @param file where to, usually `<folder>/embereye-provision.mjs`
 * @param version what the tool calls itself
 * @returns the files that are in it, relative to `root`
 * @throws Error with esbuild's report
 */
export async function bundleProvision(
  root: string,
  file: string,
  version: string,
): Promise<{ readonly inputs: readonly string[] }> {
  const { metafile } = await build({
    metafile: true,
    absWorkingDir: root,
    entryPoints: ['scripts/provision/main.ts'],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
    legalComments: 'none',
    plugins: [FONTS],
    define: { EMBEREYE_VERSION: JSON.stringify(version) },
    // Packages of the older kind of module ask for these.
    banner: {
      js: [
        "import { createRequire as makeRequire } from 'node:module';",
        "import { dirname as folderOf } from 'node:path';",
        "import { fileURLToPath as pathOf } from 'node:url';",
        'const require = makeRequire(import.meta.url);',
        'const __filename = pathOf(import.meta.url);',
        'const __dirname = folderOf(__filename);',
      ].join('\n'),
    },
  });
  return { inputs: Object.keys(metafile.inputs) };
}

/** pdfkit asks for its fonts by a function of its own making, which a bundler cannot follow. */
const FONTS: Plugin = {
  name: 'fonts-inside',
  setup(building) {
    building.onLoad({ filter: /pdfkit[\\/]js[\\/]pdfkit\.node\.mjs$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      const contents = text.replaceAll("require$1('#standard-fonts/", "require('#standard-fonts/");
      if (contents === text) {
        return { errors: [{ text: 'pdfkit finds its fonts in another way now; see FONTS' }] };
      }
      return { contents, loader: 'js' };
    });
  },
};
