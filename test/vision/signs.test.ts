import { describe, expect, it } from 'vitest';
import { SignHistory } from '../../src/vision/thermal-signs.ts';
import type { FireSigns } from '../../src/domain/evidence.ts';
import { seededRandom } from './scenes.ts';

/** Signs after `seconds` of frames; peak and area as functions of the time. */
function signsOf(
  periodSeconds: number,
  seconds: number,
  peak: (seconds: number) => number,
  area: (seconds: number) => number = () => 4,
): FireSigns {
  const history = new SignHistory();
  for (let at = 0; at <= seconds; at += periodSeconds) add(history, at, peak(at), area(at));
  return history.signs();
}

/** A frame of a region of 2 x 2 pixels, at rest unless told otherwise. */
function add(
  history: SignHistory,
  seconds: number,
  peakCelsius: number,
  corePixels = 4,
  column = 10,
): void {
  const place = { row: 10, column, spreadRows: 0.6, spreadColumns: 0.6 };
  history.add(seconds * 1_000, { peakCelsius, corePixels, ...place }, 10, Math.round(column));
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
    const history = new SignHistory();
    for (let at = 0; at < 10; at++) add(history, at, 20 + at);
    add(history, 600, 90);
    expect(history.signs().riseCelsiusPerMinute).toBeNull();
    add(history, 0.005, 90);
    expect(history.signs()).toEqual({
      riseCelsiusPerMinute: null,
      growthPixelsPerMinute: null,
      flickerCelsius: null,
    });
  });
});

describe('one damaged frame in between', () => {
  it.each(PERIODS)('that is left out does not change a rise every %f s', (period) => {
    const history = new SignHistory();
    for (let i = 0; i * period < 30; i++) {
      if (i % 4 !== 2) add(history, i * period, 40 + i * period);
    }
    expect(history.signs().riseCelsiusPerMinute).toBeCloseTo(60, 0);
  });

  it.each(PERIODS)('that slips through makes no rise of something steady every %f s', (period) => {
    const history = new SignHistory();
    for (let i = 0; i * period < 30; i++) add(history, i * period, i % 9 === 4 ? 200 : 70);
    expect(history.signs().riseCelsiusPerMinute ?? 0).toBeLessThan(1);
  });
});

describe('what moves', () => {
  it.each(PERIODS)('has no signs while it is under way every %f s', (period) => {
    const history = new SignHistory();
    for (let i = 0; i * period < 20; i++) {
      // Comes nearer: hotter and larger all the time.
      add(history, i * period, 40 + 3 * i * period, 2 + i * period, 2 + 1.2 * i * period);
    }
    expect(history.signs()).toEqual({
      riseCelsiusPerMinute: null,
      growthPixelsPerMinute: null,
      flickerCelsius: null,
    });
    expect(history.speed()).toBeCloseTo(1.2, 1);
  });

  it('is judged again once it has stayed, from then on only', () => {
    const history = new SignHistory();
    for (let at = 0; at < 10; at++) add(history, at, 40 + 5 * at, 2 + at, 2 + 1.5 * at);
    for (let at = 10; at < 20; at++) add(history, at, 85, 12, 16);
    expect(history.signs().riseCelsiusPerMinute).toBeCloseTo(0, 0);
    expect(history.speed()).toBeCloseTo(0, 3);
  });

  it('is not a fire that spreads to one side', () => {
    const history = new SignHistory();
    for (let at = 0; at <= 12; at++) {
      const length = 1 + 0.8 * at;
      const place = { row: 10, column: 5 + length / 2, spreadRows: 0.6 };
      const sample = { peakCelsius: 60 + 5 * at, corePixels: length, ...place };
      history.add(at * 1_000, { ...sample, spreadColumns: 0.29 * length }, 10, 5 + (at % 4));
    }
    expect(history.signs().riseCelsiusPerMinute).toBeCloseTo(300, 0);
    expect(history.signs().growthPixelsPerMinute).toBeGreaterThan(25);
  });

  it('is not a region that merges with a neighbour and parts from it again', () => {
    const history = new SignHistory();
    for (let at = 0; at <= 20; at++) {
      const merged = at % 2 === 0;
      const place = { row: 10, column: merged ? 14 : 10, spreadRows: 0.6, spreadColumns: 0.6 };
      history.add(at * 1_000, { peakCelsius: 60 + at, corePixels: 4, ...place }, 10, 10);
    }
    expect(history.signs().riseCelsiusPerMinute).toBeCloseTo(60, 0);
  });
});

describe('what a place showed before', () => {
  it('makes a region that is suddenly there a step, not a rise', () => {
    const history = new SignHistory();
    for (const at of [0, 2, 4, 6]) history.addBefore(at * 1_000, 22, 10, 10);
    add(history, 7, 50);
    add(history, 8, 90);
    for (let at = 9; at < 13; at++) add(history, at, 95);
    expect(history.signs().riseCelsiusPerMinute).toBeLessThan(1);
  });

  it('gives a growing fire its rise with its first frames', () => {
    const history = new SignHistory();
    for (const [at, celsius] of [
      [0, 22],
      [4.09, 27],
      [8.18, 36],
    ] as const) {
      history.addBefore(at * 1_000, celsius, 10, 10);
    }
    add(history, 12.27, 52);
    expect(history.signs().riseCelsiusPerMinute).toBeGreaterThan(60);
  });

  it('is no flicker', () => {
    const history = new SignHistory();
    for (let at = 0; at < 30; at += 2)
      history.addBefore(at * 1_000, at % 4 === 0 ? 22 : 60, 10, 10);
    for (let at = 30; at < 36; at++) add(history, at, 80);
    expect(history.signs().flickerCelsius).toBeNull();
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
