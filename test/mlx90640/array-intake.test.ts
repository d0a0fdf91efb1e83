/** Arrays that the appliance reads itself: pairing of subpages, and every reason for no data. */
import { beforeEach, describe, expect, it } from 'vitest';
import { EvidenceBank } from '../../src/domain/evidence-bank.ts';
import { CalibrationCache } from '../../src/domain/line-protocol/calibrations.ts';
import { createLineCounters } from '../../src/domain/line-protocol/line-counters.ts';
import { ArrayIntake } from '../../src/domain/mlx90640/array-intake.ts';
import type { SensorNotice } from '../../src/domain/step.ts';
import { sensorId } from '../../src/domain/units.ts';
import { SimulatedArray } from '../../src/simulator/array.ts';
import { hasShared, largestDifference, readCapture, readShared, wordsOfHex } from './helpers.ts';

const SENSOR = sensorId('hall');
const CONTROL = 0x1981;
const ROOM = 24;
const COMPENSATION_0 = 776;

interface Taken {
  readonly celsius: Float32Array;
  readonly calibrated: boolean;
  readonly atMs: number;
}

describe('an array intake', () => {
  let bank: EvidenceBank;
  let counters: ReturnType<typeof createLineCounters>;
  let notices: SensorNotice[];
  let pictures: Taken[];
  let intake: ArrayIntake;
  let array: SimulatedArray;

  beforeEach(async () => {
    bank = new EvidenceBank();
    counters = createLineCounters();
    notices = [];
    pictures = [];
    array = new SimulatedArray({ seed: 1 });
    intake = await opened();
    expect(intake.calibrated).toBe(false);
    expect(intake.eeprom(array.eeprom, 0)).toBeNull();
    expect(intake.calibrated).toBe(true);
  });

  async function opened(): Promise<ArrayIntake> {
    const calibrations = await CalibrationCache.load({
      loadAll: async () => new Map(),
      put: () => undefined,
      remove: () => undefined,
    });
    const deps = {
      bank,
      calibrations,
      counters,
      onNotice: (notice: SensorNotice) => notices.push(notice),
      frameSinkOf: () => ({
        accept: (celsius: Float32Array, { calibrated }: { calibrated: boolean }, atMs: number) =>
          pictures.push({ celsius: celsius.slice(), calibrated, atMs }),
      }),
    };
    return new ArrayIntake(SENSOR, deps, { emissivity: 0.95, reflectedCelsius: null });
  }

  /** 834 words of a wall, both subpages alike. */
  function dump(celsius = ROOM, from = array): Uint16Array {
    const conditions = { ambientCelsius: 30, supplyVolts: 3.28 };
    const words = from.dump(new Float32Array(768).fill(celsius), conditions);
    words[832] = CONTROL;
    return words;
  }

  function reasons(): string[] {
    return bank.drain().flatMap((one) => (one.kind === 'noData' ? [one.reason] : []));
  }

  it('makes a picture of two subpages, each from its own dump', () => {
    expect(intake.subpage(dump(24), 0, 10)).toBe('half');
    expect(pictures).toEqual([]);
    expect(intake.subpage(dump(26), 1, 20)).toBe('picture');
    const [picture] = pictures;
    expect(picture).toMatchObject({ calibrated: true, atMs: 20 });
    expect(Math.abs((picture?.celsius[0] ?? NaN) - 24)).toBeLessThan(1.5);
    expect(Math.abs((picture?.celsius[1] ?? NaN) - 26)).toBeLessThan(1.5);
    expect(counters.framesDecoded).toBe(1);
  });

  it('begins each picture anew', () => {
    intake.subpage(dump(), 0, 10);
    intake.subpage(dump(), 1, 20);
    expect(intake.subpage(dump(), 1, 30)).toBe('half');
    expect(intake.subpage(dump(), 0, 40)).toBe('picture');
  });

  it('lets a subpage that comes twice replace itself', () => {
    intake.subpage(dump(24), 0, 10);
    expect(intake.subpage(dump(30), 0, 20)).toBe('half');
    intake.subpage(dump(30), 1, 30);
    expect(Math.abs((pictures[0]?.celsius[0] ?? NaN) - 30)).toBeLessThan(1.5);
  });

  it('drops the other half with a subpage that cannot be believed', () => {
    intake.subpage(dump(), 0, 10);
    const broken = dump();
    broken[810] = 0x9000;
    expect(intake.subpage(broken, 1, 20)).toBe('withheld');
    expect(reasons()).toEqual(['implausibleVdd']);
    expect(intake.refusal).toMatch(/^subpage 1: supply/);
    expect(intake.subpage(dump(), 1, 30)).toBe('half');
    expect(intake.subpage(dump(), 0, 40)).toBe('picture');
  });

  it('drops a half when the driver says that there is no data', () => {
    intake.subpage(dump(), 0, 10);
    expect(intake.noData('overrun', 'missed', 20)).toBe('withheld');
    expect(intake.subpage(dump(), 1, 30)).toBe('half');
    expect(counters.framesWithheld).toEqual({ overrun: 1 });
    expect(pictures).toEqual([]);
  });

  it('refuses two subpages that contradict each other everywhere', () => {
    intake.subpage(dump(24), 0, 10);
    expect(intake.subpage(dump(40), 1, 20)).toBe('withheld');
    expect(reasons()).toEqual(['subpageMismatch']);
    expect(pictures).toEqual([]);
  });

  it('knows a frozen array, also when only one subpage is', () => {
    const still = dump();
    const taken: string[] = [];
    for (let round = 0; round < 6; round++) {
      taken.push(intake.subpage(still, 0, round));
      taken.push(intake.subpage(dump(), 1, round));
    }
    expect(pictures).toHaveLength(3);
    expect(taken.slice(6)).toEqual(['withheld', 'half', 'withheld', 'half', 'withheld', 'half']);
    expect(reasons()).toEqual(['frozen']);
    intake.subpage(dump(), 0, 100);
    expect(pictures).toHaveLength(4);
  });

  it('has nothing to say without a calibration', async () => {
    const fresh = await opened();
    expect(fresh.subpage(dump(), 0, 10)).toBe('withheld');
    expect(reasons()).toEqual(['noCalibration']);
  });

  it('refuses an EEPROM that cannot be true, and the pictures that would rest on it', () => {
    intake.subpage(dump(), 0, 10);
    expect(intake.eeprom(new Uint16Array(832), 20)).toMatch(/^allZero/);
    expect(intake.calibrated).toBe(false);
    expect(intake.subpage(dump(), 1, 30)).toBe('withheld');
    expect(reasons()).toEqual(['badCalibration', 'noCalibration']);
    expect(counters.framesWithheld).toEqual({ badCalibration: 1, noCalibration: 1 });
    expect(intake.eeprom(new Uint16Array(5), 40)).toMatch(/^wrongLength/);
    expect(counters.calibrationsRefused).toBe(2);
  });

  it('refuses the EEPROM of two arrays that answer together, and one that was overwritten', () => {
    const other = new SimulatedArray({ seed: 2 });
    const both = array.eeprom.map((word, at) => word & (other.eeprom[at] ?? 0));
    expect(intake.eeprom(both, 10)).toMatch(/two devices answer at this address$/);
    const overwritten = array.eeprom.map((word, at) => (at >= 64 && at % 2 === 0 ? 0xffff : word));
    expect(intake.eeprom(overwritten, 20)).not.toBeNull();
    expect(reasons()).toEqual(['badCalibration']);
  });

  it.skipIf(!hasShared('device-capture', 'stream.bin'))(
    'gives the temperatures of a real array (../shared/data/device-capture)',
    () => {
      const { eeprom, frames, expected } = readCapture();
      expect(intake.eeprom(eeprom, 0)).toBeNull();
      for (const [i, frame] of frames.entries()) {
        frame[832] = 0x1901;
        expect(intake.subpage(frame, 0, i)).toBe('half');
        expect(intake.subpage(frame, 1, i)).toBe('picture');
        const want = expected[i]?.celsius ?? [];
        expect(largestDifference(pictures.at(-1)?.celsius ?? [], want)).toBeLessThan(0.01);
      }
      expect(pictures).toHaveLength(108);
    },
  );

  it.skipIf(!hasShared('vectors', 'melexis_example_data.json'))(
    "takes the EEPROM of the vendor's example (../shared/data/vectors)",
    () => {
      const text = readShared('vectors', 'melexis_example_data.json').toString();
      const example = JSON.parse(text) as { readonly eeprom: readonly string[] };
      expect(intake.eeprom(wordsOfHex(example.eeprom.join('')), 0)).toBeNull();
    },
  );

  it('takes the EEPROM of each of many arrays, broken pixels and all', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const broken = Array.from({ length: seed % 60 }, (_, i) => 3 * i + 100);
      expect(intake.eeprom(new SimulatedArray({ seed, broken }).eeprom, seed)).toBeNull();
    }
  });

  it('reports another array, and never mixes the halves of two', () => {
    intake.subpage(dump(), 0, 10);
    const other = new SimulatedArray({ seed: 2 });
    expect(intake.eeprom(other.eeprom, 20)).toBeNull();
    expect(notices).toEqual([
      { kind: 'arraySwapped', sensor: SENSOR, was: array.id, is: other.id },
    ]);
    expect(intake.subpage(dump(ROOM, other), 1, 30)).toBe('half');
    expect(intake.subpage(dump(ROOM, other), 0, 40)).toBe('picture');
    expect(Math.abs((pictures[0]?.celsius[400] ?? NaN) - ROOM)).toBeLessThan(1.5);
  });

  it('takes the same EEPROM again without a word', () => {
    intake.eeprom(array.eeprom.slice(), 20);
    expect(notices).toEqual([]);
    expect(counters.calibrationsAccepted).toBe(1);
  });

  it('believes the gain of another converter resolution, and no other gain', () => {
    const scaled = (shift: number): Uint16Array => {
      const words = dump();
      words[832] = (CONTROL & ~0x0c00) | ((2 + shift) << 10);
      const factor = 2 ** shift;
      for (let at = 0; at < 832; at++) {
        const isScaled = at < 768 || [COMPENSATION_0, 778, 808, 810].includes(at);
        if (isScaled) words[at] = Math.round((((words[at] ?? 0) << 16) >> 16) * factor);
      }
      return words;
    };
    for (const shift of [-2, -1, 1]) {
      intake.subpage(scaled(shift), 0, 10);
      expect(intake.subpage(scaled(shift), 1, 20)).toBe('picture');
    }
    for (const { celsius } of pictures) {
      expect(Math.abs((celsius[400] ?? NaN) - ROOM)).toBeLessThan(2);
    }
    const wrong = dump();
    wrong[778] = 2 * (wrong[778] ?? 0);
    expect(intake.subpage(wrong, 0, 30)).toBe('withheld');
    expect(reasons()).toEqual(['implausibleGain']);
    const missing = scaled(-1);
    missing.fill(0x7fff, 0, 100);
    expect(intake.subpage(missing, 0, 40)).toBe('withheld');
  });

  describe('of a module that computes temperatures itself', () => {
    let noise = 0;
    const hundredths = (celsius: number): Uint16Array =>
      Uint16Array.from({ length: 768 }, (_, i) => Math.round(100 * celsius) + ((i + noise++) % 7));

    it('hands its pictures on', () => {
      expect(intake.computed(hundredths(-12.5), 25, 10)).toBe('picture');
      expect(pictures[0]?.celsius[5]).toBeCloseTo(-12.5, 0);
    });

    it('withholds one with an impossible ambient temperature', () => {
      expect(intake.computed(hundredths(20), 90, 10)).toBe('withheld');
      expect(intake.computed(hundredths(20), NaN, 10)).toBe('withheld');
      expect(reasons()).toEqual(['implausibleTa']);
    });

    it('interpolates a few pixels that cannot be, and withholds a picture with many', () => {
      const words = hundredths(20);
      // 400 C in signed hundredths is -255.36 C.
      words[100] = 40_000;
      expect(intake.computed(words, 25, 10)).toBe('picture');
      expect(pictures[0]?.celsius[100]).toBeCloseTo(20, 0);
      const hot = hundredths(20).fill(40_000, 0, 49);
      expect(intake.computed(hot, 25, 20)).toBe('withheld');
      expect(reasons()).toEqual(['outOfRange']);
    });

    it('knows a frozen module', () => {
      const words = hundredths(20);
      const taken = Array.from({ length: 5 }, () => intake.computed(words, 25, 10));
      expect(taken).toEqual(['picture', 'picture', 'picture', 'withheld', 'withheld']);
      expect(reasons()).toEqual(['frozen']);
      expect(intake.computed(hundredths(20), 25, 20)).toBe('picture');
    });

    it('knows a checkerboard', () => {
      const words = Uint16Array.from({ length: 768 }, (_, i) =>
        ((i >> 5) ^ i) & 1 ? 4000 + (i % 3) : 2000,
      );
      expect(intake.computed(words, 25, 10)).toBe('withheld');
      expect(reasons()).toEqual(['subpageMismatch']);
    });
  });
});
