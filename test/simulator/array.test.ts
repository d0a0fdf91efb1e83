/** The synthetic array and the radiometry are written apart; here they must agree. */
import { describe, expect, it } from 'vitest';
import { FRAME_PIXELS } from '../../src/domain/frame.ts';
import { parseCalibration } from '../../src/domain/mlx90640/calibration.ts';
import { createFrameDecoder } from '../../src/domain/mlx90640/frame-decoder.ts';
import { type ArrayOptions, SimulatedArray } from '../../src/simulator/array.ts';
import { CONTROL_REGISTER } from '../../src/simulator/array-factory.ts';
import { Scene } from '../../src/simulator/scene.ts';

const CONDITIONS = { ambientCelsius: 31, supplyVolts: 3.28 };

function decoderOf(array: SimulatedArray, emissivity = 0.95) {
  const parsed = parseCalibration(array.eeprom);
  if (!parsed.ok) throw new Error(`${parsed.reason}: ${parsed.detail}`);
  const decoder = createFrameDecoder(parsed.calibration, {
    emissivity,
    reflectedCelsius: null,
    controlRegister: { from: 'eeprom' },
  });
  return { calibration: parsed.calibration, decoder };
}

/** Largest difference between what the array was shown and what is decoded from its words. */
function worst(options: ArrayOptions, celsius: Float32Array, conditions = CONDITIONS): number {
  const array = new SimulatedArray(options);
  const decoded = new Float32Array(FRAME_PIXELS);
  decoderOf(array).decoder.decode(array.dump(celsius, conditions), decoded);
  return decoded.reduce((most, c, i) => Math.max(most, Math.abs(c - (celsius[i] ?? NaN))), 0);
}

function even(celsius: number): Float32Array {
  return new Float32Array(FRAME_PIXELS).fill(celsius);
}

describe('synthetic array', () => {
  it.each([1, 2, 3, 'kitchen', 'hall'])('of seed %s has a calibration of its own', (seed) => {
    const array = new SimulatedArray({ seed });
    const { calibration } = decoderOf(array);
    expect(calibration.arrayId).toBe(array.id);
    expect(calibration.badPixels).toEqual([]);
    expect(calibration.warnings).toEqual([]);
    expect([3, 5, 6, 12].map((at) => array.eeprom[at])).toEqual([
      0x2061,
      0x0320,
      0x03e0,
      CONTROL_REGISTER,
    ]);
  });

  it('is the same from the same seed and differs in every pixel word group from another', () => {
    const words = (seed: number): string => new SimulatedArray({ seed }).eeprom.join();
    expect(words(7)).toBe(words(7));
    const ids = Array.from({ length: 200 }, (_, seed) => new SimulatedArray({ seed }).id);
    expect(new Set(ids).size).toBe(200);
  });

  it.each([
    [-30, 0.25],
    [0, 0.2],
    [22, 0.15],
    [60, 0.15],
    [99, 0.2],
    [150, 0.3],
    [199, 0.3],
    [300, 0.4],
  ])('shown %s C without noise it decodes to that within %s C', (celsius, limit) => {
    for (const seed of [1, 2, 3]) {
      expect(worst({ seed, noiseCounts: 0 }, even(celsius))).toBeLessThan(limit);
    }
  });

  it.each([
    { ambientCelsius: -20, supplyVolts: 3.1 },
    { ambientCelsius: 25, supplyVolts: 3.3 },
    { ambientCelsius: 70, supplyVolts: 3.5 },
  ])('holds at $ambientCelsius C of its own and $supplyVolts V', (conditions) => {
    expect(worst({ seed: 5, noiseCounts: 0 }, even(45), conditions)).toBeLessThan(0.2);
  });

  it('holds with a gradient coefficient', () => {
    expect(worst({ seed: 6, noiseCounts: 0, tgc: 24 }, even(45))).toBeLessThan(0.2);
  });

  it('tells its own temperature and supply', () => {
    const array = new SimulatedArray({ seed: 8 });
    const { decoder } = decoderOf(array);
    const conditions = { ambientCelsius: 37.25, supplyVolts: 3.21 };
    const facts = decoder.decode(array.dump(even(20), conditions), new Float32Array(FRAME_PIXELS));
    expect(facts.status).toBe('ok');
    expect(facts.taCelsius).toBeCloseTo(37.25, 1);
    expect(facts.vddVolts).toBeCloseTo(3.21, 3);
  });

  it('of any seed measures a room and a fire plausibly', () => {
    for (let seed = 0; seed < 60; seed++) {
      const array = new SimulatedArray({ seed });
      const { calibration, decoder } = decoderOf(array);
      expect(calibration.badPixels).toEqual([]);
      const scene = new Scene({ seed, person: true, fireAtSeconds: 0, growth: 'ultraFast' });
      for (const at of [-1, 2, 6, 20]) {
        const sample = scene.sample(at);
        const decoded = new Float32Array(FRAME_PIXELS);
        expect(decoder.decode(array.dump(sample.celsius, sample), decoded).status).toBe('ok');
        expect(decoded.every(Number.isFinite)).toBe(true);
      }
    }
  });

  it('has the noise of a real array: 0.1 to 0.3 C in a room', () => {
    const array = new SimulatedArray({ seed: 9 });
    const { decoder } = decoderOf(array);
    const decoded = new Float32Array(FRAME_PIXELS);
    decoder.decode(array.dump(even(22), CONDITIONS), decoded);
    const variance = decoded.reduce((sum, c) => sum + (c - 22) ** 2, 0) / FRAME_PIXELS;
    expect(Math.sqrt(variance)).toBeGreaterThan(0.08);
    expect(Math.sqrt(variance)).toBeLessThan(0.3);
  });

  it('reports marked pixels, and a pixel beyond its reach saturates without a false mark', () => {
    const array = new SimulatedArray({ seed: 10, outliers: [5], broken: [400] });
    expect(decoderOf(array).calibration.badPixels.map(({ index }) => index)).toEqual([5, 400]);
    const words = array.dump(even(1200), CONDITIONS);
    expect(words[100]).toBe(0x7ffe);
  });
});
