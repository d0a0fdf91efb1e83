/** A process that confines itself and then tries what it must not be able to do. */
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { closeSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { loadLibc } from '../../src/hal/native/libc.ts';
import { confine } from '../../src/service/confine.ts';

const [, , stage = '', file = '', device = '', socket = '', port = ''] = process.argv;
const results: Record<string, string> = {};

/** `done`, or the code of the error. */
function attempt(name: string, run: () => unknown): void {
  try {
    run();
    results[name] = 'done';
  } catch (error) {
    results[name] = codeOf(error);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

function attemptSocket(name: string, open: () => Socket): Promise<void> {
  return new Promise((resolve) => {
    const end = (how: string): void => {
      results[name] = how;
      resolve();
    };
    try {
      const opened = open();
      opened.once('connect', () => end('done'));
      opened.once('error', (error) => end(codeOf(error)));
    } catch (error) {
      end(codeOf(error));
    }
  });
}

function attemptListening(): Promise<void> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => {
      results['listen'] = codeOf(error);
      resolve();
    });
    server.listen(0, '127.0.0.1', () => {
      results['listen'] = 'done';
      resolve();
    });
  });
}

function attemptDatagram(): Promise<void> {
  return new Promise((resolve) => {
    const datagrams = createSocket('udp4');
    const end = (error: Error | null): void => {
      results['datagram'] = error === null ? 'done' : codeOf(error);
      resolve();
    };
    datagrams.once('error', end);
    datagrams.send('x', Number(port), '127.0.0.1', end);
  });
}

/** A thread that was there before is bound as well. */
function otherThread(): Promise<(name: string) => Promise<void>> {
  const code = `
    const { parentPort } = require('node:worker_threads');
    const { openSync } = require('node:fs');
    parentPort.on('message', (path) => {
      try { openSync(path, 'r+'); parentPort.postMessage('done'); }
      catch (error) { parentPort.postMessage(error.code); }
    });
    parentPort.postMessage('ready');
  `;
  const worker = new Worker(code, { eval: true, execArgv: [] });
  return new Promise((resolve) => {
    worker.once('message', () =>
      resolve(
        (path) =>
          new Promise((told) => {
            worker.once('message', (how: string) => {
              results['other thread'] = how;
              told();
            });
            worker.postMessage(path);
          }),
      ),
    );
  });
}

const libc = await loadLibc();
if (!libc.ok) throw libc.error;
const inThread = await otherThread();
if (stage !== 'none') {
  const why = confine('loading', libc.value, process);
  if (why !== null) throw new Error(why);
}
if (stage === 'computing') {
  const why = confine('computing', libc.value, process);
  if (why !== null) throw new Error(why);
}
attempt('read a file', () => readFileSync(file));
attempt('write a file', () => closeSync(openSync(file, 'r+')));
attempt('append to a file', () => closeSync(openSync(file, 'a')));
attempt('make a file', () => closeSync(openSync(`${file}.new`, 'w')));
attempt('open a device', () => closeSync(openSync(device, 'r+')));
attempt('remove a file', () => unlinkSync(`${file}.none`));
attempt('signal the parent', () => process.kill(process.ppid, 0));
attempt('run a program', () => {
  const { error } = spawnSync(process.execPath, ['--version']);
  if (error !== undefined) throw error;
});
await inThread(file);
await attemptSocket('connect', () => connect(Number(port), '127.0.0.1'));
await attemptSocket('connect to a unix socket', () => connect(socket));
await attemptListening();
await attemptDatagram();
writeSync(1, `${JSON.stringify(results)}\n`);
process.exit(0);
