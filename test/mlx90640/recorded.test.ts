import { describe, expect, it } from 'vitest';
import { PixelCompensation } from '../../src/domain/mlx90640/compensation.ts';
import { createFrameDecoder } from '../../src/domain/mlx90640/frame-decoder.ts';
import { FrozenWatch } from '../../src/domain/mlx90640/frozen-watch.ts';
import { ObjectTemperature } from '../../src/domain/mlx90640/object-temperature.ts';
import {
  emptyOperatingPoint,
  measureOperatingPoint,
  reflectedK4,
} from '../../src/domain/mlx90640/operating-point.ts';
import { subpageOf } from '../../src/domain/mlx90640/words.ts';
import {
  calibrationOf,
  hasShared,
  largestDifference,
  readCapture,
  readShared,
  wordsOfHex,
} from './helpers.ts';

describe.skipIf(!hasShared('device-capture', 'stream.bin'))(
  'a real array against the vendor (../shared/data/device-capture)',
  () => {
    it('agrees within 0.01 C on each pixel and Ta, 1 mV on VDD, in all 108 frames', () => {
      const { eeprom, frames, expected } = readCapture();
      const decoder = createFrameDecoder(calibrationOf(eeprom));
      const out = new Float32Array(768);
      const worst = { pixel: 0, ta: 0, vdd: 0 };
      expect(frames).toHaveLength(108);
      for (const [index, words] of frames.entries()) {
        const facts = decoder.decode(words, out);
        const want = expected[index]!;
        expect(facts).toMatchObject({ status: 'ok', detail: '', warnings: [], badPixelCount: 0 });
        worst.pixel = Math.max(worst.pixel, largestDifference(out, want.celsius));
        worst.ta = Math.max(worst.ta, Math.abs(facts.taCelsius - want.ta));
        worst.vdd = Math.max(worst.vdd, Math.abs(facts.vddVolts - want.vdd));
      }
      expect(worst.pixel).toBeLessThan(0.01);
      expect(worst.ta).toBeLessThan(0.01);
      expect(worst.vdd).toBeLessThan(0.001);
    });

    it('knows the array by its serial number and finds nothing wrong with it', () => {
      const calibration = calibrationOf(readCapture().eeprom);
      expect(calibration.arrayId).toBe('021c5626618b');
      expect(calibration.warnings).toEqual([]);
      expect(calibration.badPixels).toEqual([]);
    });

    it.each([
      [0.95, 56.42],
      [0.5, 79.23],
      [1, 55.01],
    ])('reads a pixel of 300 counts at emissivity %d as %d C', (emissivity, celsius) => {
      const { eeprom, frames } = readCapture();
      const words = frames[0]!.slice();
      words[400] = 300;
      const out = new Float32Array(768);
      createFrameDecoder(calibrationOf(eeprom), { emissivity }).decode(words, out);
      expect(Math.abs(out[400]! - celsius)).toBeLessThan(0.01);
    });

    it('reports 15.5 V where the tail is wrongly taken for the control register', () => {
      const { eeprom, frames } = readCapture();
      const decoder = createFrameDecoder(calibrationOf(eeprom), {
        controlRegister: { from: 'driverTail' },
      });
      const facts = decoder.decode(frames[0]!, new Float32Array(768));
      expect(facts.status).toBe('vddImplausible');
      expect(facts.vddVolts).toBeCloseTo(15.5, 1);
      expect(facts.detail).toContain('2.6..3.6 V');
    });

    it('does not take the real frames for frozen', () => {
      const watch = new FrozenWatch();
      expect(readCapture().frames.map((words) => watch.offer(words))).not.toContain(true);
    });
  },
);

interface VendorExample {
  eeprom: string[];
  frames: { subpage: 0 | 1; ram: string[] }[];
  expected_parameters: Record<string, number | number[]>;
  expected_pixel_parameters: { alpha: number[]; offset: number[]; kta: number[]; kv: number[] };
  expected_to_c_after_both_frames: number[];
  computed_here: { frames: { vdd_v: number; ta_c: number }[] };
}

const words = (hex: readonly string[]): Uint16Array => wordsOfHex(hex.join(''));
const json = (name: string): unknown => JSON.parse(readShared('vectors', name).toString());

