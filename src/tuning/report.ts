/** All that a replay found, as plain data: what `--json` prints and the text is made from. */
import type { Config } from '../config-schema.ts';
import type { HeaderRecord } from '../store/black-box/record.ts';
import type { Suggestion } from './highest.ts';
import type { Tally } from './ledger.ts';
import { NO_TALLY } from './ledger.ts';
import type { Label } from './labels.ts';
import type { Occasion, Verdict } from './occasions.ts';
import { occasionsOf, verdictsOf } from './occasions.ts';
import type { PictureCounters } from './pictures.ts';
import type { Reproduction } from './record.ts';
import type { Replay } from './replay.ts';

export interface DayRow {
  readonly zone: string;
  readonly day: string;
  readonly present: Readonly<Tally>;
  /** Null where there is no proposed configuration. */
  readonly proposed: Readonly<Tally> | null;
}

export interface TuneReport {
  readonly frames: number;
  /** Hours of each day that were replayed. */
  readonly days: readonly { readonly day: string; readonly hours: number }[];
  readonly rows: readonly DayRow[];
  readonly occasions: readonly Occasion[];
  readonly faults: Readonly<Record<'present' | 'proposed', Readonly<Record<string, number>>>>;
  readonly pictures: PictureCounters;
  readonly reproduction: Reproduction;
  readonly verdicts: readonly Verdict[];
  readonly suggestions: readonly Suggestion[];
  readonly unanswered: number;
}

export function reportOf(replay: Replay, labels: readonly Label[]): TuneReport {
  const { present, proposed, recorded } = replay;
  const occasions = occasionsOf({
    present: present.ledger.episodes,
    proposed: proposed?.ledger.episodes ?? [],
    recorded: recorded.alarms,
    labels,
  });
  return {
    frames: replay.frames,
    days: [...replay.coveredMs]
      .map(([day, ms]) => ({ day, hours: ms / 3_600_000 }))
      .sort((a, b) => (a.day < b.day ? -1 : 1)),
    rows: rowsOf(replay),
    occasions,
    faults: {
      present: sorted(present.ledger.faults),
      proposed: sorted(proposed?.ledger.faults ?? new Map()),
    },
    pictures: replay.pictures.counters,
    reproduction: recorded.compare(present.ledger),
    verdicts: verdictsOf(occasions),
    suggestions: replay.highest.suggestions(),
    unanswered: replay.unanswered,
  };
}

function sorted(counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Each zone of either configuration on each day, also where nothing happened. */
function rowsOf({ present, proposed, coveredMs }: Replay): readonly DayRow[] {
  const seats = [present, ...(proposed === null ? [] : [proposed])];
  const zones = new Set<string>(
    seats.flatMap(({ side, ledger }) => [
      ...side.zones.map(({ id }) => id),
      ...ledger.tallies.keys(),
    ]),
  );
  const days = new Set<string>([
    ...coveredMs.keys(),
    ...seats.flatMap(({ ledger }) =>
      [...ledger.tallies.values()].flatMap((one) => [...one.keys()]),
    ),
  ]);
  return [...zones].sort().flatMap((zone) =>
    [...days].sort().map((day) => ({
      ...{ zone, day, present: present.ledger.tallies.get(zone)?.get(day) ?? NO_TALLY },
      proposed:
        proposed === null ? null : (proposed.ledger.tallies.get(zone)?.get(day) ?? NO_TALLY),
    })),
  );
}

/** Sections whose difference changes what is decided of the same words. */
const DECIDING = ['boards', 'sensors', 'zones', 'limits', 'detection', 'hours', 'model'] as const;

/** Sections in which the recording's own configuration differs from the present one. */
export function changedSince({ config }: HeaderRecord, present: Config): readonly string[] {
  const then = (config ?? {}) as Readonly<Record<string, unknown>>;
  return DECIDING.filter((name) => JSON.stringify(then[name]) !== JSON.stringify(present[name]));
}
