/**
 * The provision tool: cards, identities and units from an installer's laptop. Gives every command
 * its clock, chance and terminal. Nothing imports this file.
 */
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { Command } from 'commander';
import { systemClock } from '../../src/clock.ts';
import { EXIT } from '../../src/commands/exit-codes.ts';
import { VERSION } from '../../src/version.ts';
import { addBatch } from './batch.ts';
import { addCa } from './ca.ts';
import { addEnrol } from './enrol.ts';
import { addFlash } from './flash.ts';
import { addInstall } from './install.ts';
import { addRetire } from './retire.ts';
import { addVerify } from './verify.ts';
import type { AddCommand, ProvisionWorld } from './world.ts';

const clock = systemClock();
const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // The second one ends the process at once.
  process.once(signal, () => stopped.abort());
}
// A reader that goes away (`| head`) ends the output, not the work with an exception.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

/** Asks on the terminal; what is typed shows only where it may. Ctrl-C and Ctrl-D answer null. */
function ask(question: string, hidden = false): Promise<string | null> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({
    input: process.stdin,
    output: hidden ? silent : process.stderr,
    terminal: true,
  });
  if (hidden) process.stderr.write(question);
  return new Promise((resolve) => {
    const end = (answer: string | null): void => {
      lines.close();
      if (hidden || answer === null) process.stderr.write('\n');
      resolve(answer);
    };
    lines.once('close', () => resolve(null));
    lines.once('SIGINT', () => {
      stopped.abort();
      end(null);
    });
    lines.question(hidden ? '' : question, (answer) => end(answer.trim()));
  });
}

let shownLength = 0;
function status(text: string | null): void {
  const blank = ' '.repeat(Math.max(0, shownLength - (text?.length ?? 0)));
  if (text === null) process.stderr.write(shownLength === 0 ? '' : `\r${blank}\r`);
  else process.stderr.write(`\r${text}${blank}`);
  shownLength = text?.length ?? 0;
}

/** npm changes into the checkout; its shims, and npm itself, say where they were called. */
function calledFrom(): string {
  const { EMBEREYE_PROVISION_CWD: shim, npm_lifecycle_event: task, INIT_CWD: npm } = process.env;
  return shim ?? (task === 'provision' ? npm : undefined) ?? process.cwd();
}

const world: ProvisionWorld = {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  ...(process.stderr.isTTY ? { status } : {}),
  ...(process.stdin.isTTY && process.stderr.isTTY ? { ask } : {}),
  nowMs: () => clock.wallMs(),
  monotonicMs: () => clock.monotonicMs(),
  randomBytes,
  environment: process.env,
  isTerminal: process.stderr.isTTY,
  cwd: calledFrom(),
  signal: stopped.signal,
  exitWith: (run) =>
    Promise.resolve(run()).then((code) => {
      process.exitCode = code;
    }),
};

const program = new Command('provision')
  .version(VERSION)
  .description('From a bare card to an armed unit')
  .addHelpText(
    'after',
    `
Exit codes: 0 done, 1 done and the answer is no, 2 wrong command line, 3 wrong configuration or
input, 4 something outside is missing (a device, a program, a host).`,
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage));

const COMMANDS: readonly AddCommand[] = [
  ...[addCa, addFlash, addEnrol, addBatch, addInstall, addVerify, addRetire],
];
for (const add of COMMANDS) add(program, world);
await program.parseAsync();