describe.skipIf(!hasShared('vectors', 'melexis_example_data.json'))(
  "the vendor's example (../shared/data/vectors/melexis_example_data.json)",
  () => {
    const load = (): VendorExample => json('melexis_example_data.json') as VendorExample;

    it('gives the published parameters', () => {
      const example = load();
      const { device } = calibrationOf(words(example.eeprom));
      const want = example.expected_parameters;
      const near = (got: number, key: string, digits: number): void =>
        expect(got, key).toBeCloseTo(want[key] as number, digits);
      near(device.kVdd, 'kVdd', 9);
      near(device.vdd25, 'vdd25', 9);
      near(device.kvPtat, 'KvPTAT', 6);
      near(device.ktPtat, 'KtPTAT', 9);
      near(device.vPtat25, 'vPTAT25', 9);
      near(device.alphaPtat, 'alphaPTAT', 9);
      near(device.gain, 'gainEE', 9);
      near(device.compensation.kv, 'cpKv', 9);
      near(device.compensation.kta, 'cpKta', 6);
      near(device.resolution, 'resolutionEE', 9);
      near(device.ksTa, 'KsTa', 6);
      near(device.tgc, 'tgc', 9);
      expect(device.compensation.offset).toEqual(want['cpOffset']);
      expect(largestDifference(device.cornerCelsius, want['cornerTemps'] as number[])).toBe(0);
      expect(largestDifference(device.ksTo, want['ksTo'] as number[])).toBeLessThan(5e-6);
      const alpha = (want['cpAlpha'] as number[]).map((value) => value * 1e9);
      const own = device.compensation.alpha.map((value) => value * 1e9);
      expect(largestDifference(own, alpha)).toBeLessThan(1e-6);
      expect(device.calibratedPattern).toBe('chess');
    });

    it('gives the published parameters of every pixel', () => {
      const example = load();
      const { pixels } = calibrationOf(words(example.eeprom));
      const want = example.expected_pixel_parameters;
      expect(largestDifference(pixels.offset, want.offset)).toBe(0);
      expect(largestDifference(pixels.kta, want.kta)).toBeLessThan(6e-9 + 5e-9);
      const alphaE9 = Array.from(pixels.alpha, (value) => value * 1e9);
      expect(
        largestDifference(
          alphaE9,
          want.alpha.map((value) => value * 1e9),
        ),
      ).toBeLessThan(1e-6);
      const kv = want.kv.map((_, at) => pixels.kvByParity[2 * ((at >> 5) & 1) + (at & 1)]!);
      expect(largestDifference(kv, want.kv)).toBe(0);
    });

    it('gives the published temperatures, each subpage from its own dump', () => {
      const example = load();
      const decoder = createFrameDecoder(calibrationOf(words(example.eeprom)), { emissivity: 1 });
      const out = new Float32Array(768);
      for (const [index, frame] of example.frames.entries()) {
        const facts = decoder.decode(words(frame.ram), out, frame.subpage);
        const want = example.computed_here.frames[index]!;
        expect(facts.status).toBe('ok');
        expect(Math.abs(facts.taCelsius - want.ta_c)).toBeLessThan(1e-4);
        expect(Math.abs(facts.vddVolts - want.vdd_v)).toBeLessThan(1e-6);
      }
      const want = example.expected_to_c_after_both_frames;
      expect(largestDifference(out, want)).toBeLessThan(0.01);
    });

    it('touches only the pixels of the subpage that is decoded', () => {
      const example = load();
      const decoder = createFrameDecoder(calibrationOf(words(example.eeprom)), { emissivity: 1 });
      const out = new Float32Array(768).fill(-99);
      const facts = decoder.decode(words(example.frames[0]!.ram), out, 0);
      expect(facts.subpageContrastCelsius).toBeNaN();
      const touched = Array.from(out, (celsius) => celsius !== -99);
      expect(touched).toEqual(Array.from(out, (_, at) => subpageOf(at, 'chess') === 0));
    });
  },
);

interface WorkedExample {
  eeprom_words: Record<string, string>;
  ram_words: Record<string, string>;
  expected: Record<string, number>;
  computed_here: Record<string, number>;
}

