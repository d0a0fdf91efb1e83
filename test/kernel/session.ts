/** One emulated machine from power-on to its end: answers its orders and counts its results. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GuestKernel } from './debian.ts';
import type { MachineKind } from './kinds.ts';
import { Machine } from './machine.ts';
import type { Pins } from './pins.ts';

export interface SessionOptions {
  /** For temporary files. */
  readonly folder: string;
  readonly image: string;
  /** The whole console. */
  readonly showAll: boolean;
}

export interface Outcome {
  readonly kind: MachineKind;
  readonly version: string;
  /** From the start of the emulator to the first line of init. */
  readonly bootMs: number;
  readonly totalMs: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** No machine may take longer, and none may be silent for so long. */
const SESSION_LIMIT_MS = 240_000;
const SILENCE_LIMIT_MS = 60_000;
const KEPT_LINES = 40;

/** Runs to the machine's end; a crash, a panic, a missing end and a time-out are failures. */
export async function runSession(
  kind: MachineKind,
  kernel: GuestKernel,
  { folder, image, showAll }: SessionOptions,
): Promise<Outcome> {
  const deviceTree = join(folder, 'device-tree');
  writeFileSync(deviceTree, await kind.deviceTree(kernel, folder));
  console.log(`\n${kind.board}, Linux ${kernel.version} (Debian ${kernel.release})`);
  const log = new SessionLog(showAll);
  let pins: Pins | null = null;
  let answering = Promise.resolve();
  const machine = await Machine.start({
    ...{ hardware: kind.hardware, serialsBefore: kind.serialsBefore, deviceTree },
    ...{ kernel: kernel.image, initramfs: image, commandLine: kind.commandLine },
    onLine: (line) => {
      const order = log.take(line);
      if (log.hasEnded) machine.kill(); // Not every machine can switch itself off.
      if (order === null) return;
      answering = answering.then(async () => machine.type(`${await answer(pins, order)}\n`));
    },
  });
  pins = await kind.pins(machine);
  const limit = setTimeout(() => log.stop(machine, 'took too long'), SESSION_LIMIT_MS);
  const silence = setInterval(() => {
    if (performance.now() - log.heardAtMs > SILENCE_LIMIT_MS) log.stop(machine, 'fell silent');
  }, 1000);
  await machine.ended;
  clearTimeout(limit);
  clearInterval(silence);
  const totalMs = performance.now() - machine.startedAtMs;
  const bootMs = (log.bootedAtMs ?? performance.now()) - machine.startedAtMs;
  const { passed, failed, skipped } = log.finish(kind.suites.length);
  return { kind, version: kernel.version, bootMs, totalMs, passed, failed, skipped };
}

async function answer(pins: Pins | null, order: string): Promise<string> {
  if (pins === null) return '!the pins are not connected yet';
  try {
    return await pins.answer(order);
  } catch (error) {
    return `!${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Reads the console: results, orders, and everything else. */
class SessionLog {
  heardAtMs = performance.now();
  bootedAtMs: number | null = null;
  readonly #showAll: boolean;
  readonly #last: string[] = [];
  readonly #troubles: string[] = [];
  #passed = 0;
  #failed = 0;
  #skipped = 0;
  #suitesEnded = 0;
  #ended = false;

  constructor(showAll: boolean) {
    this.#showAll = showAll;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** @returns an order for the pins, if the line is one. */
  take(raw: string): string | null {
    this.heardAtMs = performance.now();
    // A serial port that is being set up sends a stray byte or two.
    const line = raw.replace(/^[^ -~]+/, '');
    const [, word, text = ''] = /^@(\w+|\|) ?(.*)$/.exec(line) ?? [];
    if (word === 'pin') return text;
    this.#last.push(line);
    if (this.#last.length > KEPT_LINES) this.#last.shift();
    if (word === undefined) this.#other(line);
    else this.#result(word, text);
    return null;
  }

  stop(machine: Machine, why: string): void {
    this.#troubles.push(`the machine ${why} and was stopped`);
    machine.kill();
  }

  finish(suites: number): { passed: number; failed: number; skipped: number } {
    if (!this.#ended) this.#troubles.push('the machine ended before its tests did');
    else if (this.#suitesEnded !== suites) this.#troubles.push('not every suite came to its end');
    if (this.#troubles.length > 0 && !this.#showAll) {
      console.log('last words of the console:');
      for (const line of this.#last) console.log(`  | ${line}`);
    }
    for (const trouble of this.#troubles) console.log(`FAIL ${trouble}`);
    const failed = this.#failed + this.#troubles.length;
    return { passed: this.#passed, failed, skipped: this.#skipped };
  }

  #result(word: string, text: string): void {
    switch (word) {
      case 'boot':
        this.bootedAtMs = performance.now();
        console.log(`     booted: kernel ${text.split(' ')[0] ?? '?'}`);
        break;
      case 'suite':
        console.log(`     -- ${text}`);
        break;
      case 'ok':
        this.#passed += 1;
        console.log(`ok   ${timed(text)}`);
        break;
      case 'fail':
        this.#failed += 1;
        console.log(`FAIL ${timed(text)}`);
        break;
      case 'skip':
        this.#skipped += 1;
        console.log(`skip ${text}`);
        break;
      case 'again':
        console.log(`     again: ${text}`);
        break;
      case 'note':
        console.log(`seen ${text}`);
        break;
      case 'done':
        this.#suitesEnded += 1;
        break;
      case 'exit':
        if (/^[01] /.test(text)) break;
        this.#troubles.push(`suite "${text.slice(text.indexOf(' ') + 1)}" crashed (${text})`);
        break;
      case 'end':
        this.#ended = true;
        break;
      default:
        console.log(`     ${text}`);
    }
  }

  #other(line: string): void {
    if (/Kernel panic|Oops|BUG:/.test(line)) this.#troubles.push(`the kernel: ${line.trim()}`);
    if (this.#showAll && line !== '') console.log(`  | ${line}`);
  }
}

/** "12 name" as "name (12 ms)". */
function timed(text: string): string {
  const [, ms = '', name = text] = /^(\d+) (.*)$/.exec(text) ?? [];
  return `${name} (${ms} ms)`;
}
