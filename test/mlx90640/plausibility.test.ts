import { describe, expect, it } from 'vitest';
import { createFrameDecoder } from '../../src/domain/mlx90640/frame-decoder.ts';
import { FrozenWatch } from '../../src/domain/mlx90640/frozen-watch.ts';
import { compareSubpages } from '../../src/domain/mlx90640/plausibility.ts';
import { subpageOf } from '../../src/domain/mlx90640/words.ts';
import { ROOM, calibrationOf, synthetic } from './helpers.ts';
import { type SyntheticConditions, measure } from './synthetic-scene.ts';
import type { SyntheticFields } from './synthetic.ts';

const ROOM_SCENE = Array.from({ length: 768 }, (_, pixel) => 22 + (pixel % 32) / 8);

/** One dump of a room, changed by `edit`, and what the decoder says to it. */
function frame(
  edit: (words: Uint16Array) => void = () => undefined,
  changes: Partial<SyntheticFields> = {},
  conditions: SyntheticConditions = ROOM,
) {
  const { fields, eeprom } = synthetic(changes);
  const words = measure(fields, eeprom, ROOM_SCENE, conditions);
  edit(words);
  const out = new Float32Array(768);
  const facts = createFrameDecoder(calibrationOf(eeprom)).decode(words, out);
  return { facts, out };
}

describe('the state of the array', () => {
  it.each([
    [2.55, 'vddImplausible', []],
    [2.65, 'ok', ['vddLow']],
    [2.99, 'ok', ['vddLow']],
    [3.01, 'ok', []],
    [3.59, 'ok', []],
    [3.65, 'vddImplausible', []],
  ])('at %d V: %s', (vddVolts, status, warnings) => {
    const { facts } = frame(undefined, {}, { ...ROOM, vddVolts });
    expect(facts.status).toBe(status);
    if (status === 'ok') expect(facts.warnings).toEqual(warnings);
    expect(facts.vddVolts).toBeCloseTo(vddVolts, 2);
  });

  it.each([
    [-41, 'taImplausible'],
    [-39, 'ok'],
    [84, 'ok'],
    [86, 'taImplausible'],
  ])('at %d C ambient: %s, with numbers either way', (taCelsius, status) => {
    const { facts, out } = frame(undefined, {}, { ...ROOM, taCelsius });
    expect(facts.status).toBe(status);
    expect(facts.taCelsius).toBeCloseTo(taCelsius, 0);
    expect(Math.abs(out[0]! - 22)).toBeLessThan(1);
  });

  it.each([
    [5900 / 1.3, 'gainImplausible'],
    [5900 / 1.2, 'ok'],
    [5900 / 0.81, 'ok'],
    [5900 / 0.79, 'gainImplausible'],
  ])('at a gain of %d against 5900: %s', (gainWord, status) => {
    const { facts } = frame(undefined, {}, { ...ROOM, gainWord: Math.round(gainWord) });
    expect(facts.status).toBe(status);
    expect(facts.gain).toBe(Math.round(gainWord));
    expect(facts.gainRatio).toBeCloseTo(5900 / facts.gain, 12);
  });
});

describe('auxiliary words', () => {
  it.each([
    [768, 'Vbe'],
    [778, 'gain'],
    [800, 'PTAT'],
    [810, 'supply'],
  ])('word %d without a measurement is named: %s', (at, name) => {
    const { facts } = frame((words) => (words[at] = 0x7fff));
    expect(facts.status).toBe('auxiliaryInvalid');
    expect(facts.detail).toContain(name);
    expect(facts.detail).toContain(String(at));
  });

  it('may miss the compensation pixels where TGC is 0, and only there', () => {
    const miss = (words: Uint16Array): void => {
      words[776] = words[808] = 0x7fff;
    };
    expect(frame(miss).facts.status).toBe('ok');
    expect(frame(miss, { tgc32: 8 }).facts.status).toBe('auxiliaryInvalid');
  });

  it('give no numbers where the formulas have none', () => {
    const noGain = frame((words) => (words[778] = 0));
    expect(noGain.facts.status).toBe('auxiliaryInvalid');
    expect(noGain.out.every((celsius) => Number.isNaN(celsius))).toBe(true);
    const noPtat = frame((words) => (words[800] = words[768] = 0));
    expect(noPtat.facts.status).toBe('auxiliaryInvalid');
    expect(noPtat.facts.taCelsius).toBeNaN();
  });
});

