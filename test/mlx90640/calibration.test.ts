import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCalibration } from '../../src/domain/mlx90640/calibration.ts';
import { createFrameDecoder } from '../../src/domain/mlx90640/frame-decoder.ts';
import { arrayIdOf } from '../../src/domain/mlx90640/identity.ts';
import { calibrationOf, synthetic } from './helpers.ts';
import { referenceParameters } from './reference.ts';

/** A good EEPROM with some words changed, as the parser judges it. */
function changed(words: Record<number, number>) {
  const { eeprom } = synthetic();
  for (const [at, value] of Object.entries(words)) eeprom[Number(at)] = value;
  return parseCalibration(eeprom);
}

describe('a calibration that can be true', () => {
  it('is unpacked like the datasheet says', () => {
    const { eeprom } = synthetic({ tgc32: -9, chessCalibrated: false });
    const { device, pixels, warnings, badPixels } = calibrationOf(eeprom);
    const want = referenceParameters(eeprom);
    expect(device.calibratedPattern).toBe('interleaved');
    expect(device.tgc).toBe(-9 / 32);
    expect(device.ksTo).toEqual(want.ksTo);
    expect(device.cornerCelsius).toEqual([-40, 0, 100, 200]);
    expect(device.rangeCorrection).toEqual(want.alphaCorr);
    expect([...pixels.offset]).toEqual(want.offset);
    expect([...pixels.alpha]).toEqual(want.alpha);
    expect([...pixels.kta]).toEqual(want.kta);
    expect(warnings).toEqual([]);
    expect(badPixels).toEqual([]);
  });

  it('carries the serial number of its array, in words 7..9', () => {
    expect(calibrationOf(synthetic().eeprom).arrayId).toBe('0a1b2c3d4e5f');
    expect(arrayIdOf(new Uint16Array(3))).toBe('000000000000');
  });

  it('is used with a warning where words 3, 5, 6 or the serial number are unusual', () => {
    const result = changed({ 3: 0x2062, 7: 0, 8: 0, 9: 0 });
    expect(result.ok && result.calibration.warnings).toEqual([
      'word 3 is 2062, usually 2061',
      'words 7..9: no serial number',
    ]);
  });

  it('lists broken and outlier pixels, and those without sensitivity', () => {
    const { eeprom } = synthetic({ broken: [5, 400], outliers: [17], alphaMean: 900 });
    // Sensitivity here is 900 +- rows, columns and pixel: some fall to zero and below.
    const result = parseCalibration(eeprom);
    const bad = result.ok ? result.calibration.badPixels : [];
    expect(bad.filter((pixel) => pixel.kind !== 'insensitive')).toEqual([
      { index: 5, kind: 'broken' },
      { index: 17, kind: 'outlier' },
      { index: 400, kind: 'broken' },
    ]);
    const insensitive = bad.filter((pixel) => pixel.kind === 'insensitive');
    const want = referenceParameters(eeprom).alpha.filter((alpha) => !(alpha > 0)).length;
    expect(want).toBeGreaterThan(0);
    expect(insensitive).toHaveLength(want);
    expect(bad.map((pixel) => pixel.index)).toEqual(
      bad.map((pixel) => pixel.index).sort((a, b) => a - b),
    );
    expect(result.ok && result.calibration.warnings.join()).toContain('sensitivity');
  });
});

