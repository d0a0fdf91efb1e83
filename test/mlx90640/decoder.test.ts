import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type DecoderOptions,
  createFrameDecoder,
} from '../../src/domain/mlx90640/frame-decoder.ts';
import { subpageOf } from '../../src/domain/mlx90640/words.ts';
import { ROOM, calibrationOf, largestDifference, synthetic } from './helpers.ts';
import { referenceFrame, referenceParameters } from './reference.ts';
import type { SyntheticFields } from './synthetic.ts';
import {
  type SyntheticConditions,
  celsiusPerCount,
  measure,
  measureAuxiliary,
} from './synthetic-scene.ts';

/** The same, with ambient and supply moved to where the rounded words of PTAT and VDD are exact. */
function settled(
  fields: SyntheticFields,
  eeprom: Uint16Array,
  conditions: SyntheticConditions,
): SyntheticConditions {
  const words = new Uint16Array(832);
  measureAuxiliary(fields, conditions, words);
  const { ta, vdd } = referenceFrame(referenceParameters(eeprom), words, conditions);
  return { ...conditions, taCelsius: ta, vddVolts: vdd };
}

/** Measures a scene with a synthetic array and decodes it: what comes back, and how fine it is. */
function roundTrip(
  changes: Partial<SyntheticFields>,
  scene: ArrayLike<number>,
  wanted: SyntheticConditions = ROOM,
) {
  const { fields, eeprom } = synthetic({ ...changes, controlRegister: wanted.controlRegister });
  const conditions = settled(fields, eeprom, wanted);
  const words = measure(fields, eeprom, scene, conditions);
  const out = new Float32Array(768);
  const { emissivity, reflectedCelsius } = conditions;
  const decoder = createFrameDecoder(calibrationOf(eeprom), { emissivity, reflectedCelsius });
  const facts = decoder.decode(words, out);
  const want = referenceFrame(referenceParameters(eeprom), words, conditions);
  return { fields, eeprom, conditions, out, facts, want };
}

/**
 * Every pixel within half a count of the scene it looked at, and within 0.001 C of the formulas
 * applied to the rounded counts.
 */
function expectScene(
  changes: Partial<SyntheticFields>,
  scene: ArrayLike<number>,
  wanted: SyntheticConditions = ROOM,
): void {
  const { fields, eeprom, conditions, out, facts, want } = roundTrip(changes, scene, wanted);
  expect(facts.status).toBe('ok');
  expect(Math.abs(facts.taCelsius - conditions.taCelsius)).toBeLessThan(1e-6);
  expect(Math.abs(facts.vddVolts - conditions.vddVolts)).toBeLessThan(1e-9);
  expect(largestDifference(out, want.celsius)).toBeLessThan(0.001);
  for (let pixel = 0; pixel < 768; pixel++) {
    const step = celsiusPerCount(fields, eeprom, pixel, scene[pixel]!, conditions);
    const error = Math.abs(out[pixel]! - scene[pixel]!);
    // The rest of 0.6 covers how the step changes along half a count.
    expect(error, `pixel ${pixel}, ${scene[pixel]!} C`).toBeLessThan(0.6 * step + 0.001);
  }
}

/** A scene that runs smoothly from one temperature to another. */
const ramp = (from: number, to: number): number[] =>
  Array.from({ length: 768 }, (_, pixel) => from + ((to - from) * pixel) / 767);

/** Control registers: pattern in bit 12, resolution in bits 10 and 11. */
const register = (pattern: 'chess' | 'interleaved', resolution: number): number =>
  (pattern === 'chess' ? 0x1000 : 0) | (resolution << 10) | 0x0101;

describe('an array of known temperatures', () => {
  for (const pattern of ['chess', 'interleaved'] as const) {
    for (const calibrated of ['chess', 'interleaved'] as const) {
      it(`comes back: read in ${pattern}, calibrated in ${calibrated}`, () => {
        for (const tgc32 of [0, 9, -7]) {
          const changes = { chessCalibrated: calibrated === 'chess', tgc32 };
          const controlRegister = register(pattern, 2);
          expectScene(changes, ramp(10, 90), { ...ROOM, controlRegister });
        }
      });
    }
  }

  it('comes back at all four ADC resolutions, whatever the calibrated one', () => {
    for (const resolution of [0, 1, 2, 3]) {
      for (const running of [0, 1, 2, 3].filter((bits) => bits - resolution < 2)) {
        const controlRegister = register('chess', running);
        expectScene({ resolution }, ramp(15, 45), { ...ROOM, controlRegister });
      }
    }
  });

  it.each([
    ['-40..0 C', -40, 0],
    ['0 C..CT3', 0, 100],
    ['CT3..CT4', 100, 200],
    ['above CT4', 200, 600],
    ['all ranges', -40, 600],
  ])('comes back in the range %s', (_, from, to) => {
    expectScene({ alphaScale: 8 }, ramp(from, to));
  });

  it('comes back at any emissivity, with and without a given reflected temperature', () => {
    for (const emissivity of [0.05, 0.3, 0.95, 1]) {
      for (const reflectedCelsius of [null, 22, 60]) {
        expectScene({}, ramp(20, 80), { ...ROOM, emissivity, reflectedCelsius });
      }
    }
  });

  it('comes back between -20 and 80 C ambient and between 2.7 and 3.5 V', () => {
    for (const taCelsius of [-20, 25, 80]) {
      for (const vddVolts of [2.7, 3.5]) {
        expectScene({}, ramp(20, 60), { ...ROOM, taCelsius, vddVolts });
      }
    }
  });

  it('comes back within 0.01 C where the array is sensitive enough to show it', () => {
    const sensitive = { alphaScale: 3, alphaMean: 13000 };
    const scene = ramp(20, 70);
    const { out } = roundTrip(sensitive, scene);
    expect(largestDifference(out, scene)).toBeLessThan(0.01);
  });
});

