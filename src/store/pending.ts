/**
 * What waits to become durable: bounded by rows and bytes. On overflow telemetry gives up its
 * oldest rows; events give up the oldest of the least important lane that has any, and the alarm
 * lane comes last. What was given up is counted, and events also become a gap record.
 */
import { LANES, type Lane } from '../domain/event.ts';
import type { StoredKind, TelemetryRow } from '../domain/ports.ts';
import { perLane } from './codec.ts';
import { Fifo } from './fifo.ts';
import type {
  CursorLane,
  CursorRow,
  EventRow,
  GapRow,
  Group,
  Heads,
  KeyedRow,
  LostTelemetry,
} from './messages.ts';
import type { PendingLimits } from './pending-limits.ts';

export { DEFAULT_PENDING_LIMITS, type PendingLimits } from './pending-limits.ts';

const ALARMS: readonly Lane[] = ['alarm'];
const NOTHING_LOST: LostTelemetry = { rows: 0, readings: 0 };

/** Rows of one transaction: small enough that an alarm never waits long behind a backlog. */
const GROUP_EVENTS = 1000;
const GROUP_TELEMETRY = 500;
const GROUP_OTHERS = 1000;

/**
 * What may be committed now: all of it; all but telemetry; events and gaps alone, or alarms alone,
 * from the reserve of a full disk.
 */
export type Part = 'all' | 'notTelemetry' | 'events' | 'alarms';

export interface PendingCounters {
  readonly events: number;
  readonly eventBytes: number;
  readonly telemetryRows: number;
  /** Cursors, keyed values and gap records. */
  readonly othersWaiting: number;
  readonly droppedEvents: Readonly<Record<Lane, number>>;
  readonly droppedTelemetry: number;
  readonly droppedOthers: number;
}

export class PendingWrites {
  readonly #limits: PendingLimits;
  readonly #lanes = perLane(() => new Fifo<EventRow>());
  readonly #telemetry = new Fifo<TelemetryRow>();
  readonly #cursors = new Map<string, CursorRow>();
  readonly #keyed = new Map<string, KeyedRow>();
  readonly #dropped = perLane(() => 0);
  #gaps: GapRow[] = [];
  #inFlight: Group | null = null;
  #events = 0;
  #eventBytes = 0;
  #droppedTelemetry = 0;
  #droppedOthers = 0;
  /** Of telemetry, since the last group: it gets numbers and a gap with the next one. */
  #lost: LostTelemetry = NOTHING_LOST;

  constructor(limits: PendingLimits) {
    this.#limits = limits;
  }