describe('a calibration that cannot be true', () => {
  it.each([
    ['wrongLength', new Uint16Array(831).fill(7)],
    ['wrongLength', new Uint16Array(0)],
    ['wrongLength', new Uint16Array(833)],
    ['allZero', new Uint16Array(832)],
    ['allOnes', new Uint16Array(832).fill(0xffff)],
    ['allSame', new Uint16Array(832).fill(0x7fff)],
  ])('is refused as a whole: %s', (reason, words) => {
    expect(parseCalibration(words)).toMatchObject({ ok: false, reason });
  });

  it.each([
    ['gainNotPositive', { 48: 0 }],
    ['gainNotPositive', { 48: 0xffff }],
    ['vddSlopeZero', { 51: 0x0080 }],
    ['ptatNotPositive', { 50: 0x2c00 }],
    ['ptatNotPositive', { 49: 0 }],
    ['rangeCorrectionNotPositive', { 61: 0x80e2, 63: 0x1f80 }],
    ['offsetOverflow', { 16: 0x4fff }],
    ['ktaOverflow', { 56: 0x235f }],
    ['sensitivityOverflow', { 32: 0x7fff }],
    ['sensitivityNotPositive', { 33: 0 }],
    ['sensitivityNotPositive', { 33: 860 }],
    ['sensitivityNotPositive', { 60: 0xee7f, 57: 0x01ff, 33: 2000 }],
  ] as const)('is refused for one parameter: %s', (reason, words) => {
    const result = changed(words);
    expect(result).toMatchObject({ ok: false, reason });
    expect(result.ok ? '' : result.detail).toMatch(/word|pixels/);
  });

  it('is refused where the second half was not read', () => {
    const { eeprom } = synthetic();
    eeprom.fill(0, 416);
    expect(parseCalibration(eeprom)).toMatchObject({ ok: false, reason: 'tooManyBadPixels' });
  });
});

describe('any words at all', () => {
  const word = fc.integer({ min: 0, max: 0xffff });
  const frame = fc.uint16Array({ minLength: 0, maxLength: 840 });

  it('are accepted or refused with a reason, and decode without throwing', () => {
    const eeproms = fc.uint16Array({ minLength: 832, maxLength: 832 });
    fc.assert(
      fc.property(eeproms, frame, (eeprom, ram) => {
        judgeAndDecode(eeprom, ram);
      }),
      { numRuns: 150 },
    );
  });

  it('do so too where only some words of a good EEPROM are wrong', () => {
    const edits = fc.array(fc.tuple(fc.integer({ min: 0, max: 63 }), word), { maxLength: 4 });
    const full = fc.uint16Array({ minLength: 832, maxLength: 834 });
    let accepted = 0;
    fc.assert(
      fc.property(edits, full, (list, ram) => {
        const { eeprom } = synthetic();
        for (const [at, value] of list) eeprom[at] = value;
        if (judgeAndDecode(eeprom, ram)) accepted += 1;
      }),
      { numRuns: 150 },
    );
    expect(accepted).toBeGreaterThan(20);
  });
});

/** True where the calibration was accepted. NaN may remain only where no neighbour is good. */
function judgeAndDecode(eeprom: Uint16Array, ram: Uint16Array): boolean {
  const result = parseCalibration(eeprom);
  if (!result.ok) {
    expect(result.detail).not.toBe('');
    return false;
  }
  const out = new Float32Array(768).fill(-1);
  const facts = createFrameDecoder(result.calibration).decode(ram, out);
  expect(facts.detail === '').toBe(facts.status === 'ok');
  if (ram.length < 832) {
    expect(facts.status).toBe(ram.length < 768 ? 'wordsMissing' : 'auxiliaryMissing');
    expect(out.every((celsius) => Number.isNaN(celsius))).toBe(true);
    return true;
  }
  const bad = new Set(facts.badPixels.subarray(0, facts.badPixelCount));
  expect(bad.size).toBe(facts.badPixelCount);
  for (const [pixel, celsius] of out.entries()) {
    if (!Number.isNaN(celsius)) continue;
    expect(bad.has(pixel)).toBe(true);
    expect(neighboursOf(pixel).every((neighbour) => bad.has(neighbour))).toBe(true);
  }
  return true;
}

function neighboursOf(pixel: number): number[] {
  const row = Math.floor(pixel / 32);
  const column = pixel % 32;
  const around: number[] = [];
  for (const y of [row - 1, row, row + 1]) {
    for (const x of [column - 1, column, column + 1]) {
      const inside = y >= 0 && y < 24 && x >= 0 && x < 32;
      if (inside && (y !== row || x !== column)) around.push(y * 32 + x);
    }
  }
  return around;
}
