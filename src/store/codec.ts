/** Events as text and back: the one parser of what the store and the ring have kept. */
import { EVENT_SCHEMA, type JournalEvent, LANES, type Lane } from '../domain/event.ts';
import type { EventRow } from './messages.ts';
import { isEventId } from './stamp.ts';

export function rowOf(event: JournalEvent): EventRow {
  const { lane, seq, id, type, wall } = event;
  return { lane, seq, id, type, wall, json: JSON.stringify(event) };
}

/**
 * Reads one event back. Only the envelope is examined: it decides where the event belongs, and
 * `data` has been written by this very program. Returns null for anything else.
 */
export function eventOf(json: string): JournalEvent | null {
  let raw: unknown;
  try {
    raw = JSON.parse(json);
  } catch {
    return null;
  }
  if (typeof raw !== 'object' || raw === null) return null;
  const event = raw as Partial<Record<keyof JournalEvent, unknown>>;
  const sound =
    event.schema === EVENT_SCHEMA &&
    isLane(event.lane) &&
    typeof event.seq === 'number' &&
    Number.isSafeInteger(event.seq) &&
    event.seq > 0 &&
    typeof event.id === 'string' &&
    isEventId(event.id) &&
    typeof event.type === 'string' &&
    typeof event.wall === 'string' &&
    typeof event.data === 'object' &&
    event.data !== null;
  return sound ? (raw as JournalEvent) : null;
}

export function isLane(value: unknown): value is Lane {
  return LANES.some((lane) => lane === value);
}

/** One value for every lane. */
export function perLane<T>(value: (lane: Lane) => T): Record<Lane, T> {
  return {
    alarm: value('alarm'),
    fault: value('fault'),
    operator: value('operator'),
    system: value('system'),
  };
}
