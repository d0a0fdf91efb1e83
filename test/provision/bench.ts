/** A provision tool in the hand of a test: what it said, what it was told, and its clock. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import type { ExitCode } from '../../src/commands/exit-codes.ts';
import type { AddCommand, ProvisionWorld } from '../../scripts/provision/world.ts';

export const PASSPHRASE = 'five words that nobody knows';
/** 2026-11-23. */
export const NOW_MS = 1_795_392_000_000;
const DAY_MS = 86_400_000;

export class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'embereye-provision-'));
  readonly out: string[] = [];
  readonly err: string[] = [];
  readonly asked: string[] = [];
  /** What the person at the terminal types, in order; empty: nobody is there. */
  answers: string[] = [];
  nowMs = NOW_MS;
  environment: Readonly<Record<string, string | undefined>> = process.env;
  readonly #codes: ExitCode[] = [];

  at(...names: string[]): string {
    return join(this.folder, ...names);
  }

  write(name: string, text: string): string {
    writeFileSync(this.at(name), text, { mode: 0o600 });
    return this.at(name);
  }

  later(days: number): void {
    this.nowMs += days * DAY_MS;
  }

  get world(): ProvisionWorld {
    const asking = this.answers.length > 0;
    const ask = (question: string): Promise<string | null> => {
      this.asked.push(question);
      return Promise.resolve(this.answers.shift() ?? null);
    };
    return {
      out: (line) => void this.out.push(line),
      err: (line) => void this.err.push(line),
      ...(asking ? { ask } : {}),
      nowMs: () => this.nowMs,
      monotonicMs: () => performance.now(),
      randomBytes,
      environment: this.environment,
      isTerminal: false,
      cwd: this.folder,
      signal: new AbortController().signal,
      exitWith: async (run) => {
        this.#codes.push(await run());
      },
    };
  }

  /** Runs one command; its exit code, 2 for a wrong command line. */
  async run(add: AddCommand, ...args: string[]): Promise<ExitCode> {
    this.#codes.length = 0;
    const program = new Command('provision')
      .exitOverride((error) => {
        throw error;
      })
      .configureOutput({ writeErr: (text) => void this.err.push(text) });
    add(program, this.world);
    try {
      await program.parseAsync(args, { from: 'user' });
    } catch (error) {
      if (!(error instanceof Error) || !('exitCode' in error)) throw error;
      return 2;
    }
    return this.#codes.at(-1) ?? 0;
  }

  get said(): string {
    return [...this.out, ...this.err].join('\n');
  }

  forget(): void {
    this.out.length = 0;
    this.err.length = 0;
    this.asked.length = 0;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
