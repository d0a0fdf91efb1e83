/**
 * Which numbers of a lane are missing. Instances store in any order, so a hole is normal for a
 * moment: the check runs over the table, and what it knows of a lane is small. Pure.
 */

/** Numbers from `first` to `last`, both included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

export interface LaneState {
  /** Everything up to here has been looked at. */
  readonly checked: number;
  /** What was neither stored nor declared as a gap below `checked`; ascending, not touching. */
  readonly missing: readonly Range[];
}

export const NOTHING_CHECKED: LaneState = { checked: 0, missing: [] };

/**
 * @param seqs numbers that are in the table: above `checked`, or within `missing`; any order.
 * @param gaps ranges that the appliance declared, of any time; they may overlap.
 */
export function follow(
  state: LaneState,
  seqs: readonly number[],
  gaps: readonly Range[],
): LaneState {
  const told = [...seqs.map((seq) => ({ first: seq, last: seq })), ...gaps];
  const checked = told.reduce((most, { last }) => Math.max(most, last), state.checked);
  const open =
    checked > state.checked
      ? [...state.missing, { first: state.checked + 1, last: checked }]
      : state.missing;
  return { checked, missing: without(joined(open), joined(told)) };
}

/** Ascending, overlapping and touching ranges made one. */
function joined(ranges: readonly Range[]): Range[] {
  const sorted = [...ranges].sort((a, b) => a.first - b.first);
  const result: Range[] = [];
  for (const range of sorted) {
    const before = result.at(-1);
    if (before !== undefined && range.first <= before.last + 1) {
      result[result.length - 1] = {
        first: before.first,
        last: Math.max(before.last, range.last),
      };
    } else result.push(range);
  }
  return result;
}

/** `ranges` without everything in `taken`; both as `joined` makes them. */
function without(ranges: readonly Range[], taken: readonly Range[]): Range[] {
  const result: Range[] = [];
  let at = 0;
  for (const { first, last } of ranges) {
    let from = first;
    while (at < taken.length && (taken[at]?.last ?? 0) < from) at += 1;
    for (let i = at; i < taken.length; i += 1) {
      const cut = taken[i];
      if (cut === undefined || cut.first > last) break;
      if (cut.first > from) result.push({ first: from, last: cut.first - 1 });
      from = Math.max(from, cut.last + 1);
    }
    if (from <= last) result.push({ first: from, last });
  }
  return result;
}
