/** Fires whose light falls outside the picture for the most part. */
import { describe, expect, it } from 'vitest';
import { evidenceOf, film, PACES } from './film.ts';
import { createThermalDetector, isRejected } from '../../src/vision/thermal.ts';
import { COLUMNS, PIXELS, ROWS, SceneCamera, seededRandom } from './scenes.ts';
import type { SceneObject } from './scenes.ts';

const SHARP = { backgroundCelsius: 16, noiseCelsius: 0.2, blurPixels: 0.34 };

describe.each([
  ['top', 0.02, 4.5],
  ['bottom', ROWS - 0.02, 4.5],
  ['left', 11.5, 0.02],
  ['right', 11.5, COLUMNS - 0.02],
] as const)('a flame at the %s border', (_name, row, column) => {
  it('is a region however little of it lights the neighbour inwards', () => {
    const camera = new SceneCamera(SHARP, seededRandom(3));
    const detector = createThermalDetector();
    let seen = 0;
    for (let i = 0; i < 12; i++) {
      const areaPixels = i < 4 ? 0 : 0.03 * (i - 3);
      const flame: SceneObject = { kind: 'flame', row, column, flameCelsius: 750, areaPixels };
      const picture = camera.picture(areaPixels > 0 ? [flame] : []);
      const outcome = detector.detect(picture, { atMs: i * 1_000, calibrated: true });
      if (isRejected(outcome)) continue;
      const [finding] = outcome;
      if (finding !== undefined && !isRejected(finding) && finding.evidence.hottest !== null) {
        seen += 1;
      }
    }
    expect(seen).toBeGreaterThanOrEqual(7);
  });
});

/** Two neighbours of the border at 105 and 60 C, nothing inwards: pictures in which it is seen. */
function seenBetween(pair: readonly [number, number], hotPictures: readonly number[]): number[] {
  const camera = new SceneCamera(SHARP, seededRandom(5));
  const detector = createThermalDetector();
  const seen: number[] = [];
  for (let i = 0; i < 16; i++) {
    const picture = camera.picture([]).slice();
    const restless = 1 + 0.03 * (i % 3);
    if (hotPictures.includes(i))
      pair.forEach((at, k) => (picture[at] = (k === 0 ? 105 : 60) * restless));
    const outcome = detector.detect(picture, { atMs: i * 1_000, calibrated: true });
    if (isRejected(outcome)) continue;
    const [finding] = outcome;
    if (finding !== undefined && !isRejected(finding) && finding.evidence.maxCelsius > 100) {
      seen.push(i);
    }
  }
  return seen;
}

describe.each([
  ['top', [7, 8]],
  ['bottom', [PIXELS - 9, PIXELS - 8]],
  ['left', [10 * COLUMNS, 11 * COLUMNS]],
  ['right', [10 * COLUMNS - 1, 11 * COLUMNS - 1]],
  ['corner', [0, 1]],
] as const)('a source between two pixels of the border: %s', (_name, pair) => {
  it('is believed once it has lasted longer than damage does', () => {
    expect(seenBetween(pair, [4, 5, 6, 7, 8, 9, 10])).toEqual([7, 8, 9, 10]);
  });

  it('is damage as long as it may be', () => {
    expect(seenBetween(pair, [4, 5, 6, 9, 10, 11])).toEqual([]);
  });
});

describe.each(PACES)('at %s', (_name, times) => {
  it('hot pixels and flat hot lines along the border are still glitches', () => {
    const spoil = (picture: Float32Array, i: number): Float32Array => {
      const spoilt = picture.slice();
      if (i % 9 === 4) spoilt[(i % 20) * COLUMNS] = 900;
      else if (i % 9 === 6) for (let c = 0; c < 6; c++) spoilt[PIXELS - 1 - 4 - c] = 300;
      else if (i % 9 === 8) spoilt[3 + (i % 20)] = 60;
      return spoilt;
    };
    for (const shot of film(() => [], times(60), {}, spoil)) {
      expect(evidenceOf(shot).maxCelsius).toBeLessThan(40);
    }
  });
});
