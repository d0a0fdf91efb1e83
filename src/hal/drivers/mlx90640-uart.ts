/** A GY-MCU90640 module on a serial line: an MLX90640 whose temperatures the module computes. */
import { THERMAL_CHANNEL } from '../../domain/evidence.ts';
import { MODULE_FRAME_BYTES } from '../../domain/mlx90640/module-frame.ts';
import type { ModuleOptions } from '../mlx90640/module-keeper.ts';
import { ModuleKeeper } from '../mlx90640/module-keeper.ts';
import { probeModule } from '../mlx90640/module-probe.ts';
import type { OptionProblem, OptionsOf } from '../option-fields.ts';
import { flag, number, text } from '../option-fields.ts';
import { defineSensorDriver } from '../sensor-driver.ts';

/** A start bit, eight of data, a stop bit. */
const BITS_PER_BYTE = 10;

const fields = {
  path: text('Serial port; a name under /dev/serial/by-id survives replugging'),
  baudRate: number('Bits per second', { min: 9600, max: 4_000_000, whole: true }, 115_200),
  rateHz: number('Pictures a second, as the module is set', { min: 0.25, max: 16 }, 4),
  startOutput: flag('Send the command that starts the automatic output', true),
};

export const mlx90640Uart = defineSensorDriver({
  kind: 'mlx90640-uart',
  summary: 'GY-MCU90640 module: an MLX90640 thermal array (32 x 24) on a serial line',
  options: fields,
  check: ({ baudRate, rateHz }): readonly OptionProblem[] => {
    const carried = baudRate / BITS_PER_BYTE / MODULE_FRAME_BYTES;
    if (rateHz <= carried) return [];
    const most = Math.floor(10 * carried) / 10;
    const remedy =
      `give at most ${most}: ${baudRate} baud carry ${baudRate / BITS_PER_BYTE} ` +
      `bytes a second, and a picture has ${MODULE_FRAME_BYTES}; or set module and baudRate to ` +
      '460800';
    return [{ key: 'rateHz', problem: `is ${rateHz}`, remedy }];
  },
  timing: ({ baudRate, rateHz }) => ({
    cadenceMs: 1000 / rateHz,
    delayMs: 1000 / rateHz + (1000 * BITS_PER_BYTE * MODULE_FRAME_BYTES) / baudRate,
  }),
  channels: () => [THERMAL_CHANNEL],
  claims: ({ path }) => [`serial:${path}`],
  open: (options, host) => new ModuleKeeper(moduleOptions(options), host),
  probe: (options, host) => probeModule(moduleOptions(options), host),
});

function moduleOptions(options: OptionsOf<typeof fields>): ModuleOptions {
  const { path, baudRate, rateHz, startOutput } = options;
  return { path, baudRate, startOutput, periodMs: 1000 / rateHz };
}
