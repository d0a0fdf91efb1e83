/** The real wires of this machine, as the configuration wants them. */
import { resolve } from 'node:path';
import type { Config } from './config-schema.ts';
import type { Clock, Log, Random } from './domain/ports.ts';
import { createKernelFiles } from './hal/kernel-files.ts';
import { openCdevBackend } from './hal/gpio-cdev.ts';
import { openOnoffBackend } from './hal/gpio-onoff.ts';
import type { LineKeeper } from './hal/gpio/line-keeper.ts';
import type { Hardware } from './hal/hardware.ts';
import type { HolderClient } from './hal/holder/client.ts';
import { openHolder } from './hal/holder/start.ts';
import { createLinuxI2c } from './hal/i2c-linux.ts';
import { createModbus } from './hal/modbus-wire.ts';
import type { GpioBackend, HalError, HalResult } from './hal/ports.ts';
import { createSerialPorts } from './hal/serial-port.ts';
import { SimulatedGpio } from './hal/simulated.ts';
import { createLinuxSpi } from './hal/spi-linux.ts';

export interface HardwareOptions {
  readonly config: Config;
  /** Simulated GPIO whatever the configuration says. */
  readonly simulate: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The bundled thread of a bus: dist/bus-thread.js. */
  readonly busThreadPath: string;
  /** Keeps outputs when this process ends; null: nobody does. */
  readonly keeper: LineKeeper | null;
}

/** Opens nothing yet but GPIO's system calls; what does not load is trouble of each line. */
export async function openHardware(options: HardwareOptions): Promise<Hardware> {
  const { clock, random, busThreadPath: threadPath } = options;
  return {
    gpio: await openGpio(options),
    serial: createSerialPorts({ clock }),
    i2c: createLinuxI2c({ clock, threadPath }),
    spi: createLinuxSpi({ clock, threadPath }),
    modbus: createModbus({ clock, random }),
    files: createKernelFiles({ clock }),
  };
}

/** The configured backend; one that does not load makes every line a fault with its reason. */
async function openGpio(options: HardwareOptions): Promise<GpioBackend> {
  const { config, clock, keeper, log } = options;
  const notice = ({ kind, name, detail }: { kind: string; name: string; detail: string }): void =>
    log('warn', 'GPIO line', { kind, name, detail });
  if (isSimulated(options)) {
    const { mirrorDirectory } = config.gpio;
    // Absolute, because the holder has another working directory.
    const mirror = mirrorDirectory === null ? {} : { mirrorDir: resolve(mirrorDirectory) };
    return new SimulatedGpio({ clock, keeper, notice, ...mirror });
  }
  const open = config.gpio.backend === 'onoff' ? openOnoffBackend : openCdevBackend;
  const opened = await open({ clock, keeper, notice });
  return opened.ok ? opened.value : absentGpio(opened.error);
}

function isSimulated({ config, simulate }: Pick<HardwareOptions, 'config' | 'simulate'>): boolean {
  return simulate || config.gpio.backend === 'simulated';
}

function absentGpio(error: HalError): GpioBackend {
  const refuse = () => ({ ok: false, error }) as const;
  return { kind: 'absent', openOutput: refuse, openInput: refuse, close: () => undefined };
}

export interface KeeperOptions {
  readonly config: Config;
  readonly simulate: boolean;
  readonly clock: Clock;
  readonly random: Random;
  /** The bundled holder: dist/gpio-holder.js. */
  readonly holderPath: string;
}

/**
 * The process that keeps outputs, to be opened before them; null where none is wanted. An error
 * means that this machine cannot have one.
 */
export function openKeeper(options: KeeperOptions): Promise<HalResult<HolderClient> | null> {
  const { config, clock, random, holderPath } = options;
  const byDefault = isSimulated(options) ? 'off' : 'auto';
  const wanted = options.simulate ? 'off' : (config.gpio.holder ?? byDefault);
  return openHolder({
    mode: config.gpio.outputs.length === 0 ? 'off' : wanted,
    socketPath: null,
    runDirectory: config.state.runDirectory,
    holder: { command: process.execPath, args: [holderPath] },
    clock,
    random,
  });
}
