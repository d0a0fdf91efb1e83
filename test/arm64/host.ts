/** What the tests on emulated arm64 need from the machine they run on. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';

/** `npm run` and scripts/run.mjs both start tasks in the project's folder. */
export const ROOT = process.cwd();
/** Downloads and cross builds; `npm ci` empties it. */
export const CACHE = join(ROOT, 'node_modules', '.cache', 'embereye-arm64');

/** The tests cannot run here; the message is one line that says what to do. Exit code 4. */
export class CannotRunHere extends Error {}

/** A file or command, and the Debian package that brings it. */
export interface SystemPart {
  /** A command's name, or an absolute path. */
  readonly file: string;
  readonly apt: string;
}

const isThere = ({ file }: SystemPart): boolean =>
  isAbsolute(file)
    ? existsSync(file)
    : [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin'].some(
        (folder) => folder !== '' && existsSync(join(folder, file)),
      );

/**
 * Installs what is missing with apt where this user may.
 * @throws CannotRunHere when parts are still missing
 */
export function ensureSystemParts(parts: readonly SystemPart[]): void {
  const missing = (): string[] => [
    ...new Set(parts.filter((part) => !isThere(part)).map(({ apt }) => apt)),
  ];
  const names = missing();
  if (names.length === 0) return;
  const prefix = asRoot();
  if (prefix !== null && isThere({ file: 'apt-get', apt: 'apt' })) {
    console.log(`installing ${names.join(', ')}`);
    apt(prefix, ['update', '-q']);
    apt(prefix, ['install', '-y', '-q', '--no-install-recommends', ...names]);
  }
  const left = missing();
  if (left.length === 0) return;
  throw new CannotRunHere(`install first: sudo apt-get install -y ${left.join(' ')}`);
}

/** The words that run a command as root, or null where nobody may without being asked. */
function asRoot(): readonly string[] | null {
  if (process.getuid?.() === 0) return [];
  const sudo = spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' });
  return sudo.status === 0 ? ['sudo', '-n'] : null;
}

function apt(prefix: readonly string[], args: readonly string[]): void {
  const [command = 'apt-get', ...rest] = [...prefix, 'apt-get', ...args];
  // Whether it worked is seen by what is there afterwards.
  spawnSync(command, rest, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
}

export interface ToolOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

const SHOWN_CHARACTERS = 3000;

/** Runs a command to its end and returns what it printed. @throws Error with its last words */
export function runTool(
  command: string,
  args: readonly string[],
  { cwd = ROOT, environment = {} }: ToolOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    let out = '';
    let all = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      all += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (all += text));
    child.once('error', (error) => reject(error));
    child.once('close', (code, signal) => {
      if (code === 0) resolve(out);
      else {
        const words = `${command} ${args.join(' ')}: ended with ${code ?? signal ?? '?'}`;
        reject(new Error(`${words}\n${all.slice(-SHOWN_CHARACTERS)}`));
      }
    });
  });
}

/**
 * Makes a folder of the cache once: `make` fills a folder that only then gets its name, so that an
 * interrupted run leaves nothing half-made. Another `key` makes it anew.
 */
export async function cachedFolder(
  name: string,
  key: string,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = join(CACHE, name);
  const stamp = join(folder, '.key');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return folder;
  const unfinished = `${folder}.unfinished-${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  try {
    await make(unfinished);
    writeFileSync(join(unfinished, '.key'), key);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(dirname(folder), { recursive: true });
    renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return folder;
}
