/**
 * A channel at an end of its range, 0 or 100 % turned so that higher is more dangerous.
 *
 * - At the harmless end for `railStuckMs`: a broken wire or a dead sensor. It has no data and is
 *   never taken for clean air. Channels that rest there by nature (`restsAtRail`) are left out.
 * - At the dangerous end after passing values in between: heavy smoke saturates a converter. That
 *   stays evidence for as long as it lasts, and a fault stands beside it after `railStuckMs`.
 * - At the dangerous end by a jump from a normal reading: a short circuit looks like that, and a
 *   violent fire on a slow board, too. So it counts, as sub-alarm evidence, for `railSuspectMs`,
 *   and is a fault only after that. Any reading in between ends the doubt: then it is a fire sign.
 */
import type { LevelWindow } from '../domain/evidence.ts';
import type { Span } from './confirmation.ts';
import type { LearningLimits } from './plan.ts';

export interface Rail {
  /** How the channel came to where it is; null while it reads normally. */
  readonly ascent: 'passed' | 'jumped' | null;
  readonly ascentAtMs: number;
  /** Since when every reading sat at one end; null while it moves. */
  readonly stuckSinceMs: number | null;
}

export const NO_RAIL: Rail = { ascent: null, ascentAtMs: 0, stuckSinceMs: null };

/**
 * Takes one window in.
 * @param span the window, turned. @param midway whether a reading is on its way to its limit.
 */
export function followRail(rail: Rail, span: Span, midway: (value: number) => boolean): Rail {
  const atEnd = span.max <= 0 || span.min >= 100;
  const ascent = ascentOf(rail, span, midway);
  // From one end straight to the other is a new story.
  const sameEnd = (rail.ascent === null) === (ascent === null);
  const sinceMs = sameEnd ? rail.stuckSinceMs : null;
  const stuckSinceMs = atEnd ? (sinceMs ?? span.firstAtMs) : null;
  if (ascent === rail.ascent && stuckSinceMs === rail.stuckSinceMs) return rail;
  const ascentAtMs = ascent === rail.ascent ? rail.ascentAtMs : span.firstAtMs;
  return { ascent, ascentAtMs, stuckSinceMs };
}

function ascentOf(rail: Rail, span: Span, midway: (value: number) => boolean): Rail['ascent'] {
  const between = (value: number) => value < 100 && midway(value);
  if (between(span.first) || between(span.min) || between(span.max) || between(span.last)) {
    return 'passed';
  }
  if (span.max < 100) return null;
  return rail.ascent ?? 'jumped';
}

/** What a rail means now. */
export interface RailTrouble {
  /** What a fault should say; null: none. */
  readonly fault: string | null;
  /** No data: what the channel says is no evidence. */
  readonly blind: boolean;
}

const NO_TROUBLE: RailTrouble = { fault: null, blind: false };

/** @param window the reading as the channel reports it, for the text. */
export function railTrouble(
  rail: Rail,
  window: LevelWindow,
  danger: boolean,
  restsAtRail: boolean,
  learning: LearningLimits,
): RailTrouble {
  const { stuckSinceMs, ascent, ascentAtMs } = rail;
  if (stuckSinceMs === null || window.lastAtMs - stuckSinceMs < learning.railStuckMs) {
    return NO_TROUBLE;
  }
  const held = `held at ${window.max <= 0 ? 0 : 100} % of full scale`;
  if (!danger) {
    if (restsAtRail) return NO_TROUBLE;
    return { fault: `${held}: no data; check wiring and supply`, blind: true };
  }
  if (ascent !== 'jumped') {
    return { fault: `${held} after it rose there: counts as evidence; saturated?`, blind: false };
  }
  const blind = window.lastAtMs - ascentAtMs >= learning.railSuspectMs;
  const counts = blind ? 'no data' : 'counts as sub-alarm evidence';
  return { fault: `${held} after a jump: ${counts}; check wiring and supply`, blind };
}
