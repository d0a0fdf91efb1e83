import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  airBand,
  curvePpm,
  estimateOf,
  GASES,
  gasRatio,
  percentAtKiloohm,
  sensorKiloohm,
  USUAL_DIVIDER,
} from '../../src/domain/gas.ts';

describe('the divider of a gas sensor', () => {
  it('gives Rs as the law of Ohm does', () => {
    expect(sensorKiloohm(50)).toBeCloseTo(10, 9);
    expect(sensorKiloohm(20)).toBeCloseTo(40, 9);
    expect(sensorKiloohm(100)).toBe(0.1);
    expect(Number.isFinite(sensorKiloohm(0))).toBe(true);
  });

  it('takes load, supply and full scale of the channel', () => {
    // 2 V at the tap of 5 V over 20 kOhm: 0.1 mA, so 30 kOhm of sensor.
    const divider = { loadKiloohm: 20, supplyVolts: 5, fullScaleVolts: 3.3 };
    expect(sensorKiloohm((100 * 2) / 3.3, divider)).toBeCloseTo(30, 9);
    // Readings above the supply cannot be: the sensor is as good as shorted.
    const wide = { ...USUAL_DIVIDER, fullScaleVolts: 10 };
    expect(sensorKiloohm(60, wide)).toBe(0.1);
  });

  it('does not depend on the load in the ratio', () => {
    const other = { ...USUAL_DIVIDER, loadKiloohm: 47 };
    expect(gasRatio(30, 10, other)).toBeCloseTo(gasRatio(30, 10), 9);
    expect(gasRatio(20, 20)).toBe(1);
  });

  it('leads there and back', () => {
    const divider = fc.record({
      loadKiloohm: fc.double({ min: 0.5, max: 500, noNaN: true }),
      supplyVolts: fc.constantFrom(3.3, 5, 12),
      fullScaleVolts: fc.constantFrom(3.3, 5),
    });
    fc.assert(
      fc.property(divider, fc.double({ min: 1, max: 60, noNaN: true }), (circuit, percent) => {
        const kiloohm = sensorKiloohm(percent, circuit);
        fc.pre(kiloohm > 0.1);
        expect(percentAtKiloohm(kiloohm, circuit)).toBeCloseTo(percent, 6);
      }),
    );
  });
});

describe('estimates of ppm', () => {
  it('follow the published curves', () => {
    expect(curvePpm('carbonDioxide', 1)).toBeCloseTo(116.6020682, 7);
    expect(curvePpm('carbonMonoxide', 1)).toBeCloseTo(605.18, 7);
    expect(curvePpm('ammonia', 2)).toBeCloseTo(102.2 * 2 ** -2.473, 7);
    expect(curvePpm('alcohol', 0.5)).toBeCloseTo(77.255 * 2 ** 3.18, 7);
    expect(curvePpm('acetone', 1)).toBeCloseTo(34.668, 7);
    expect(curvePpm('toluene', 1)).toBeCloseTo(44.947, 7);
  });

  it('call clean air outdoor air, and no other gas present in it', () => {
    expect(estimateOf('carbonDioxide', 1)).toEqual({
      ppm: 400,
      gas: 'carbonDioxide',
      band: 'excellent',
    });
    // 605.18 x 3.6^-3.937 = 3.9
    expect(estimateOf('carbonMonoxide', 1)).toEqual({
      ppm: 3.9,
      gas: 'carbonMonoxide',
      band: null,
    });
  });

  it('have two digits, are finite, and rise as Rs falls', () => {
    const ratio = fc.double({ min: 1e-6, max: 100, noNaN: true });
    fc.assert(
      fc.property(fc.constantFrom(...GASES), ratio, ratio, (gas, a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        const [more, less] = [estimateOf(gas, low).ppm, estimateOf(gas, high).ppm];
        return Number.isFinite(more) && more >= less && Number(more.toPrecision(2)) === more;
      }),
    );
  });

  it.each([
    [399, 'outdoor'],
    [400, 'excellent'],
    [600, 'good'],
    [1000, 'moderate'],
    [1500, 'poor'],
    [1999, 'poor'],
    [2000, 'bad'],
  ])('%d ppm of carbon dioxide is %s air', (ppm, band) => {
    expect(airBand(ppm)).toBe(band);
  });
});
