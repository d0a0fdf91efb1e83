/** Pictures of which a part is spoilt: what may be used of them, and what they may not say. */
import { describe, expect, it } from 'vitest';
import type { ThermalEvidence } from '../../src/domain/evidence.ts';
import { PictureRepair } from '../../src/vision/pixel-repair.ts';
import type { Usable } from '../../src/vision/pixel-repair.ts';
import type { RejectedFrame } from '../../src/vision/thermal-integrity.ts';
import { createSurveyor } from '../../src/vision/thermal-survey.ts';
import { createThermalDetector, isRejected } from '../../src/vision/thermal.ts';
import type { ThermalDetector } from '../../src/vision/thermal.ts';
import { ARTEFACT_KINDS, lengthOf, spoil } from './artefacts.ts';
import type { ArtefactKind } from './artefacts.ts';
import { COLUMNS, PIXELS, SceneCamera, seededRandom, subpageOf } from './scenes.ts';
import type { SceneObject } from './scenes.ts';

const OPTICS = { backgroundCelsius: 22, noiseCelsius: 0.2, blurPixels: 0.5 };
const PERSON: SceneObject = { kind: 'person', row: 8, column: 12, celsius: 33 };

function fireOf(areaPixels: number): SceneObject {
  return { kind: 'flame', row: 17.3, column: 24.4, flameCelsius: 850, areaPixels };
}

function inspect(
  pictures: readonly Float32Array[],
  previous: Float32Array | null,
  wasHot: boolean,
): Usable | RejectedFrame {
  const repair = new PictureRepair(COLUMNS);
  const survey = createSurveyor(COLUMNS);
  const results = pictures.map((picture) => {
    const result = repair.inspect(picture, survey(picture), previous, wasHot);
    return 'noData' in result ? result : { ...result };
  });
  const last = results.at(-1);
  if (last === undefined) throw new Error('no pictures');
  return last;
}

function usable(result: Usable | RejectedFrame): Usable {
  if ('noData' in result) throw new Error(`${result.noData}: ${result.detail}`);
  return result;
}

function evidenceOf(
  detector: ThermalDetector,
  celsius: Float32Array,
  atMs: number,
): ThermalEvidence | RejectedFrame {
  const outcome = detector.detect(celsius, { atMs, calibrated: true });
  if (isRejected(outcome)) return outcome;
  const [finding] = outcome;
  if (finding === undefined) throw new Error('no finding');
  return isRejected(finding) ? finding : finding.evidence;
}

describe('one spoilt half', () => {
  const camera = new SceneCamera(OPTICS, seededRandom(1));
  const good = camera.picture([PERSON]);

  it.each(['subpage', 'interleavedSubpage', 'halfFrame'] as const)(
    '%s: the spoilt pixels are taken out, the others stay as they are',
    (kind) => {
      const spoilt = spoil(camera.picture([PERSON]), kind, seededRandom(2));
      const { picture, spoiltPixels, doubt } = usable(inspect([spoilt], good, false));
      expect([spoiltPixels, doubt]).toEqual([PIXELS / 2, null]);
      for (let at = 0; at < PIXELS; at++) {
        const isSpoilt = spoilt[at] === 0 || spoilt[at]! > 300;
        if (isSpoilt) expect(picture[at]).toBeNaN();
        else expect(picture[at]).toBe(spoilt[at]);
      }
    },
  );

  it('says nothing about a fire that was there before', () => {
    const spoilt = spoil(camera.picture([PERSON]), 'subpage', seededRandom(3));
    expect(usable(inspect([spoilt], good, true)).doubt).toMatchObject({
      noData: 'subpageMismatch',
    });
  });

  it('is no quiet scene for more than three pictures in a row', () => {
    const random = seededRandom(4);
    const spoilt = Array.from({ length: 4 }, () => {
      const picture = camera.picture([PERSON]);
      return picture.map((celsius, at) => (subpageOf(at) === 0 ? 350 + random.normal() : celsius));
    });
    expect(usable(inspect(spoilt.slice(0, 3), good, false)).doubt).toBeNull();
    expect(usable(inspect(spoilt, good, false)).doubt).toMatchObject({ noData: 'subpageMismatch' });
  });

  it('cannot be told without an earlier picture, unless it was never read', () => {
    const spoilt = spoil(camera.picture([PERSON]), 'subpage', seededRandom(5));
    expect(inspect([spoilt], null, false)).toMatchObject({ noData: 'subpageMismatch' });
    const unread = spoil(camera.picture([PERSON]), 'halfFrame', seededRandom(5));
    expect(usable(inspect([unread], null, false)).doubt).toMatchObject({
      noData: 'subpageMismatch',
    });
  });

  it('that has recovered is believed again, however old the comparison', () => {
    const old = good.map((celsius, at) => (subpageOf(at) === 0 ? celsius - 12 : celsius));
    const now = usable(inspect([camera.picture([PERSON, fireOf(1)])], old, true));
    expect(now.spoiltPixels).toBe(0);
  });

  it('that stands still while the other one lives is taken out, and never quiet for long', () => {
    const half = (): Float32Array => {
      const picture = camera.noisy(good);
      for (let at = 0; at < PIXELS; at++) if (subpageOf(at) === 1) picture[at] = good[at]!;
      return picture;
    };
    const pictures = Array.from({ length: 8 }, half);
    expect(usable(inspect(pictures.slice(0, 3), good, false)).spoiltPixels).toBe(0);
    expect(usable(inspect(pictures.slice(0, 4), good, false)).spoiltPixels).toBe(PIXELS / 2);
    expect(usable(inspect(pictures, good, false)).doubt).toMatchObject({ noData: 'frozen' });
  });
});

