import { describe, expect, it } from 'vitest';
import { PeakHistory } from '../../src/vision/thermal-signs.ts';
import { seededRandom } from './scenes.ts';

/** Signs after `seconds` of frames; peak and area as functions of the time. */
function signsOf(
  periodSeconds: number,
  seconds: number,
  peak: (seconds: number) => number,
  area: (seconds: number) => number = () => 4,
): ReturnType<PeakHistory['signs']> {
  const history = new PeakHistory();
  for (let at = 0; at <= seconds; at += periodSeconds) history.add(at * 1_000, peak(at), area(at));
  return history.signs();
}

const PERIODS = [4.09, 2.1, 1, 0.125, 1 / 32];

describe('rise', () => {
  it.each(PERIODS)('of 60 C/min is measured as such every %f s', (period) => {
    const { riseCelsiusPerMinute } = signsOf(period, 30, (at) => 40 + at);
    expect(riseCelsiusPerMinute).toBeCloseTo(60, 0);
  });

  it.each(PERIODS)('of something that was carried into view is none every %f s', (period) => {
    for (const start of [4, 8.3, 30]) {
      for (let after = 0.2; after < 20; after += 0.3) {
        const peak = (at: number) => (at < start ? 25 : 95);
        const { riseCelsiusPerMinute } = signsOf(period, start + after, peak);
        expect(riseCelsiusPerMinute ?? 0).toBeLessThan(1);
      }
    }
  });

  it('is unknown for less than 4 s or fewer than three frames', () => {
    expect(signsOf(4.09, 5, (at) => at).riseCelsiusPerMinute).toBeNull();
    expect(signsOf(0.125, 5, (at) => at).riseCelsiusPerMinute).toBeNull();
    expect(signsOf(0.125, 8, (at) => at).riseCelsiusPerMinute).toBeCloseTo(60, 0);
    expect(signsOf(4.09, 8.2, (at) => at).riseCelsiusPerMinute).toBeCloseTo(60, 0);
  });

  it('forgets what was before a long gap or a time that went back', () => {
    const history = new PeakHistory();
    for (let at = 0; at < 10; at++) history.add(at * 1_000, 20 + at, 1);
    history.add(600_000, 90, 1);
    expect(history.signs().riseCelsiusPerMinute).toBeNull();
    history.add(5, 90, 1);
    expect(history.signs()).toEqual({
      riseCelsiusPerMinute: null,
      growthPixelsPerMinute: null,
      flickerCelsius: null,
    });
  });
});

describe('growth', () => {
  it('of a spreading core is measured', () => {
    const { growthPixelsPerMinute } = signsOf(
      4.09,
      40,
      () => 90,
      (at) => Math.round(4 + at),
    );
    expect(growthPixelsPerMinute).toBeGreaterThan(45);
    expect(growthPixelsPerMinute).toBeLessThan(65);
  });

  it('of an edge that jitters is 0', () => {
    const random = seededRandom(1);
    for (const period of PERIODS) {
      const jitter = signsOf(
        period,
        30,
        () => 90,
        () => 80 + random.below(5),
      );
      expect(jitter.growthPixelsPerMinute).toBe(0);
    }
  });
});

describe('flicker', () => {
  it.each(PERIODS)('of a flame is near its deviation every %f s', (period) => {
    const random = seededRandom(2);
    const { flickerCelsius } = signsOf(period, 60, (at) => 80 + at + 10 * random.normal());
    expect(flickerCelsius).toBeGreaterThan(4);
    expect(flickerCelsius).toBeLessThan(22);
  });

  it.each(PERIODS)('of a steady thing is its noise every %f s, also as it warms up', (period) => {
    const random = seededRandom(3);
    const { flickerCelsius } = signsOf(period, 60, (at) => 60 + at / 3 + 0.3 * random.normal());
    expect(flickerCelsius).toBeLessThan(1);
  });

  it('is not faked by records that update one subpage each', () => {
    const { flickerCelsius } = signsOf(1, 60, (at) => 60 + Math.floor(at / 2) / 10);
    expect(flickerCelsius).toBeLessThan(0.2);
  });

  it('is not faked by something carried into view', () => {
    const { flickerCelsius } = signsOf(4.09, 60, (at) => (at < 50 ? 25 : 95));
    expect(flickerCelsius).toBeLessThan(1);
  });
});
