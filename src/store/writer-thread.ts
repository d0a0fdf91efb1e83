/** Entry of the thread that owns SQLite: messages in, replies out, one at a time. */
import process from 'node:process';
import { parentPort } from 'node:worker_threads';
import { assert } from '../domain/assert.ts';
import type { ToWriter } from './messages.ts';
import { Writer } from './writer.ts';

const port = parentPort;
assert(port !== null, 'the writer runs as a worker thread');

// This thread has no clock of its own to be given: a stopwatch for commit times is all it reads.
const stopwatchMs = (): number => Number(process.hrtime.bigint()) / 1e6;
const writer = new Writer((message) => port.postMessage(message), stopwatchMs);

port.on('message', (message: ToWriter) => {
  writer.handle(message);
  if (message.kind === 'close') port.close();
});
