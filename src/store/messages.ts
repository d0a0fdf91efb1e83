/**
 * What the main thread and the writer thread say to one another. The writer is a mechanism: it
 * opens, commits, reads and checks when told to. Every policy (when to retry, what to give up,
 * what is a fault) lives on the main thread, where a clock is at hand.
 */
import type { Lane } from '../domain/event.ts';
import type { Gap, StoredKind, TelemetryRow } from '../domain/ports.ts';
import type { Table } from './schema.ts';

/** An event as a row: the columns that queries need, and the whole event as JSON. */
export interface EventRow {
  readonly lane: Lane;
  readonly seq: number;
  readonly id: string;
  readonly type: string;
  readonly wall: string;
  readonly json: string;
}

/** What a reader can have a position in. */
export type CursorLane = Lane | 'telemetry' | 'gap';

export interface CursorRow {
  readonly broker: string;
  readonly lane: CursorLane;
  readonly seq: number;
}

export interface KeyedRow {
  readonly kind: StoredKind;
  readonly key: string;
  /** null removes the key. */
  readonly value: string | null;
}

export type GapRow = Omit<Gap, 'id'>;

/**
 * Everything that is committed in one transaction. A group whose receipt was lost with its writer
 * is sent again: events are then recognised by their id, telemetry and gaps may stand twice.
 */
export interface Group {
  readonly events: readonly EventRow[];
  readonly telemetry: readonly TelemetryRow[];
  readonly cursors: readonly CursorRow[];
  readonly keyed: readonly KeyedRow[];
  readonly gaps: readonly GapRow[];
}

export interface OpenRequest {
  readonly directory: string;
  /** Names a database that is set aside; digits and letters only. */
  readonly stamp: string;
  /** Why the present database is set aside even if it opens; null to use it. */
  readonly setAside: string | null;
  /** Telemetry rows are numbered above this, so that readers' positions stay valid. */
  readonly telemetryFloor: number;
  /** Telemetry beyond this many rows is dropped, oldest first, and recorded as a gap. */
  readonly telemetryRows: number;
}

export type Query =
  | {
      readonly what: 'events';
      readonly lane: Lane;
      readonly afterSeq: number;
      readonly limit: number;
    }
  | { readonly what: 'telemetry'; readonly afterRow: number; readonly limit: number }
  | { readonly what: 'cursors'; readonly broker: string }
  | { readonly what: 'gaps'; readonly broker: string; readonly limit: number }
  | { readonly what: 'keyed'; readonly kind: StoredKind }
  | { readonly what: 'check'; readonly table: Table };

/** What each query is answered with. */
export interface Answers {
  /** Events as JSON, in order. */
  events: readonly string[];
  telemetry: readonly (TelemetryRow & { readonly row: number })[];
  cursors: readonly CursorRow[];
  gaps: readonly Gap[];
  keyed: readonly KeyedRow[];
  /** Lines of `quick_check` that name damage; empty when the database is sound. */
  check: readonly string[];
}

export type ToWriter =
  | ({ readonly kind: 'open' } & OpenRequest)
  | { readonly kind: 'write'; readonly number: number; readonly group: Group }
  | { readonly kind: 'read'; readonly id: number; readonly query: Query }
  | { readonly kind: 'close' };

/** Highest stored number of each lane; 0 where there is none. */
export type Heads = Readonly<Record<Lane, number>>;

/** What a database that has just been opened holds. */
export interface OpenedStore {
  readonly heads: Heads;
  readonly lastId: string | null;
  readonly telemetryRow: number;
  /** Set when the former database was renamed and this one is new. */
  readonly setAside: SetAside | null;
}

export interface SetAside {
  readonly reason: string;
  readonly movedTo: string;
  /** What the former database held, or null when even that could not be read. */
  readonly heads: Heads | null;
  readonly lastId: string | null;
}

/** `full`: no room; `corrupt`: cannot be trusted any more; `unavailable`: everything else. */
export type WriterTrouble = 'full' | 'corrupt' | 'unavailable';

/** An event whose number another event already holds; kept in the table `clash`. */
export interface Clash {
  readonly lane: Lane;
  readonly seq: number;
  readonly id: string;
}

export type FromWriter =
  | { readonly kind: 'opened'; readonly store: OpenedStore }
  | { readonly kind: 'openFailed'; readonly trouble: WriterTrouble; readonly detail: string }
  | {
      readonly kind: 'committed';
      readonly number: number;
      readonly telemetryRow: number;
      readonly clashes: readonly Clash[];
      readonly commitMs: number;
    }
  | {
      readonly kind: 'writeFailed';
      readonly number: number;
      readonly trouble: WriterTrouble;
      readonly detail: string;
    }
  | { readonly kind: 'answer'; readonly id: number; readonly rows: Answers[keyof Answers] }
  | {
      readonly kind: 'readFailed';
      readonly id: number;
      readonly trouble: WriterTrouble;
      readonly detail: string;
    }
  | { readonly kind: 'closed' };
