/** Output patterns as pure functions of time. */
import type { Pattern } from './plan.ts';

/** Half a second on, half a second off. */
const PULSE_MS = 500;
/**
 * Three half-second pulses half a second apart, then a pause: the evacuation signal of ISO 8201.
 */
const TEMPORAL_THREE_MS = 4_000;

/**
 * Whether an output that is commanded active is energised at this moment.
 * @param sinceMs when the command became active: every pattern starts with its pulse.
 */
export function patternLevel(pattern: Pattern, sinceMs: number, nowMs: number): boolean {
  const elapsedMs = Math.max(0, nowMs - sinceMs);
  switch (pattern) {
    case 'steady':
      return true;
    case 'pulsed':
      return Math.floor(elapsedMs / PULSE_MS) % 2 === 0;
    case 'temporalThree': {
      const phase = Math.floor((elapsedMs % TEMPORAL_THREE_MS) / PULSE_MS);
      return phase === 0 || phase === 2 || phase === 4;
    }
  }
}
