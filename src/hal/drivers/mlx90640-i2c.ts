/** A Melexis MLX90640 thermal array on an I2C bus: 768 temperatures, read by this appliance. */
import { readWithinMs } from '../mlx90640/bus-speed.ts';
import { ArrayKeeper } from '../mlx90640/keeper.ts';
import { probeArray } from '../mlx90640/probe.ts';
import { REFRESH_HZ, subpageMs } from '../mlx90640/registers.ts';
import type { OptionProblem } from '../option-fields.ts';
import { choice, either, flag, group, number, optional, text } from '../option-fields.ts';
import { THERMAL_CHANNEL } from '../../domain/evidence.ts';
import { defineSensorDriver } from '../sensor-driver.ts';

/** Addresses that a device may have; the rest of the seven bits is reserved. */
const ADDRESSES = { min: 0x08, max: 0x77, whole: true };

export const mlx90640I2c = defineSensorDriver({
  kind: 'mlx90640-i2c',
  summary: 'Melexis MLX90640 thermal array (32 x 24) on an I2C bus',
  options: {
    bus: text('Bus as the kernel names it', '/dev/i2c-1'),
    address: number('I2C address of the array', ADDRESSES, 0x33),
    refreshHz: number(
      `Subpages a second, ${REFRESH_HZ.join(', ')}; a picture takes two`,
      { min: 0.5, max: 32 },
      4,
    ),
    pattern: choice('Which pixels a subpage holds', ['chess', 'interleaved'], 'chess'),
    adcBits: number('Resolution of the converter in bits', { min: 16, max: 19, whole: true }, 18),
    emissivity: number('Emissivity of what is looked at', { min: 0.05, max: 1 }, 0.95),
    reflectedCelsius: optional(
      number('Reflected temperature; left out: 8 C below the array', { min: -100, max: 300 }),
    ),
    power: optional(
      group('GPIO line that switches the supply of the array', {
        chip: text("The chip's label, for example pinctrl-rp1"),
        line: either(
          number('Offset on the chip', { min: 0, max: 1023, whole: true }),
          text("The kernel's name of the line, for example GPIO17"),
        ),
        activeLow: flag('The supply is on while the line is low', false),
      }),
    ),
  },
  check: ({ refreshHz }): readonly OptionProblem[] => {
    if (REFRESH_HZ.includes(refreshHz)) return [];
    const remedy = `give one of ${REFRESH_HZ.join(', ')}`;
    return [{ key: 'refreshHz', problem: `is ${refreshHz}`, remedy }];
  },
  timing: ({ refreshHz }) => ({
    cadenceMs: 2 * subpageMs(refreshHz),
    // The older half of a picture, and reading the newer one.
    delayMs: subpageMs(refreshHz) + readWithinMs(refreshHz),
  }),
  channels: () => [THERMAL_CHANNEL],
  claims: ({ bus, address, power }) => {
    const supply = power === null ? [] : [`gpio:${power.chip}:${power.line}`];
    return [`i2c:${bus}:0x${address.toString(16)}`, ...supply];
  },
  open: (options, host) => new ArrayKeeper(options, host),
  probe: probeArray,
});
