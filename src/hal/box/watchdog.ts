/** The machine's hardware watchdog: a reading only, since a box without one works as well. */
import type { KernelFiles } from '../bus-ports.ts';
import { wholeNumber } from './report.ts';
import type { BoxReader } from './report.ts';
import { NOTHING, unreadable } from './report.ts';

const WATCHDOG = '/sys/class/watchdog/watchdog0';
const WHAT = 'hardware watchdog';

export interface WatchdogState {
  readonly active: boolean;
  readonly timeoutSeconds: number | null;
}

/** Readings `watchdogActive` and `watchdogTimeoutSeconds`. */
export function watchdogReader(files: KernelFiles): BoxReader {
  return {
    name: WHAT,
    async read() {
      const state = await files.read(`${WATCHDOG}/state`);
      if (!state.ok) return unreadable(WHAT, state.error);
      const timeout = await files.read(`${WATCHDOG}/timeout`);
      const seconds = timeout.ok ? wholeNumber(timeout.value) : null;
      const active = state.value === 'active' ? 1 : 0;
      return {
        ...NOTHING,
        present: [WHAT],
        readings: [
          { name: 'watchdogActive', value: active, unit: 'state' },
          ...(seconds === null
            ? []
            : [{ name: 'watchdogTimeoutSeconds', value: seconds, unit: 'seconds' } as const]),
        ],
      };
    },
  };
}
