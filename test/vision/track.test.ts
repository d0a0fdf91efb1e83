import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createThermalDetector, isRejected } from '../../src/vision/thermal.ts';
import { DEFAULT_THERMAL_OPTIONS } from '../../src/vision/thermal.ts';
import { spoil } from './artefacts.ts';
import { PACES, evidenceOf, film, growing, isFireLike, regionsAt, thing } from './film.ts';
import type { Scene, Shot } from './film.ts';
import { SceneCamera, seededRandom } from './scenes.ts';
import type { SceneObject } from './scenes.ts';

function idsOf(shots: readonly Shot[]): Set<number> {
  return new Set(shots.flatMap((shot) => evidenceOf(shot).regions.map(({ track }) => track)));
}

describe.each(PACES)('at %s', (_name, times) => {
  it('a steady thing keeps its number and shows no sign', () => {
    const shots = film(() => [thing(75, 10, 10)], times(60));
    expect(idsOf(shots).size).toBe(1);
    expect(shots.filter((shot) => isFireLike(evidenceOf(shot)))).toEqual([]);
    const last = evidenceOf(shots.at(-1)).hottest;
    expect(last?.trackedFrames).toBe(shots.length);
    expect(last?.trackedMs).toBeCloseTo((shots.at(-1)?.seconds ?? 0) * 1_000, 3);
  });

  it('a steady thing that was hidden and appears again bit by bit shows no sign', () => {
    const seen = (at: number): Scene => {
      const level = at < 60 || at > 97 ? 95 : 25 + Math.max(0, 70 * ((at - 85) / 12));
      return () => (level <= 25 ? [] : [thing(level, 10, 10)]);
    };
    const shots = film((at) => seen(at)(at), times(120));
    expect(shots.filter((shot) => isFireLike(evidenceOf(shot)))).toEqual([]);
    const first = film((at) => (at < 60 ? [] : seen(at)(at)), times(120));
    expect(first.some((shot) => isFireLike(evidenceOf(shot)))).toBe(true);
  });

  it('a fire that was hidden for a while shows its rise above what it was before', () => {
    const scene: Scene = (at) => (at > 26 && at < 31 ? [] : [growing(10, 10, 20, at)]);
    const shots = film(scene, times(60)).filter(({ seconds }) => seconds > 31);
    expect(shots.some((shot) => isFireLike(evidenceOf(shot)))).toBe(true);
  });

  it('two fires are two tracks, each with its own rise', () => {
    const scene: Scene = (at) => [growing(6, 6, 10, at), growing(17, 25, 20, at)];
    const shots = film(scene, times(50));
    const one = regionsAt(shots, 6, 6);
    const other = regionsAt(shots, 17, 25);
    expect(one.some(isFireLike)).toBe(true);
    expect(other.some(isFireLike)).toBe(true);
    expect(new Set(one.map(({ track }) => track)).size).toBe(1);
    expect(new Set(other.map(({ track }) => track)).size).toBe(1);
    expect(one[0]?.track).not.toBe(other[0]?.track);
  });

  it('a growing fire shows beside a hotter radiator that is steady', () => {
    const scene: Scene = (at) => [thing(115, 14, 3, 6, 8), growing(6, 24, 20, at, 0.0001)];
    const shots = film(scene, times(70));
    const cooler = shots.filter((shot) => {
      const fire = regionsAt([shot], 6, 24)[0];
      return fire !== undefined && isFireLike(fire) && fire.peakCelsius < 110;
    });
    expect(cooler.length).toBeGreaterThan(0);
    for (const shot of cooler) {
      const { hottest, signs } = evidenceOf(shot);
      expect(hottest?.row).toBeGreaterThan(11);
      expect(isFireLike({ signs })).toBe(false);
    }
    expect(regionsAt(shots, 16, 6).some(isFireLike)).toBe(false);
  });

  it('a growing fire is among the regions told, however many hotter things there are', () => {
    const steady = Array.from({ length: 6 }, (_, i) => thing(112 + i, 16, 1 + 5 * i));
    const shots = film((at) => [...steady, growing(6, 12, 20, at, 0.0001)], times(70));
    const fires = regionsAt(shots, 6, 12).filter(isFireLike);
    expect(fires.some(({ peakCelsius }) => peakCelsius < 110)).toBe(true);
    for (const shot of shots) expect(evidenceOf(shot).regions.length).toBeLessThanOrEqual(4);
  });

  it('people who cross with hot things in their hands are no fire', () => {
    const scene: Scene = (at) => {
      const right = (at * 1.1) % 64;
      const column = right < 32 ? right : 64 - right;
      return [
        { kind: 'person', row: 6, column, celsius: 33 },
        thing(90, 12, column + 1, 1.5, 1.5),
        { kind: 'person', row: 8, column: 31 - column, celsius: 34 },
        thing(75, 13, 31 - column, 1.5, 1.5),
      ];
    };
    const shots = film(scene, times(60));
    const regions = shots.flatMap((shot) => evidenceOf(shot).regions);
    expect(regions.length).toBeGreaterThan(shots.length / 2);
    expect(regions.filter(isFireLike)).toEqual([]);
  });

  it('a hot pan that is carried towards the array is no fire', () => {
    const scene: Scene = (at) => {
      const nearer = Math.min(Math.max(0, at - 5) / 6, 1);
      if (at < 5) return [];
      const size = 0.7 + 4 * nearer;
      return [thing(95, 4 + 13 * nearer, 16, size, size)];
    };
    const shots = film(scene, times(50));
    expect(shots.flatMap((shot) => evidenceOf(shot).regions).filter(isFireLike)).toEqual([]);
  });

  it('a door that opens on a hot room is no fire', () => {
    const scene: Scene = (at) => {
      const open = Math.min(Math.max(0, at - 20) / 1.5, 1);
      return open === 0 ? [] : [thing(70, 4, 10, 16, 9 * open)];
    };
    const shots = film(scene, times(60));
    expect(regionsAt(shots, 12, 14).length).toBeGreaterThan(0);
    expect(shots.flatMap((shot) => evidenceOf(shot).regions).filter(isFireLike)).toEqual([]);
  });

  it('a thing that is uncovered within two seconds is no fire', () => {
    const scene: Scene = (at) => {
      const size = 0.4 + 2.6 * Math.min(Math.max(0, at - 20) / 2, 1);
      return at < 20 ? [] : [thing(110, 10 - size / 2, 12 - size / 2, size, size)];
    };
    const shots = film(scene, times(60));
    expect(regionsAt(shots, 10, 12).length).toBeGreaterThan(0);
    expect(shots.flatMap((shot) => evidenceOf(shot).regions).filter(isFireLike)).toEqual([]);
  });

  it('a radiator that warms up unevenly does not grow', () => {
    const scene: Scene = (at) =>
      [0, 1, 2, 3, 4, 5].map((i) => {
        const share = 0.75 + 0.05 * i;
        return thing(22 + 40 * share * Math.min(1, at / 100), 6, 8 + i, 10, 1);
      });
    const shots = film(scene, times(140));
    const growth = shots.flatMap((shot) =>
      evidenceOf(shot).regions.map(({ signs }) => signs.growthPixelsPerMinute ?? 0),
    );
    expect(growth.length).toBeGreaterThan(shots.length / 3);
    expect(Math.max(...growth)).toBeLessThan(15);
  });

  it('things that merge and part again do not grow; the hottest goes on', () => {
    const scene: Scene = (at) => {
      const bridge = at % 24 >= 12 ? [thing(84, 10, 11, 3, 8)] : [];
      return [thing(90, 10, 7, 3, 4), thing(85, 10, 19, 3, 4), ...bridge];
    };
    const shots = film(scene, times(60));
    const hottest = shots.map((shot) => evidenceOf(shot).hottest?.track);
    expect(new Set(hottest).size).toBe(1);
    expect(shots.flatMap((shot) => evidenceOf(shot).regions).filter(isFireLike)).toEqual([]);
  });

  it('a fire across the border of two areas is seen by both', () => {
    const areas = [
      { channel: 'thermal_left', rows: [0, 23], columns: [0, 15], ignore: false } as const,
    ];
    const shots = film((at) => [growing(10, 16, 10, at)], times(50), { areas });
    for (const channel of ['thermal', 'thermal_left']) {
      const said = shots.map((shot) => evidenceOf(shot, channel));
      expect(said.some((evidence) => evidence.maxCelsius > 60 && isFireLike(evidence))).toBe(true);
    }
    const last = shots.at(-1);
    const left = evidenceOf(last, 'thermal_left').hottest;
    const right = evidenceOf(last, 'thermal').hottest;
    expect(left?.column).toBe(15);
    expect(right?.column).toBeGreaterThan(15);
    expect(left?.track).not.toBe(right?.track);
  });

  it('an array mounted on its side sees the same fire', () => {
    const scene: Scene = (at) => [growing(6, 25, 10, at)];
    const upright = film(scene, times(40)).map((shot) => evidenceOf(shot));
    const mount = { rotate: 90, mirror: false } as const;
    const turned = film(scene, times(40), { mount }).map((shot) => evidenceOf(shot));
    expect(turned.map(({ maxCelsius }) => maxCelsius)).toEqual(
      upright.map(({ maxCelsius }) => maxCelsius),
    );
    expect(turned.map(({ signs }) => signs)).toEqual(upright.map(({ signs }) => signs));
    expect(turned.at(-1)?.hottest).toMatchObject({ row: upright.at(-1)?.hottest?.column });
  });

  it('frames that cannot be believed in between do not hide a rise', () => {
    const scene: Scene = (at) => [growing(10, 12, 10, at)];
    const shots = film(scene, times(50), {}, (picture, i, random) =>
      i % 6 === 3 ? spoil(picture, 'burst', random) : picture,
    );
    expect(regionsAt(shots, 10, 12).some(isFireLike)).toBe(true);
    expect(idsOf(shots).size).toBe(1);
  });
});

