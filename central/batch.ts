/** One batch as the database takes it: sorted, without repeats. Pure. */
import type { EventRow, GapRow, Reading, StatusRow, TelemetryRow } from './message.ts';

export interface PoisonRow {
  readonly topic: string;
  readonly reason: string;
  readonly payload: Uint8Array;
}

export interface Batch {
  readonly events: readonly EventRow[];
  readonly gaps: readonly GapRow[];
  readonly telemetry: readonly TelemetryRow[];
  /** In the order of arrival. */
  readonly statuses: readonly StatusRow[];
  readonly poison: readonly PoisonRow[];
  /** Events that came more than once within the batch. */
  readonly repeats: number;
}

export interface Read {
  readonly reading: Reading;
  readonly topic: string;
  readonly payload: Uint8Array;
}

/**
 * Rows in one order for all instances: two of them that store the same rows in different orders
 * would wait for one another until PostgreSQL ends one.
 */
export function batchOf(reads: readonly Read[]): Batch {
  const events = new Map<string, EventRow>();
  const gaps: GapRow[] = [];
  const telemetry: TelemetryRow[] = [];
  const statuses: StatusRow[] = [];
  const poison: PoisonRow[] = [];
  let repeats = 0;
  for (const { reading, topic, payload } of reads) {
    switch (reading.kind) {
      case 'event': {
        const key = `${reading.id} ${reading.digest}`;
        if (events.has(key)) repeats += 1;
        else events.set(key, reading);
        break;
      }
      case 'gap':
        gaps.push(reading);
        break;
      case 'telemetry':
        telemetry.push(reading);
        break;
      case 'status':
        statuses.push(reading);
        break;
      case 'poison':
        poison.push({ topic, reason: reading.reason, payload });
        break;
      case 'ignored':
        break;
    }
  }
  return {
    events: [...events.values()].sort(
      (a, b) => compare(a.device, b.device) || compare(a.lane, b.lane) || a.seq - b.seq,
    ),
    gaps: gaps.sort((a, b) => compare(gapKey(a), gapKey(b))),
    telemetry: telemetry.sort((a, b) => compare(rowKey(a), rowKey(b))),
    statuses: statuses
      .map((row, i) => ({ row, i }))
      .sort((a, b) => compare(a.row.device, b.row.device) || a.i - b.i)
      .map(({ row }) => row),
    poison,
    repeats,
  };
}

/** The lanes that something was stored of, in order. */
export function lanesOf(batch: Batch): readonly { device: string; lane: string }[] {
  const rows = [...batch.events, ...batch.gaps].filter(({ lane }) => lane !== 'telemetry');
  const lanes = new Map(rows.map(({ device, lane }) => [`${device} ${lane}`, { device, lane }]));
  return [...lanes.values()].sort((a, b) => compare(a.device, b.device) || compare(a.lane, b.lane));
}

function gapKey({ device, lane, firstSeq, lastSeq, reason }: GapRow): string {
  return [device, lane, firstSeq, lastSeq, reason].join(' ');
}

function rowKey({ device, sensor, channel, row, wall }: TelemetryRow): string {
  return [device, sensor, channel, row, wall].join(' ');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