describe('the tabulated curve', () => {
  it('agrees with the formulas within 0.0002 C, also for the steepest KsTo that it accepts', () => {
    for (const ksTo of [-127, -60, 0, 60, 127]) {
      const changes = { ksTo17: [ksTo, ksTo, ksTo, ksTo] as const, ct3Steps: 15 };
      const { out, want } = roundTrip(changes, ramp(-20, 140));
      expect(largestDifference(out, want.celsius)).toBeLessThan(2e-4);
    }
  });

  it('gives way to the formulas where range 2 is empty', () => {
    const { out, want } = roundTrip({ ct3Steps: 0 }, ramp(-20, 140));
    expect(largestDifference(out, want.celsius)).toBeLessThan(2e-4);
  });
});

describe('random arrays, scenes and conditions', () => {
  it('decode like the formulas in the order of the datasheet', () => {
    const small = fc.integer({ min: -120, max: -1 });
    const arrays = fc.record({
      gain: fc.integer({ min: 5000, max: 7000 }),
      tgc32: fc.integer({ min: -20, max: 20 }),
      ksTa8192: fc.integer({ min: -40, max: 10 }),
      ksTo17: fc.tuple(small, small, small, small),
      ct3Steps: fc.integer({ min: 5, max: 15 }),
      ct4Steps: fc.integer({ min: 1, max: 15 }),
      resolution: fc.integer({ min: 1, max: 3 }),
      chessCalibrated: fc.boolean(),
      offsetMean: fc.integer({ min: -200, max: 50 }),
      alphaMean: fc.integer({ min: 9000, max: 20000 }),
      cpOffset: fc.integer({ min: -200, max: 0 }),
    });
    const conditions = fc.record({
      taCelsius: fc.double({ min: -30, max: 80, noNaN: true }),
      vddVolts: fc.double({ min: 2.7, max: 3.5, noNaN: true }),
      emissivity: fc.double({ min: 0.3, max: 1, noNaN: true }),
      controlRegister: fc.constantFrom(0x1901, 0x0901, 0x1501),
    });
    fc.assert(
      fc.property(
        arrays,
        conditions,
        fc.double({ min: 0, max: 150, noNaN: true }),
        (array, at, top) => {
          const { out, want } = roundTrip(array, ramp(-10, top), { ...ROOM, ...at });
          expect(largestDifference(out, want.celsius)).toBeLessThan(0.001);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('the parts of a dump', () => {
  const dump = (changes: Partial<SyntheticFields> = {}, tail: readonly number[] = []) => {
    const { fields, eeprom } = synthetic(changes);
    const ram = measure(fields, eeprom, ramp(20, 40), ROOM);
    const words = Uint16Array.from([...ram, ...tail]);
    return {
      eeprom,
      words,
      decoder: (options?: DecoderOptions) => createFrameDecoder(calibrationOf(eeprom), options),
    };
  };

  it('ignores two words after the RAM unless the device is known to send its register', () => {
    const { words, decoder } = dump({}, [0x0001, 0x0001]);
    const out = new Float32Array(768);
    expect(decoder().decode(words, out).status).toBe('ok');
    const misled = decoder({ controlRegister: { from: 'driverTail' } }).decode(words, out);
    expect(misled.status).toBe('vddImplausible');
  });

  it('takes resolution and pattern from the tail where the device is known to', () => {
    const { words, decoder } = dump({}, [0x1901, 0x0001]);
    const out = new Float32Array(768);
    const again = new Float32Array(768);
    decoder({ controlRegister: { from: 'driverTail' } }).decode(words, out);
    decoder({ controlRegister: { value: 0x1901 } }).decode(words, again);
    expect(out).toEqual(again);
  });

  it('computes each pixel with the compensation pixel of its own subpage', () => {
    for (const pattern of ['chess', 'interleaved'] as const) {
      const controlRegister = register(pattern, 2);
      const { words, decoder } = dump({ tgc32: 16 });
      const before = new Float32Array(768);
      const after = new Float32Array(768);
      const own = decoder({ controlRegister: { value: controlRegister } });
      own.decode(words, before);
      words[808]! += 40;
      own.decode(words, after);
      const changed = Array.from(after, (celsius, at) => celsius !== before[at]);
      expect(changed).toEqual(Array.from(after, (_, at) => subpageOf(at, pattern) === 1));
    }
  });

  it('refuses options that mean nothing', () => {
    const { decoder } = dump();
    for (const emissivity of [0, 0.049, 1.001, NaN, -1]) {
      expect(() => decoder({ emissivity })).toThrow(/emissivity.*0\.05\.\.1/);
    }
    for (const reflectedCelsius of [-274, NaN, Infinity]) {
      expect(() => decoder({ reflectedCelsius })).toThrow(/reflected temperature/);
    }
  });

  it('reuses its facts, and forgets one frame with the next', () => {
    const { words, decoder } = dump();
    const own = decoder();
    const out = new Float32Array(768);
    const first = own.decode(words.subarray(0, 800), out);
    expect(first.status).toBe('auxiliaryMissing');
    expect(own.decode(words, out)).toBe(first);
    expect(first).toMatchObject({ status: 'ok', detail: '', warnings: [], badPixelCount: 0 });
  });
});
