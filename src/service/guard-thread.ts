/**
 * The thread that ends its process: `dist/guard-thread.js`. It waits for the next beat and does
 * nothing else; when none comes it says why on standard error and ends everything.
 */
import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import type { Libc } from '../hal/native/libc.ts';
import { loadLibc } from '../hal/native/libc.ts';
import type { GuardData } from './guard.ts';
import { BEATS, CLOSED, GUARD_EXIT_CODE, GUARD_REASONS, REASON } from './guard.ts';

/**
 * The time is waited for in parts: a process that was stopped (SIGSTOP, a sleeping machine) and
 * goes on finds one part over, not all of them.
 */
const PARTS = 10;
const STANDARD_ERROR = 2;

const { numbers, limitMs } = workerData as GuardData;
const view = new Int32Array(numbers);

/** Resolves with false once the guard is closed, with true when the time is over. */
function isOverdue(): boolean {
  for (;;) {
    const seen = Atomics.load(view, BEATS);
    let parts = 0;
    while (parts < PARTS && Atomics.load(view, BEATS) === seen) {
      if (Atomics.wait(view, BEATS, seen, limitMs / PARTS) === 'timed-out') parts += 1;
    }
    if (Atomics.load(view, CLOSED) === 1) return false;
    if (parts === PARTS && Atomics.load(view, BEATS) === seen) return true;
  }
}

function end(libc: Libc | null): void {
  const reason = GUARD_REASONS[Atomics.load(view, REASON)] ?? GUARD_REASONS[0];
  const text =
    `ended: ${reason} for ${limitMs / 1000} s (service.exitAfterSeconds): ` +
    'whoever supervises this process starts it again\n';
  try {
    writeSync(STANDARD_ERROR, text);
  } finally {
    // Process 1 of a container does not hear signals that it sends itself; it does hear this.
    libc?.exitNow(GUARD_EXIT_CODE);
    process.kill(process.pid, 'SIGKILL');
  }
}

// Before there is anything to end: a process that hangs may not be able to load any more.
const loaded = await loadLibc();
if (isOverdue()) end(loaded.ok ? loaded.value : null);