describe('single lines and scattered pixels', () => {
  const camera = new SceneCamera(OPTICS, seededRandom(7));
  const good = camera.picture([PERSON]);

  it('a wild row or column is taken out', () => {
    for (const isRow of [true, false]) {
      const spoilt = camera.picture([PERSON]).map((celsius, at) => {
        const line = isRow ? Math.floor(at / COLUMNS) : at % COLUMNS;
        return line === 11 ? 240 : celsius;
      });
      const { picture, spoiltPixels } = usable(inspect([spoilt], good, false));
      expect(spoiltPixels).toBe(isRow ? COLUMNS : PIXELS / COLUMNS);
      expect(Math.max(...picture.filter((celsius) => !Number.isNaN(celsius)))).toBeLessThan(40);
    }
  });

  it('a hot pipe is no spoilt row: light spreads', () => {
    const pipe: SceneObject = {
      kind: 'object',
      row: 11,
      column: 0,
      height: 1,
      width: COLUMNS,
      celsius: 240,
    };
    expect(usable(inspect([camera.picture([PERSON, pipe])], good, false)).spoiltPixels).toBe(0);
  });

  it('a burst is taken out when the rest is as it was, and refused when it is not', () => {
    const random = seededRandom(8);
    const spoilt = spoil(camera.picture([PERSON]), 'burst', random);
    expect(usable(inspect([spoilt], good, false)).spoiltPixels).toBeGreaterThan(150);
    expect(inspect([spoilt], null, false)).toMatchObject({ noData: 'tooManyBadPixels' });
    const wild = spoilt.map((celsius) => (random.uniform() < 0.3 ? 300 : celsius));
    expect(inspect([wild], good, false)).toMatchObject({ noData: 'tooManyBadPixels' });
  });

  it('half a picture may show a fire, never that there is none', () => {
    const picture = camera.picture([PERSON]).fill(0, 0, PIXELS / 2);
    expect(usable(inspect([picture], good, false)).doubt).toMatchObject({ noData: 'missingWords' });
  });

  it('a large fire, a person who comes close and a moved camera are not taken for damage', () => {
    const scenes: readonly (readonly SceneObject[])[] = [
      [fireOf(60)],
      [{ kind: 'object', row: 0, column: 4, height: 24, width: 24, celsius: 34 }],
    ];
    for (const scene of scenes) {
      expect(usable(inspect([camera.picture(scene)], good, false)).spoiltPixels).toBe(0);
    }
    const turned = camera.picture([PERSON]).map((celsius, at) => celsius + (at % COLUMNS));
    expect(usable(inspect([turned], good, false)).spoiltPixels).toBe(0);
  });
});

interface Shares {
  readonly found: number;
  /** Believed as a picture without a fire. */
  readonly calm: number;
}