  /** @returns how many events had to be given up for these. */
  addEvents(rows: readonly EventRow[]): number {
    for (const row of rows) {
      this.#lanes[row.lane].push(row);
      this.#events += 1;
      this.#eventBytes += row.json.length;
    }
    let given = 0;
    while (this.#events > this.#limits.events || this.#eventBytes > this.#limits.eventBytes) {
      if (!this.#dropOldestEvent()) break;
      given += 1;
    }
    return given;
  }

  /** Rows with a value that no column can hold are refused. @returns how many were given up. */
  addTelemetry(rows: readonly TelemetryRow[]): number {
    const before = this.#droppedTelemetry;
    for (const row of rows) {
      if (isStorable(row)) this.#telemetry.push(row);
      else this.#lose(row);
    }
    while (this.#telemetry.size > this.#limits.telemetryRows) this.#lose(this.#telemetry.shift());
    return this.#droppedTelemetry - before;
  }

  /** Only the furthest position of a reader in a lane is kept. */
  addCursor(broker: string, lane: CursorLane, seq: number): void {
    const name = `${broker}\n${lane}`;
    const known = this.#cursors.get(name);
    if (known === undefined || known.seq < seq) this.#cursors.set(name, { broker, lane, seq });
  }

  /** The newest value of a key wins; false when there is no room for another key. */
  addKeyed(row: KeyedRow): boolean {
    const name = `${row.kind}\n${row.key}`;
    if (this.#keyed.size >= this.#limits.keyedRows && !this.#keyed.has(name)) {
      this.#droppedOthers += 1;
      return false;
    }
    this.#keyed.set(name, row);
    return true;
  }

  /** Ranges of a lane that touch and are given up for the same reason become one. */
  addGap(gap: GapRow): boolean {
    const last = this.#gaps.findLastIndex(
      ({ lane, reason }) => lane === gap.lane && reason === gap.reason,
    );
    const before = this.#gaps[last];
    if (before !== undefined && touches(before, gap)) {
      const firstSeq = Math.min(before.firstSeq, gap.firstSeq);
      this.#gaps[last] = { ...before, firstSeq, lastSeq: Math.max(before.lastSeq, gap.lastSeq) };
      return true;
    }
    if (this.#gaps.length >= this.#limits.gaps) {
      this.#droppedOthers += 1;
      return false;
    }
    this.#gaps.push(gap);
    return true;
  }

  /** What turned out not to be missing is taken out of the gaps of this reason. */
  cutGaps(reason: string, heads: Heads): void {
    this.#gaps = this.#gaps.map((gap) => {
      if (gap.reason !== reason || gap.lane === 'telemetry') return gap;
      const head = heads[gap.lane];
      // Above the gap it is of this run, and says nothing of what was there before.
      return head > gap.lastSeq ? gap : { ...gap, firstSeq: Math.max(gap.firstSeq, head + 1) };
    });
  }

  /** Something waits that must be durable at once. */
  get urgent(): boolean {
    return this.#events > 0 || this.#gaps.length > 0;
  }

  get empty(): boolean {
    return this.#inFlight === null && !this.waiting;
  }

  /** Something waits besides the group that is under way. */
  get waiting(): boolean {
    return (
      this.urgent || this.#telemetry.size > 0 || this.#cursors.size > 0 || this.#keyed.size > 0
    );
  }

  get inFlight(): Group | null {
    return this.#inFlight;
  }

  /** The next transaction, most important lane first. It stays in flight until `settle`. */
  take(part: Part = 'all'): Group {
    const events: EventRow[] = [];
    for (const lane of part === 'alarms' ? ALARMS : LANES) {
      events.push(...this.#lanes[lane].take(GROUP_EVENTS - events.length));
    }
    this.#events -= events.length;
    for (const { json } of events) this.#eventBytes -= json.length;
    const withOthers = part === 'all' || part === 'notTelemetry';
    const group = {
      events,
      telemetry: part === 'all' ? this.#telemetry.take(GROUP_TELEMETRY) : [],
      cursors: withOthers ? takeFrom(this.#cursors) : [],
      keyed: withOthers ? takeFrom(this.#keyed) : [],
      gaps: part === 'alarms' ? [] : this.#gaps.splice(0, GROUP_OTHERS),
    };
    const withLost = part === 'all' && this.#lost.rows > 0;
    this.#inFlight = withLost ? { ...group, lost: this.#lost } : group;
    if (withLost) this.#lost = NOTHING_LOST;
    return this.#inFlight;
  }

  /** Puts the group in flight back, so that less of it can be taken. */
  putBack(): void {
    const group = this.#inFlight;
    this.#inFlight = null;
    if (group === null) return;
    for (const lane of LANES) {
      this.#lanes[lane].putBack(group.events.filter((row) => row.lane === lane));
    }
    this.#events += group.events.length;
    for (const { json } of group.events) this.#eventBytes += json.length;
    this.#telemetry.putBack(group.telemetry);
    for (const { broker, lane, seq } of group.cursors) this.addCursor(broker, lane, seq);
    for (const row of group.keyed) {
      // A newer value of the same key stays.
      const name = `${row.kind}\n${row.key}`;
      if (!this.#keyed.has(name)) this.#keyed.set(name, row);
    }
    this.#gaps.unshift(...group.gaps);
    if (group.lost === undefined) return;
    const { rows, readings } = group.lost;
    this.#lost = { rows: this.#lost.rows + rows, readings: this.#lost.readings + readings };
  }

  /** Something waits of what may be committed now. */
  has(part: Part): boolean {
    if (part === 'alarms') return this.#lanes.alarm.size > 0;
    if (part === 'events') return this.urgent;
    const others = this.urgent || this.#cursors.size > 0 || this.#keyed.size > 0;
    return others || (part === 'all' && this.waiting);
  }

  /** The group in flight is durable. @returns its highest number per lane, and its events. */
  settle(): { committed: Partial<Record<Lane, number>>; events: number } {
    const events = this.#inFlight?.events ?? [];
    const committed: Partial<Record<Lane, number>> = {};
    for (const { lane, seq } of events) committed[lane] = Math.max(committed[lane] ?? 0, seq);
    this.#inFlight = null;
    return { committed, events: events.length };
  }

  /** Events that are not durable yet, in order, as JSON. */
  eventsAfter(lane: Lane, afterSeq: number, limit: number): readonly string[] {
    const found: string[] = [];
    const flying = this.#inFlight?.events.filter((row) => row.lane === lane) ?? [];
    for (const rows of [flying, this.#lanes[lane]]) {
      for (const { seq, json } of rows) {
        if (found.length >= limit) return found;
        if (seq > afterSeq) found.push(json);
      }
    }
    return found;
  }

  /** Values that are not durable yet. */
  keyedRows(kind: StoredKind): readonly KeyedRow[] {
    const rows = [...(this.#inFlight?.keyed ?? []), ...this.#keyed.values()];
    return rows.filter((row) => row.kind === kind);
  }

  get counters(): PendingCounters {
    return {
      events: this.#events + (this.#inFlight?.events.length ?? 0),
      eventBytes: this.#eventBytes,
      telemetryRows: this.#telemetry.size + (this.#inFlight?.telemetry.length ?? 0),
      othersWaiting: this.#othersWaiting(),
      droppedEvents: { ...this.#dropped },
      droppedTelemetry: this.#droppedTelemetry,
      droppedOthers: this.#droppedOthers,
    };
  }

  #lose(row: TelemetryRow | undefined): void {
    if (row === undefined) return;
    this.#droppedTelemetry += 1;
    const { rows, readings } = this.#lost;
    const count = Number.isFinite(row.count) ? row.count : 0;
    this.#lost = { rows: rows + 1, readings: readings + count };
  }

  #othersWaiting(): number {
    const flying = this.#inFlight;
    const inFlight =
      flying === null ? 0 : flying.cursors.length + flying.keyed.length + flying.gaps.length;
    return inFlight + this.#cursors.size + this.#keyed.size + this.#gaps.length;
  }

  #dropOldestEvent(): boolean {
    const lane = [...LANES].reverse().find((name) => this.#lanes[name].size > 0);
    if (lane === undefined) return false;
    const row = this.#lanes[lane].shift();
    if (row === undefined) return false;
    this.#events -= 1;
    this.#eventBytes -= row.json.length;
    this.#dropped[lane] += 1;
    this.addGap({ lane, firstSeq: row.seq, lastSeq: row.seq, reason: 'memoryFull' });
    return true;
  }
}

function touches(a: GapRow, b: GapRow): boolean {
  return a.firstSeq <= b.lastSeq + 1 && b.firstSeq <= a.lastSeq + 1;
}

/** SQLite turns NaN into NULL, which the columns refuse: one such row would block its group. */
function isStorable(row: TelemetryRow): boolean {
  return [row.monotonicMs, row.value, row.min, row.max, row.count].every(Number.isFinite);
}

function takeFrom<V>(rows: Map<string, V>): V[] {
  const taken: V[] = [];
  for (const [name, row] of rows) {
    if (taken.length >= GROUP_OTHERS) break;
    taken.push(row);
    rows.delete(name);
  }
  return taken;
}
