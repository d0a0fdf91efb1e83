/**
 * Where the numbers go on after a start. Normally above what the store holds. When the store
 * cannot say, no guess may reuse a number: readers take (lane, number) for a promise. The lanes
 * then go on from the seconds since 1970, which no appliance reaches by counting, and the range
 * that was skipped becomes a gap record, so that readers can tell it from a loss.
 */
import { type JournalEvent, type Lane, LANES } from '../domain/event.ts';
import { perLane } from './codec.ts';
import type { GapRow, Heads, OpenedStore } from './messages.ts';
import { laterId } from './stamp.ts';

/** The highest numbers that other witnesses (ring, snapshot) know of. */
export interface NumberFloor {
  readonly lastSeq: Heads;
  readonly lastId: string | null;
}

export interface Numbering {
  readonly lastSeq: Heads;
  readonly lastId: string | null;
  /** Where readers start while the store cannot be read. */
  readonly readersStartAt: Heads;
  readonly gaps: readonly GapRow[];
}

/** An event that the ring holds and that will be appended after the start. */
export type Held = Pick<JournalEvent, 'lane' | 'seq'>;

export const NO_FLOOR: NumberFloor = { lastSeq: perLane(() => 0), lastId: null };

/**
 * @param store what was opened, or null when nothing could be.
 * @param held what will still be appended: to be delivered, not skipped and not called a gap.
 */
export function numberingAfter(
  store: OpenedStore | null,
  floor: NumberFloor,
  wallMs: number,
  held: readonly Held[] = [],
): Numbering {
  const aside = store?.setAside ?? null;
  const formerHeads = aside === null ? store?.heads : aside.heads;
  const formerId = laterId(store?.lastId ?? null, aside?.lastId ?? null);
  const lastId = laterId(formerId, floor.lastId);
  // Below this, a salvage has brought back what it could and recorded the rest.
  const kept = aside === null ? NOTHING : { heads: aside.salvaged.accountedTo, telemetryRow: 0 };
  if (formerHeads == null) {
    const jump = Math.max(0, Math.floor(wallMs / 1000));
    const stored = store?.heads ?? NO_FLOOR.lastSeq;
    const lastSeq = perLane((lane) => Math.max(floor.lastSeq[lane] + 1, stored[lane] + 1, jump));
    const gaps = withoutHeld(lostRanges(lastSeq, 0, 'storeUnreadable', kept), held);
    const readersStartAt = perLane((lane) => firstHeld(held, lane, lastSeq[lane] + 1) - 1);
    return { lastSeq, lastId, readersStartAt, gaps };
  }
  const stored = store?.heads ?? NO_FLOOR.lastSeq;
  const lastSeq = perLane((lane) => Math.max(formerHeads[lane], stored[lane], floor.lastSeq[lane]));
  // A log that was cut short takes the newest commits with it, and the database opens all the same.
  const lost =
    aside === null
      ? lostRanges(lastSeq, 0, 'storeBehind', { heads: formerHeads, telemetryRow: 0 })
      : lostRanges(formerHeads, 0, 'storeSetAside', kept);
  return { lastSeq, lastId, readersStartAt: lastSeq, gaps: withoutHeld(lost, held) };
}

function numbersOf(held: readonly Held[], lane: Lane | 'telemetry'): readonly number[] {
  return held.filter((event) => event.lane === lane).map(({ seq }) => seq);
}

function firstHeld(held: readonly Held[], lane: Lane, otherwise: number): number {
  return Math.min(otherwise, ...numbersOf(held, lane));
}

/** The same ranges, cut where an event is held. */
function withoutHeld(ranges: readonly GapRow[], held: readonly Held[]): readonly GapRow[] {
  return ranges.flatMap((range) => {
    const parts: GapRow[] = [];
    let { firstSeq } = range;
    const cuts = numbersOf(held, range.lane).filter((seq) => seq <= range.lastSeq);
    for (const seq of [...new Set(cuts)].sort((a, b) => a - b)) {
      if (seq > firstSeq) parts.push({ ...range, firstSeq, lastSeq: seq - 1 });
      firstSeq = Math.max(firstSeq, seq + 1);
    }
    if (firstSeq <= range.lastSeq) parts.push({ ...range, firstSeq });
    return parts;
  });
}

/** What of a database is still there, or accounted for already. */
interface Kept {
  readonly heads: Heads;
  readonly telemetryRow: number;
}

const NOTHING: Kept = { heads: perLane(() => 0), telemetryRow: 0 };

/** Records for what a database held above `kept`: it cannot be delivered from here any more. */
export function lostRanges(
  heads: Heads,
  telemetryRow: number,
  reason: string,
  kept: Kept = NOTHING,
): readonly GapRow[] {
  const lanes = LANES.map((lane) => [lane, kept.heads[lane] + 1, heads[lane]] as const);
  return [...lanes, ['telemetry', kept.telemetryRow + 1, telemetryRow] as const]
    .filter(([, firstSeq, lastSeq]) => lastSeq >= firstSeq)
    .map(([lane, firstSeq, lastSeq]) => ({ lane, firstSeq, lastSeq, reason }));
}

/** The higher of two floors, lane by lane. */
export function higherFloor(a: NumberFloor, b: NumberFloor): NumberFloor {
  const lastSeq = perLane((lane) => Math.max(a.lastSeq[lane], b.lastSeq[lane]));
  return { lastSeq, lastId: laterId(a.lastId, b.lastId) };
}

/**
 * What the ring holds beyond the store: to be appended to the journal before anything else is.
 * Appending more than that does no harm, because a stored event is recognised by its id.
 */
export function eventsToRecover(
  ring: readonly JournalEvent[],
  stored: Heads,
): readonly JournalEvent[] {
  return ring.filter(({ lane, seq }) => seq > stored[lane]);
}
