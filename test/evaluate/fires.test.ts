/**
 * Generated fires and hot harmless things through detector and panel with default limits, at the
 * boards' 4.09 s as well as at 1 and 8 Hz. Truth is the hottest pixel without noise and flicker.
 */
import { describe, expect, it } from 'vitest';
import {
  DEFAULT_EVALUATE_OPTIONS,
  evaluateRecording,
} from '../../src/commands/evaluate-recording.ts';
import type { Evaluation } from '../../src/commands/evaluate-recording.ts';
import { ARTEFACT_KINDS } from '../vision/artefacts.ts';
import { makeFire } from '../vision/fires.ts';
import { SceneCamera, seededRandom } from '../vision/scenes.ts';
import type { Chance, Optics, SceneObject } from '../vision/scenes.ts';
import { damaged, linesOf, streamOf } from './injected.ts';

const PERIODS = [4.09, 1, 0.125];
const SEEDS = [1, 2, 3, 4];

function anyOptics(random: Chance): Optics {
  return {
    backgroundCelsius: 16 + random.uniform() * 16,
    noiseCelsius: 0.13 + random.uniform() * 0.17,
    blurPixels: 0.35 + random.uniform() * 0.35,
  };
}

interface Delays {
  /** Seconds from the truth passing 60 C to the first warning of any kind. */
  readonly warning: number;
  /** Seconds from the truth passing 60 C and 120 C to the alarm. */
  readonly alarm: number;
  readonly critical: number;
}

async function burn(seed: number, periodSeconds: number, secondsTo60: number): Promise<Delays> {
  const random = seededRandom(seed);
  const fire = makeFire(
    {
      optics: anyOptics(random),
      flameCelsius: 700 + random.uniform() * 300,
      secondsTo60,
      quietSeconds: 20,
      periodSeconds,
      flicker: 0.05,
      people: seed % 2 === 0,
      burnSeconds: secondsTo60 * 2.1 + 15,
      largestPixels: 40,
    },
    random,
  );
  const start = fire.frames[0]?.seconds ?? 0;
  const pictures = fire.frames.map((frame) => frame.celsius);
  const result = await evaluate(pictures, periodSeconds);
  const at = (seconds: number | null): number => (seconds === null ? Infinity : start + seconds);
  const alarm = at(result.alarmSeconds);
  return {
    warning: Math.min(alarm, at(result.prealarmSeconds)) - fire.passes60,
    alarm: alarm - fire.passes60,
    critical: alarm - fire.passes120,
  };
}

function evaluate(pictures: readonly Float32Array[], periodSeconds: number): Promise<Evaluation> {
  const lines = linesOf(pictures, periodSeconds);
  return evaluateRecording(streamOf(lines), DEFAULT_EVALUATE_OPTIONS, () => {
    throw new Error('a picture is no frame');
  });
}

/** Pictures of a scene that changes with time. */
function film(
  seed: number,
  periodSeconds: number,
  seconds: number,
  scene: (seconds: number) => readonly SceneObject[],
): readonly Float32Array[] {
  const random = seededRandom(seed);
  const camera = new SceneCamera(anyOptics(random), random);
  const frames = Math.ceil(seconds / periodSeconds);
  return Array.from({ length: frames }, (_, i) => camera.picture(scene(i * periodSeconds)));
}

describe.each(PERIODS)('fires seen every %f s', (period) => {
  it.each([
    ['ultra-fast', 5],
    ['fast', 12],
  ])('%s: alarm within 10 s of passing 60 C', async (_name, secondsTo60) => {
    for (const seed of SEEDS) {
      const { alarm } = await burn(seed, period, secondsTo60);
      expect([seed, alarm < 10]).toEqual([seed, true]);
    }
  });

  it.each([
    ['medium', 40],
    ['slow', 110],
  ])('%s: warning within 10 s of 60 C, alarm within 10 s of 120 C', async (_name, secondsTo60) => {
    for (const seed of SEEDS.slice(0, 2)) {
      const { warning, critical } = await burn(seed, period, secondsTo60);
      expect([seed, warning < 10, critical < 10]).toEqual([seed, true, true]);
    }
  });
});

describe.each(PERIODS)('harmless things seen every %f s', (period) => {
  const thing = (celsius: number, row: number, column: number): SceneObject => ({
    kind: 'object',
    row,
    column,
    height: 2.5,
    width: 2,
    celsius,
  });

  it('a kettle that is carried in and stands there warns and does not alarm', async () => {
    for (const seed of SEEDS) {
      const result = await evaluate(
        film(seed, period, 90, (at) => {
          if (at < 30) return [];
          const column = Math.min(14, (at - 30) * 4);
          return [
            { kind: 'person', row: 6, column: Math.min(11, column) + at / 20, celsius: 33 },
            thing(96, 12, column),
          ];
        }),
        period,
      );
      expect([seed, result.alarmSeconds]).toEqual([seed, null]);
      expect(result.prealarmSeconds).toBeGreaterThanOrEqual(30);
    }
  });

  it('a kettle that comes to the boil at 20 C/min warns and does not alarm', async () => {
    for (const seed of SEEDS.slice(0, 2)) {
      const heating = (at: number) => [thing(Math.min(97, 25 + at / 3), 10, 10)];
      const result = await evaluate(film(seed, period, 260, heating), period);
      expect([seed, result.alarmSeconds]).toEqual([seed, null]);
      expect(result.prealarmSeconds).not.toBeNull();
    }
  });

  it('people and a 50 C radiator do nothing', async () => {
    for (const seed of SEEDS.slice(0, 2)) {
      const result = await evaluate(
        film(seed, period, 60, (at) => [
          thing(50, 18, 3),
          { kind: 'person', row: 4, column: (at * 0.9) % 28, celsius: 35 },
        ]),
        period,
      );
      const { alarmSeconds, prealarmSeconds, faultSeconds } = result;
      expect([seed, alarmSeconds, prealarmSeconds, faultSeconds]).toEqual([seed, null, null, null]);
    }
  });

  it.each(ARTEFACT_KINDS)('%s in a room with people neither alarms nor warns', async (kind) => {
    const random = seededRandom(9);
    const pictures = film(5, period, 150 * period, (at) => [
      { kind: 'person', row: 7, column: (at * 0.7) % 28, celsius: 34 },
      { kind: 'person', row: 2, column: 20, celsius: 33 },
    ]);
    const lines = damaged(linesOf(pictures, period), kind, random);
    const result = await evaluateRecording(streamOf(lines), DEFAULT_EVALUATE_OPTIONS, () => {
      throw new Error('a picture is no frame');
    });
    expect([result.alarmSeconds, result.prealarmSeconds]).toEqual([null, null]);
  });
});
