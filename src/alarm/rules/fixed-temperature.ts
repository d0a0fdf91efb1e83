/** The hottest robust region against the zone's limit and its critical limit, in true Celsius. */
import type { ThermalWindow } from '../../domain/evidence.ts';
import type { Span, Streak } from '../confirmation.ts';
import { advanceStreak, NO_STREAK } from '../confirmation.ts';
import { CLEAR, defineThermalRule, PENDING } from '../rule.ts';

interface State {
  readonly limit: Streak;
  readonly critical: Streak;
}

export const fixedTemperature = defineThermalRule<State>({
  name: 'fixedTemperature',
  role: 'thermal',
  kind: 'thermal',
  initial: () => ({ limit: NO_STREAK, critical: NO_STREAK }),
  judge: (state, window, _nowMs, plan) => {
    const { limitCelsius, criticalCelsius, hysteresisCelsius } = plan.limits.thermal;
    const span = spanOf(window);
    const against = (streak: Streak, limit: number) =>
      advanceStreak(
        streak,
        span,
        (celsius) => celsius >= limit,
        (celsius) => celsius >= limit - hysteresisCelsius,
        plan,
      );
    const limit = against(state.limit, limitCelsius);
    const critical = against(state.critical, criticalCelsius);
    if (limit === state.limit && critical === state.critical && limit === NO_STREAK) {
      return { state, verdict: CLEAR };
    }
    const next = { limit, critical };
    if (!limit.held && !critical.held) {
      const pending = limit.count > 0 || critical.count > 0;
      return { state: next, verdict: pending ? PENDING : CLEAR };
    }
    return {
      state: next,
      verdict: {
        level: critical.held ? 'alarm' : 'suspect',
        value: span.max,
        limit: critical.held ? criticalCelsius : limitCelsius,
        unit: 'celsius',
        note: describe(window),
      },
    };
  },
});

/** Only the newest, hottest and coolest frame are known; the first counts as the coolest. */
function spanOf(window: ThermalWindow): Span {
  return {
    first: window.coolest.maxCelsius,
    last: window.last.maxCelsius,
    min: window.coolest.maxCelsius,
    max: window.worst.maxCelsius,
    count: window.frames,
    firstAtMs: window.firstAtMs,
    lastAtMs: window.last.atMs,
  };
}

function describe(window: ThermalWindow): string {
  const { hottest, medianCelsius } = window.worst;
  const scene = `scene median ${medianCelsius.toFixed(1)} C`;
  if (hottest === null) return scene;
  const { row, column, areaPixels } = hottest;
  return `row ${row}, column ${column}, ${areaPixels} pixels, ${scene}`;
}
