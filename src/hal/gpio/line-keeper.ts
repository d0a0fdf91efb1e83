/**
 * What a process that outlives this one (the GPIO holder) does for lines. A request of the
 * character device ends with its last descriptor, and the kernel says nothing about the level
 * after that; a duplicate in another process keeps both. A line that is a file (a value of sysfs, a
 * mirror of the simulation) keeps its level by itself, and only needs somebody to lower it.
 */
import type { HalResult } from '../ports.ts';

/**
 * Keys name a line whatever is connected to it: `cdev:<chip label>:<offset>`,
 * `sysfs:<chip label>:<offset>`, `simulated:<chip>:<line>`.
 */
export interface LineKeeper {
  /**
   * A duplicate of the descriptor that was kept for `key` by an earlier run; the caller owns it.
   * null: none.
   */
  take(key: string): HalResult<number | null>;
  /**
   * Hands over a duplicate of `descriptor` for safe keeping, and what to do when this process is
   * gone: the electrical level to set, or null to keep the one it has. Replaces what was kept for
   * `key`.
   */
  keep(key: string, descriptor: number, onLoss: { readonly set: boolean | null }): HalResult;
  /**
   * The same for a line that is a file (a value of sysfs, a mirror of the simulation): the content
   * to write on loss, null: nothing.
   */
  keepFile(key: string, path: string, onLoss: { readonly write: string | null }): HalResult;
  /**
   * The electrical level on loss of a line that is kept has changed; null: the one it has then.
   * Never waits: what does not arrive is handed over again with everything else.
   */
  onLoss(key: string, level: boolean | null): void;
  /** Nothing is kept for `key` any longer. */
  drop(key: string): HalResult;
}
