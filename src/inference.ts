/**
 * Entry of the model's process: `dist/inference.js`, started by the appliance. It opens one model
 * and judges what it is asked, one question after another. It has no secrets, gives way to the main
 * process and to the kernel when memory is short, and ends with its parent. Before the library
 * loads it gives up the network, other processes and writing; before the model is looked at,
 * opening anything at all (docs/decisions/0017).
 */
import { openSync, readSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import process from 'node:process';
import { systemClock } from './clock.ts';
import { EXIT } from './commands/exit-codes.ts';
import { loadLibc } from './hal/native/libc.ts';
import { confine } from './service/confine.ts';
import type { Stage } from './service/confine-filter.ts';
import type { Judge } from './vision/model-open.ts';
import { openModel } from './vision/model-open.ts';
import type { ModelReply, ModelRequest } from './vision/model-protocol.ts';
import { KINDS, MODEL_PROTOCOL_VERSION, readRequest } from './vision/model-protocol.ts';
import { loadLibrary, openOnnxSession } from './vision/onnx-session.ts';

const clock = systemClock();
const v = MODEL_PROTOCOL_VERSION;

type Reply<T = ModelReply> = T extends ModelReply ? Omit<T, 'v'> : never;

function reply(message: Reply): void {
  // The parent may go between question and answer: then this process ends with it.
  process.send?.({ v, ...message }, undefined, undefined, () => undefined);
}

/** Behind the main process in every respect. What is refused changes no answer. */
function giveWay(): void {
  for (const yieldTo of [
    () => setPriority(constants.priority.PRIORITY_BELOW_NORMAL),
    // When memory runs out the kernel ends this process, not the one that watches for fires.
    () => writeFileSync('/proc/self/oom_score_adj', '1000'),
  ]) {
    try {
      yieldTo();
    } catch (error) {
      process.stderr.write(`runs on without: ${error instanceof Error ? error.message : ''}\n`);
    }
  }
}

let judge: Judge | null = null;

/** Why it has more rights than it needs; empty: it has given up all others. */
const tooMuch: string[] = [];

async function giveUp(stage: Stage): Promise<void> {
  const libc = await loadLibc();
  const why = libc.ok ? confine(stage, libc.value, process) : libc.error.message;
  if (why !== null) tooMuch.push(why);
}

/** Resident memory, from a file that stays open: nothing can be opened later. */
function residentReader(): () => number {
  const pages = openSync('/proc/self/statm', 'r');
  const text = Buffer.alloc(128);
  const [, atFirst = '1'] = statm(pages, text);
  const pageBytes = process.memoryUsage.rss() / Number(atFirst);
  const page = PAGE_SIZES.find((size) => size >= pageBytes * 0.75) ?? SMALLEST_PAGE;
  return () => Number(statm(pages, text)[1] ?? 0) * page;
}

const SMALLEST_PAGE = 4096;
/** Of the kernels that run here: 16 KiB on a Pi 5, 64 KiB on some servers. */
const PAGE_SIZES = [SMALLEST_PAGE, 16_384, 65_536];

function statm(descriptor: number, text: Buffer): readonly string[] {
  const length = readSync(descriptor, text, 0, text.length, 0);
  return text.toString('latin1', 0, length).split(' ');
}

const residentBytes = residentReader();

async function open(wanted: Extract<ModelRequest, { kind: 'open' }>['wanted']): Promise<void> {
  const opened = await openModel(wanted, async (bytes, threads) => {
    await loadLibrary();
    await giveUp('computing');
    return openOnnxSession(bytes, threads);
  });
  if (!opened.ok) {
    reply({ kind: 'refused', refusal: opened.refusal });
    return;
  }
  judge = opened.judge;
  const unconfined = tooMuch.length === 0 ? {} : { unconfined: [...new Set(tooMuch)].join(', ') };
  reply({ kind: 'opened', facts: { ...opened.facts, ...unconfined } });
}

async function answer(id: number, rows: number, features: Float32Array): Promise<void> {
  if (judge === null) {
    reply({ kind: 'failed', id, message: 'asked before a model was opened' });
    return;
  }
  const startedMs = clock.monotonicMs();
  try {
    const belief = await judge(features, rows);
    const seconds = (clock.monotonicMs() - startedMs) / 1000;
    if (belief.length === rows * KINDS) {
      reply({ kind: 'belief', id, belief, seconds, residentBytes: residentBytes() });
      return;
    }
    reply({ kind: 'failed', id, message: `${belief.length} numbers for ${rows} rows` });
  } catch (error) {
    reply({ kind: 'failed', id, message: error instanceof Error ? error.message : String(error) });
  }
}

giveWay();
await giveUp('loading');
process.on('disconnect', () => process.exit(EXIT.ok));
// A signal to the whole group, Ctrl-C in a terminal: the parent decides when this ends.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('message', (value) => {
  const request = readRequest(value);
  if (request === null) {
    process.stderr.write('asked in another version of the protocol: install again\n');
    process.exit(EXIT.usage);
  }
  if (request.kind === 'open') void open(request.wanted);
  else void answer(request.id, request.rows, request.features);
});
if (process.send === undefined) {
  process.stderr.write('the appliance starts this program itself\n');
  process.exitCode = EXIT.usage;
}
