/**
 * Every kind of damage put into the deciding pictures of growing fires: from the moment at which
 * the hottest pixel passes 60 C, as many pictures as the damage lasts.
 */
import { describe, expect, it } from 'vitest';
import {
  DEFAULT_EVALUATE_OPTIONS,
  evaluateRecording,
} from '../../src/commands/evaluate-recording.ts';
import type { RecordingLine } from '../../src/commands/evaluate-read.ts';
import { streamOf } from '../evaluate/injected.ts';
import { ARTEFACT_KINDS, lengthOf, spoil } from './artefacts.ts';
import type { ArtefactKind } from './artefacts.ts';
import { makeFire } from './fires.ts';
import { seededRandom } from './scenes.ts';

const SEEDS = [1, 2, 3, 4, 5, 6];

/** What becomes of the deciding pictures: damaged, or left out. */
type Fate = ArtefactKind | 'lost';

/** Seconds from 60 C to the alarm; Infinity without one. */
async function alarmAfter(
  fate: Fate,
  pictures: number,
  seed: number,
  periodSeconds: number,
): Promise<number> {
  const random = seededRandom(seed);
  const fire = makeFire(
    {
      optics: { backgroundCelsius: 20, noiseCelsius: 0.2, blurPixels: 0.4 + seed / 30 },
      flameCelsius: 850,
      secondsTo60: 8,
      quietSeconds: 20,
      periodSeconds,
      flicker: 0.05,
      people: seed % 2 === 0,
      burnSeconds: 40,
      largestPixels: 60,
    },
    random,
  );
  let left = -1;
  const lines = fire.frames.flatMap(({ celsius, seconds, truthCelsius }, i): RecordingLine[] => {
    if (left < 0 && truthCelsius >= 60) left = pictures;
    const isDeciding = left > 0;
    left = isDeciding ? left - 1 : left;
    const line = { kind: 'celsius', line: i + 1, seconds, celsius } as const;
    if (!isDeciding) return [line];
    return fate === 'lost' ? [] : [{ ...line, celsius: spoil(celsius, fate, random) }];
  });
  const result = await evaluateRecording(streamOf(lines), DEFAULT_EVALUATE_OPTIONS, () => {
    throw new Error('a picture is no frame');
  });
  const start = fire.frames[0]?.seconds ?? 0;
  return start + (result.alarmSeconds ?? Infinity) - fire.passes60;
}

describe.each([4.09, 1, 0.125])('a fast fire seen every %f s', (period) => {
  it.each(ARTEFACT_KINDS)('with %s in its deciding pictures is found in time', async (kind) => {
    for (const seed of SEEDS) {
      const length = lengthOf(kind);
      const seconds = await alarmAfter(kind, length, seed, period);
      const lost = await alarmAfter('lost', length, seed, period);
      // No more than a picture later than if the damaged ones had not come at all. A glitch on the
      // fire itself that is as warm as a fire could be is taken for one and hides the rise after it.
      const latest = kind === 'onWarmest' ? 10 + period : lost + 1.01 * period;
      expect([seed, seconds, lost, seconds <= latest]).toEqual([seed, seconds, lost, true]);
    }
  });
});

describe('a fast fire seen every 4.09 s', () => {
  it.each(ARTEFACT_KINDS)(
    'loses hardly more time by %s than by lost pictures, or less',
    async (kind) => {
      let damaged = 0;
      let lost = 0;
      for (const seed of SEEDS) {
        damaged += await alarmAfter(kind, lengthOf(kind), seed, 4.09);
        lost += await alarmAfter('lost', lengthOf(kind), seed, 4.09);
      }
      // Where only half of a picture is left, the other half lags behind and the rise looks gentler.
      expect(damaged).toBeLessThan(lost + 0.5 * SEEDS.length);
    },
  );

  // A glitch on the fire itself that is as warm as a fire could be cannot be told from it.
  const elsewhere = ARTEFACT_KINDS.filter((kind) => kind !== 'onWarmest' && lengthOf(kind) === 1);
  it.each(elsewhere)('alarms within 10 s in spite of %s', async (kind) => {
    for (const seed of SEEDS) {
      expect(await alarmAfter(kind, 1, seed, 4.09)).toBeLessThan(10);
    }
  });
});
