/**
 * What the main thread and the writer thread say to one another. The writer is a mechanism: it
 * opens, commits, reads and checks when told to. Every policy (when to retry, what to give up,
 * what is a fault) lives on the main thread, where a clock is at hand.
 */
import type { Lane } from '../domain/event.ts';
import type { ChainHeads, Gap, StoredKind, TelemetryRow } from '../domain/ports.ts';
import type { RetentionLimits } from './retention-limits.ts';
import type { Held } from './numbering.ts';
import type { SalvageReport } from './salvage.ts';
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
  /** Readings that were given up before they had a row: they get numbers, and a gap. */
  readonly lost?: LostTelemetry;
}

export interface LostTelemetry {
  readonly rows: number;
  readonly readings: number;
}

/** One slice of upkeep. */
export interface TendRequest {
  readonly limits: RetentionLimits;
  /** Brokers whose positions count: what all of them had is delivered. */
  readonly brokers: readonly string[];
  readonly wallMs: number;
}

/** What the database takes, and what is left for it. */
export interface StoreUse {
  readonly fileBytes: number;
  /** Without pages that are free for new rows. */
  readonly usedBytes: number;
  readonly walBytes: number;
  readonly diskFreeBytes: number;
  /** What `usedBytes` may be now: the bound, or less while the disk is short of room. */
  readonly limitBytes: number;
  /** `off`: none is wanted; `held`: whole; `used`: let go, or not whole yet. */
  readonly reserve: 'off' | 'held' | 'used';
}

/** What one slice of upkeep has done. */
export interface Tended {
  readonly use: StoreUse;
  /** Another slice has something to do. */
  readonly more: boolean;
  readonly thinned: number;
  /** Telemetry rows and events that are gone, delivered or not. */
  readonly droppedTelemetry: number;
  readonly droppedEvents: number;
  readonly undelivered: Undelivered;
  readonly chainHeads: ChainHeads;
}

/** What some broker still has to get. */
export interface Undelivered {
  readonly events: number;
  /** Wall time of the oldest reading, in ms since 1970; null: none. */
  readonly readingsSinceMs: number | null;
}

export interface OpenRequest {
  readonly directory: string;
  /** Names a database that is set aside; digits and letters only. */
  readonly stamp: string;
  /** Why the present database is set aside even if it opens; null to use it. */
  readonly setAside: string | null;
  /** Telemetry rows are numbered above this, so that readers' positions stay valid. */
  readonly telemetryFloor: number;
  /** What the ring holds and will append: a salvage does not call it lost. */
  readonly held?: readonly Held[];
}

export type Query =
  | {
      readonly what: 'events';
      readonly lane: Lane;
      readonly afterSeq: number;
      readonly limit: number;
    }
  | {
      /** As `events`, cut short once the texts are longer than `maxBytes` together. */
      readonly what: 'texts';
      readonly lane: Lane;
      readonly afterSeq: number;
      readonly limit: number;
      readonly maxBytes: number;
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
  texts: readonly string[];
  telemetry: readonly (TelemetryRow & { readonly row: number })[];
  cursors: readonly CursorRow[];
  gaps: readonly Gap[];
  keyed: readonly KeyedRow[];
  /** Lines of `quick_check` that name damage; empty when the database is sound. */
  check: readonly string[];
}

export type ToWriter =
  | ({ readonly kind: 'open' } & OpenRequest)
  | {
      readonly kind: 'write';
      readonly number: number;
      readonly group: Group;
      /** The disk is full: the reserve may be let go for this group. */
      readonly fromReserve?: boolean;
    }
  | { readonly kind: 'read'; readonly id: number; readonly query: Query }
  | ({ readonly kind: 'tend' } & TendRequest)
  /** Alarms for the alarm file alone, while no database is open. */
  | { readonly kind: 'keep'; readonly rows: readonly EventRow[] }
  | { readonly kind: 'close' };

/** Highest stored number of each lane; 0 where there is none. */
export type Heads = Readonly<Record<Lane, number>>;

/** What a database that has just been opened holds. */
export interface OpenedStore {
  readonly heads: Heads;
  readonly lastId: string | null;
  readonly telemetryRow: number;
  readonly chainHeads: ChainHeads;
  /** Set when the former database was renamed and this one is new. */
  readonly setAside: SetAside | null;
  readonly alarmFile: AlarmFileNews;
}

/** How the alarm file was found. */
export interface AlarmFileNews {
  /** Why it cannot be used; null when it can. */
  readonly failure: string | null;
  /** What of it cannot be read; '' for none. */
  readonly damage: string;
  /** A write that the end of a former run cut short; '' for none. */
  readonly torn: string;
  /** Alarms that the database lacked and has again. */
  readonly restored: number;
}

/** What became of the alarms of a group in the alarm file. */
export interface KeptAlarms {
  /** Why they are not in the file; null when they are. */
  readonly failure: string | null;
  /** The file works, and has no room because of what the database lacks. */
  readonly isFull: boolean;
  /** Highest number among them; 0 where they are not in the file, or there are none. */
  readonly upTo: number;
}

export interface SetAside {
  readonly reason: string;
  readonly movedTo: string;
  /** What the former database held, or null when that is not known of every lane. */
  readonly heads: Heads | null;
  readonly lastId: string | null;
  readonly salvaged: Salvaged;
}

/** What came back of it; `failure` when reading it did not come to an end. */
export type Salvaged =
  | (SalvageReport & { readonly failure: null })
  | { readonly failure: string; readonly accountedTo: Heads };

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
  | {
      readonly kind: 'openFailed';
      readonly trouble: WriterTrouble;
      readonly detail: string;
      readonly alarmFile: AlarmFileNews;
    }
  | {
      readonly kind: 'committed';
      readonly number: number;
      readonly telemetryRow: number;
      readonly clashes: readonly Clash[];
      readonly chainHeads: ChainHeads;
      readonly commitMs: number;
      readonly alarmFile: KeptAlarms;
    }
  | ({ readonly kind: 'kept' } & KeptAlarms)
  | ({ readonly kind: 'tended' } & Tended)
  | { readonly kind: 'tendFailed'; readonly trouble: WriterTrouble; readonly detail: string }
  | {
      readonly kind: 'writeFailed';
      readonly number: number;
      readonly alarmFile: KeptAlarms;
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
