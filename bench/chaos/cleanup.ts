/**
 * What a proof changes outside of its own processes (mounts, namespaces, folders), each with its
 * undoing. Undone in reverse order at the end, on a failure and on Ctrl-C.
 */
import { spawn, spawnSync } from 'node:child_process';

export class Cleanup {
  readonly #undoings: { readonly what: string; readonly undo: () => void }[] = [];
  readonly #say: (line: string) => void;

  /** @param say told of what could not be undone. */
  constructor(say: (line: string) => void) {
    this.#say = say;
    process.once('exit', () => this.run());
  }

  /** @param undo synchronous, because an exiting process waits for nothing. */
  add(what: string, undo: () => void): void {
    this.#undoings.push({ what, undo });
  }

  /** Undoes everything that has not been undone yet. */
  run(): void {
    for (let last = this.#undoings.pop(); last !== undefined; last = this.#undoings.pop()) {
      try {
        last.undo();
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        this.#say(`not cleaned up: ${last.what}: ${why}`);
      }
    }
  }
}

/** With the places where administrators' tools are. */
const environment = () => {
  return { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
};

/**
 * Runs a system program to its end.
 * @throws with its own words when it fails.
 */
export function system(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, {
    ...{ env: environment(), encoding: 'utf8' },
  });
  if (status === 0) return;
  throw new Error(`${[command, ...args].join(' ')}: ${error?.message ?? stderr.trim()}`);
}

/**
 * As `system`, and this process goes on meanwhile: the wire to the broker runs through it.
 * @param input for its standard input.
 */
export function systemBeside(command: string, args: readonly string[], input = ''): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: environment(), stdio: ['pipe', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (part: Buffer) => (said += part.toString()));
    const fail = (why: string) => reject(new Error(`${[command, ...args].join(' ')}: ${why}`));
    child.once('error', ({ message }) => fail(message));
    child.once('close', (code) => (code === 0 ? resolve() : fail(said.trim())));
    // Told by its exit code.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** Whether the system has a program, in the places where administrators' tools are too. */
export function hasProgram(name: string): boolean {
  return spawnSync('sh', ['-c', `PATH="$PATH:/usr/sbin:/sbin" command -v ${name}`]).status === 0;
}

/** Why a kind that works on the kernel cannot run here; null where it can. */
export function missingFor(programs: readonly string[]): string | null {
  if (process.getuid?.() !== 0) return 'it needs root';
  const absent = programs.filter((name) => !hasProgram(name));
  return absent.length === 0 ? null : `not installed: ${absent.join(', ')}: npm run setup`;
}
