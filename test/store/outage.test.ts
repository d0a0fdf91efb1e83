/** An hour without a broker, at a bound so small that everything that may go has to. */
import { describe, expect, it } from 'vitest';
import { problemsOf, runOutage } from '../../bench/outage/outage.ts';
import { LANES } from '../../src/domain/event.ts';
import { DEFAULT_RETENTION } from '../../src/store/retention-limits.ts';
import { temporaryMemoryFolder } from './support.ts';

describe('an outage', () => {
  it('of an hour leaves no alarm and no reading without an account, within the bound', async () => {
    const maxBytes = 900_000;
    const retention = { ...DEFAULT_RETENTION, maxBytes, tenSecondsAfterMs: 600_000 };
    const result = await runOutage({
      ...{ directory: temporaryMemoryFolder(), hours: 1, boards: 3, retention },
      ...{ rowsPerSecond: 10_000, stormEverySeconds: 300, stormAlarms: 60 },
    });
    expect(problemsOf(result, maxBytes + retention.walBytes, 600_000)).toEqual([]);
    const { made, centre } = result;
    expect(centre.events.alarm).toBe(720);
    // The bound was felt, or nothing was shown.
    expect(centre.rows).toBeLessThan(made.readings / 5);
    expect(centre.gaps.some(({ reason }) => reason === 'thinned')).toBe(true);
    for (const lane of LANES) expect(centre.missing(lane, made[lane])).toBe(0);
  });

  it('would be found out: a reading that vanishes, an alarm that is lost', async () => {
    const result = await runOutage({
      ...{ directory: temporaryMemoryFolder(), hours: 0.05, boards: 1 },
      ...{ retention: DEFAULT_RETENTION, rowsPerSecond: 100 },
      ...{ stormEverySeconds: 60, stormAlarms: 2 },
    });
    const bound = 1024 * 1024 * 1024;
    expect(problemsOf(result, bound, 0)).toEqual([]);
    result.centre.readings -= 1;
    result.centre.events.alarm -= 1;
    expect(problemsOf(result, bound, 0).length).toBe(2);
    expect(problemsOf(result, 1000, 0).length).toBe(3);
  });
});
