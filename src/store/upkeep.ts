/**
 * When the writer does upkeep: one slice at a time, never in front of an event, again at once
 * while there is more to do. And what its reports mean: how much room and how many hours are left.
 */
import type { Cancel, ChainHeads, Clock } from '../domain/ports.ts';
import type { Group, StoreUse, Tended, TendRequest, Undelivered } from './messages.ts';
import { OutageHours } from './outage-hours.ts';
import type { StoreLimits } from './options.ts';
import { LOG_HOLD_FACTOR } from './retention-limits.ts';
import type { TroubleBoard } from './troubles.ts';

/** Between two slices the thread is free at least as long as a slice takes. */
const LEAST_PAUSE_MS = 2;
/** Hours of outage must exceed the limit by this much before the trouble is over. */
const HYSTERESIS = 1.25;
const MINUTE_MS = 60_000;
const MEGABYTE = 1024 * 1024;

/** How full the store is, for metrics. */
export interface UpkeepStats {
  /** Null before the first report. */
  readonly use: StoreUse | null;
  readonly undelivered: Undelivered;
  /** Until something that was not delivered has to go; null while no rate is known. */
  readonly outageHoursLeft: number | null;
  /** Since the start. */
  readonly thinnedRows: number;
  readonly droppedRows: number;
  readonly prunedEvents: number;
}

export interface UpkeepOptions {
  readonly clock: Clock;
  readonly limits: StoreLimits;
  readonly brokers: readonly string[];
  readonly troubles: TroubleBoard;
  /** Hands a slice to the writer, if nothing more urgent waits. */
  readonly post: (request: TendRequest) => boolean;
  readonly onReport: (report: Tended) => void;
}

export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #hours = new OutageHours();
  #use: StoreUse | null = null;
  #undelivered: Undelivered = { events: 0, readingsSinceMs: null };
  #hoursLeft: number | null = null;
  #thinned = 0;
  #dropped = 0;
  #pruned = 0;
  #sentAtMs: number | null = null;
  #isDue = false;
  #cancel: Cancel | null = null;

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  get stats(): UpkeepStats {
    return {
      use: this.#use,
      undelivered: this.#undelivered,
      outageHoursLeft: this.#hoursLeft,
      thinnedRows: this.#thinned,
      droppedRows: this.#dropped,
      prunedEvents: this.#pruned,
    };
  }

  /** The log has grown so far that what is not urgent has to wait until it is folded back. */
  get holdsTelemetry(): boolean {
    const { walBytes } = this.#options.limits.retention;
    return this.#use !== null && this.#use.walBytes > walBytes * LOG_HOLD_FACTOR;
  }

  /** A database is open. @param behind rows wait for their hashes. */
  opened(): void {
    this.#sentAtMs = null;
    this.#planIn(LEAST_PAUSE_MS);
  }

  /** No database, for now or for good. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#sentAtMs = null;
    this.#isDue = false;
  }

  committed(group: Group): void {
    const nowMs = this.#options.clock.monotonicMs();
    const textBytes = group.events.reduce((sum, { json }) => sum + json.length, 0);
    if (group.events.length > 0) this.#hours.events(group.events.length, textBytes, nowMs);
    if (group.telemetry.length > 0) this.#hours.readings(group.telemetry, nowMs);
    this.resume();
  }

  /** Nothing is under way now: a slice that had to stand back may go. */
  resume(): void {
    if (this.#isDue) this.#post();
  }

  /** Upkeep is wanted soon: the disk is full. */
  hurry(afterMs: number): void {
    this.#planIn(afterMs);
  }

  tended(report: Tended): void {
    const { clock, limits, onReport } = this.#options;
    const sliceMs = clock.monotonicMs() - (this.#sentAtMs ?? clock.monotonicMs());
    this.#sentAtMs = null;
    this.#use = report.use;
    this.#undelivered = report.undelivered;
    this.#thinned += report.thinned;
    this.#dropped += report.droppedTelemetry;
    this.#pruned += report.droppedEvents;
    this.#judge(report);
    this.#planIn(report.more ? Math.max(LEAST_PAUSE_MS, sliceMs) : limits.tendEveryMs);
    onReport(report);
  }

  failed(): void {
    this.#sentAtMs = null;
    this.#planIn(this.#options.limits.tendEveryMs);
  }

  #planIn(ms: number): void {
    this.#cancel?.();
    this.#cancel = this.#options.clock.after(ms, () => {
      this.#cancel = null;
      this.#isDue = true;
      this.#post();
    });
  }

  #post(): void {
    const { clock, limits, brokers, post } = this.#options;
    if (this.#sentAtMs !== null) return;
    const request = { limits: limits.retention, brokers, wallMs: clock.wallMs() };
    if (!post(request)) return;
    this.#isDue = false;
    this.#sentAtMs = clock.monotonicMs();
  }

  #judge({ use, undelivered, more }: Tended): void {
    const { troubles, limits, clock } = this.#options;
    if (use.reserve !== 'used') troubles.restore('storeReserveUsed');
    // While it is being made there is more to do.
    else if (!more) troubles.raise('storeReserveUsed', reserveText(use));
    const { walBytes } = limits.retention;
    if (use.walBytes > walBytes) troubles.raise('storeLogGrowing', logText(use));
    else troubles.restore('storeLogGrowing');
    const { events, readingsSinceMs } = undelivered;
    const wallMs = clock.wallMs();
    const minutes = Math.max(0, wallMs - (readingsSinceMs ?? wallMs)) / MINUTE_MS;
    const nowMs = clock.monotonicMs();
    this.#hoursLeft = this.#hours.left(use.limitBytes, { events, minutes }, nowMs);
    if (this.#hoursLeft === null) return;
    const hours = this.#hoursLeft;
    if (hours < limits.fewHours) troubles.raise('storeFilling', fillingText(hours, use));
    else if (hours > limits.fewHours * HYSTERESIS) troubles.restore('storeFilling');
  }
}

/** What a commit or a report says of the chain, for whoever publishes it. */
export function changedHeads(before: ChainHeads, now: ChainHeads): ChainHeads {
  return Object.fromEntries(
    Object.entries(now).filter(([lane, { hash }]) => {
      const known = Object.entries(before).find(([name]) => name === lane);
      return known?.[1].hash !== hash;
    }),
  );
}

function reserveText({ diskFreeBytes }: StoreUse): string {
  return (
    `the reserve for a full disk is not whole, and the disk has ${megabytes(diskFreeBytes)} MB ` +
    `free: make room on it, the reserve is then made again`
  );
}

function logText({ walBytes }: StoreUse): string {
  return (
    `journal.db-wal has ${megabytes(walBytes)} MB and cannot be folded back: end the program ` +
    `that holds journal.db open, or look at the disk`
  );
}

function fillingText(hours: number, { limitBytes, diskFreeBytes }: StoreUse): string {
  return (
    `at the present rate an outage of ${hours.toFixed(1)} h fits into ` +
    `${megabytes(limitBytes)} MB (the disk has ${megabytes(diskFreeBytes)} MB free): let a ` +
    `broker be reached, raise state.maxMegabytes, make room, or end what chatters`
  );
}

function megabytes(bytes: number): string {
  return (bytes / MEGABYTE).toFixed(1);
}
