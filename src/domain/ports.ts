/** Every seam that is not hardware. Hardware seams live in `hal/ports.ts`. */
import type { JournalEvent, Lane } from './event.ts';

export type Cancel = () => void;

/** Time as an argument: decisions use `monotonicMs`, stamps use `wallMs`. */
export interface Clock {
  /** Milliseconds since an arbitrary start, with a fraction; never goes back. */
  monotonicMs(): number;
  /** Milliseconds since 1970; may jump. */
  wallMs(): number;
  /** Runs once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, run: () => void): Cancel;
  /** Runs once, after input that is already waiting has been taken in. */
  soon(run: () => void): Cancel;
}

/** Chance as an argument, so that a seed replays a whole appliance. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform 32-bit unsigned integer. */
  uint32(): number;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** One line, fixed fields. Never carries secrets. */
export type Log = (
  level: LogLevel,
  message: string,
  fields?: Readonly<Record<string, string | number | boolean | null>>,
) => void;

export interface CommitReceipt {
  /** Highest committed sequence number per lane touched by this commit. */
  readonly committed: Readonly<Partial<Record<Lane, number>>>;
  readonly events: number;
  readonly commitMs: number;
  /**
   * Highest alarm that is durable in the alarm file alone, while the database takes nothing. It is
   * not committed: whatever waits for a commit goes on waiting.
   */
  readonly alarmsInFile?: number;
  /**
   * Brokers whose delivery began before anybody could say where it stood, because the store opened
   * late. Their cursors say it now: they go back to them.
   */
  readonly rewound?: readonly string[];
  /** Where the hash chains of the touched lanes end now; left out where nobody keeps chains. */
  readonly heads?: ChainHeads;
}

/** The end of a lane's hash chain: whoever kept an earlier one can prove the lane against it. */
export interface ChainHead {
  readonly seq: number;
  /** SHA-256 in lower-case hex: see `store/chain.ts`. */
  readonly hash: string;
}
export type ChainHeads = Readonly<Partial<Record<Lane, ChainHead>>>;

export type Cursors = Readonly<Record<Lane, number>>;

/** One reading kept for the telemetry topic. */
export interface TelemetryRow {
  readonly sensor: string;
  readonly channel: string;
  readonly wall: string;
  readonly monotonicMs: number;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
  readonly unit: string;
}

/** A range of rows that will never be delivered, and why. */
export interface Gap {
  readonly id: number;
  readonly lane: Lane | 'telemetry';
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly reason: string;
  /** Readings of telemetry that the range summed up; left out where they were not counted. */
  readonly readings?: number;
}

/** A committed event as it is stored, and of it what its delivery depends on. */
export interface EventText {
  readonly seq: number;
  readonly bootId: string;
  readonly monotonicMs: number;
  /** ISO 8601 in UTC. */
  readonly wall: string;
  /** The whole event as JSON, byte for byte as journalled. */
  readonly json: string;
}

export interface TextPage {
  readonly texts: readonly EventText[];
  /** Nothing more was stored behind these when they were read. */
  readonly last: boolean;
}

/**
 * The durable record. Appending never blocks and never throws: trouble comes back as a `trouble`
 * report and the step goes on.
 */
export interface Journal {
  append(events: readonly JournalEvent[]): void;
  appendTelemetry(rows: readonly TelemetryRow[]): void;
  /** Committed events of a lane after `afterSeq`, in order, at most `limit`. */
  readAfter(lane: Lane, afterSeq: number, limit: number): Promise<readonly JournalEvent[]>;
  /**
   * As `readAfter`, unparsed: for delivery, which hands events on as they are.
   * @param maxBytes of text; a page is cut short around it, and holds an event if there is one.
   */
  readTexts(lane: Lane, afterSeq: number, limit: number, maxBytes: number): Promise<TextPage>;
  /** Stored telemetry after row `afterRow`, oldest first. */
  readTelemetry(
    afterRow: number,
    limit: number,
  ): Promise<readonly (TelemetryRow & { readonly row: number })[]>;
  /** Durable position of a broker in each lane; 0 before the first delivery. */
  cursors(broker: string): Promise<Cursors>;
  /** Moves a cursor forward; a lower number than the stored one is ignored. */
  advance(broker: string, lane: Lane | 'telemetry' | 'gap', seq: number): void;
  telemetryCursor(broker: string): Promise<number>;
  /** Records that a range was given up (thinned, quarantined), so that readers can be told. */
  recordGap(gap: Omit<Gap, 'id'>): void;
  readGaps(broker: string, limit: number): Promise<readonly Gap[]>;
  /** Called after each durable commit. One listener: the runtime. */
  onCommit(listener: (receipt: CommitReceipt) => void): void;
  close(): Promise<void>;
}

/** Calibrations and addresses that must survive a restart. */
export interface KeyedStore {
  /** Everything under `kind`, read once at start. */
  loadAll(kind: StoredKind): Promise<ReadonlyMap<string, string>>;
  put(kind: StoredKind, key: string, value: string): void;
  remove(kind: StoredKind, key: string): void;
}
/**
 * `calibration`: array id -> EEPROM hex; `sensorArray`: sensor -> array id; `address`: ip ->
 * location; `pixelMemory`: sensor -> what its pixels have learnt of their scene; `proof`: zone ->
 * its last proof of the alarm path; `custody`: event id of an alarm -> who has had it so far;
 * `command`: key and request -> what was asked and answered; `commandKey`: key -> its last counter;
 * `announced`: broker and topic -> what Home Assistant was told there; `sparkplug`: `bdSeq` -> the
 * number of the last session; `update`: an update that waits, and what of updates is told.
 */
export type StoredKind =
  | 'calibration'
  | 'sensorArray'
  | 'address'
  | 'pixelMemory'
  | 'proof'
  | 'custody'
  | 'command'
  | 'commandKey'
  | 'announced'
  | 'sparkplug'
  | 'update';
