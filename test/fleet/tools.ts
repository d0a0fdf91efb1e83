/** Programs, waiting, and what must be undone at the end. */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Where Debian keeps programs that are not on every path; null where it is not installed. */
export function programOf(name: string): string | null {
  const folders = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/local/sbin', '/usr/local/bin'];
  return folders.map((folder) => `${folder}/${name}`).find((file) => existsSync(file)) ?? null;
}

/** @throws Error with the program's own words. */
export function runTool(command: string, args: readonly string[], input?: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    ...(input === undefined ? {} : { input }),
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.trim()}`);
  return stdout;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** @throws Error that names what was waited for. */
export async function until(
  what: string,
  limitMs: number,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`${what}: not within ${limitMs} ms`);
    await sleep(100);
  }
}

/** Ends one child of ours and waits for it. */
export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}

/** Undone in reverse order; one that fails is told and does not keep the others from it. */
export class Cleanup {
  readonly #steps: (readonly [string, () => void | Promise<void>])[] = [];

  add(what: string, undo: () => void | Promise<void>): void {
    this.#steps.push([what, undo]);
  }

  async run(say: (line: string) => void): Promise<void> {
    for (const [what, undo] of this.#steps.splice(0).reverse()) {
      try {
        await undo();
      } catch (error) {
        say(`not cleaned up: ${what}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
}