/** What becomes of the damaged pictures of a burning scene, in shares. */
function sharesOf(kind: ArtefactKind, areaPixels: number, trials: number): Shares {
  const random = seededRandom(9);
  const camera = new SceneCamera(OPTICS, random);
  const truth = camera.truth([PERSON, fireOf(areaPixels)]);
  let found = 0;
  let calm = 0;
  for (let trial = 0; trial < trials; trial++) {
    const detector = createThermalDetector();
    evidenceOf(detector, camera.picture([PERSON]), 0);
    evidenceOf(detector, camera.noisy(truth), 4_090);
    const seen = evidenceOf(detector, spoil(camera.noisy(truth), kind, random), 8_180);
    if ('noData' in seen) continue;
    const { hottest } = seen;
    const isThere = hottest !== null && Math.hypot(hottest.row - 17, hottest.column - 24) < 3;
    if (isThere && seen.maxCelsius >= 60) found += 1;
    else calm += 1;
  }
  return { found: found / trials, calm: calm / trials };
}

describe('a fire in a damaged picture', () => {
  // A fire of one pixel is lost with that pixel, in half of the pictures of which half is spoilt:
  // then they are no data.
  const SMALL: Partial<Record<ArtefactKind, number>> = {
    halfPicture: 0.35,
    burst: 0.5,
    subpage: 0.35,
    interleavedSubpage: 0.35,
    halfFrame: 0.35,
  };
  it.each(ARTEFACT_KINDS)('%s: it is found in that very picture, or there is no data', (kind) => {
    const small = sharesOf(kind, 0.15, 40);
    const large = sharesOf(kind, 4, 40);
    expect([small.calm, large.calm]).toEqual([0, 0]);
    expect(small.found).toBeGreaterThanOrEqual(SMALL[kind] ?? 0.9);
    expect(large.found).toBeGreaterThanOrEqual(kind === 'halfPicture' ? 0.35 : 0.95);
  });

  it('less heat in what is left of it is no data: the peak may be among what is spoilt', () => {
    const camera = new SceneCamera(OPTICS, seededRandom(12));
    const peak = 12 * COLUMNS + 20;
    const fire: SceneObject = {
      kind: 'object',
      row: 11.5,
      column: 19.5,
      height: 2,
      width: 2,
      celsius: 300,
    };
    const burning = camera.picture([fire]);
    const spoilt = camera.picture([fire]);
    for (let at = 0; at < PIXELS; at++) {
      if (subpageOf(at) === subpageOf(peak)) spoilt[at] = 350;
    }
    const detector = createThermalDetector();
    evidenceOf(detector, camera.picture([]), 0);
    expect(evidenceOf(detector, burning, 4_090)).toMatchObject({
      hottest: { row: 12, column: 20 },
    });
    const seen = evidenceOf(detector, spoilt, 8_180);
    expect(seen).toMatchObject({ noData: 'subpageMismatch' });
  });

  it('never shows a temperature of the spoilt half', () => {
    const random = seededRandom(10);
    const camera = new SceneCamera(OPTICS, random);
    for (const kind of ['subpage', 'interleavedSubpage'] as const) {
      for (let trial = 0; trial < 20; trial++) {
        const truth = camera.truth([PERSON, fireOf(0.15)]);
        const detector = createThermalDetector();
        evidenceOf(detector, camera.noisy(truth), 0);
        const seen = evidenceOf(detector, spoil(camera.noisy(truth), kind, random), 4_090);
        if ('noData' in seen) continue;
        expect(seen.maxCelsius).toBeLessThan(Math.max(...truth) + 3);
        expect(seen.rejectedPixels).toBeGreaterThanOrEqual(PIXELS / 2);
      }
    }
  });

  it.each(ARTEFACT_KINDS)('%s without a fire shows none, in as many frames as it lasts', (kind) => {
    const random = seededRandom(11);
    const camera = new SceneCamera(OPTICS, random);
    const truth = camera.truth([PERSON]);
    for (let trial = 0; trial < 100; trial++) {
      const detector = createThermalDetector();
      evidenceOf(detector, camera.noisy(truth), 0);
      for (let i = 1; i <= lengthOf(kind); i++) {
        const seen = evidenceOf(detector, spoil(camera.noisy(truth), kind, random), i * 4_090);
        if (!('noData' in seen)) expect(seen.maxCelsius).toBeLessThan(100);
      }
    }
  });
});
