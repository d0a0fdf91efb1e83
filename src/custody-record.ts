/** The custody of an alarm as it was stored, read back. */
import type { OpenAlarm } from './custody-book.ts';
import type { CustodyEntry } from './domain/custody.ts';
import { CUSTODY_STAGES } from './domain/custody.ts';
import { isId, zoneId } from './domain/units.ts';

/** Null when it is not what this program stores. */
export function readOpenAlarm(text: string): OpenAlarm | null {
  const raw = fieldsOf(parse(text));
  const { id, seq, zone, zoneName, bootId, atMs, stages, waitMs, asked, escalated } = raw;
  if (typeof id !== 'string' || typeof zone !== 'string' || !isId(zone)) return null;
  if (typeof zoneName !== 'string' || typeof bootId !== 'string') return null;
  if (!isNumber(seq) || !isNumber(atMs) || !isNumber(waitMs)) return null;
  if (typeof asked !== 'boolean' || typeof escalated !== 'boolean') return null;
  if (!Array.isArray(stages)) return null;
  const entries = stages.flatMap((stage: unknown) => entryOf(fieldsOf(stage)) ?? []);
  if (entries.length < stages.length) return null;
  return {
    ...{ id, seq, zoneName, bootId, atMs, waitMs, asked, escalated },
    zone: zoneId(zone),
    stages: entries,
    dueMs: null,
  };
}

function entryOf(raw: Readonly<Record<string, unknown>>): CustodyEntry | null {
  const { stage: name, afterMs, wall, by } = raw;
  const stage = CUSTODY_STAGES.find((one) => one === name);
  if (stage === undefined || typeof wall !== 'string') return null;
  if (afterMs !== null && !isNumber(afterMs)) return null;
  return { stage, afterMs, wall, ...(typeof by === 'string' ? { by } : {}) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Unreadable is an answer here: the caller says which alarm it was.
    return null;
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
