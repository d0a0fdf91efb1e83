/** The command line of `npm run release`. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { EXIT } from '../../src/commands/exit-codes.ts';
import type { Arch } from './arch.ts';
import { ARCHES, isArch } from './arch.ts';
import { Refusal } from './refusal.ts';
import { versionProblem } from './version.ts';

export const USAGE = `npm run release -- [options]

  --arch LIST           arm64, x64 or both with a comma between them (default: both)
  --version VERSION     as 1.2.3 or 1.2.3-rc.1 (default: that of package.json)
  --key FILE            secret key of minisign (default: a development key, made once)
  --password-file FILE  holds the key's password on one line; or the variable
                        EMBEREYE_RELEASE_PASSWORD; else minisign asks on a terminal
  --trust FILE...       more public keys whose releases this one takes as updates
  --out DIR             default: out/release
  --trees               stop at the folders below DIR/tree: no packages, no signatures
  --verify              build once more elsewhere, compare every byte, and run the trees
  --dry-run             say what would be made, make nothing
  --help

Exit codes: 0 done, 1 not released as a check failed, or --verify found a difference, 2 wrong
command line, 3 wrong input, 4 a program is missing.`;

export interface ReleaseOptions {
  readonly arches: readonly Arch[];
  readonly version: string;
  /** Absolute; null for the development key. */
  readonly key: string | null;
  readonly passwordFile: string | null;
  readonly trust: readonly string[];
  readonly out: string;
  readonly treesOnly: boolean;
  readonly verify: boolean;
  readonly dryRun: boolean;
  readonly help: boolean;
}

const CONFIG = {
  arch: { type: 'string' },
  version: { type: 'string' },
  key: { type: 'string' },
  'password-file': { type: 'string' },
  trust: { type: 'string', multiple: true },
  out: { type: 'string' },
  trees: { type: 'boolean' },
  verify: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

/**
 * @param args the words after the command.
 * @param root folder of package.json; relative names start there, as npm itself starts there.
 * @throws Refusal that names the option and its cure
 */
export function readOptions(args: readonly string[], root: string): ReleaseOptions {
  const { values, positionals } = parsed(args);
  // `--trust a.pub b.pub`: what follows without a name of its own is a key too.
  if (positionals.length > 0 && values.trust === undefined) {
    throw usage(`"${positionals[0] ?? ''}" belongs to no option`);
  }
  const version = values.version ?? packageVersion(root);
  const problem = versionProblem(version);
  if (problem !== null) throw usage(`--version: ${problem}`);
  const fileOf = (option: string, name: string): string => {
    const file = resolve(root, name);
    if (!existsSync(file)) throw new Refusal(`${option} ${file}: no such file`, EXIT.badInput);
    return file;
  };
  const optional = (option: string, name: string | undefined): string | null =>
    name === undefined ? null : fileOf(option, name);
  return {
    arches: archesOf(values.arch),
    version,
    key: optional('--key', values.key),
    passwordFile: optional('--password-file', values['password-file']),
    trust: [...(values.trust ?? []), ...positionals].map((name) => fileOf('--trust', name)),
    out: resolve(root, values.out ?? 'out/release'),
    treesOnly: values.trees === true,
    verify: values.verify === true,
    dryRun: values['dry-run'] === true,
    help: values.help === true,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: CONFIG, allowPositionals: true });
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

const usage = (message: string): Refusal =>
  new Refusal(`${message}; see: npm run release -- --help`, EXIT.usage);

function archesOf(text = ARCHES.join(',')): readonly Arch[] {
  const names = text.split(',').map((name) => name.trim());
  const arches = names.filter(isArch);
  const [bad] = names.filter((name) => !isArch(name));
  if (bad !== undefined) {
    throw usage(`--arch "${bad}" is not built; one or more of: ${ARCHES.join(', ')}`);
  }
  return [...new Set(arches)];
}

function packageVersion(root: string): string {
  const { version } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}
