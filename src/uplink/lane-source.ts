/** Where the items of a lane come from and how they look on the wire: six lanes, one shape. */
import { LANES, type JournalEvent, type Lane } from '../domain/event.ts';
import type { Clock, Cursors, Gap, Journal, TelemetryRow } from '../domain/ports.ts';
import type { OutgoingMessage } from './link.ts';
import {
  eventMessage,
  gapMessage,
  type Identity,
  telemetryMessage,
  type Topics,
} from './payload.ts';

export type LaneName = Lane | 'telemetry' | 'gap';
/** In the order in which they are served; see `Delivery`. */
export const LANE_NAMES: readonly LaneName[] = [...LANES, 'gap', 'telemetry'];

export interface Page<T> {
  readonly items: readonly { readonly seq: number; readonly item: T }[];
  /** Nothing more was stored behind these when they were read. */
  readonly last: boolean;
}

export interface LaneSource<T> {
  readonly name: LaneName;
  read(afterSeq: number, limit: number): Promise<Page<T>>;
  /** Makes the cursor durable. */
  advance(seq: number): void;
  /** Puts on record that an item will never be delivered. */
  giveUp(seq: number, reason: string): void;
  /** Old news gives way to live ones, and says that it is old. */
  isHistorical(item: T): boolean;
  /** Null when the item cannot be published at all. */
  message(item: T, historical: boolean): OutgoingMessage | null;
}

export interface SourceDeps {
  readonly journal: Journal;
  readonly broker: string;
  readonly topics: Topics;
  readonly identity: Identity;
  readonly clock: Clock;
  /** Age from which an item is historical. */
  readonly historicalAfterMs: number;
}

/** A lane of events. @see Journal.readAfter */
export function eventSource(deps: SourceDeps, lane: Lane): LaneSource<JournalEvent> {
  const { journal, broker, topics } = deps;
  return {
    name: lane,
    read: async (afterSeq, limit) => {
      const events = await journal.readAfter(lane, afterSeq, limit);
      const items = events.map((event) => ({ seq: event.seq, item: event }));
      return { items, last: events.length < limit };
    },
    advance: (seq) => journal.advance(broker, lane, seq),
    giveUp: (seq, reason) => recordOne(journal, lane, seq, reason),
    isHistorical: (event) => {
      // Within one boot the monotonic clock tells the age, whatever the wall clock did meanwhile.
      const ageMs = deps.clock.monotonicMs() - event.monotonicMs;
      return event.bootId === deps.identity.bootId
        ? ageMs > deps.historicalAfterMs
        : isOld(deps, event.wall);
    },
    message: (event, historical) => eventMessage(topics, event, historical),
  };
}

export function telemetrySource(
  deps: SourceDeps,
): LaneSource<TelemetryRow & { readonly row: number }> {
  const { journal, broker, topics, identity } = deps;
  return {
    name: 'telemetry',
    read: async (afterSeq, limit) => {
      const rows = await journal.readTelemetry(afterSeq, limit);
      return { items: rows.map((row) => ({ seq: row.row, item: row })), last: rows.length < limit };
    },
    advance: (seq) => journal.advance(broker, 'telemetry', seq),
    giveUp: (seq, reason) => recordOne(journal, 'telemetry', seq, reason),
    isHistorical: (row) => isOld(deps, row.wall),
    message: (row, historical) => telemetryMessage(topics, identity, row, historical),
  };
}

/** The ledger of what was dropped. It has no cursor to read from: the journal applies its own. */
export function gapSource(deps: SourceDeps): LaneSource<Gap> {
  const { journal, broker, topics, identity } = deps;
  return {
    name: 'gap',
    read: async (afterSeq, limit) => {
      const gaps = await journal.readGaps(broker, limit);
      const items = gaps
        .filter(({ id }) => id > afterSeq)
        .map((gap) => ({ seq: gap.id, item: gap }));
      // A page of nothing but known entries must not be read over and over.
      return { items, last: gaps.length < limit || items.length === 0 };
    },
    advance: (seq) => journal.advance(broker, 'gap', seq),
    // A gap about a gap would go the same way; the counter and the log have it.
    giveUp: () => undefined,
    isHistorical: () => false,
    message: (gap) => gapMessage(topics, identity, gap),
  };
}

/** Where each lane starts: the durable cursors of this broker. */
export async function readCursors(
  journal: Journal,
  broker: string,
): Promise<Cursors & { readonly telemetry: number }> {
  const [events, telemetry] = await Promise.all([
    journal.cursors(broker),
    journal.telemetryCursor(broker),
  ]);
  return { ...events, telemetry };
}

function recordOne(journal: Journal, lane: Lane | 'telemetry', seq: number, reason: string): void {
  journal.recordGap({ lane, firstSeq: seq, lastSeq: seq, reason });
}

/** A stamp from before a clock step may lie ahead of us: that is not live either. */
function isOld(deps: SourceDeps, wall: string): boolean {
  const ageMs = deps.clock.wallMs() - Date.parse(wall);
  return !(Math.abs(ageMs) <= deps.historicalAfterMs);
}
