/**
 * Entry of the model's process: `dist/inference.js`, started by the appliance. It opens one model
 * and judges what it is asked, one question after another. It has no secrets, opens no port, gives
 * way to the main process and to the kernel when memory is short, and ends with its parent.
 */
import { writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import process from 'node:process';
import { systemClock } from './clock.ts';
import { EXIT } from './commands/exit-codes.ts';
import type { Judge } from './vision/model-open.ts';
import { openModel } from './vision/model-open.ts';
import type { ModelReply, ModelRequest } from './vision/model-protocol.ts';
import { KINDS, MODEL_PROTOCOL_VERSION, readRequest } from './vision/model-protocol.ts';
import { openOnnxSession } from './vision/onnx-session.ts';

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

async function open(wanted: Extract<ModelRequest, { kind: 'open' }>['wanted']): Promise<void> {
  const opened = await openModel(wanted, openOnnxSession);
  if (!opened.ok) {
    reply({ kind: 'refused', refusal: opened.refusal });
    return;
  }
  judge = opened.judge;
  reply({ kind: 'opened', facts: opened.facts });
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
      const residentBytes = process.memoryUsage.rss();
      reply({ kind: 'belief', id, belief, seconds, residentBytes });
      return;
    }
    reply({ kind: 'failed', id, message: `${belief.length} numbers for ${rows} rows` });
  } catch (error) {
    reply({ kind: 'failed', id, message: error instanceof Error ? error.message : String(error) });
  }
}

giveWay();
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
