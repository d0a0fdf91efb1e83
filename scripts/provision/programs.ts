/** Programs of the laptop: run to their end, with input and output in memory. */
import { spawn } from 'node:child_process';
import { missing } from './trouble.ts';
import type { ProvisionWorld } from './world.ts';

export interface Ended {
  /** Of a program that was killed: 1. */
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  /** Written to its standard input; left out: that is empty. */
  readonly input?: string | AsyncIterable<Uint8Array>;
  /** Killed after that. */
  readonly limitMs?: number;
}

/** More than any answer we wait for. */
const MOST_OUTPUT = 16 * 1024 * 1024;

/** @throws Trouble where the program is not installed. */
export function runProgram(
  program: string,
  args: readonly string[],
  world: Pick<ProvisionWorld, 'environment' | 'signal'>,
  { input, limitMs }: RunOptions = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...world.environment, LC_ALL: 'C' },
      signal: world.signal,
      ...(limitMs === undefined ? {} : { timeout: limitMs }),
    });
    const collected = { out: '', err: '' };
    for (const [stream, name] of [[child.stdout, 'out'] as const, [child.stderr, 'err'] as const]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        if (collected[name].length < MOST_OUTPUT) collected[name] += text;
      });
    }
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') {
        reject(
          missing(
            `${program} is not installed: sudo apt-get install ${PACKAGES[program] ?? program}`,
          ),
        );
      } else resolve({ code: 1, out: collected.out, err: `${collected.err}${error.message}` });
    });
    child.once('close', (code) => resolve({ code: code ?? 1, ...collected }));
    // A program that ends before it has read everything says why on its own.
    child.stdin.on('error', () => undefined);
    if (typeof input === 'object') void pour(input, child.stdin);
    else child.stdin.end(input ?? '');
  });
}

const PACKAGES: Readonly<Record<string, string>> = {
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  'ssh-keyscan': 'openssh-client',
};

async function pour(from: AsyncIterable<Uint8Array>, to: NodeJS.WritableStream): Promise<void> {
  for await (const chunk of from) {
    if (!to.writable) return;
    if (!to.write(chunk)) {
      await new Promise<void>((resolve) => {
        to.once('drain', resolve);
        to.once('close', resolve);
      });
    }
  }
  to.end();
}
