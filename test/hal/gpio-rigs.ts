/** Every backend of the GPIO port with what a test needs around it: eyes and hands at the pin. */
import type { GpioNotice } from '../../src/hal/gpio/notice.ts';
import { openCdevBackend } from '../../src/hal/gpio-cdev.ts';
import { openOnoffBackend } from '../../src/hal/gpio-onoff.ts';
import type { GpioBackend, LineBias } from '../../src/hal/ports.ts';
import { SimulatedGpio } from '../../src/hal/simulated.ts';
import { CdevModel } from './cdev-model.ts';
import { boardRigs } from './gpio-board-rigs.ts';
import { ManualClock } from './manual-clock.ts';
import { SysfsModel } from './sysfs-model.ts';

export const DEBOUNCE_MS = 50;

export interface GpioRig {
  readonly backend: GpioBackend;
  /** A chip that exists, with a line for outputs and one for inputs. */
  readonly chip: string;
  readonly output: number;
  readonly input: number;
  /** The kernel's names of these two; null where the backend knows no names. */
  readonly names: { readonly output: string; readonly input: string } | null;
  /** What the backend has told of lines that work. */
  readonly notices: readonly GpioNotice[];
  /** Electrical level of the output line. */
  level(): boolean;
  /** Levels that the output has had since it was last opened; null where nobody watches. */
  history(): readonly boolean[] | null;
  /** The pad resistor that the input line has; null where it cannot be seen. */
  bias(): LineBias | null;
  /** Moves the input line from outside. */
  drive(high: boolean): void;
  /** Another program takes the output line under this name; null where none can. */
  holdElsewhere(consumer: string): Promise<Release> | null;
  /** Monotonic time as the backend's clock has it. */
  nowMs(): number;
  /** Lets time pass. */
  pass(ms: number): Promise<void>;
  close(): void | Promise<void>;
}

export interface Release {
  /** Whether the backend can tell who holds the line. */
  readonly isNamed: boolean;
  release(): void | Promise<void>;
}

export interface GpioRigKind {
  readonly name: string;
  readonly present: boolean;
  open(): Promise<GpioRig>;
}

const CHIP = 'pinctrl-test';
const OUTPUT = 17;
const INPUT = 27;
const NAMES = { output: 'GPIO17', input: 'GPIO27' };

const simulated: GpioRigKind = {
  name: 'simulated',
  present: true,
  open: async () => {
    const clock = new ManualClock();
    const lineNames = { [CHIP]: { [NAMES.output]: OUTPUT, [NAMES.input]: INPUT } };
    const backend = new SimulatedGpio({ clock, chips: { [CHIP]: 54 }, lineNames });
    return {
      ...{ backend, chip: CHIP, output: OUTPUT, input: INPUT, names: NAMES, notices: [] },
      level: () => backend.level(CHIP, OUTPUT),
      history: () => null,
      bias: () => backend.bias(CHIP, INPUT),
      drive: (high) => backend.setLevel(CHIP, INPUT, high),
      holdElsewhere: async () => {
        backend.setFault(CHIP, OUTPUT, 'busy');
        return { isNamed: false, release: () => backend.setFault(CHIP, OUTPUT, null) };
      },
      nowMs: () => clock.monotonicMs(),
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
    const { root: sysfsRoot, exportLine } = model;
    const notices: GpioNotice[] = [];
    const notice = (told: GpioNotice): void => void notices.push(told);
    const opened = await openOnoffBackend({ clock, sysfsRoot, exportLine, notice });
    if (!opened.ok) throw opened.error;
    const backend = opened.value;
    return {
      ...{ backend, chip: CHIP, output: OUTPUT, input: INPUT, names: null, notices },
      level: () => model.level(512 + OUTPUT),
      history: () => model.history.get(512 + OUTPUT) ?? [],
      bias: () => null,
      drive: (high) => model.setLevel(512 + INPUT, high),
      holdElsewhere: async () => {
        model.setFault(512 + OUTPUT, 'held');
        return { isNamed: false, release: () => model.setFault(512 + OUTPUT, null) };
      },
      nowMs: () => clock.monotonicMs(),
      pass: async (ms) => clock.advance(ms),
      close: () => {
        backend.close();
        model.remove();
      },
    };
  },
};

const cdevOnModel: GpioRigKind = {
  name: 'character device backend on a model of the kernel',
  present: true,
  open: async () => {
    const clock = new ManualClock();
    const model = new CdevModel(clock);
    model.addChip(0, 'other-chip', 8);
    model.addChip(1, CHIP, 54, { [OUTPUT]: NAMES.output, [INPUT]: NAMES.input });
    const notices: GpioNotice[] = [];
    const { libc, watch, devDirectory, kernelNs } = model;
    const notice = (told: GpioNotice): void => void notices.push(told);
    const opened = await openCdevBackend({ clock, libc, watch, devDirectory, kernelNs, notice });
    if (!opened.ok) throw opened.error;
    const backend = opened.value;
    return {
      ...{ backend, chip: CHIP, output: OUTPUT, input: INPUT, names: NAMES, notices },
      level: () => model.level(CHIP, OUTPUT),
      history: () => model.history(CHIP, OUTPUT),
      bias: () => model.settings(CHIP, INPUT).bias,
      drive: (high) => model.setLevel(CHIP, INPUT, high),
      holdElsewhere: async (consumer) => {
        model.holdElsewhere(CHIP, OUTPUT, consumer);
        return { isNamed: true, release: () => model.holdElsewhere(CHIP, OUTPUT, null) };
      },
      nowMs: () => clock.monotonicMs(),
      pass: async (ms) => clock.advance(ms),
      close: () => {
        backend.close();
        model.remove();
      },
    };
  },
};

export const gpioRigs: readonly GpioRigKind[] = [
  simulated,
  onoffOnModel,
  cdevOnModel,
  ...boardRigs(),
];
