/** A root of Debian in a folder, and programs that run in it. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a program in a root said. */
export interface Ran {
  /** Null when it ran past its time. */
  readonly code: number | null;
  /** Standard output and standard error as they came. */
  readonly said: string;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Under emulation apt alone takes half a minute. */
const PATIENCE_MS = 400_000;

/**
 * The words that run a command in `folder` with process ids of its own: all mounts and all
 * processes are gone when it ends, however it ends. The network is this machine's.
 */
export function wordsIn(folder: string, command: readonly string[]): readonly string[] {
  return [
    ...['unshare', '--mount', '--pid', '--fork', '--kill-child=KILL', '--ipc', '--uts'],
    ...[`--mount-proc=${join(folder, 'proc')}`, 'chroot', folder, '/usr/bin/env', '-i'],
    ...[`PATH=${PATH}`, 'HOME=/root', 'LC_ALL=C', 'DEBIAN_FRONTEND=noninteractive', ...command],
  ];
}

export class Root {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Runs a command to its end, whatever its exit code. */
  try(command: readonly string[]): Promise<Ran> {
    return runWords(wordsIn(this.folder, command), PATIENCE_MS);
  }

  /** Runs a command. @throws Error with what it said unless it ends with 0 */
  async run(...command: readonly string[]): Promise<string> {
    const { code, said } = await this.try(command);
    if (code === 0) return said;
    throw new Error(`${command.join(' ')}: ended with ${code ?? 'no end'}\n${said.slice(-3000)}`);
  }

  /** Runs a line of sh. @throws Error */
  sh(line: string): Promise<string> {
    return this.run('sh', '-c', line);
  }

  read(path: string): string {
    return readFileSync(join(this.folder, path), 'utf8');
  }

  write(path: string, text: string): void {
    writeFileSync(join(this.folder, path), text);
  }

  has(path: string): boolean {
    return existsSync(join(this.folder, path));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function runWords(words: readonly string[], patienceMs: number): Promise<Ran> {
  const [command = '', ...args] = words;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    const take = (text: string): void => void (said += text);
    child.stdout.setEncoding('utf8').on('data', take);
    child.stderr.setEncoding('utf8').on('data', take);
    const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, said });
    });
  });
}
