import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DecodedLine, decodeJsonLine } from '../../src/commands/decode-json.ts';
import {
  ROOM,
  hasShared,
  hexOfWords,
  largestDifference,
  readCapture,
  synthetic,
} from './helpers.ts';
import { referenceFrame, referenceParameters } from './reference.ts';
import { measure } from './synthetic-scene.ts';

const { fields, eeprom } = synthetic();
const SCENE = Array.from({ length: 768 }, (_, pixel) => 20 + pixel / 40);
const ram = measure(fields, eeprom, SCENE, ROOM);

const decode = (request: unknown): DecodedLine =>
  JSON.parse(decodeJsonLine(JSON.stringify(request))) as DecodedLine;
const line = (changes: Record<string, unknown> = {}): DecodedLine =>
  decode({ eeprom: hexOfWords(eeprom), ram: hexOfWords(ram), ...changes });
const edited = (words: Uint16Array, at: number, value: number): string => {
  const copy = words.slice();
  copy[at] = value;
  return hexOfWords(copy);
};

describe('a line that decodes', () => {
  it('gives Ta, VDD, 768 temperatures and ok', () => {
    const result = line();
    const want = referenceFrame(referenceParameters(eeprom), ram, ROOM);
    expect(Object.keys(result)).toEqual(['ta', 'vdd', 'celsius', 'status']);
    expect(result.status).toBe('ok');
    expect(result.ta).toBeCloseTo(want.ta, 4);
    expect(result.vdd).toBeCloseTo(want.vdd, 4);
    expect(largestDifference(result.celsius as number[], want.celsius)).toBeLessThan(0.001);
  });

  it('honours emissivity and reflected temperature, and takes null for their defaults', () => {
    const result = line({ emissivity: 0.5, reflected_c: 60 });
    const settings = { controlRegister: 0x1901, emissivity: 0.5, reflectedCelsius: 60 };
    const want = referenceFrame(referenceParameters(eeprom), ram, settings);
    expect(largestDifference(result.celsius as number[], want.celsius)).toBeLessThan(0.001);
    expect(line({ emissivity: null, reflected_c: null })).toEqual(line());
  });

  it('takes the control register from EEPROM word 12, not from a tail', () => {
    expect(line({ ram: `${hexOfWords(ram)}00010001` })).toEqual(line());
    expect(line({ ram: `${hexOfWords(ram)}0C010001` })).toEqual(line());
  });

  it('gives the numbers also where they cannot be true', () => {
    const result = line({ eeprom: edited(eeprom, 12, 0x1001) });
    expect(result.status).toBe('vddImplausible');
    expect(result.vdd).toBeGreaterThan(10);
    expect(result.celsius).toHaveLength(768);
    expect(result.detail).toMatch(/^ram: supply .* plausible/);
  });

  it('gives null for a pixel that cannot even be interpolated', () => {
    const broken = eeprom.slice();
    for (const pixel of [0, 1, 32, 33]) broken[64 + pixel] = 0;
    const { celsius, status } = line({ eeprom: hexOfWords(broken) });
    expect(status).toBe('ok');
    expect(celsius?.indexOf(null)).toBe(0);
    expect(celsius?.lastIndexOf(null)).toBe(0);
  });
});

describe('a line that does not', () => {
  const hex = hexOfWords(eeprom);
  const frame = hexOfWords(ram);
  it.each([
    ['allZero', { eeprom: '0'.repeat(3328) }],
    ['allOnes', { eeprom: 'F'.repeat(3328) }],
    ['wrongLength', { eeprom: hex.slice(0, 3324) }],
    ['wrongLength', { eeprom: hex.slice(0, 3327) }],
    ['wrongLength', { eeprom: '' }],
    ['eepromNotHex', { eeprom: `${hex.slice(0, 3327)}G` }],
    ['eepromNotHex', { eeprom: 5 }],
    ['eepromNotHex', { eeprom: `${hex.slice(0, 3327)}Ł` }],
    ['ramNotHex', { ram: undefined }],
    ['ramNotHex', { ram: `${frame.slice(0, 99)} ${frame.slice(100)}` }],
    ['ramLength', { ram: `${frame}00` }],
    ['ramLength', { ram: `${frame}0000` }],
    ['wordsMissing', { ram: frame.slice(0, 400) }],
    ['auxiliaryMissing', { ram: frame.slice(0, 3072) }],
    ['badEmissivity', { emissivity: 0 }],
    ['badEmissivity', { emissivity: '0.9' }],
    ['badReflected', { reflected_c: -400 }],
  ])('has no numbers but a status, and says what to do: %s', (status, changes) => {
    const result = line(changes);
    expect(result).toMatchObject({ ta: null, vdd: null, celsius: null, status });
    expect(result.detail).toMatch(/^(eeprom|ram|emissivity|reflected_c): /);
  });

  it.each(['', '{', '[]', 'null', '7', '"text"', '{"eeprom":'])('is no object: %s', (text) => {
    const result = JSON.parse(decodeJsonLine(text)) as DecodedLine;
    expect(result).toMatchObject({ ta: null, vdd: null, celsius: null, status: 'badJson' });
    expect(result.detail).toContain('write {');
  });

  it('has no temperatures where the gain is 0', () => {
    const result = line({ ram: edited(ram, 778, 0) });
    expect(result).toMatchObject({ celsius: null, status: 'auxiliaryInvalid' });
    expect(result.vdd).toBeCloseTo(3.26, 2);
  });
});

describe('any line at all', () => {
  it('gives one line of JSON with the four fields', () => {
    const values = fc.oneof(
      fc.string(),
      fc.double(),
      fc.constant(hexOfWords(eeprom)),
      fc.jsonValue(),
    );
    const requests = fc.record(
      { eeprom: values, ram: values, emissivity: values, reflected_c: values },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          requests.map((request) => JSON.stringify(request)),
        ),
        (text) => {
          const output = decodeJsonLine(text);
          expect(output).not.toContain('\n');
          const result = JSON.parse(output) as Record<string, unknown>;
          for (const key of ['ta', 'vdd', 'celsius', 'status']) expect(result).toHaveProperty(key);
          expect(result['status']).not.toBe('');
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe.skipIf(!hasShared('device-capture', 'stream.bin'))(
  'a recorded frame as a line (../shared/data/device-capture)',
  () => {
    it('keeps the required accuracy through the text', () => {
      const capture = readCapture();
      const hex = hexOfWords(capture.eeprom);
      for (const at of [0, 50, 107]) {
        const result = decode({ eeprom: hex, ram: hexOfWords(capture.frames[at]!) });
        const want = capture.expected[at]!;
        expect(largestDifference(result.celsius as number[], want.celsius)).toBeLessThan(0.01);
        expect(Math.abs(result.ta! - want.ta)).toBeLessThan(0.001);
        expect(Math.abs(result.vdd! - want.vdd)).toBeLessThan(0.0005);
      }
    });
  },
);
