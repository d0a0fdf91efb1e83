/**
 * Keeps a line that oscillates from eating the processor: too many edges, and it is only sampled
 * until it has been calm for a while.
 *
 *   edges ──too many in a second──► sampling ──calm long enough──► edges
 *
 * A steady oscillation can look calm to samples. Edges that come back to a storm soon after show
 * that, and the calm that is asked for doubles.
 */

/** More edges than a contact makes, fewer than would be felt. */
export const STORM_EDGES_PER_SECOND = 2000;
export const SAMPLE_MS = 50;

const WINDOW_MS = 1000;
const CALM_MS = 1000;
const MOST_CALM_MS = 60_000;

export class StormGuard {
  #windowSinceMs = -Infinity;
  #edges = 0;
  #calmMs = CALM_MS;
  #lastMoveMs = -Infinity;
  #calmSinceMs = -Infinity;

  /** Counts edges. True: too many, from now on sample the line. */
  tooMany(edges: number, nowMs: number): boolean {
    if (nowMs - this.#windowSinceMs >= WINDOW_MS) {
      this.#windowSinceMs = nowMs;
      this.#edges = 0;
    }
    this.#edges += edges;
    if (this.#edges <= STORM_EDGES_PER_SECOND) return false;
    this.#edges = 0;
    this.#lastMoveMs = nowMs;
    const again = nowMs - this.#calmSinceMs < MOST_CALM_MS;
    this.#calmMs = again ? Math.min(2 * this.#calmMs, MOST_CALM_MS) : CALM_MS;
    return true;
  }

  /** Takes a sample of a storming line. True: calm, edges may be taken again. */
  isCalm(moved: boolean, nowMs: number): boolean {
    if (moved) this.#lastMoveMs = nowMs;
    if (nowMs - this.#lastMoveMs < this.#calmMs) return false;
    this.#calmSinceMs = nowMs;
    this.#windowSinceMs = nowMs;
    return true;
  }

  /** Whether the last storm is so far away that a new one is news. */
  isNews(nowMs: number): boolean {
    return nowMs - this.#calmSinceMs >= MOST_CALM_MS;
  }
}
