/** NAMUR NE43: what any current in a 4..20 mA loop means. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createChannel } from '../../src/hal/channels/channel.ts';
import {
  LoopQuality,
  loopStateOf,
  NE43_HYSTERESIS_MILLIAMPS,
} from '../../src/hal/channels/ne43.ts';

const loop = () =>
  createChannel({
    low: null,
    high: null,
    validLow: null,
    validHigh: null,
    calibration: null,
    quality: 'namurNe43',
    filters: [],
  });
const milliamps = fc.oneof(
  fc.double({ min: -5, max: 30, noNaN: true }),
  fc.constantFrom(3.6, 3.65, 3.8, 3.85, 4, 20, 20.45, 20.5, 20.95, 21),
);

describe('the quality of a current loop', () => {
  it.each([
    [-1, 'faultLow'],
    [0, 'faultLow'],
    [3.59, 'faultLow'],
    [3.6, 'low'],
    [3.79, 'low'],
    [3.8, 'valid'],
    [12, 'valid'],
    [20.5, 'valid'],
    [20.51, 'high'],
    [21, 'high'],
    [21.01, 'faultHigh'],
  ])('%f mA is %s', (mA, state) => {
    expect(loopStateOf(mA)).toBe(state);
  });

  it('gives a fault and never a value below 3.6 and above 21 mA, whatever came before', () => {
    fc.assert(
      fc.property(fc.array(milliamps, { minLength: 1, maxLength: 40 }), (currents) => {
        const channel = loop();
        currents.forEach((mA, i) => {
          const outcome = channel.accept(mA, i);
          if (mA < 3.6 || mA > 21) {
            expect(outcome).toMatchObject({ kind: 'noData', reason: 'loopFault' });
          } else if (mA > 3.6 + NE43_HYSTERESIS_MILLIAMPS && mA < 21 - NE43_HYSTERESIS_MILLIAMPS) {
            const percent = Math.min(100, Math.max(0, (100 * (mA - 4)) / 16));
            expect(outcome.kind).toBe('value');
            if (outcome.kind === 'value') expect(outcome.percent).toBeCloseTo(percent, 6);
          }
        });
      }),
    );
  });

  it('is taken for worse at once and for better only beyond the hysteresis', () => {
    const quality = new LoopQuality();
    const heard = [4, 3.59, 3.62, 3.64, 3.66, 3.82, 3.86, 21.1, 20.97, 20.94, 20.48, 20.44].map(
      (mA) => quality.classify(mA),
    );
    expect(heard).toEqual([
      'valid',
      'faultLow',
      'faultLow',
      'faultLow',
      'low',
      'low',
      'valid',
      'faultHigh',
      'faultHigh',
      'high',
      'high',
      'valid',
    ]);
  });

  it('does not chatter on a current that trembles on the limit', () => {
    const channel = loop();
    const kinds = Array.from({ length: 100 }, (_, i) =>
      channel.accept(3.6 + (i % 2 === 0 ? -0.02 : 0.02), i),
    ).map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set(['noData']));
  });

  it('takes what is no number for neither a broken wire nor a short circuit', () => {
    for (const raw of [NaN, Infinity, -Infinity]) {
      expect(loop().accept(raw, 0)).toMatchObject({ kind: 'noData', reason: 'corrupt' });
    }
  });

  it('says what a broken wire and a short circuit look like', () => {
    const channel = loop();
    const broken = channel.accept(0.01, 0);
    const short = channel.accept(24, 1);
    expect(broken.kind === 'noData' && broken.detail).toContain('wire broken');
    expect(short.kind === 'noData' && short.detail).toContain('short circuit');
  });
});