describe('pixels without a temperature of their own', () => {
  const at = (row: number, column: number): number => row * 32 + column;

  it('get the mean of their good neighbours, and are reported', () => {
    const { facts, out } = frame((words) => (words[at(10, 10)] = 0x7fff));
    expect(facts).toMatchObject({ status: 'ok', warnings: ['pixelsInterpolated'] });
    expect([...facts.badPixels.subarray(0, facts.badPixelCount)]).toEqual([at(10, 10)]);
    const around = [-33, -32, -31, -1, 1, 31, 32, 33].map((step) => out[at(10, 10) + step]!);
    const mean = around.reduce((sum, celsius) => sum + celsius, 0) / 8;
    expect(out[at(10, 10)]).toBeCloseTo(mean, 4);
  });

  it('treats a word that no temperature explains like a missing one', () => {
    const { facts, out } = frame((words) => (words[at(10, 10)] = 0x8000));
    expect(facts.badPixelCount).toBe(1);
    expect(Math.abs(out[at(10, 10)]! - 23.25)).toBeLessThan(0.5);
  });

  it('never take from a bad neighbour, whether the EEPROM or the frame says that it is bad', () => {
    const listed = [at(0, 1), at(1, 0)];
    const { facts, out } = frame((words) => (words[0] = 0x7fff), {
      broken: [listed[0]!],
      outliers: [listed[1]!],
    });
    // The corner has one good neighbour left.
    expect(out[0]).toBe(out[at(1, 1)]);
    expect([...facts.badPixels.subarray(0, facts.badPixelCount)]).toEqual([...listed, 0]);
  });

  it('stay NaN in the middle of a block of nine', () => {
    const block = [9, 10, 11].flatMap((row) => [19, 20, 21].map((column) => at(row, column)));
    const { facts, out } = frame(undefined, { broken: block });
    expect(facts.status).toBe('ok');
    expect(facts.badPixelCount).toBe(9);
    const missing = [...out.keys()].filter((pixel) => Number.isNaN(out[pixel]));
    expect(missing).toEqual([at(10, 20)]);
  });

  it('make the frame no data when they are more than 48', () => {
    const lose = (count: number) =>
      frame((words) => words.fill(0x7fff, 200, 200 + count)).facts.status;
    expect(lose(48)).toBe('ok');
    expect(lose(49)).toBe('pixelsMissing');
  });

  it('of one frame are forgotten with the next', () => {
    const { fields, eeprom } = synthetic({ outliers: [700] });
    const good = measure(fields, eeprom, ROOM_SCENE, ROOM);
    const holed = good.slice();
    holed[300] = 0x7fff;
    const decoder = createFrameDecoder(calibrationOf(eeprom));
    const out = new Float32Array(768);
    expect(decoder.decode(holed, out).badPixelCount).toBe(2);
    expect(decoder.decode(good, out)).toMatchObject({ badPixelCount: 1, warnings: [] });
    expect(decoder.decode(holed, out).badPixelCount).toBe(2);
  });
});

