import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FEATURE_NAMES, FEATURE_SCHEMA, featuresOf } from '../../src/vision/features.ts';
import type { FeatureName } from '../../src/vision/features-names.ts';
import type { RegionSample, RegionTrack } from '../../src/vision/track.ts';

const SAMPLE: RegionSample = {
  atMs: 0,
  peakCelsius: 60,
  meanCelsius: 50,
  medianCelsius: 22,
  behindCelsius: 22,
  areaPixels: 6,
  corePixels: 4,
  excess: 150,
  row: 10,
  column: 12,
  spreadRows: 1,
  spreadColumns: 1,
  touchesEdge: false,
};

function trackOf(samples: readonly RegionSample[]): RegionTrack {
  return { id: 1, firstAtMs: samples[0]?.atMs ?? 0, frames: samples.length, samples };
}

/** One sample a second, made by `at`. */
function everySecond(count: number, at: (second: number) => Partial<RegionSample>): RegionTrack {
  return trackOf(
    Array.from({ length: count }, (_, i) => ({ ...SAMPLE, atMs: 5_000 + 1_000 * i, ...at(i) })),
  );
}

function feature(track: RegionTrack, name: FeatureName): number {
  return featuresOf(track)?.[FEATURE_NAMES.indexOf(name)] ?? Number.NaN;
}

const anyNumber = fc.oneof(
  fc.double({ min: -60, max: 1200 }),
  fc.double(),
  fc.constantFrom(0, Number.NaN, Infinity, -Infinity, 1e300),
);
const anySample = fc.record({
  peakCelsius: anyNumber,
  meanCelsius: anyNumber,
  medianCelsius: anyNumber,
  behindCelsius: anyNumber,
  areaPixels: fc.oneof(fc.nat(768), anyNumber),
  corePixels: fc.oneof(fc.nat(768), anyNumber),
  excess: anyNumber,
  row: anyNumber,
  column: anyNumber,
  spreadRows: anyNumber,
  spreadColumns: anyNumber,
  touchesEdge: fc.boolean(),
});
const plainSample = fc.record({
  peakCelsius: fc.double({ min: 40, max: 900, noNaN: true }),
  behindCelsius: fc.double({ min: 0, max: 39, noNaN: true }),
  excess: fc.double({ min: 1, max: 1e5, noNaN: true }),
  areaPixels: fc.integer({ min: 1, max: 768 }),
  row: fc.double({ min: 0, max: 23, noNaN: true }),
  column: fc.double({ min: 0, max: 31, noNaN: true }),
});

describe('features of a track', () => {
  it('there are none before the second sample', () => {
    expect(featuresOf(trackOf([]))).toBeNull();
    expect(featuresOf(trackOf([SAMPLE]))).toBeNull();
    expect(featuresOf(trackOf([SAMPLE, { ...SAMPLE, atMs: 125 }]))).not.toBeNull();
  });

  it('are finite and bounded for any track, whatever is in it', () => {
    const samples = fc.array(fc.tuple(anySample, fc.integer({ min: 0, max: 9_000 })), {
      minLength: 2,
      maxLength: 256,
    });
    fc.assert(
      fc.property(samples, fc.integer({ min: -1e12, max: 1e12 }), (list, startMs) => {
        let atMs = startMs;
        const track = trackOf(list.map(([s, step]) => ({ ...SAMPLE, ...s, atMs: (atMs += step) })));
        const row = featuresOf(track);
        expect(row).toHaveLength(FEATURE_NAMES.length);
        expect(row?.every((value) => Number.isFinite(value) && Math.abs(value) <= 4)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('do not depend on when the clock was started', () => {
    const samples = fc.array(fc.tuple(plainSample, fc.integer({ min: 110, max: 5_000 })), {
      minLength: 2,
      maxLength: 60,
    });
    fc.assert(
      fc.property(samples, fc.integer({ min: 0, max: 1e12 }), (list, shiftMs) => {
        const at = (startMs: number): RegionTrack => {
          let atMs = startMs;
          return trackOf(list.map(([s, step]) => ({ ...SAMPLE, ...s, atMs: (atMs += step) })));
        };
        expect(featuresOf(at(shiftMs))).toEqual(featuresOf(at(0)));
      }),
      { numRuns: 200 },
    );
  });

  it('tell a rise from a steady level and from a fall', () => {
    const rising = everySecond(20, (s) => ({ peakCelsius: 45 + s }));
    const steady = everySecond(20, () => ({}));
    const falling = everySecond(20, (s) => ({ peakCelsius: 80 - s }));
    // 60 C a minute: asinh(60 / 5) / 1.5.
    expect(feature(rising, 'peakRise')).toBeCloseTo(Math.asinh(12) / 1.5, 3);
    expect(feature(steady, 'peakRise')).toBe(0);
    expect(feature(falling, 'peakRise')).toBeCloseTo(-Math.asinh(12) / 1.5, 3);
    expect(feature(falling, 'belowHighest')).toBeGreaterThan(0.5);
  });

  it('tell a rise that quickens from one that levels off', () => {
    const squared = everySecond(20, (s) => ({ peakCelsius: 42 + 0.1 * s * s }));
    const levelling = everySecond(20, (s) => ({ peakCelsius: 82 - 40 * Math.exp(-s / 6) }));
    expect(feature(squared, 'peakQuickening')).toBeGreaterThan(0.7);
    expect(feature(levelling, 'peakQuickening')).toBeLessThan(-0.7);
  });

  it('tell what spreads from what merely gets hotter', () => {
    const spreading = everySecond(20, (s) => ({ excess: 50 + 30 * s }));
    const fixed = everySecond(20, (s) => ({ peakCelsius: 45 + s, excess: 10 * (20 + 1.3 * s) }));
    expect(feature(spreading, 'sizeGrowth')).toBeGreaterThan(1);
    expect(Math.abs(feature(fixed, 'sizeGrowth'))).toBeLessThan(1);
  });

  it('see a flicker, and no trend in it', () => {
    const flickering = everySecond(30, (s) => ({ excess: s % 2 === 0 ? 200 : 120 }));
    const smooth = everySecond(30, (s) => ({ excess: 120 + 3 * s }));
    const by = feature(flickering, 'flickerExcessShare') - feature(smooth, 'flickerExcessShare');
    expect(by).toBeGreaterThan(1);
    expect(feature(flickering, 'flickerRoughness')).toBeGreaterThan(1);
    expect(feature(smooth, 'flickerRoughness')).toBeLessThan(0);
  });

  it('see what moves and which way it stands', () => {
    const walking = everySecond(12, (s) => ({ column: 2 + s, spreadRows: 3 }));
    expect(feature(walking, 'motion')).toBeGreaterThan(
      feature(
        everySecond(12, () => ({})),
        'motion',
      ),
    );
    expect(feature(walking, 'upright')).toBeCloseTo(2 * Math.log(3), 5);
  });

  it('have an id that changes with their names', () => {
    expect(new Set(FEATURE_NAMES).size).toBe(FEATURE_NAMES.length);
    expect(FEATURE_SCHEMA).toMatch(/^v\d+-[0-9a-f]{16}$/);
  });
});
