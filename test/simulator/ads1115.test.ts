/** The simulated chip against published numbers, without the driver. */
import { describe, expect, it } from 'vitest';
import { SimulatedAds1115 } from '../../src/simulator/ads1115.ts';
import { ManualClock } from '../hal/manual-clock.ts';

function wordOf(bytes: Uint8Array | null): number {
  return ((bytes?.[0] ?? 0) << 8) | (bytes?.[1] ?? 0);
}

describe('a simulated ADS1115', () => {
  it('holds 0x8583 in its configuration after power-on (SBAS444, config register)', () => {
    const chip = new SimulatedAds1115(new ManualClock(), {});
    expect(wordOf(chip.transfer(Uint8Array.of(1), 2))).toBe(0x8583);
    expect(wordOf(chip.transfer(Uint8Array.of(0), 2))).toBe(0);
  });

  it('converts once, in its time, with the OS bit low meanwhile', () => {
    const clock = new ManualClock();
    const chip = new SimulatedAds1115(clock, {});
    chip.pins[0] = 1.024;
    // AIN0 against ground, +-4.096 V, single-shot, 128 a second, comparator off.
    chip.transfer(Uint8Array.of(1, 0xc3, 0x83), 0);
    clock.advance(7);
    expect(wordOf(chip.transfer(Uint8Array.of(1), 2))).toBe(0x4383);
    expect(wordOf(chip.transfer(Uint8Array.of(0), 2))).toBe(0);
    clock.advance(1);
    expect(wordOf(chip.transfer(Uint8Array.of(1), 2))).toBe(0xc383);
    // 1.024 V of 4.096 V: a quarter of 0x8000.
    expect(wordOf(chip.transfer(Uint8Array.of(0), 2))).toBe(0x2000);
    chip.pins[0] = 2;
    expect(wordOf(chip.transfer(new Uint8Array(0), 2))).toBe(0x2000);
  });

  it.each([
    ['ads1115', 10, 0x7fff],
    ['ads1115', -10, 0x8000],
    ['ads1015', 10, 0x7ff0],
    ['ads1015', -10, 0x8000],
    ['ads1015', 1.024, 0x2000],
  ] as const)('%s gives %f V as its code', (model, volts, code) => {
    const clock = new ManualClock();
    const chip = new SimulatedAds1115(clock, { model });
    chip.pins[0] = volts;
    chip.transfer(Uint8Array.of(1, 0xc3, 0x83), 0);
    clock.advance(10);
    expect(wordOf(chip.transfer(Uint8Array.of(0), 2))).toBe(code);
  });
});
