/**
 * Merges stored telemetry: rows of one channel whose wall times share their first digits become
 * one, with the least minimum, the greatest maximum, the sum of the counts and the last value. The
 * merged row keeps the number and the times of its last one, so that the order stays. In slices:
 * one call looks at a bounded number of rows and goes on where the one before it ended.
 */
import type { Sqlite } from './database.ts';
import { above, type RowRange } from './free-ranges.ts';

/** What a row becomes, and how many characters of an ISO time its neighbours share with it. */
export interface Tier {
  /** As stored in the column `tier`. */
  readonly tier: 1 | 2;
  readonly wallDigits: number;
}

/** 10 s: `2026-01-01T00:00:0`; 1 min: `2026-01-01T00:00`. */
export const TEN_SECONDS: Tier = { tier: 1, wallDigits: 18 };
export const ONE_MINUTE: Tier = { tier: 2, wallDigits: 16 };

export interface Thinned {
  /** Rows that were looked at; 0 when nothing is left to merge. */
  readonly rows: number;
  readonly removed: number;
  /** Numbers whose readings now stand in fewer rows; null when nothing was merged. */
  readonly range: { readonly firstSeq: number; readonly lastSeq: number } | null;
  /** Readings in that range that had never been merged before. */
  readonly readings: number;
}

const NOTHING: Thinned = { rows: 0, removed: 0, range: null, readings: 0 };

interface Merged {
  readonly row: number;
  readonly firstRow: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
  readonly rows: number;
  readonly fresh: number;
}

/** A period that has more rows than this many slices is merged in parts. */
const LONGEST_SLICES = 8;

export class Thinner {
  readonly #statements: ReturnType<typeof statements>;
  readonly #sliceRows: number;

  constructor(db: Sqlite, sliceRows: number) {
    this.#statements = statements(db);
    this.#sliceRows = sliceRows;
  }

  /**
   * Thins the next slice, within a transaction of the caller's.
   * @param ranges that may be touched, in order
   * @param before wall time: rows that are not older stay
   */
  thin(tier: Tier, ranges: readonly RowRange[], before: string): Thinned {
    const s = this.#statements;
    const name = `thinned:${tier.tier}`;
    const done = s.mark.get(name) ?? 0;
    for (const range of ranges) {
      const rest = above(range, done);
      const slice = rest === null ? null : this.#slice(tier, rest, before);
      if (slice === null) continue;
      s.setMark.run(name, slice.upTo);
      return this.#merge(tier, slice);
    }
    return NOTHING;
  }

  /** From the first row that may be merged to the end of a period; null when none has ended. */
  #slice({ wallDigits }: Tier, { after, upTo }: RowRange, before: string): RowRange | null {
    const s = this.#statements;
    const first = s.rowAt.get(after, upTo, 0);
    if (first === undefined || first.wall >= before) return null;
    for (let slices = 1; ; slices *= 2) {
      const cut = s.rowAt.get(after, upTo, this.#sliceRows * slices - 1);
      const last = cut ?? s.lastOf.get(after, upTo);
      if (last === undefined) return null;
      // The period of the row behind the slice goes on there; the newest one may still be filled.
      const open = (s.rowAt.get(last.row, Number.MAX_SAFE_INTEGER, 0) ?? last).wall;
      const period = open.slice(0, wallDigits);
      const border = s.border.get({ after, last: last.row, wallDigits, period, before });
      if (border !== undefined) return { after, upTo: border };
      if (cut === undefined || cut.wall >= before) return null;
      if (slices >= LONGEST_SLICES) return { after, upTo: cut.row };
    }
  }

  #merge({ tier, wallDigits }: Tier, { after, upTo }: RowRange): Thinned {
    const s = this.#statements;
    const groups = s.groups.all({ after, upTo, wallDigits });
    const rows = groups.reduce((sum, group) => sum + group.rows, 0);
    const merging = groups.filter((group) => group.rows > 1);
    if (merging.length === 0) return { ...NOTHING, rows };
    for (const { row, min, max, count } of merging) s.keep.run({ row, min, max, count, tier });
    s.removeOthers.run(after, upTo, JSON.stringify(groups.map(({ row }) => row)));
    return {
      rows,
      removed: rows - groups.length,
      range: {
        firstSeq: Math.min(...merging.map(({ firstRow }) => firstRow)),
        lastSeq: Math.max(...merging.map(({ row }) => row)),
      },
      readings: merging.reduce((sum, { fresh }) => sum + fresh, 0),
    };
  }
}

function statements(db: Sqlite) {
  return {
    mark: db.prepare<[string], number>('SELECT seq FROM mark WHERE name = ?').pluck(),
    setMark: db.prepare<[string, number]>(
      `INSERT INTO mark (name, seq) VALUES (?, ?)
       ON CONFLICT (name) DO UPDATE SET seq = excluded.seq`,
    ),
    rowAt: db.prepare<[number, number, number], Placed>(
      `SELECT row, wall FROM telemetry WHERE row > ? AND row <= ? ORDER BY row LIMIT 1 OFFSET ?`,
    ),
    lastOf: db.prepare<[number, number], Placed>(
      `SELECT row, wall FROM telemetry WHERE row > ? AND row <= ? ORDER BY row DESC LIMIT 1`,
    ),
    border: db
      .prepare<BorderQuery, number>(
        `SELECT row FROM telemetry
         WHERE row > @after AND row <= @last AND wall < @before
           AND substr(wall, 1, @wallDigits) <> @period
         ORDER BY row DESC LIMIT 1`,
      )
      .pluck(),
    groups: db.prepare<RowRange & { wallDigits: number }, Merged>(
      `SELECT MAX(row) AS row, MIN(row) AS firstRow, MIN(min) AS min, MAX(max) AS max,
              SUM(count) AS count, COUNT(*) AS rows, SUM(IIF(tier = 0, count, 0)) AS fresh
       FROM telemetry WHERE row > @after AND row <= @upTo
       GROUP BY sensor, channel, unit, substr(wall, 1, @wallDigits)`,
    ),
    keep: db.prepare<{ row: number; min: number; max: number; count: number; tier: number }>(
      `UPDATE telemetry SET min = @min, max = @max, count = @count, tier = @tier WHERE row = @row`,
    ),
    removeOthers: db.prepare<[number, number, string]>(
      `DELETE FROM telemetry
       WHERE row > ? AND row <= ? AND row NOT IN (SELECT value FROM json_each(?))`,
    ),
  };
}

interface Placed {
  readonly row: number;
  readonly wall: string;
}

interface BorderQuery {
  readonly after: number;
  readonly last: number;
  readonly wallDigits: number;
  readonly period: string;
  readonly before: string;
}
