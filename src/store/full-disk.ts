/**
 * What is committed while the disk has no room. The reserve takes the events of all lanes until
 * half of it has gone, then alarms alone; readings and readers' positions wait in memory. Without
 * a reserve the same group is tried again and again. Upkeep makes room meanwhile, and the reserve
 * anew: then everything is committed as before.
 */
import type { Group, StoreUse } from './messages.ts';
import type { StoreLimits } from './options.ts';
import type { Part } from './pending.ts';

/** Part of the reserve that is for alarms alone. */
const ALARM_PART = 0.5;
/** Of an event beside its text, in the database and its log. */
const EVENT_EXTRA_BYTES = 600;
const MOST_DOUBLINGS = 16;

export class FullDisk {
  readonly #limits: StoreLimits;
  #part: 'events' | 'alarms' | null = null;
  #spentBytes = 0;
  #tries = 0;
  /** Attempts in a row to commit everything again, and when the next one may be. */
  #trials = 0;
  #notBeforeMs = 0;

  constructor(limits: StoreLimits) {
    this.#limits = limits;
  }

  /** What may be committed; null: there is room for all. */
  get part(): Extract<Part, 'events' | 'alarms'> | null {
    return this.#part;
  }

  /** The reserve takes what matters: readers need nothing that is not durable. */
  get isServed(): boolean {
    return this.#part !== null && this.#tries === 0;
  }

  /**
   * There was no room. `pauseMs`: before the next try; null: less may fit at once. `upkeepInMs`:
   * when to look whether there is room again.
   */
  failed(nowMs: number): { readonly pauseMs: number | null; readonly upkeepInMs: number } {
    const { firstRetryMs, maxRetryMs, retention } = this.#limits;
    const after = (tries: number): number => Math.min(firstRetryMs * 2 ** tries, maxRetryMs);
    if (retention.reserveBytes > 0 && this.#part !== 'alarms') {
      if (this.#part === null) {
        this.#notBeforeMs = nowMs + after(this.#trials);
        this.#trials = Math.min(this.#trials + 1, MOST_DOUBLINGS);
      }
      this.#part = this.#part === null ? 'events' : 'alarms';
      return { pauseMs: null, upkeepInMs: Math.max(0, this.#notBeforeMs - nowMs) };
    }
    const pauseMs = after(this.#tries);
    this.#tries = Math.min(this.#tries + 1, MOST_DOUBLINGS);
    return { pauseMs, upkeepInMs: pauseMs };
  }

  committed({ events }: Group): void {
    this.#tries = 0;
    if (this.#part === null) {
      this.#trials = 0;
      return;
    }
    for (const { json } of events) this.#spentBytes += json.length + EVENT_EXTRA_BYTES;
    const mostBytes = this.#limits.retention.reserveBytes * ALARM_PART;
    if (this.#spentBytes > mostBytes) this.#part = 'alarms';
  }

  /** After a slice of upkeep. @returns whether there is room for all again. */
  tended({ reserve }: StoreUse, nowMs: number): boolean {
    if (this.#part === null || reserve === 'used' || nowMs < this.#notBeforeMs) return false;
    this.#part = null;
    this.#spentBytes = 0;
    return true;
  }
}
