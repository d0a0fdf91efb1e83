import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Mount } from '../../src/domain/frame.ts';
import type { AreaSpec } from '../../src/vision/areas.ts';
import { areaProblem, IGNORED, layOutAreas } from '../../src/vision/areas.ts';
import { PixelMemory } from '../../src/vision/pixel-memory.ts';
import {
  createThermalDetector,
  DEFAULT_THERMAL_OPTIONS,
  isRejected,
} from '../../src/vision/thermal.ts';
import type { AreaFinding, ThermalDetectorOptions } from '../../src/vision/thermal.ts';
import { OPTICS, thing } from './film.ts';
import { COLUMNS, PIXELS, ROWS, SceneCamera, seededRandom } from './scenes.ts';
import type { SceneObject } from './scenes.ts';

const UPRIGHT: Mount = { rotate: 0, mirror: false };

function area(
  channel: string,
  rows: AreaSpec['rows'],
  columns: AreaSpec['columns'],
  ignore = false,
): AreaSpec {
  return { channel, rows, columns, ignore };
}

/** Findings of one frame of a scene. */
function look(
  scene: readonly SceneObject[],
  options: Partial<ThermalDetectorOptions>,
  spoil: (picture: Float32Array) => void = () => undefined,
): readonly AreaFinding[] {
  const picture = new SceneCamera(OPTICS, seededRandom(3)).picture(scene);
  spoil(picture);
  const detector = createThermalDetector({ ...DEFAULT_THERMAL_OPTIONS, ...options });
  const outcome = detector.detect(picture, { atMs: 0, calibrated: true });
  if (isRejected(outcome)) throw new Error(outcome.detail);
  return outcome;
}

const anyRange = (size: number) =>
  fc
    .tuple(fc.nat(size - 1), fc.nat(size - 1))
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
const anyArea = fc
  .tuple(fc.nat(5), anyRange(ROWS), anyRange(COLUMNS), fc.boolean())
  .map(([id, rows, columns, ignore]) => area(`thermal_a${id}`, rows, columns, ignore));
const anyAreas = fc.array(anyArea, { minLength: 1, maxLength: 8 });

function holds(spec: AreaSpec, at: number): boolean {
  const row = Math.floor(at / COLUMNS);
  const column = at % COLUMNS;
  const [top, bottom] = spec.rows;
  const [left, right] = spec.columns;
  return row >= top && row <= bottom && column >= left && column <= right;
}

