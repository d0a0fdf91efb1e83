/** From the last byte sent to the level of the siren, and what may excuse a late one; pure. */
import type { Crossed } from './probe.ts';

/** For this proof; the alarm path's own figures are in docs/figures.md. */
export const OUTPUT_BUDGET_MS = 100;

/**
 * A latency is late when it exceeds the budget by more than the machine kept the appliance or the
 * looker from running: waiting for a processor is the machine's time, not the appliance's.
 */
export type Outcome = 'inTime' | 'excused' | 'late' | 'never';

export function outcomeOf({ sentMs, roseMs, blindMs, waitedMs }: Crossed): Outcome {
  if (roseMs === null) return 'never';
  const latencyMs = roseMs - sentMs;
  if (latencyMs <= OUTPUT_BUDGET_MS) return 'inTime';
  return latencyMs - blindMs - waitedMs <= OUTPUT_BUDGET_MS ? 'excused' : 'late';
}

export interface Distribution {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly worstMs: number;
  /** Over the budget, with the machine's own stall as the reason. */
  readonly excused: number;
  /** The machine's longest stall in any crossing. */
  readonly longestStallMs: number;
}

/** Of those that rose. */
export function distributionOf(crossings: readonly Crossed[]): Distribution {
  const rose = crossings.flatMap(({ sentMs, roseMs }) =>
    roseMs === null ? [] : [roseMs - sentMs],
  );
  const sorted = rose.sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return {
    count: sorted.length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    worstMs: at(1),
    excused: crossings.filter((crossed) => outcomeOf(crossed) === 'excused').length,
    longestStallMs: Math.max(0, ...crossings.map((one) => Math.max(one.blindMs, one.waitedMs))),
  };
}
