/** Where a fault fell in the life of the alarm beside it; pure. */

/** In the order of a life. `outputToAck` where nobody can tell whether the commit was over. */
export const PHASES = [
  'beforeOutput',
  'outputToCommit',
  'commitToAck',
  'outputToAck',
  'afterAck',
] as const;
export type Phase = (typeof PHASES)[number];

export interface Moment {
  readonly phase: Phase;
  /** From the output to the fault; null when there was no output before it. */
  readonly afterOutputMs: number | null;
}

/** Times on one clock; null for what did not happen. */
export interface Life {
  readonly roseMs: number | null;
  readonly faultMs: number;
  readonly ackedMs: number | null;
  /** Whether the journal on disk had it; null where nobody has looked. */
  readonly committed: boolean | null;
}

export function momentOf({ roseMs, faultMs, ackedMs, committed }: Life): Moment {
  const afterOutputMs = roseMs === null ? null : faultMs - roseMs;
  const phase = (): Phase => {
    if (ackedMs !== null && ackedMs <= faultMs) return 'afterAck';
    if (committed === true) return 'commitToAck';
    if (afterOutputMs === null || afterOutputMs < 0) return 'beforeOutput';
    return committed === false ? 'outputToCommit' : 'outputToAck';
  };
  return { phase: phase(), afterOutputMs };
}

/** Upper ends of the bins of `afterOutputMs`. */
const BINS_MS = [-100, -30, -10, -3, 0, 1, 2, 4, 10, 30, 100, Number.POSITIVE_INFINITY] as const;

export interface Histogram {
  readonly phases: Readonly<Record<Phase, number>>;
  /** Faults between output and acknowledgement, as a share of all, 0..1. */
  readonly betweenShare: number;
  /** Counts by time after the output; `none` where nothing had been put out. */
  readonly bins: readonly { readonly label: string; readonly count: number }[];
}

export function histogramOf(moments: readonly Moment[]): Histogram {
  const phases = Object.fromEntries(
    PHASES.map((phase) => [phase, moments.filter((one) => one.phase === phase).length]),
  ) as Record<Phase, number>;
  const between = phases.outputToCommit + phases.commitToAck + phases.outputToAck;
  const bins = BINS_MS.map((upTo, i) => {
    const from = i === 0 ? Number.NEGATIVE_INFINITY : (BINS_MS[i - 1] ?? 0);
    const count = moments.filter(
      ({ afterOutputMs: ms }) => ms !== null && ms > from && ms <= upTo,
    ).length;
    return { label: labelOf(from, upTo), count };
  });
  const none = moments.filter(({ afterOutputMs }) => afterOutputMs === null).length;
  return {
    phases,
    betweenShare: moments.length === 0 ? 0 : between / moments.length,
    bins: [...bins, { label: 'no output', count: none }].filter(({ count }) => count > 0),
  };
}

function labelOf(from: number, upTo: number): string {
  if (from === Number.NEGATIVE_INFINITY) return `up to ${upTo} ms`;
  return upTo === Number.POSITIVE_INFINITY ? `over ${from} ms` : `${from} to ${upTo} ms`;
}