describe('laying out areas', () => {
  it('gives each pixel to the first area that holds it, else to the rest', () => {
    fc.assert(
      fc.property(anyAreas, (specs) => {
        const { channels, areaOf, pixels } = layOutAreas(specs, COLUMNS, ROWS);
        const counts = channels.map(() => 0);
        for (let at = 0; at < PIXELS; at++) {
          const first = specs.find((spec) => holds(spec, at));
          const number = areaOf?.[at] ?? -1;
          if (first?.ignore === true) expect(number).toBe(IGNORED);
          else {
            expect(channels[number]).toBe(first?.channel ?? 'thermal');
            counts[number] = (counts[number] ?? 0) + 1;
          }
        }
        expect(pixels).toEqual(counts);
        expect(counts.every((count) => count > 0)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it('names what does not lie in the picture, with what would', () => {
    expect(areaProblem(area('x', [0, 23], [0, 31]), COLUMNS, ROWS)).toBeNull();
    expect(areaProblem(area('x', [0, 24], [0, 31]), COLUMNS, ROWS)).toBe(
      'rows 0..24: give whole numbers within 0..23, the first not above the last',
    );
    expect(areaProblem(area('x', [5, 4], [0, 31]), COLUMNS, ROWS)).toMatch(/^rows 5\.\.4: /);
    expect(areaProblem(area('x', [0, 1], [-1, 3]), COLUMNS, ROWS)).toMatch(/^columns -1\.\.3: /);
    // An array on its side has more rows than columns.
    expect(areaProblem(area('x', [0, 31], [0, 23]), ROWS, COLUMNS)).toBeNull();
    expect(() => layOutAreas([area('thermal_x', [0, 24], [0, 3])], COLUMNS, ROWS)).toThrow(
      /area thermal_x: rows 0\.\.24/,
    );
    const many = Array.from({ length: 65 }, () => area('thermal_x', [0, 1], [0, 1]));
    expect(() => layOutAreas(many, COLUMNS, ROWS)).toThrow(/at most 64/);
  });
});

describe('areas of a picture', () => {
  const left = area('thermal_left', [0, 23], [0, 15]);

  it('report what is in them, each with its own maximum', () => {
    const findings = look([thing(90, 8, 4), thing(45, 8, 24)], { areas: [left] });
    const byChannel = new Map(findings.map((finding) => [finding.channel, finding]));
    expect([...byChannel.keys()].sort()).toEqual(['thermal', 'thermal_left']);
    const maximum = (channel: string): number => {
      const finding = byChannel.get(channel);
      if (finding === undefined || isRejected(finding)) throw new Error(channel);
      return finding.evidence.maxCelsius;
    };
    expect(maximum('thermal_left')).toBeGreaterThan(75);
    expect(maximum('thermal')).toBeGreaterThan(36);
    expect(maximum('thermal')).toBeLessThan(46);
  });

  it('have of a thing across their border the part that is theirs', () => {
    const findings = look([thing(100, 8, 12, 6, 8)], { areas: [left] });
    const sizes = findings.map((finding) => {
      if (isRejected(finding)) throw new Error(finding.detail);
      const { areaPixels, corePixels, touchesEdge } = finding.track?.samples[0] ?? {};
      expect(corePixels).toBeLessThanOrEqual(areaPixels ?? 0);
      expect(touchesEdge).toBe(true);
      return corePixels;
    });
    expect(sizes).toEqual([24, 24]);
  });

  it('that are quiet tell their own maximum without lone pixels', () => {
    const findings = look([], { areas: [left] }, (picture) => {
      picture[3] = 36;
      picture[20] = 30;
      picture[21] = 30;
    });
    const maxima = findings.map((each) => (isRejected(each) ? null : each.evidence.maxCelsius));
    expect(maxima[0]).toBeLessThan(26);
    expect(maxima[1]).toBeCloseTo(30, 3);
  });

  it('of which too little can be seen are no data, and the others are heard', () => {
    const corner = area('thermal_corner', [0, 1], [0, 2]);
    const findings = look([], { areas: [corner] }, (picture) => {
      for (const at of [0, 1, 2, COLUMNS]) picture[at] = Number.NaN;
    });
    expect(findings).toMatchObject([
      {
        channel: 'thermal_corner',
        noData: 'tooManyBadPixels',
        detail: 'only 2 of 6 pixels of the area have a possible temperature',
      },
      { channel: 'thermal', evidence: { hottest: null } },
    ]);
  });

  it('that are ignored say nothing, and what shines out of them is still real', () => {
    const oven = area('thermal_oven', [6, 12], [6, 12], true);
    const inside = look([thing(300, 8, 8, 3, 3)], { areas: [oven] });
    expect(inside).toMatchObject([{ channel: 'thermal', evidence: { hottest: null } }]);
    const spills = look([thing(300, 8, 10, 3, 5)], { areas: [oven] });
    const finding = spills[0];
    if (finding === undefined || isRejected(finding)) throw new Error('no evidence');
    expect(finding.evidence.hottest?.column).toBeGreaterThan(12);
    expect(finding.evidence.maxCelsius).toBeGreaterThan(250);
  });

  it('never have a region with a pixel of another, or an ignored one', () => {
    const anyThing = fc
      .tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 28 }), fc.nat(120))
      .map(([row, column, heat]) => thing(60 + heat, row, column, 4, 4));
    fc.assert(
      fc.property(anyAreas, fc.array(anyThing, { maxLength: 5 }), (areas, scene) => {
        const { channels, areaOf, pixels } = layOutAreas(areas, COLUMNS, ROWS);
        const findings = look(scene, { areas });
        expect(findings.map(({ channel }) => channel)).toEqual(channels);
        findings.forEach((finding, number) => {
          if (isRejected(finding)) return;
          const { regions, maxCelsius, hottest } = finding.evidence;
          expect(maxCelsius).toBeGreaterThan(0);
          expect(hottest?.peakCelsius ?? maxCelsius).toBe(maxCelsius);
          const all = regions.reduce((sum, { areaPixels }) => sum + areaPixels, 0);
          expect(all).toBeLessThanOrEqual(pixels[number] ?? 0);
          for (const { row, column } of regions) {
            expect(areaOf?.[row * COLUMNS + column]).toBe(number);
          }
        });
      }),
      { numRuns: 150 },
    );
  });
});

describe('whatever is in the picture', () => {
  const value = fc.oneof(
    { weight: 8, arbitrary: fc.float({ min: 15, max: 60, noNaN: true }) },
    { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Infinity, -Infinity, 1e30, -300, 0) },
    { weight: 1, arbitrary: fc.float({ min: 60, max: 2400, noNaN: true }) },
  );

  it('nothing throws, and every number told is finite', () => {
    const values = fc.array(value, { minLength: 64, maxLength: 64 });
    fc.assert(
      fc.property(anyAreas, values, fc.nat(), (areas, some, seed) => {
        const random = seededRandom(seed);
        const memory = new PixelMemory({ array: '', mount: UPRIGHT });
        const detector = createThermalDetector({ mount: UPRIGHT, areas, memory });
        const base = Float32Array.from({ length: PIXELS }, () => 20 + random.uniform());
        for (let frame = 0; frame < 6; frame++) {
          const picture = base.map((celsius) => celsius + 0.1 * random.normal());
          for (let i = random.below(200); i > 0; i--) {
            picture[random.below(PIXELS)] = some[random.below(64)] ?? 0;
          }
          const outcome = detector.detect(picture, { atMs: frame * 1_500, calibrated: true });
          if (isRejected(outcome)) continue;
          for (const finding of outcome) {
            if (isRejected(finding)) continue;
            const numbers = [finding.evidence.maxCelsius, finding.evidence.medianCelsius];
            for (const track of finding.tracks) {
              for (const sample of track.samples) {
                numbers.push(...Object.values(sample).map(Number));
                expect(sample.corePixels).toBeGreaterThan(0);
                expect(sample.peakCelsius).toBeGreaterThanOrEqual(sample.meanCelsius);
              }
            }
            expect(numbers.filter((number) => !Number.isFinite(number))).toEqual([]);
            expect(finding.evidence.maxCelsius).toBeLessThanOrEqual(1200);
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  it('a mirrored or turned array reports the same peaks and sizes', () => {
    const anyScene = fc.array(
      fc
        .tuple(fc.nat(21), fc.nat(29), fc.nat(200), fc.integer({ min: 1, max: 4 }))
        .map(([row, column, heat, size]) => thing(50 + heat, row, column, size, size)),
      { minLength: 1, maxLength: 7 },
    );
    const told = (scene: readonly SceneObject[], mount: Mount) =>
      look(scene, { mount }).map((finding) => {
        if (isRejected(finding)) return finding;
        const { regions, maxCelsius } = finding.evidence;
        const sizes = regions.map(({ peakCelsius, areaPixels }) => [peakCelsius, areaPixels]);
        const { samples } = finding.track ?? { samples: [] };
        const shape = samples.map(({ corePixels, touchesEdge }) => [corePixels, touchesEdge]);
        return { maxCelsius, sizes, shape };
      });
    fc.assert(
      fc.property(anyScene, (scene) => {
        const upright = told(scene, UPRIGHT);
        for (const rotate of [0, 90, 180, 270] as const) {
          for (const mirror of [false, true]) {
            expect(told(scene, { rotate, mirror })).toEqual(upright);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('pixels without a reading', () => {
  it('are part of a region that goes on through them, and never its peak', () => {
    const scene = [thing(90, 8, 8, 6, 6)];
    const whole = look(scene, {})[0];
    const broken = look(scene, {}, (picture) => {
      for (let row = 7; row < 15; row++) picture[row * COLUMNS + 11] = Number.NaN;
    })[0];
    if (whole === undefined || isRejected(whole)) throw new Error('no evidence');
    if (broken === undefined || isRejected(broken)) throw new Error('no evidence');
    expect(broken.evidence.regions.length).toBe(1);
    expect(broken.evidence.hottest?.areaPixels).toBe(whole.evidence.hottest?.areaPixels);
    expect(broken.evidence.hottest?.column).not.toBe(11);
    expect(broken.evidence.rejectedPixels).toBe(8);
  });

  it('are left out although they shine, when they have failed at run time', () => {
    const healthy = new PixelMemory({ array: '', mount: UPRIGHT });
    const at = 10 * COLUMNS + 10;
    class Failing extends PixelMemory {
      override get badPixels(): readonly number[] {
        return [at];
      }
    }
    const failing = new Failing({ array: '', mount: UPRIGHT });
    const hottest = (memory: PixelMemory) => {
      const finding = look([thing(150, 10, 10, 1, 1)], { memory })[0];
      if (finding === undefined || isRejected(finding)) throw new Error('no evidence');
      return finding.evidence.hottest;
    };
    const seen = hottest(healthy);
    expect(seen).toMatchObject({ row: 10, column: 10 });
    const told = hottest(failing);
    expect([told?.row, told?.column]).not.toEqual([10, 10]);
    expect(told?.peakCelsius).toBeLessThan((seen?.peakCelsius ?? 0) - 20);
  });
});

describe('a learnt background', () => {
  /** Twenty minutes of a quiet room, in which the memory learns; then one look. */
  function afterLearning(scene: readonly SceneObject[], then: readonly SceneObject[]) {
    const memory = new PixelMemory({ array: '', mount: UPRIGHT });
    const detector = createThermalDetector({ mount: UPRIGHT, areas: [], memory });
    const camera = new SceneCamera(OPTICS, seededRandom(5));
    let atMs = 0;
    for (; atMs < 1_200_000; atMs += 4_090) {
      detector.detect(camera.picture(scene), { atMs, calibrated: true });
    }
    const outcome = detector.detect(camera.picture(then), { atMs, calibrated: true });
    const finding = isRejected(outcome) ? undefined : outcome[0];
    if (finding === undefined || isRejected(finding)) throw new Error('no evidence');
    expect(memory.isLearnt).toBe(true);
    return finding.evidence;
  }

  it('is what a region is measured against', () => {
    const warm = [thing(31, 4, 4, 8, 8)];
    const { hottest } = afterLearning(warm, [...warm, thing(80, 7, 7, 3, 3)]);
    expect(hottest?.aboveBackgroundCelsius).toBeGreaterThan(44);
    expect(hottest?.aboveBackgroundCelsius).toBeLessThan(52);
  });

  it('does not hide what is always looked at', () => {
    const { hottest } = afterLearning([], [thing(57, 10, 10, 4, 4)]);
    expect(hottest?.peakCelsius).toBeGreaterThan(55);
  });
});
