/**
 * GPIO without hardware: for tests, the simulation and an appliance run with `--simulate`. Each
 * instance is a world of its own. Levels are electrical, as a meter at the pin would show them.
 *
 * With `mirrorDir` every line is a file `<dir>/<chip>-<line>/value` holding `1\n` or `0\n`: another
 * process reads outputs there and works inputs by writing to theirs.
 */
import type { Cancel, Clock } from '../domain/ports.ts';
import { LevelFile } from './level-file.ts';
import type {
  DigitalInput,
  DigitalOutput,
  GpioBackend,
  HalErrorKind,
  HalResult,
  LineAddress,
} from './ports.ts';
import { DONE, done, failed } from './ports.ts';
import { WatchedInput } from './watched-input.ts';

/**
 * `absent`, `busy`, `permission`: the line cannot be opened. `writeFails`, `readFails`: the kernel
 * answers with an error. `stuck`: writes are accepted and the level does not follow.
 */
export type LineFault = 'absent' | 'busy' | 'permission' | 'writeFails' | 'readFails' | 'stuck';

export interface SimulatedGpioOptions {
  readonly clock: Clock;
  /** Chip labels and their numbers of lines; without it any chip exists, with 64 lines. */
  readonly chips?: Readonly<Record<string, number>>;
  readonly mirrorDir?: string;
  /** How often the files of inputs are looked at, default 20 ms. */
  readonly inputPollMs?: number;
}

interface Line {
  /** Null while nobody has set the level: it rests inactive, as a pull resistor would hold it. */
  high: boolean | null;
  fault: LineFault | null;
  holder: string | null;
  input: WatchedInput | null;
  file: LevelFile | null;
}

const OPEN_FAULTS: ReadonlySet<string> = new Set<HalErrorKind>(['absent', 'busy', 'permission']);
const ANY_CHIP_LINES = 64;

export class SimulatedGpio implements GpioBackend {
  readonly kind = 'simulated';
  readonly #options: SimulatedGpioOptions;
  readonly #lines = new Map<string, Line>();
  readonly #open = new Set<{ close(): void }>();

  constructor(options: SimulatedGpioOptions) {
    this.#options = options;
  }

  openOutput(name: string, at: LineAddress, initialActive: boolean): HalResult<DigitalOutput> {
    const line = this.#claim(name, at);
    if (!line.ok) return line;
    const pin = line.value;
    const opened = this.#drive(name, at, pin, initialActive !== at.activeLow);
    if (!opened.ok) {
      release(pin);
      return opened;
    }
    let closed = false;
    const output: DigitalOutput = {
      name,
      write: (active) => {
        if (closed) return failed('other', `output ${name} is closed`);
        return this.#drive(name, at, pin, active !== at.activeLow);
      },
      close: () => {
        if (closed) return;
        closed = true;
        this.#open.delete(output);
        release(pin);
      },
    };
    this.#open.add(output);
    return done(output);
  }

  openInput(name: string, at: LineAddress, debounceMs: number): HalResult<DigitalInput> {
    const line = this.#claim(name, at);
    if (!line.ok) return line;
    const pin = line.value;
    const mirrored = this.#mirrorInput(at, pin);
    if (!mirrored.ok) {
      release(pin);
      return mirrored;
    }
    const raw = {
      read: (): HalResult<boolean> =>
        pin.fault === 'readFails'
          ? failed('other', `${name}: reading line ${at.line} of "${at.chip}" failed (simulated)`)
          : done(pin.high ?? at.activeLow),
      release: () => {
        mirrored.value();
        this.#open.delete(input);
        release(pin);
      },
    };
    const options = { clock: this.#options.clock, debounceMs, activeLow: at.activeLow };
    const input = new WatchedInput(name, options, raw, pin.high ?? at.activeLow);
    pin.input = input;
    this.#open.add(input);
    return done(input);
  }

  close(): void {
    for (const line of [...this.#open]) line.close();
  }

  /** The electrical level of a line. */
  level(chip: string, line: number): boolean {
    return this.#line(chip, line).high ?? false;
  }

  /** Moves a line from outside, as a button or a relay contact does. */
  setLevel(chip: string, line: number, high: boolean): void {
    const pin = this.#line(chip, line);
    if (pin.high === high) return;
    pin.high = high;
    pin.input?.moved(high);
  }

  /** Injects a fault, or with null ends it. */
  setFault(chip: string, line: number, fault: LineFault | null): void {
    this.#line(chip, line).fault = fault;
  }

  #claim(name: string, at: LineAddress): HalResult<Line> {
    const { chips } = this.#options;
    const lines = chips === undefined ? ANY_CHIP_LINES : chips[at.chip];
    const text = `${name} (simulated GPIO chip "${at.chip}", line ${at.line})`;
    if (lines === undefined) {
      const found = Object.keys(chips ?? {}).map((label) => `"${label}"`);
      return failed('absent', `${text}: no such chip; found: ${found.join(', ') || 'none'}`);
    }
    if (!Number.isInteger(at.line) || at.line < 0 || at.line >= lines) {
      return failed('absent', `${text}: the chip has lines 0..${lines - 1}`);
    }
    const pin = this.#line(at.chip, at.line);
    if (pin.holder !== null) return failed('busy', `${text}: in use as "${pin.holder}"`);
    if (pin.fault !== null && OPEN_FAULTS.has(pin.fault)) {
      const kind = pin.fault === 'absent' || pin.fault === 'busy' ? pin.fault : 'permission';
      return failed(kind, `${text}: cannot be opened (simulated ${kind})`);
    }
    pin.holder = name;
    pin.high ??= at.activeLow;
    return done(pin);
  }

  #line(chip: string, line: number): Line {
    const key = `${chip}/${line}`;
    let found = this.#lines.get(key);
    if (found === undefined) {
      found = { high: null, fault: null, holder: null, input: null, file: null };
      this.#lines.set(key, found);
    }
    return found;
  }

  #drive(name: string, at: LineAddress, pin: Line, high: boolean): HalResult {
    if (pin.fault === 'writeFails') {
      return failed('other', `${name}: writing line ${at.line} of "${at.chip}" failed (simulated)`);
    }
    if (pin.fault !== 'stuck') pin.high = high;
    const { mirrorDir } = this.#options;
    if (mirrorDir === undefined) return DONE;
    if (pin.file === null) {
      const file = LevelFile.open(mirrorDir, at);
      if (!file.ok) return file;
      pin.file = file.value;
    }
    return pin.file.write(pin.high ?? at.activeLow);
  }

  /** @returns what ends the watching. */
  #mirrorInput(at: LineAddress, pin: Line): HalResult<Cancel> {
    const { mirrorDir, clock, inputPollMs = 20 } = this.#options;
    if (mirrorDir === undefined) return done(() => undefined);
    const opened = LevelFile.open(mirrorDir, at);
    if (!opened.ok) return opened;
    const file = opened.value;
    pin.file = file;
    const found = file.read();
    if (!found.ok) return found;
    if (found.value === null) {
      const written = file.write(pin.high ?? at.activeLow);
      if (!written.ok) return written;
    } else pin.high = found.value;
    let cancel: Cancel;
    const poll = (): void => {
      const high = file.read();
      if (!high.ok) pin.input?.trouble(high.error);
      else if (high.value !== null) this.setLevel(at.chip, at.line, high.value);
      cancel = clock.after(inputPollMs, poll);
    };
    cancel = clock.after(inputPollMs, poll);
    return done(() => cancel());
  }
}

function release(pin: Line): void {
  pin.holder = null;
  pin.input = null;
  pin.file?.close();
  pin.file = null;
}
