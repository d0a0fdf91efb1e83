/** Queues of a running process against their bounds. */
import type { Scoreboard } from './invariants.ts';
import type { SimProcess } from './process.ts';

export function checkCapacity(process: SimProcess, score: Scoreboard): void {
  if (process.store === null) return;
  const { events, telemetryRows } = process.store.stats();
  const waiting = [...(process.dock?.wires ?? [])].map(({ waitingBytes }) => waitingBytes);
  const bounds: readonly (readonly [string, number, number])[] = [
    ['events that wait to be durable', events, 20_000],
    ['telemetry rows that wait', telemetryRows, 20_000],
    ['unanswered messages', process.mostInFlight(), 16],
    ['bytes of the ring', process.ringBytes, 4 * 1024 * 1024],
    ['bytes that wait in a socket', Math.max(0, ...waiting), 65_536],
  ];
  for (const [what, is, most] of bounds) {
    if (is > 0) score.expect('withinCapacity', is <= most, () => `${is} ${what}`);
  }
}
