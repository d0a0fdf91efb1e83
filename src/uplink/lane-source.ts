/** Where the items of a lane come from and how they look on the wire: six lanes, one shape. */
import { LANES, type Lane } from '../domain/event.ts';
import type { Clock, Cursors, EventText, Gap, Journal, TelemetryRow } from '../domain/ports.ts';
import type { OutgoingMessage } from './link.ts';
import { gapMessage, type Identity, telemetryMessage, type Topics } from './payload.ts';

export type LaneName = Lane | 'telemetry' | 'gap';
/** In the order in which they are served; see `Delivery`. */
export const LANE_NAMES: readonly LaneName[] = [...LANES, 'gap', 'telemetry'];

/** An item with its number. A class for the reason that `Entry` has. */
export class PageItem<T> {
  readonly seq: number;
  readonly item: T;
  /** About how much memory it takes in hand. */
  readonly bytes: number;

  constructor(seq: number, item: T, bytes: number) {
    this.seq = seq;
    this.item = item;
    this.bytes = bytes;
  }
}

export interface Page<T> {
  readonly items: readonly PageItem<T>[];
  /** Nothing more was stored behind these when they were read. */
  readonly last: boolean;
}

export interface LaneSource<T> {
  readonly name: LaneName;
  /** @param maxBytes of items; at least one comes if there is any. */
  read(afterSeq: number, limit: number, maxBytes: number): Promise<Page<T>>;
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

/** A class for the reason that `Entry` of `lane-queue.ts` has. */
class EventMessage implements OutgoingMessage {
  readonly topic: string;
  readonly payload: string;
  readonly retain = false;

  constructor(topic: string, payload: string) {
    this.topic = topic;
    this.payload = payload;
  }
}

/** Rows are of one size, near enough. */
const ROW_BYTES = 250;

/** A lane of events. @see Journal.readTexts */
export function eventSource(deps: SourceDeps, lane: Lane): LaneSource<EventText> {
  const { journal, broker, topics } = deps;
  const topic = topics.event(lane);
  return {
    name: lane,
    read: async (afterSeq, limit, maxBytes) => {
      const { texts, last } = await journal.readTexts(lane, afterSeq, limit, maxBytes);
      const items = texts.map((item) => new PageItem(item.seq, item, item.json.length));
      // A page that nobody can read must not be read over and over.
      return { items, last: last || items.length === 0 };
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
    message: ({ json }, historical) =>
      new EventMessage(topic, historical ? historicalText(json) : json),
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
      const items = rows.map((item) => new PageItem(item.row, item, ROW_BYTES));
      return { items, last: rows.length < limit };
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
        .map((item) => new PageItem(item.id, item, ROW_BYTES));
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

/** As `eventMessage` says it of a parsed event, without parsing it: tested against that. */
function historicalText(json: string): string {
  return `${json.slice(0, -1)},"historical":true}`;
}

function recordOne(journal: Journal, lane: Lane | 'telemetry', seq: number, reason: string): void {
  journal.recordGap({ lane, firstSeq: seq, lastSeq: seq, reason });
}

/** A stamp from before a clock step may lie ahead of us: that is not live either. */
function isOld(deps: SourceDeps, wall: string): boolean {
  const ageMs = deps.clock.wallMs() - Date.parse(wall);
  return !(Math.abs(ageMs) <= deps.historicalAfterMs);
}
