/** Every backend of the GPIO port with what a test needs around it: eyes and hands at the pin. */
import { systemClock } from '../../src/clock.ts';
import { openOnoffBackend } from '../../src/hal/gpio-onoff.ts';
import type { GpioBackend } from '../../src/hal/ports.ts';
import { SimulatedGpio } from '../../src/hal/simulated.ts';
import { ManualClock } from './manual-clock.ts';
import { SysfsModel } from './sysfs-model.ts';

export const DEBOUNCE_MS = 50;

export interface GpioRig {
  readonly backend: GpioBackend;
  /** A chip that exists, with a line for outputs and one for inputs. */
  readonly chip: string;
  readonly output: number;
  readonly input: number;
  /** Electrical level of the output line. */
  level(): boolean;
  /** Moves the input line from outside. */
  drive(high: boolean): void;
  /** Lets time pass. */
  pass(ms: number): Promise<void>;
  close(): void;
}

export interface GpioRigKind {
  readonly name: string;
  readonly present: boolean;
  open(): Promise<GpioRig>;
}

const CHIP = 'pinctrl-test';

const simulated: GpioRigKind = {
  name: 'simulated',
  present: true,
  open: async () => {
    const clock = new ManualClock();
    const backend = new SimulatedGpio({ clock, chips: { [CHIP]: 54 } });
    return {
      backend,
      chip: CHIP,
      output: 17,
      input: 27,
      level: () => backend.level(CHIP, 17),
      drive: (high) => backend.setLevel(CHIP, 27, high),
      pass: async (ms) => clock.advance(ms),
      close: () => backend.close(),
    };
  },
};

const onoffOnModel: GpioRigKind = {
  name: 'onoff backend on a model of sysfs',
  present: true,
  open: async () => {
    const clock = new ManualClock();
    const model = new SysfsModel();
    model.addChip('other-chip', 0, 8);
    model.addChip(CHIP, 512, 54);
    const opened = await openOnoffBackend({
      clock,
      sysfsRoot: model.root,
      exportLine: model.exportLine,
    });
    if (!opened.ok) throw opened.error;
    return {
      backend: opened.value,
      chip: CHIP,
      output: 17,
      input: 27,
      level: () => model.level(512 + 17),
      drive: (high) => model.setLevel(512 + 27, high),
      pass: async (ms) => clock.advance(ms),
      close: () => {
        opened.value.close();
        model.remove();
      },
    };
  },
};

/**
 * A real chip: `FIRE_HIL=1 FIRE_HIL_CHIP=pinctrl-bcm2711 FIRE_HIL_OUTPUT=17 FIRE_HIL_INPUT=27
 * FIRE_HIL_DRIVE=22 FIRE_HIL_SENSE=23`, with a jumper from OUTPUT to SENSE and from DRIVE to INPUT.
 */
const onoffOnBoard: GpioRigKind = {
  name: 'onoff on a real chip (FIRE_HIL=1)',
  present: process.env['FIRE_HIL'] === '1',
  open: async () => {
    const chip = setting('FIRE_HIL_CHIP');
    const opened = await openOnoffBackend({ clock: systemClock() });
    if (!opened.ok) throw opened.error;
    const backend = opened.value;
    const at = (name: string) => ({ chip, line: Number(setting(name)), activeLow: false });
    const sense = backend.openInput('sense', at('FIRE_HIL_SENSE'), 0);
    const drive = backend.openOutput('drive', at('FIRE_HIL_DRIVE'), false);
    if (!sense.ok) throw sense.error;
    if (!drive.ok) throw drive.error;
    return {
      backend,
      chip,
      output: at('FIRE_HIL_OUTPUT').line,
      input: at('FIRE_HIL_INPUT').line,
      level: () => {
        const read = sense.value.read();
        if (!read.ok) throw read.error;
        return read.value;
      },
      drive: (high) => {
        const written = drive.value.write(high);
        if (!written.ok) throw written.error;
      },
      pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      close: () => backend.close(),
    };
  },
};

export const gpioRigs: readonly GpioRigKind[] = [simulated, onoffOnModel, onoffOnBoard];

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`set ${name}; see test/hal/gpio-rigs.ts`);
  return value;
}
