import { EVENT_SCHEMA, type JournalEvent, type Lane, LANES } from '../../src/domain/event.ts';
import type {
  CommitReceipt,
  Cursors,
  EventText,
  Gap,
  Journal,
  TelemetryRow,
  TextPage,
} from '../../src/domain/ports.ts';
import { deviceId, zoneId } from '../../src/domain/units.ts';

type Stored = TelemetryRow & { readonly row: number };

/** A journal without a disk, which checks how it is used: cursors never go back. */
export class MemoryJournal implements Journal {
  readonly events: Record<Lane, JournalEvent[]> = {
    alarm: [],
    fault: [],
    operator: [],
    system: [],
  };
  readonly telemetry: Stored[] = [];
  readonly gaps: Gap[] = [];
  readonly cursorOf = new Map<string, number>();
  /** Reads fail while this is set. */
  broken = false;
  reads = 0;
  largestLimit = 0;
  #listener: ((receipt: CommitReceipt) => void) | null = null;

  /** Readable, but not durable: the store says so while commits fail. */
  appendUndurable(events: readonly JournalEvent[]): void {
    for (const event of events) this.events[event.lane].push(event);
    this.#listener?.({ committed: {}, events: 0, commitMs: 0 });
  }

  append(events: readonly JournalEvent[]): void {
    const committed: Partial<Record<Lane, number>> = {};
    for (const event of events) {
      this.events[event.lane].push(event);
      committed[event.lane] = event.seq;
    }
    this.#listener?.({ committed, events: events.length, commitMs: 0 });
  }

  appendTelemetry(rows: readonly TelemetryRow[]): void {
    for (const row of rows) this.telemetry.push({ ...row, row: this.telemetry.length + 1 });
  }

  async readAfter(lane: Lane, afterSeq: number, limit: number): Promise<readonly JournalEvent[]> {
    this.#countRead(limit);
    const index = this.events[lane].findIndex(({ seq }) => seq > afterSeq);
    return index < 0 ? [] : this.events[lane].slice(index, index + limit);
  }

  async readTexts(
    lane: Lane,
    afterSeq: number,
    limit: number,
    maxBytes: number,
  ): Promise<TextPage> {
    const events = await this.readAfter(lane, afterSeq, limit);
    const texts: EventText[] = [];
    let bytes = 0;
    for (const event of events) {
      if (bytes >= maxBytes) break;
      const { seq, bootId, monotonicMs, wall } = event;
      const json = JSON.stringify(event);
      bytes += json.length;
      texts.push({ seq, bootId, monotonicMs, wall, json });
    }
    const last = texts.length === events.length && events.length < limit;
    return { texts, last };
  }

  async readTelemetry(afterRow: number, limit: number): Promise<readonly Stored[]> {
    this.#countRead(limit);
    return this.telemetry.filter(({ row }) => row > afterRow).slice(0, limit);
  }

  async cursors(broker: string): Promise<Cursors> {
    this.#countRead(0);
    const at = (lane: Lane): number => this.cursor(broker, lane);
    return {
      alarm: at('alarm'),
      fault: at('fault'),
      operator: at('operator'),
      system: at('system'),
    };
  }

  async telemetryCursor(broker: string): Promise<number> {
    return this.cursor(broker, 'telemetry');
  }

  advance(broker: string, lane: Lane | 'telemetry' | 'gap', seq: number): void {
    const key = `${broker}/${lane}`;
    if (seq <= (this.cursorOf.get(key) ?? 0)) throw new Error(`${key} went back to ${seq}`);
    this.cursorOf.set(key, seq);
  }

  recordGap(gap: Omit<Gap, 'id'>): void {
    this.gaps.push({ ...gap, id: this.gaps.length + 1 });
  }

  async readGaps(broker: string, limit: number): Promise<readonly Gap[]> {
    this.#countRead(limit);
    return this.gaps.filter(({ id }) => id > this.cursor(broker, 'gap')).slice(0, limit);
  }

  onCommit(listener: (receipt: CommitReceipt) => void): void {
    this.#listener = listener;
  }

  async close(): Promise<void> {
    this.#listener = null;
  }

  /** What the store says once it is open, when nobody could ask it before. */
  rewind(broker: string, lane: Lane, seq: number): void {
    this.cursorOf.set(`${broker}/${lane}`, seq);
  }

  cursor(broker: string, lane: Lane | 'telemetry' | 'gap'): number {
    return this.cursorOf.get(`${broker}/${lane}`) ?? 0;
  }

  #countRead(limit: number): void {
    if (this.broken) throw new Error('database is locked');
    this.reads += 1;
    this.largestLimit = Math.max(this.largestLimit, limit);
  }
}

export const BOOT = 'boot-1';

/** Makes stamped events, numbered per lane as a journal would. */
export class EventMaker {
  readonly #seqs: Record<Lane, number> = { alarm: 0, fault: 0, operator: 0, system: 0 };

  make(
    lane: Lane,
    at: { monotonicMs?: number; bootId?: string; wall?: string } = {},
  ): JournalEvent {
    this.#seqs[lane] += 1;
    const seq = this.#seqs[lane];
    const stamp = {
      schema: EVENT_SCHEMA,
      id: `${lane}-${seq}`,
      deviceId: deviceId('unit-1'),
      seq,
      bootId: at.bootId ?? BOOT,
      monotonicMs: at.monotonicMs ?? 0,
      wall: at.wall ?? '2026-01-01T00:00:00.000Z',
      clockQuality: 'synchronised',
    } as const;
    const zone = zoneId('kitchen');
    switch (lane) {
      case 'alarm':
        return {
          ...stamp,
          lane,
          type: 'alarmReset',
          data: { zone, zoneName: 'Küche "1"', latchedForMs: seq },
        };
      case 'fault':
        return {
          ...stamp,
          lane,
          type: 'faultRaised',
          data: { fault: 'sensorSilent', subject: `s-${seq}`, zone, detail: 'no data' },
        };
      case 'operator':
        return {
          ...stamp,
          lane,
          type: 'silenced',
          data: { origin: 'mqtt:central', requestId: `r-${seq}`, zones: [zone] },
        };
      case 'system':
        return { ...stamp, lane, type: 'stopped', data: { reason: `stop ${seq}` } };
    }
  }

  some(lane: Lane, count: number, at: Parameters<EventMaker['make']>[1] = {}): JournalEvent[] {
    return Array.from({ length: count }, () => this.make(lane, at));
  }
}

export function telemetryRow(sensor: string, value: number): TelemetryRow {
  return {
    sensor,
    channel: 'max',
    wall: '2026-01-01T00:00:00.000Z',
    monotonicMs: 0,
    value,
    min: value,
    max: value,
    count: 1,
    unit: 'celsius',
  };
}

export const ALL_LANES = LANES;
