/**
 * Ends this process when step or outputs have stopped for a bounded time, where no watchdog of a
 * service manager does: in a container, or started by hand. A thread of its own watches a number
 * that the main thread raises while all is well, so that a main thread which hangs in a loop or in
 * a system call is ended too.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Log } from '../domain/ports.ts';

/** Places in the shared numbers. */
export const BEATS = 0;
export const CLOSED = 1;
/** What the reason is, as far as the main thread could still tell: one of `GUARD_REASONS`. */
export const REASON = 2;
const NUMBERS = 3;

/** The exit code of a process that was ended: EX_SOFTWARE of sysexits.h. */
export const GUARD_EXIT_CODE = 70;

/** Last verdicts of the main thread. */
export const GUARD_REASONS = ['no step ended', 'no output was written'] as const;

export interface GuardData {
  readonly numbers: SharedArrayBuffer;
  /** Without a beat for so long the process ends. */
  readonly limitMs: number;
}

export interface Guard {
  /** All is well now. Costs next to nothing. */
  beat(): void;
  /** Not well, and why, should it stay so. */
  miss(reason: (typeof GUARD_REASONS)[number]): void;
  close(): void;
}

/** Its own heap is next to nothing. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 };

/**
 * Starts watching; the first beat is due within the limit. Null, and told, where no thread starts:
 * the appliance watches for fires without it.
 *
 * @param threadPath the bundled `guard-thread.ts`, normally `dist/guard-thread.js`
 */
export function startGuard(threadPath: string, limitMs: number, log: Log): Guard | null {
  const numbers = new SharedArrayBuffer(NUMBERS * Int32Array.BYTES_PER_ELEMENT);
  const view = new Int32Array(numbers);
  const lost = (detail: string): void =>
    log('error', 'nobody ends this process should it hang', { detail });
  let worker: Worker;
  try {
    worker = new Worker(pathToFileURL(resolve(threadPath)), {
      name: 'guard',
      workerData: { numbers, limitMs } satisfies GuardData,
      resourceLimits: RESOURCE_LIMITS,
      execArgv: [],
      env: {},
    });
  } catch (error) {
    lost(error instanceof Error ? error.message : String(error));
    return null;
  }
  let closed = false;
  worker.on('error', (error) => lost(error instanceof Error ? error.message : String(error)));
  worker.on('exit', () => {
    if (!closed) lost('its thread has ended');
  });
  worker.unref();
  return {
    beat: () => {
      Atomics.store(view, REASON, 0);
      Atomics.add(view, BEATS, 1);
      Atomics.notify(view, BEATS);
    },
    miss: (reason) => void Atomics.store(view, REASON, GUARD_REASONS.indexOf(reason)),
    close: () => {
      closed = true;
      Atomics.store(view, CLOSED, 1);
      Atomics.add(view, BEATS, 1);
      Atomics.notify(view, BEATS);
    },
  };
}
