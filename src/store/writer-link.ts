/** How the main thread reaches the writer: a worker thread, or a stand-in with the same manners. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { FromWriter, ToWriter } from './messages.ts';

export interface WriterLink {
  post(message: ToWriter): void;
  /** Ends the writer without waiting for it; a thread that hangs in the kernel ends later. */
  terminate(): void;
}

export interface WriterEvents {
  onMessage(message: FromWriter): void;
  /** Once, when the writer has ended for whatever reason. */
  onExit(detail: string): void;
}

export type StartWriter = (events: WriterEvents) => WriterLink;

/** @param workerPath the bundled `writer-thread.ts`, normally `dist/store-writer.js`. */
export function threadWriter(workerPath: string): StartWriter {
  const url = pathToFileURL(resolve(workerPath));
  return (events) => {
    const worker = new Worker(url, { name: 'store-writer' });
    let detail = '';
    worker.on('message', (message: FromWriter) => events.onMessage(message));
    worker.on('error', (error) => {
      detail = error instanceof Error ? error.message : String(error);
    });
    worker.on('exit', (code) => {
      events.onExit(detail === '' ? `the writer thread ended with code ${code}` : detail);
    });
    return {
      post: (message) => worker.postMessage(message),
      terminate: () => void worker.terminate(),
    };
  };
}
