/** The register-level array and the simulated module, against what their descriptions promise. */
import { beforeEach, describe, expect, it } from 'vitest';
import { SimulatedArray } from '../../src/simulator/array.ts';
import { GyMcu90640 } from '../../src/simulator/gy-mcu90640.ts';
import { Mlx90640Registers } from '../../src/simulator/mlx90640-registers.ts';

const STATUS = 0x8000;
const CONTROL = 0x800d;
const RAM = 0x0400;
const EEPROM = 0x2400;

describe('an array at register level', () => {
  let nowMs: number;
  let wall: number;
  let device: Mlx90640Registers;
  const array = new SimulatedArray({ seed: 3 });

  beforeEach(() => {
    nowMs = 0;
    wall = 20;
    device = new Mlx90640Registers({
      array,
      scene: () => ({
        celsius: new Float32Array(768).fill(wall),
        ambientCelsius: 28,
        supplyVolts: 3.3,
      }),
      now: () => nowMs,
      speedHz: () => 400_000,
    });
  });

  function read(address: number, count = 1): number[] {
    const bytes = device.transfer(Uint8Array.of(address >> 8, address & 0xff), 2 * count);
    if (bytes === null) return [];
    return Array.from({ length: bytes.length >> 1 }, (_, i) => {
      return ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0);
    });
  }

  function write(address: number, word: number): void {
    device.transfer(Uint8Array.of(address >> 8, address & 0xff, word >> 8, word & 0xff), 0);
  }

  it('starts with the settings of its EEPROM, and shows the EEPROM', () => {
    expect(read(CONTROL)).toEqual([0x1901]);
    expect(read(EEPROM, 832)).toEqual([...array.eeprom]);
    expect(read(0x8010)).toEqual([0xbe33]);
    expect(read(STATUS)).toEqual([0x0010]);
  });

  it('announces subpage after subpage at the rate of its control register', () => {
    const seen: number[][] = [];
    for (nowMs = 0; nowMs <= 2200; nowMs += 10) {
      const [status = 0] = read(STATUS);
      if ((status & 8) === 0) continue;
      seen.push([nowMs, status & 7]);
      write(STATUS, 0x0010);
      if (seen.length === 2) write(CONTROL, 0x1981);
    }
    // 2 Hz after 80 ms of start; the third was under way when the rate became 4 Hz.
    expect(seen).toEqual([
      [580, 0],
      [1080, 1],
      [1580, 0],
      [1830, 1],
      [2080, 0],
    ]);
  });

  it('keeps new data announced until it is written away, and its user cannot announce any', () => {
    nowMs = 600;
    expect(read(STATUS)).toEqual([0x0018]);
    expect(read(STATUS)).toEqual([0x0018]);
    write(STATUS, 0x0010);
    expect(read(STATUS)).toEqual([0x0010]);
  });

  it('writes the pixels of the measured subpage only, by pattern', () => {
    nowMs = 900;
    const first = read(RAM, 768);
    expect(first.filter((word) => word === 0).length).toBeGreaterThanOrEqual(384);
    expect(first[1]).toBe(0);
    expect(first[32]).toBe(0);
    expect(first[33]).not.toBe(0);
    write(CONTROL, 0x0901);
    nowMs = 1700;
    const both = read(RAM, 768);
    wall = 60;
    nowMs = 2300;
    const rows = read(RAM, 768).map((word, i) => word !== both[i]);
    const changed = Array.from({ length: 24 }, (_, row) =>
      rows.slice(32 * row, 32 * row + 32).some(Boolean),
    );
    expect(changed).toEqual(Array.from({ length: 24 }, (_, row) => row % 2 === 1));
  });

  it('keeps its memory while data is held and overwriting is off', () => {
    write(CONTROL, 0x1905);
    nowMs = 900;
    write(STATUS, 0);
    const before = read(RAM, 832);
    nowMs = 1700;
    expect(read(STATUS)[0]).toBe(0x0008);
    expect(read(RAM, 832)).toEqual(before);
    write(STATUS, 0x0010);
    nowMs = 2700;
    expect(read(RAM, 832)).not.toEqual(before);
  });

  it('tears what is read while a measurement ends', () => {
    nowMs = 1579;
    const before = read(RAM, 768);
    // The reading ends 10 ms after the change: about a quarter of it is new.
    wall = 90;
    nowMs = 1590;
    const torn = read(RAM, 768);
    const firstNew = torn.findIndex((word, i) => word !== before[i]);
    expect(firstNew).toBeGreaterThan(500);
    expect(firstNew).toBeLessThan(600);
    expect(read(STATUS)[0]).toBe(0x0018);
  });

  it('shows each fault that is set', () => {
    nowMs = 600;
    const words = read(RAM, 4);
    device.faults.swappedBytes = true;
    const swap = (word: number): number => ((word & 0xff) << 8) | (word >> 8);
    expect(read(RAM, 4)).toEqual(words.map(swap));
    device.faults.swappedBytes = false;
    device.faults.shortReads = true;
    expect(read(RAM, 4)).toHaveLength(2);
    device.faults.shortReads = false;
    device.faults.eepromBitErrors = 3;
    expect(read(EEPROM, 832)).not.toEqual(read(EEPROM, 832));
    expect(read(RAM, 4)).toEqual(words);
    device.faults.garbage = 1;
    expect(read(RAM, 4)).not.toEqual(words);
    device.faults.garbage = 0;
    device.faults.nack = true;
    expect(read(RAM)).toEqual([]);
    device.faults.nack = false;
    device.power(false);
    expect(read(RAM)).toEqual([]);
    device.power(true);
    write(CONTROL, 0x1981);
    device.brownOut();
    expect(read(CONTROL)).toEqual([0x1901]);
    device.faults.neverReady = true;
    nowMs += 5000;
    expect(read(STATUS)).toEqual([0x0010]);
    write(EEPROM, 0);
    expect(device.eepromWrites).toBe(1);
  });
});

describe('a simulated module', () => {
  const scene = () => ({ celsius: new Float32Array(768).fill(21), ambientCelsius: 27 });

  it('sends when it was told to, and once when it was asked', () => {
    const module = new GyMcu90640({ seed: 1, scene, automatic: false });
    expect(module.period(0)).toHaveLength(0);
    // Noise, half a command, and the rest of it.
    module.hear(Uint8Array.of(0x00, 0xa5, 0x35));
    module.hear(Uint8Array.of(0x01, 0xdb));
    expect(module.period(1)).toHaveLength(1544);
    expect(module.period(2)).toHaveLength(0);
    module.hear(Uint8Array.of(0xa5, 0x35, 0x02, 0xdc));
    expect([module.period(3), module.period(4)].map((bytes) => bytes.length)).toEqual([1544, 1544]);
    expect(module.commands).toEqual(['3501', '3502']);
  });

  it('hears no command whose sum is wrong', () => {
    const module = new GyMcu90640({ seed: 1, scene, automatic: false });
    module.hear(Uint8Array.of(0xa5, 0x35, 0x02, 0xdd, 0, 0, 0));
    expect(module.commands).toEqual([]);
  });
});
