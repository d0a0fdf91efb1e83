/** A flame input of two states: 1 means detected (0 where the polarity is falling). */
import type { Span, Streak } from '../confirmation.ts';
import { advanceStreak, NO_STREAK } from '../confirmation.ts';
import type { LevelWindow } from '../../domain/evidence.ts';
import type { Polarity } from '../plan.ts';
import { CLEAR, defineLevelRule, PENDING } from '../rule.ts';

const detected = (state: number) => state >= 0.5;

export const flameDigital = defineLevelRule<Streak>({
  name: 'flameDigital',
  role: 'flameDigital',
  kind: 'flame',
  initial: () => NO_STREAK,
  judge: (state, window, _nowMs, plan) => {
    const span = spanOf(window, plan.polarity);
    const streak = advanceStreak(state, span, detected, detected, plan);
    if (!streak.held) return { state: streak, verdict: streak.count > 0 ? PENDING : CLEAR };
    return {
      state: streak,
      verdict: { level: 'suspect', value: 1, limit: 1, unit: 'state', note: 'flame detected' },
    };
  },
});

function spanOf(window: LevelWindow, polarity: Polarity): Span {
  if (polarity === 'rising') return window;
  return {
    first: 1 - window.first,
    last: 1 - window.last,
    min: 1 - window.max,
    max: 1 - window.min,
    count: window.count,
    firstAtMs: window.firstAtMs,
    lastAtMs: window.lastAtMs,
  };
}