describe('the subpages', () => {
  const compare = (
    scene: (row: number, column: number) => number,
    pattern: 'chess' | 'interleaved',
  ) => {
    const celsius = Float32Array.from({ length: 768 }, (_, at) => scene(at >> 5, at & 31));
    const contrast = { meanCelsius: NaN, checkerboard: false };
    compareSubpages(celsius, pattern, 30, contrast);
    return contrast;
  };

  for (const pattern of ['chess', 'interleaved'] as const) {
    const onSubpage0 = (row: number, column: number): boolean =>
      subpageOf(row * 32 + column, pattern) === 0;

    it(`show a checkerboard (${pattern}) when one is off by 5 C, 350 C, or missing`, () => {
      expect(compare((r, c) => (onSubpage0(r, c) ? 27 : 22), pattern)).toEqual({
        meanCelsius: 5,
        checkerboard: true,
      });
      expect(compare((r, c) => (onSubpage0(r, c) ? 350 : 22), pattern).checkerboard).toBe(true);
      expect(compare((r, c) => (onSubpage0(r, c) ? 22 : 0), pattern).checkerboard).toBe(true);
    });

    it(`show none (${pattern}) for gradients, edges, hot objects and a moving one`, () => {
      const scenes: ((row: number, column: number) => number)[] = [
        (row, column) => 10 * row + 8 * column,
        (_, column) => (column < 13 ? 20 : 300),
        (row) => (row < 11 ? 20 : 300),
        (row, column) => 20 + 800 * Math.exp(-((row - 12) ** 2 + (column - 9) ** 2) / 30),
        // A hot object that moved by four columns between the subpages.
        (row, column) => {
          const left = onSubpage0(row, column) ? 8 : 12;
          return column >= left && column < left + 8 && row > 4 && row < 18 ? 200 : 20;
        },
        // A third of the view flickers between a fire and the room.
        (row, column) => (column < 11 && onSubpage0(row, column) ? 400 : 20),
        // A fire that fills the view and flickers.
        (row, column) => (onSubpage0(row, column) ? 640 : 560),
      ];
      for (const [index, scene] of scenes.entries()) {
        expect(compare(scene, pattern).checkerboard, `scene ${index}`).toBe(false);
      }
    });
  }

  it('make a frame no data when one of them is off everywhere', () => {
    const { facts } = frame((words) => {
      for (let pixel = 0; pixel < 768; pixel++) {
        if (subpageOf(pixel, 'chess') === 1) words[pixel] = words[pixel]! + 150;
      }
    });
    expect(facts.status).toBe('checkerboard');
    expect(facts.subpageContrastCelsius).toBeLessThan(-3);
    expect(facts.detail).toContain('subpages differ');
  });
});

describe('the order of reasons', () => {
  it('names what makes the others meaningless', () => {
    const all = (words: Uint16Array): void => {
      words[810] = 0;
      words[778] = 100;
      words.fill(0x7fff, 0, 768);
    };
    expect(frame(all).facts.status).toBe('vddImplausible');
    const later = (words: Uint16Array): void => {
      words[778] = 100;
      words.fill(0x7fff, 0, 768);
    };
    expect(frame(later).facts.status).toBe('gainImplausible');
  });
});

describe('a frozen array', () => {
  const words = (value: number): Uint16Array => new Uint16Array(834).fill(value);

  it('is one whose pixels stay the same for three new frames', () => {
    const watch = new FrozenWatch();
    const offers = [1, 1, 1, 1, 1, 2, 2].map((value) => watch.offer(words(value)));
    expect(offers).toEqual([false, false, false, true, true, false, false]);
    expect(watch.unchangedFrames).toBe(1);
  });

  it('is not one whose first frame is empty, nor one that was reset', () => {
    const watch = new FrozenWatch();
    expect([0, 0, 0].map((value) => watch.offer(words(value)))).not.toContain(true);
    watch.reset();
    expect([0, 0, 0].map((value) => watch.offer(words(value)))).not.toContain(true);
    expect(watch.offer(words(0))).toBe(true);
  });

  it('shows in the pixels alone: auxiliary words may change or not', () => {
    const watch = new FrozenWatch();
    for (let turn = 0; turn < 4; turn++) {
      const frame = words(7);
      frame[800] = turn;
      watch.offer(frame);
    }
    expect(watch.frozen).toBe(true);
    const last = words(7);
    last[767] = 8;
    expect(watch.offer(last)).toBe(false);
  });
});
