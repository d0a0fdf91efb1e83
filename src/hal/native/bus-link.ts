/** How the main thread reaches the thread of a bus; tests put something else in its place. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { messageOf } from '../os-errors.ts';
import type { HalResult } from '../ports.ts';
import { done, failed } from '../ports.ts';
import type { BusThreadData, FromBusThread, ToBusThread } from './bus-messages.ts';

export interface BusLink {
  post(message: ToBusThread): void;
  /**
   * Ends the thread without waiting for it. One that is in a system call ends when that returns;
   * until then it does not keep the event loop alive.
   */
  terminate(): void;
}

export interface BusLinkEvents {
  onMessage(message: FromBusThread): void;
  /** Once, when the thread has ended for whatever reason. */
  onExit(detail: string): void;
}

export type StartBusThread = (data: BusThreadData, events: BusLinkEvents) => HalResult<BusLink>;

/**
 * A thread needs about 1 MB of heap. Small limits keep the engine from reserving room for a whole
 * program, and end a thread that goes mad before the machine is out of memory.
 */
const RESOURCE_LIMITS = {
  maxOldGenerationSizeMb: 16,
  maxYoungGenerationSizeMb: 2,
  stackSizeMb: 1,
} as const;

/** @param threadPath the bundled `bus-thread.ts`, normally `dist/bus-thread.js` */
export function busThreads(threadPath: string): StartBusThread {
  const url = pathToFileURL(resolve(threadPath));
  return (data, events) => {
    let detail = '';
    try {
      const worker = new Worker(url, {
        name: `bus ${data.device.path}`,
        workerData: data,
        resourceLimits: RESOURCE_LIMITS,
        execArgv: [],
        env: {},
      });
      worker.on('message', (message: FromBusThread) => events.onMessage(message));
      worker.on('error', (error) => {
        detail = messageOf(error);
      });
      worker.on('exit', (code) => {
        events.onExit(detail === '' ? `it ended with code ${code}` : detail);
      });
      return done({
        post: (message) => worker.postMessage(message),
        terminate: () => {
          worker.unref();
          void worker.terminate();
        },
      });
    } catch (error) {
      return failed('other', `no thread can be started: ${messageOf(error)}`, error);
    }
  };
}
