/** What a central server makes of a store that comes back: it counts every number and reading. */
import type { Gap, Journal, TelemetryRow } from '../../src/domain/ports.ts';
import { LANES, type Lane } from '../../src/domain/event.ts';

const BROKER = 'centre';
const PAGE = 1000;

/** Lets the store work while a promise is open. */
export type Wait = <T>(work: Promise<T>) => Promise<T>;

export class Centre {
  readonly #journal: Journal;
  readonly #wait: Wait;
  readonly events: Record<Lane, number> = { alarm: 0, fault: 0, operator: 0, system: 0 };
  readonly gaps: Gap[] = [];
  /** In order of arrival, which is their order in the journal. */
  readonly alarmIds: string[] = [];
  rows = 0;
  readings = 0;
  /** Numbers between rows that arrived, as ranges. */
  readonly holes: { readonly first: number; readonly last: number }[] = [];
  #lastSeq: Record<Lane, number> = { alarm: 0, fault: 0, operator: 0, system: 0 };
  #lastRow = 0;

  constructor(journal: Journal, wait: Wait) {
    this.#journal = journal;
    this.#wait = wait;
  }

  /** Takes everything that is stored now, and acknowledges it. */
  async drain(): Promise<void> {
    for (const lane of LANES) await this.#drainLane(lane);
    for (;;) {
      const page = await this.#wait(this.#journal.readTelemetry(this.#lastRow, PAGE));
      for (const row of page) this.#take(row);
      if (page.length === 0) break;
      this.#journal.advance(BROKER, 'telemetry', this.#lastRow);
    }
    for (;;) {
      const page = await this.#wait(this.#journal.readGaps(BROKER, PAGE));
      this.gaps.push(...page);
      const last = page.at(-1);
      if (last === undefined) break;
      this.#journal.advance(BROKER, 'gap', last.id);
    }
  }

  /** Events that are neither here nor in a gap. */
  missing(lane: Lane, made: number): number {
    const gone = this.gaps
      .filter((gap) => gap.lane === lane)
      .reduce((sum, { firstSeq, lastSeq }) => sum + lastSeq - firstSeq + 1, 0);
    return made - this.events[lane] - gone;
  }

  /** Readings that a gap says are gone for good; those of `thinned` live on in other rows. */
  get readingsGone(): number {
    return this.gaps
      .filter(({ lane, reason }) => lane === 'telemetry' && reason !== 'thinned')
      .reduce((sum, { readings = 0 }) => sum + readings, 0);
  }

  /** Numbers of rows that neither arrived nor stand in a gap. */
  rowsMissing(): number {
    const ranges = this.gaps
      .filter(({ lane }) => lane === 'telemetry')
      .sort((a, b) => a.firstSeq - b.firstSeq);
    let missing = 0;
    for (const { first, last } of this.holes) {
      let from = first;
      for (const { firstSeq, lastSeq } of ranges) {
        if (lastSeq < from || firstSeq > last) continue;
        missing += Math.max(0, firstSeq - from);
        from = Math.max(from, lastSeq + 1);
      }
      missing += Math.max(0, last - from + 1);
    }
    return missing;
  }

  async #drainLane(lane: Lane): Promise<void> {
    for (;;) {
      const page = await this.#wait(this.#journal.readAfter(lane, this.#lastSeq[lane], PAGE));
      const last = page.at(-1);
      if (last === undefined) return;
      this.events[lane] += page.length;
      if (lane === 'alarm') this.alarmIds.push(...page.map(({ id }) => id));
      this.#lastSeq[lane] = last.seq;
      this.#journal.advance(BROKER, lane, last.seq);
    }
  }

  #take({ row, count }: TelemetryRow & { readonly row: number }): void {
    if (row > this.#lastRow + 1) this.holes.push({ first: this.#lastRow + 1, last: row - 1 });
    this.#lastRow = row;
    this.rows += 1;
    this.readings += count;
  }
}
