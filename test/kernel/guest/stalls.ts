/**
 * How long the emulated machine stood still: it shares its host's processors with others, and then
 * a contact that was to bounce every 10 ms rests for 60 ms. A test that fails after that is repeated.
 */

/** Clearly shorter than the debounce of the contract. */
const STALL_MS = 25;

let longestMs = 0;

/** @param lateMs beyond what was asked for */
export function noteDelay(lateMs: number): void {
  longestMs = Math.max(longestMs, lateMs);
}

/** Lets time pass, and notes when it was much more than asked for. */
export async function pass(ms: number): Promise<void> {
  const startMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, ms));
  noteDelay(performance.now() - startMs - ms);
}

const PATIENCE_MS = 15_000;

/** Waits until it is so, however slow the machine. @throws Error when it never is */
export async function eventually(what: string, look: () => boolean): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!look()) {
    if (performance.now() > endMs) throw new Error(`did not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export const stalls = {
  begin(): void {
    longestMs = 0;
  },
  /** Why a failure since `begin` says nothing; null: there is no excuse. */
  excuse(): string | null {
    return longestMs < STALL_MS ? null : `the machine stood still for ${longestMs.toFixed(0)} ms`;
  },
};
