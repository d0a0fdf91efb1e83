/**
 * A journal that lasts as long as the process: for recordings that are only evaluated, and for
 * tests of whatever uses a journal. It keeps the same promises as the one on disk but that one.
 * Bounded: the oldest event of the least important lane goes first, telemetry loses its oldest.
 */
import { type JournalEvent, LANES, type Lane } from '../domain/event.ts';
import type {
  CommitReceipt,
  Cursors,
  Gap,
  Journal,
  KeyedStore,
  StoredKind,
  TelemetryRow,
  TextPage,
} from '../domain/ports.ts';
import { perLane } from './codec.ts';
import type { CursorLane, GapRow } from './messages.ts';
import { eventTextOf, isLast, takeTexts } from './texts.ts';

export interface MemoryJournalLimits {
  readonly events: number;
  readonly telemetryRows: number;
}

const DEFAULT_LIMITS: MemoryJournalLimits = { events: 50_000, telemetryRows: 50_000 };

export class MemoryJournal implements Journal, KeyedStore {
  readonly #limits: MemoryJournalLimits;
  readonly #lanes: Record<Lane, JournalEvent[]> = perLane(() => []);
  readonly #ids = new Set<string>();
  readonly #cursors = new Map<string, number>();
  readonly #keyed = new Map<StoredKind, Map<string, string>>();
  #telemetry: (TelemetryRow & { readonly row: number })[] = [];
  #gaps: Gap[] = [];
  #telemetryRow = 0;
  #gapId = 0;
  #listener: (receipt: CommitReceipt) => void = () => undefined;

  constructor(limits: MemoryJournalLimits = DEFAULT_LIMITS) {
    this.#limits = limits;
  }

  append(events: readonly JournalEvent[]): void {
    const committed: Partial<Record<Lane, number>> = {};
    for (const event of events) {
      this.#keep(event);
      committed[event.lane] = Math.max(committed[event.lane] ?? 0, event.seq);
    }
    while (this.#ids.size > this.#limits.events) this.#dropOldest();
    this.#tell({ committed, events: events.length, commitMs: 0 });
  }

  appendTelemetry(rows: readonly TelemetryRow[]): void {
    for (const row of rows) {
      this.#telemetryRow += 1;
      this.#telemetry.push({ ...row, row: this.#telemetryRow });
    }
    const excess = this.#telemetry.length - this.#limits.telemetryRows;
    if (excess > 0) {
      const [first] = this.#telemetry;
      const last = this.#telemetry[excess - 1];
      this.#telemetry = this.#telemetry.slice(excess);
      if (first === undefined || last === undefined) return;
      const range = { firstSeq: first.row, lastSeq: last.row };
      this.recordGap({ lane: 'telemetry', ...range, reason: 'telemetryFull' });
    }
    this.#tell({ committed: {}, events: 0, commitMs: 0 });
  }

  readAfter(lane: Lane, afterSeq: number, limit: number): Promise<readonly JournalEvent[]> {
    const rows = this.#lanes[lane].filter(({ seq }) => seq > afterSeq);
    return Promise.resolve(rows.slice(0, limit));
  }

  async readTexts(
    lane: Lane,
    afterSeq: number,
    limit: number,
    maxBytes: number,
  ): Promise<TextPage> {
    const events = await this.readAfter(lane, afterSeq, limit);
    const texts = takeTexts(
      events.map((event) => JSON.stringify(event)),
      maxBytes,
    );
    const read = texts.map(eventTextOf).filter((text) => text !== null);
    return { texts: read, last: isLast(texts, limit, maxBytes) };
  }

  readTelemetry(
    afterRow: number,
    limit: number,
  ): Promise<readonly (TelemetryRow & { readonly row: number })[]> {
    return Promise.resolve(this.#telemetry.filter(({ row }) => row > afterRow).slice(0, limit));
  }

  cursors(broker: string): Promise<Cursors> {
    return Promise.resolve(perLane((lane) => this.#cursor(broker, lane)));
  }

  telemetryCursor(broker: string): Promise<number> {
    return Promise.resolve(this.#cursor(broker, 'telemetry'));
  }

  advance(broker: string, lane: CursorLane, seq: number): void {
    if (seq > this.#cursor(broker, lane)) this.#cursors.set(`${broker}\n${lane}`, seq);
  }

  recordGap(gap: GapRow): void {
    this.#gapId += 1;
    this.#gaps.push({ ...gap, id: this.#gapId });
    this.#gaps = this.#gaps.slice(-this.#limits.events);
    this.#tell({ committed: {}, events: 0, commitMs: 0 });
  }

  readGaps(broker: string, limit: number): Promise<readonly Gap[]> {
    const had = this.#cursor(broker, 'gap');
    return Promise.resolve(this.#gaps.filter(({ id }) => id > had).slice(0, limit));
  }

  onCommit(listener: (receipt: CommitReceipt) => void): void {
    this.#listener = listener;
  }

  loadAll(kind: StoredKind): Promise<ReadonlyMap<string, string>> {
    return Promise.resolve(new Map(this.#keyed.get(kind)));
  }

  put(kind: StoredKind, key: string, value: string): void {
    const values = this.#keyed.get(kind) ?? new Map<string, string>();
    this.#keyed.set(kind, values.set(key, value));
  }

  remove(kind: StoredKind, key: string): void {
    this.#keyed.get(kind)?.delete(key);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** An id that is known changes nothing, and a number that is taken stays with its event. */
  #keep(event: JournalEvent): void {
    const rows = this.#lanes[event.lane];
    const at = rows.findLastIndex(({ seq }) => seq <= event.seq);
    if (this.#ids.has(event.id) || rows[at]?.seq === event.seq) return;
    this.#ids.add(event.id);
    rows.splice(at + 1, 0, event);
  }

  #dropOldest(): void {
    const lane = [...LANES].reverse().find((name) => this.#lanes[name].length > 0);
    const event = lane === undefined ? undefined : this.#lanes[lane].shift();
    if (event === undefined) return;
    this.#ids.delete(event.id);
    const range = { firstSeq: event.seq, lastSeq: event.seq };
    this.recordGap({ lane: event.lane, ...range, reason: 'memoryFull' });
  }

  #cursor(broker: string, lane: CursorLane): number {
    return this.#cursors.get(`${broker}\n${lane}`) ?? 0;
  }

  /** As the journal on disk does: after the call that appended, never within it. */
  #tell(receipt: CommitReceipt): void {
    queueMicrotask(() => this.#listener(receipt));
  }
}
