/**
 * Registers of what is wrong: faults and supervisory conditions, each known by `fault` + `subject`.
 *
 * A chattering subject is limited: its first restoration is announced at once; if it fails again
 * within ten minutes, each further restoration must first hold for 10 s, 20 s, 40 s .. 10 min, and
 * a failure during that time is the same failure. Worst case: 22 events of one subject in the first
 * hour and 12 an hour after that.
 */
import type { DomainEvent } from '../domain/event.ts';
import type { ZoneId } from '../domain/units.ts';
import type { FaultView } from '../domain/view.ts';

export interface Fact extends FaultView {
  readonly zone: ZoneId | null;
  /** When a restoration will be announced; null while the fact holds. */
  readonly restoreAtMs: number | null;
  /** How often it has failed in a row. */
  readonly episode: number;
}

interface Ended {
  readonly fault: string;
  readonly subject: string;
  readonly episode: number;
  readonly endedMs: number;
}

export interface Register {
  readonly kind: 'fault' | 'supervisory';
  readonly active: readonly Fact[];
  readonly ended: readonly Ended[];
}

/** Where a step collects what happened. */
export interface Outbox {
  readonly events: DomainEvent[];
  /** Set when a zone went into alarm: silence is lifted everywhere. */
  newAlarm: boolean;
}

export const NO_FAULTS: Register = { kind: 'fault', active: [], ended: [] };
export const NO_SUPERVISORY: Register = { kind: 'supervisory', active: [], ended: [] };

const FIRST_HOLD_MS = 10_000;
const LONGEST_HOLD_MS = 600_000;
const MEMORY_MS = 600_000;
const MEMORY_SUBJECTS = 64;

/** How long something must be gone before its end is announced, by earlier episodes. */
export function chatterHoldMs(episode: number, firstMs: number): number {
  return Math.min(firstMs * 2 ** Math.min(episode, 16), LONGEST_HOLD_MS);
}

export interface FactInput {
  readonly fault: string;
  readonly subject: string;
  readonly zone: ZoneId | null;
  readonly detail: string;
}

export function isActive(register: Register, fault: string, subject: string): boolean {
  return register.active.some((fact) => fact.fault === fault && fact.subject === subject);
}

/** Makes sure that the fact is in the register and, if it was not, announced. */
export function raise(register: Register, input: FactInput, nowMs: number, out: Outbox): Register {
  const { fault, subject, zone, detail } = input;
  const same = (fact: Ended | Fact) => fact.fault === fault && fact.subject === subject;
  const known = register.active.find(same);
  if (known !== undefined) {
    if (known.restoreAtMs === null && known.detail === detail) return register;
    const again: Fact = { ...known, detail, restoreAtMs: null };
    return { ...register, active: register.active.map((fact) => (fact === known ? again : fact)) };
  }
  const before = register.ended.find(same);
  const remembered = before !== undefined && nowMs - before.endedMs < MEMORY_MS;
  const fact: Fact = {
    fault,
    subject,
    zone,
    detail,
    sinceMs: nowMs,
    restoreAtMs: null,
    episode: remembered ? before.episode + 1 : 0,
  };
  const data = { fault, subject, zone, detail };
  out.events.push({
    lane: 'fault',
    type: register.kind === 'fault' ? 'faultRaised' : 'supervisoryRaised',
    data,
  });
  return { ...register, active: [...register.active, fact] };
}

/** The cause is gone: announces it at once, or after a hold when the subject chatters. */
export function restore(
  register: Register,
  fault: string,
  subject: string,
  nowMs: number,
  out: Outbox,
): Register {
  const known = register.active.find((fact) => fact.fault === fault && fact.subject === subject);
  if (known === undefined || known.restoreAtMs !== null) return register;
  if (known.episode === 0) return remove(register, known, nowMs, out);
  const restoreAtMs = nowMs + chatterHoldMs(known.episode - 1, FIRST_HOLD_MS);
  const waiting: Fact = { ...known, restoreAtMs };
  return { ...register, active: register.active.map((fact) => (fact === known ? waiting : fact)) };
}

/** Announces restorations whose hold is over. */
export function settle(register: Register, nowMs: number, out: Outbox): Register {
  let settled = register;
  for (const fact of register.active) {
    if (fact.restoreAtMs !== null && fact.restoreAtMs <= nowMs) {
      settled = remove(settled, fact, nowMs, out);
    }
  }
  return settled;
}

/** When `settle` has something to do; Infinity when never. */
export function settleDueMs(register: Register): number {
  let dueMs = Infinity;
  for (const fact of register.active) {
    if (fact.restoreAtMs !== null && fact.restoreAtMs < dueMs) dueMs = fact.restoreAtMs;
  }
  return dueMs;
}

function remove(register: Register, fact: Fact, nowMs: number, out: Outbox): Register {
  const { fault, subject, zone, detail, episode } = fact;
  const data = { fault, subject, zone, detail };
  if (register.kind === 'supervisory') {
    out.events.push({ lane: 'fault', type: 'supervisoryRestored', data });
  } else {
    const afterMs = nowMs - fact.sinceMs;
    out.events.push({ lane: 'fault', type: 'faultRestored', data: { ...data, afterMs } });
  }
  const remembered = register.ended.filter(
    (other) =>
      (other.fault !== fault || other.subject !== subject) && nowMs - other.endedMs < MEMORY_MS,
  );
  return {
    kind: register.kind,
    active: register.active.filter((other) => other !== fact),
    ended: [...remembered.slice(1 - MEMORY_SUBJECTS), { fault, subject, episode, endedMs: nowMs }],
  };
}