it('a fire shows its rise in its second frame: its place was warming before it stood out', () => {
  const times = Array.from({ length: 12 }, (_, i) => i * 4.09);
  const shots = film((at) => [growing(10, 12, 4 * 4.09, at, 0.0003)], times);
  const second = shots.find((shot) => evidenceOf(shot).hottest?.trackedFrames === 2);
  expect(evidenceOf(second).maxCelsius).toBeLessThan(120);
  expect(evidenceOf(second).signs.riseCelsiusPerMinute).toBeGreaterThan(60);
});

describe('a track', () => {
  const detectorOf = () => createThermalDetector(DEFAULT_THERMAL_OPTIONS);
  const seen = new SceneCamera(
    { backgroundCelsius: 22, noiseCelsius: 0.2, blurPixels: 0.5 },
    seededRandom(1),
  );
  /** Number of the hottest region's track in a frame at a time, null where there is none. */
  function look(
    detector: ReturnType<typeof detectorOf>,
    seconds: number,
    scene: readonly SceneObject[],
  ): number | null {
    const outcome = detector.detect(seen.picture(scene), {
      atMs: seconds * 1000,
      calibrated: true,
    });
    const finding = isRejected(outcome) ? undefined : outcome[0];
    if (finding === undefined || isRejected(finding)) throw new Error('no evidence');
    expect(finding.track?.id ?? null).toBe(finding.evidence.hottest?.track ?? null);
    return finding.evidence.hottest?.track ?? null;
  }
  const pan = [thing(80, 10, 10)];

  it('outlives frames without it for ten seconds, and is another one after that', () => {
    const detector = detectorOf();
    expect(look(detector, 0, pan)).toBe(1);
    for (let at = 1; at <= 9; at++) expect(look(detector, at, [])).toBeNull();
    expect(look(detector, 10, pan)).toBe(1);
    for (let at = 11; at <= 21; at++) look(detector, at, []);
    expect(look(detector, 22, pan)).toBe(2);
  });

  it('of a slow array outlives a missing frame, but never 15 s', () => {
    const slow = detectorOf();
    for (let i = 0; i < 30; i++) look(slow, i * 7, pan);
    expect(look(slow, 29 * 7 + 13.5, pan)).toBe(1);
    const slowest = detectorOf();
    expect([0, 14, 28, 42].map((at) => look(slowest, at, pan))).toEqual([1, 1, 1, 1]);
    expect(look(slowest, 42 + 16, pan)).toBe(2);
  });

  it('ends when time goes back, and its number is not used again', () => {
    const detector = detectorOf();
    expect(look(detector, 100, pan)).toBe(1);
    expect(look(detector, 3, pan)).toBe(2);
    expect(look(detector, 4, pan)).toBe(2);
  });

  it('holds samples of 33 s, at least 110 ms apart, at most 256, newest last', () => {
    const detector = detectorOf();
    let samples: readonly { readonly atMs: number }[] = [];
    for (let i = 0; i < 40 * 16; i++) {
      const atMs = i * 62.5;
      const outcome = detector.detect(seen.picture(pan), { atMs, calibrated: true });
      const finding = isRejected(outcome) ? undefined : outcome[0];
      if (finding === undefined || isRejected(finding)) throw new Error('no evidence');
      samples = finding.track?.samples ?? [];
      expect(atMs - (samples.at(-1)?.atMs ?? 0)).toBeLessThan(110);
    }
    expect(samples.length).toBe(256);
    samples.forEach((sample, i) => {
      const before = samples[i - 1];
      if (before !== undefined) expect(sample.atMs - before.atMs).toBeGreaterThanOrEqual(110);
    });
  });

  it('never takes the number of another, whatever comes and goes', () => {
    const places = fc.array(
      fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 28 })),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(fc.array(places, { minLength: 2, maxLength: 12 }), (frames) => {
        const detector = detectorOf();
        const born = new Map<number, number>();
        let newest = 0;
        frames.forEach((frame, i) => {
          const scene = frame.map(([row, column]) => thing(70 + row + column, row, column));
          const atMs = i * 3_000;
          const outcome = detector.detect(seen.picture(scene), { atMs, calibrated: true });
          const finding = isRejected(outcome) ? undefined : outcome[0];
          if (finding === undefined || isRejected(finding)) return;
          const { regions } = finding.evidence;
          expect(new Set(regions.map(({ track }) => track)).size).toBe(regions.length);
          expect(finding.tracks.map(({ id }) => id)).toEqual(regions.map(({ track }) => track));
          for (const { track, trackedMs } of regions) {
            const since = atMs - trackedMs;
            expect(born.get(track) ?? since).toBe(since);
            if (!born.has(track)) expect(track).toBeGreaterThan(0);
            born.set(track, since);
            newest = Math.max(newest, track);
          }
        });
        expect(newest).toBeLessThanOrEqual(12 * 12);
      }),
      { numRuns: 100 },
    );
  });
});
