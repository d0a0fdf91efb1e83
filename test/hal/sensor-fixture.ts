/** What the contract needs to know about a driver: `fixtures/<kind>.ts` exports one as `fixture`. */
import { SimulatedFiles } from '../../src/hal/simulated-files.ts';
import { SimulatedI2c } from '../../src/hal/simulated-i2c.ts';
import { SimulatedModbus } from '../../src/hal/simulated-modbus.ts';
import { SimulatedSpi } from '../../src/hal/simulated-spi.ts';
import { SimulatedGpio, SimulatedSerial } from '../../src/hal/simulated.ts';
import type { Hardware } from '../../src/hal/hardware.ts';
import type { DriverBench } from './driver-bench.ts';
import { driverBench } from './driver-bench.ts';
import { ManualClock, seededRandom } from './manual-clock.ts';

/** Everything a driver can touch, simulated, and the ears of the panel. */
export interface SensorWorld {
  readonly clock: ManualClock;
  readonly serial: SimulatedSerial;
  readonly i2c: SimulatedI2c;
  readonly spi: SimulatedSpi;
  readonly modbus: SimulatedModbus;
  readonly gpio: SimulatedGpio;
  readonly files: SimulatedFiles;
  /** All of the above, as drivers get them. */
  readonly hardware: Hardware;
  readonly bench: DriverBench;
}

/** Chips and their lines; what is beyond is not there. */
const GPIO_LINES = { 'pinctrl-rp1': 54, expander: 64 };
const GPIO_NAMES = { 'pinctrl-rp1': { GPIO17: 17 } };

export async function sensorWorld(): Promise<SensorWorld> {
  const clock = new ManualClock();
  const hardware = {
    serial: new SimulatedSerial(clock),
    i2c: new SimulatedI2c({ clock }),
    spi: new SimulatedSpi(clock),
    modbus: new SimulatedModbus(clock),
    gpio: new SimulatedGpio({ clock, chips: GPIO_LINES, lineNames: GPIO_NAMES }),
    files: new SimulatedFiles(),
  };
  return {
    clock,
    ...hardware,
    hardware,
    bench: await driverBench(clock, seededRandom(1), hardware),
  };
}

export interface SensorFixture {
  /** As the configuration would give them. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The fault that its absent hardware raises. */
  readonly fault: string;
  /** Channels that report, and how long that takes at most once the hardware is there. */
  readonly channels: readonly string[];
  readonly withinMs: number;
  /** Puts the hardware there. Bytes come from documents or simulators. */
  attach(world: SensorWorld): AttachedHardware;
}

export interface AttachedHardware {
  /** Null for hardware that cannot go away once it is in use. */
  readonly detach: (() => void) | null;
  /** Sends bytes that mean nothing; null where the hardware sends none by itself. */
  readonly garble: ((bytes: Uint8Array) => void) | null;
  /** Ends the hardware's own doings. */
  stop(): void;
}
