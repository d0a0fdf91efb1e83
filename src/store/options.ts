/** How the store is told where to keep things, and its limits with their defaults. */
import type { Clock, CommitReceipt, Log } from '../domain/ports.ts';
import type { OpenedStore } from './messages.ts';
import type { Held, NumberFloor } from './numbering.ts';
import type { UpkeepStats } from './upkeep.ts';
import { DEFAULT_RETENTION, type RetentionLimits } from './retention-limits.ts';
import { DEFAULT_PENDING_LIMITS, type PendingCounters, type PendingLimits } from './pending.ts';
import type { TroubleBoard, TroubleListener } from './troubles.ts';
import type { StartWriter } from './writer-link.ts';

export interface StoreLimits {
  readonly pending: PendingLimits;
  readonly retention: RetentionLimits;
  /** Upkeep looks whether there is something to do this often. */
  readonly tendEveryMs: number;
  /** Hours of outage below which people are told. */
  readonly fewHours: number;
  /** The start goes on without a database after this time. */
  readonly openDeadlineMs: number;
  /** A commit that takes longer is a trouble. */
  readonly slowCommitMs: number;
  /** A database that cannot be used for this long is no longer waited for by readers. */
  readonly giveUpMs: number;
  /** Readers' positions are waited for this long when the start went on without a database. */
  readonly positionPatienceMs: number;
  /** Telemetry, cursors and keyed values wait this long for company; events never wait. */
  readonly lazyCommitMs: number;
  readonly firstRetryMs: number;
  readonly maxRetryMs: number;
  /** Each of the two parts of closing (last commit, end of the writer) may take this long. */
  readonly closeDeadlineMs: number;
}

export const DEFAULT_STORE_LIMITS: StoreLimits = {
  pending: DEFAULT_PENDING_LIMITS,
  retention: DEFAULT_RETENTION,
  tendEveryMs: 5000,
  fewHours: 12,
  openDeadlineMs: 3000,
  slowCommitMs: 2000,
  giveUpMs: 60_000,
  positionPatienceMs: 12_000,
  lazyCommitMs: 500,
  firstRetryMs: 250,
  maxRetryMs: 30_000,
  closeDeadlineMs: 4000,
};

/** One committed group, for a histogram. */
export interface CommitObservation {
  /** Inside the writer: the transaction alone. */
  readonly commitMs: number;
  /** From handing the group over to its receipt. */
  readonly receiptMs: number;
  readonly events: number;
}

export interface StoreOptions {
  /** Holds the database; made when it is missing. */
  readonly directory: string;
  /** Normally `threadWriter('dist/store-writer.js')`. */
  readonly startWriter: StartWriter;
  readonly clock: Clock;
  readonly log: Log;
  readonly onTrouble: TroubleListener;
  readonly observeCommit?: (observation: CommitObservation) => void;
  /** What the ring and the snapshot know of the numbering. */
  readonly floor?: NumberFloor;
  /** What the ring held; it is appended after the start. */
  readonly held?: readonly Held[];
  /** Brokers whose positions count: what all of them had is delivered. */
  readonly brokers?: readonly string[];
  readonly limits?: Partial<StoreLimits>;
}

/** How the store is doing, for metrics. */
export interface StoreStats extends PendingCounters {
  /** `memory`: the database has been given up for now and readers get what waits in memory. */
  readonly mode: 'durable' | 'waiting' | 'memory';
  readonly commits: number;
  readonly writerRestarts: number;
  readonly upkeep: UpkeepStats;
}

/** What the committer needs of all this. */
export interface CommitterOptions {
  readonly directory: string;
  readonly startWriter: StartWriter;
  readonly clock: Clock;
  readonly limits: StoreLimits;
  readonly brokers: readonly string[];
  /** What the ring held. */
  readonly held: readonly Held[];
  readonly troubles: TroubleBoard;
  readonly observeCommit: (observation: CommitObservation) => void;
  /** Every opened database; null when an attempt failed. */
  readonly onAttempt: (store: OpenedStore | null) => void;
  /** A durable commit; with nothing `committed` it is news for readers alone. */
  readonly onReceipt: (receipt: CommitReceipt) => void;
}
