/** The command line of `npm run image`. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { EXIT } from '../../src/commands/exit-codes.ts';
import { Refusal } from '../release/refusal.ts';
import type { BuildOptions } from './build-image.ts';
import { sizeProblem } from './layout.ts';
import { isSuite, SUITES } from './packages.ts';

export const USAGE = `npm run image -- --deb FILE --out FILE [options]

  --deb FILE      embereye_<version>_arm64.deb of npm run release
  --without-deb   the system alone, to try it
  --out FILE      the raw image; FILE.sha256 and FILE.json (what is in it) are written beside it
  --suite NAME    ${SUITES.join(' or ')} (default: trixie)
  --size-mib N    a power of two (default: 2048)
  --renew         ask Debian for newer packages than the last build had
  --dry-run       say what would be done, build nothing
  --help

Needs root (owners of files), and about 6 GiB below node_modules/.cache.
Exit codes: 0 done, 2 wrong command line, 3 wrong input, 4 something is missing here.`;

export type ImageCommand =
  | { readonly kind: 'help' }
  | { readonly kind: 'build'; readonly dryRun: boolean; readonly build: BuildOptions };

const CONFIG = {
  deb: { type: 'string' },
  'without-deb': { type: 'boolean' },
  out: { type: 'string' },
  suite: { type: 'string', default: 'trixie' },
  'size-mib': { type: 'string', default: '2048' },
  renew: { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', default: false },
  help: { type: 'boolean' },
} as const;

const usage = (message: string): Refusal =>
  new Refusal(`${message}; see: npm run image -- --help`, EXIT.usage);

/**
 * @param args the words after the command
 * @param root relative names start here
 * @throws Refusal that names the option and its cure
 */
export function readOptions(args: readonly string[], root: string): ImageCommand {
  const values = parsed(args);
  if (values.help === true) return { kind: 'help' };
  const { suite, out } = values;
  if (out === undefined) throw usage('--out FILE is missing');
  if (!isSuite(suite)) throw usage(`--suite "${suite}" is not built; ${SUITES.join(' or ')}`);
  const sizeMib = Number(values['size-mib']);
  const problem = sizeProblem(sizeMib);
  if (problem !== null) throw usage(`--size-mib: ${problem}`);
  const deb = debOf(values, root);
  return {
    kind: 'build',
    dryRun: values['dry-run'],
    build: { deb, out: imageName(resolve(root, out)), suite, sizeMib, renew: values.renew },
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: CONFIG }).values;
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

function debOf(
  values: { readonly deb?: string; readonly 'without-deb'?: boolean },
  root: string,
): string | null {
  const without = values['without-deb'] === true;
  if (values.deb === undefined) {
    if (without) return null;
    throw usage('--deb FILE is missing (npm run release makes one; --without-deb to try without)');
  }
  if (without) throw usage('--deb and --without-deb exclude each other');
  const deb = resolve(root, values.deb);
  if (!/_arm64\.deb$/.test(deb)) {
    throw new Refusal(`--deb ${deb}: not for arm64; take embereye_<version>_arm64.deb`, 3);
  }
  if (!existsSync(deb)) throw new Refusal(`--deb ${deb}: no such file: npm run release`, 3);
  return deb;
}

/** An image is a file of its own: never a device of this machine. */
function imageName(out: string): string {
  if (!out.startsWith('/dev/')) return out;
  throw usage(`--out ${out}: name a file; scripts/provision/flash writes it to a card`);
}