describe.skipIf(!hasShared('vectors', 'datasheet_worked_example.json'))(
  'the worked example of the datasheet (../shared/data/vectors/datasheet_worked_example.json)',
  () => {
    const PIXEL = 367;
    const load = () => {
      const example = json('datasheet_worked_example.json') as WorkedExample;
      const eeprom = new Uint16Array(832).fill(0x08a0);
      const ram = new Uint16Array(832);
      const fill = (into: Uint16Array, from: Record<string, string>, base: number): void => {
        for (const [address, value] of Object.entries(from)) {
          into[Number(address) - base] = parseInt(value, 16);
        }
      };
      eeprom[10] = 0;
      eeprom[12] = 0x1901;
      fill(eeprom, example.eeprom_words, 0x2400);
      fill(ram, example.ram_words, 0x0400);
      const calibration = calibrationOf(eeprom);
      const point = emptyOperatingPoint();
      measureOperatingPoint(ram, calibration.device, 0x1901, point);
      return { ...example, eeprom, ram, calibration, point, device: calibration.device };
    };

    it('restores the printed parameters', () => {
      const { expected: want, device, calibration } = load();
      expect(device.kVdd).toBe(want['kVdd']);
      expect(device.vdd25).toBe(want['vdd25']);
      expect(device.kvPtat).toBeCloseTo(want['KvPTAT']!, 6);
      expect(device.ktPtat).toBe(want['KtPTAT']);
      expect(device.vPtat25).toBe(want['vPTAT25']);
      expect(device.alphaPtat).toBe(want['alphaPTAT']);
      expect(device.gain).toBe(want['gainEE']);
      expect(device.tgc).toBe(want['tgc']);
      expect(device.ksTa).toBe(want['KsTa']);
      expect(device.cornerCelsius).toEqual([-40, 0, want['CT3'], want['CT4']]);
      expect(device.ksTo).toEqual([1, 2, 3, 4].map((range) => want[`ksTo${range}`]));
      for (const [index, factor] of device.rangeCorrection.entries()) {
        expect(factor).toBeCloseTo(want[`alpha_corr_range${index + 1}`]!, 8);
      }
      expect(device.compensation.offset).toEqual([want['offset_cp_sp0'], want['offset_cp_sp1']]);
      expect(device.compensation.kta).toBe(want['kta_cp']);
      expect(device.compensation.kv).toBe(want['kv_cp']);
      const [alpha0, alpha1] = device.compensation.alpha;
      expect(alpha0 * 1e9).toBeCloseTo(want['alpha_cp_sp0']! * 1e9, 9);
      expect(alpha1 * 1e9).toBeCloseTo(want['alpha_cp_sp1']! * 1e9, 9);
      expect(device.ilChess.c1).toBe(want['IL_CHESS_C1']);
      expect(device.ilChess.c2).toBe(want['IL_CHESS_C2']);
      expect(device.ilChess.c3).toBe(want['IL_CHESS_C3']);
      expect(calibration.pixels.offset[PIXEL]).toBe(want['offset_ref']);
      expect(calibration.pixels.kta[PIXEL]).toBe(want['kta']);
      expect(calibration.pixels.alpha[PIXEL]! * 1e7).toBeCloseTo(want['alpha']! * 1e7, 7);
      expect(calibration.pixels.kvByParity[3]).toBe(want['kv']);
    });

    it('computes supply, ambient temperature, gain and the compensation pixels', () => {
      const { expected: want, computed_here: consistent, point } = load();
      expect(point.vddVolts).toBeCloseTo(consistent['vdd_v']!, 9);
      expect(point.taCelsius).toBeCloseTo(want['ta_c_unrounded']!, 3);
      expect(point.gainRatio).toBeCloseTo(want['gain']!, 12);
      expect(point.compensation0).toBeCloseTo(consistent['pix_os_cp_sp0']!, 6);
      expect(point.compensation1).toBeCloseTo(consistent['pix_os_cp_sp1']!, 6);
    });

    it('computes the compensated radiation of the pixel', () => {
      const { computed_here: consistent, calibration, point, device, ram } = load();
      const net = new Float64Array(768);
      new PixelCompensation(calibration).run(ram, point, 1, net);
      const sensitivity =
        calibration.sensitivity[PIXEL]! * (1 + device.ksTa * (point.taCelsius - 25));
      const want = consistent['pix_os']! - consistent['pix_os_cp_sp0']!;
      expect(net[PIXEL]! * sensitivity).toBeCloseTo(want, 6);
    });

    it('passes through the printed temperature, to which its range is then applied', () => {
      const { expected: want, device } = load();
      const background = reflectedK4(want['ta_c']!, 31, 1);
      expect(Math.abs(background / want['Ta_r']! - 1)).toBeLessThan(1e-9);
      const net = want['v_ir_compensated']! / want['alpha_comp']!;
      const inRange = net / (1 + want['ksTo2']! * want['to_c']!) + background;
      const temperature = new ObjectTemperature(device);
      temperature.prepare(background);
      expect(temperature.celsius(net)).toBeCloseTo(inRange ** 0.25 - 273.15, 4);
    });

    it('comes to the consistent results of the whole chain, in both patterns', () => {
      const { computed_here: consistent, eeprom, ram } = load();
      const out = new Float32Array(768);
      const options = { emissivity: 1, reflectedCelsius: 31 };
      createFrameDecoder(calibrationOf(eeprom), options).decode(ram, out);
      // The compensation pixels' mean sensitivity is used where the example takes one of the two.
      expect(Math.abs(out[PIXEL]! - consistent['to_c_consistent_chess_subpage_0']!)).toBeLessThan(
        0.1,
      );
      eeprom[10] = 0x0800;
      eeprom[12] = 0x0901;
      createFrameDecoder(calibrationOf(eeprom), options).decode(ram, out);
      const interleaved = consistent['to_c_consistent_interleaved_subpage_1']!;
      expect(Math.abs(out[PIXEL]! - interleaved)).toBeLessThan(0.1);
    });
  },
);
