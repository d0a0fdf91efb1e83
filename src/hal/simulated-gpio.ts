/**
 * GPIO without hardware: for tests, the simulation and an appliance run with `--simulate`. Each
 * instance is a world of its own. Levels are electrical, as a meter at the pin would show them.
 *
 * With `mirrorDir` every line is a file `<dir>/<chip>-<line>/value` holding `1\n` or `0\n`: another
 * process reads outputs there and works inputs by writing to theirs.
 */
import type { Cancel, Clock } from '../domain/ports.ts';
import { CommandedOutput } from './gpio/commanded-output.ts';
import { intention, keepFile } from './gpio/kept-line.ts';
import type { LineKeeper } from './gpio/line-keeper.ts';
import { lineText, listText, whereText } from './gpio/line-text.ts';
import type { GpioNoticeListener } from './gpio/notice.ts';
import { LevelFile } from './level-file.ts';
import type {
  DigitalInput,
  DigitalOutput,
  GpioBackend,
  HalErrorKind,
  HalResult,
  LineAddress,
  LineBias,
  OnLoss,
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
  /** Chip labels and their numbers of lines; without it any chip exists. */
  readonly chips?: Readonly<Record<string, number>>;
  /** Names of lines of each chip; without it a name is a line of its own. */
  readonly lineNames?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly mirrorDir?: string;
  /** How often the files of inputs are looked at, default 20 ms. */
  readonly inputPollMs?: number;
  /** Lowers mirrored outputs that drop when this process ends; null or absent: nobody does. */
  readonly keeper?: LineKeeper | null;
  /** Hears of trouble that does not keep a line from working. */
  readonly notice?: GpioNoticeListener;
}

interface Place {
  readonly chip: string;
  readonly offset: number | string;
}

interface Line extends Place {
  /** Null while nobody has set the level: it rests inactive, as a pull resistor would hold it. */
  high: boolean | null;
  fault: LineFault | null;
  holder: string | null;
  bias: LineBias;
  input: WatchedInput | null;
  file: LevelFile | null;
}

const OPEN_FAULTS: ReadonlySet<string> = new Set<HalErrorKind>(['absent', 'busy', 'permission']);
/** As many as a configuration can name: a dry run takes the lines of any machine. */
const ANY_CHIP_LINES = 1024;
const UNTOUCHED = {
  high: null,
  fault: null,
  holder: null,
  bias: 'asIs',
  input: null,
  file: null,
} as const;

export class SimulatedGpio implements GpioBackend {
  readonly kind = 'simulated';
  readonly #options: SimulatedGpioOptions;
  readonly #lines = new Map<string, Line>();
  readonly #open = new Set<{ close(): void }>();

  constructor(options: SimulatedGpioOptions) {
    this.#options = options;
  }

  openOutput(
    name: string,
    at: LineAddress,
    initialActive: boolean,
    onLoss: OnLoss = 'keep',
  ): HalResult<DigitalOutput> {
    const line = this.#claim(name, at);
    if (!line.ok) return line;
    const pin = line.value;
    const high = initialActive !== at.activeLow;
    const opened = this.#drive(name, at, pin, high);
    if (!opened.ok) {
      release(pin);
      return opened;
    }
    const raw = {
      write: (level: boolean) => this.#drive(name, at, pin, level),
      read: () => readPin(name, at, pin),
      release: () => {
        this.#open.delete(output);
        release(pin);
      },
    };
    const { keeper = null, notice = () => undefined } = this.#options;
    const key = `simulated:${pin.chip}:${pin.offset}`;
    const isKept = pin.file !== null;
    const intend = isKept ? intention({ keeper, notice }, key, onLoss) : null;
    const output = new CommandedOutput(name, at, raw, high, intend);
    this.#open.add(output);
    if (pin.file !== null) {
      keepFile({ keeper, notice }, key, pin.file.path, { name, at, onLoss });
    }
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
      read: () => readPin(name, at, pin),
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
  level(chip: string, line: number | string): boolean {
    return this.#line(chip, line).high ?? false;
  }

  /** Moves a line from outside, as a button or a relay contact does. */
  setLevel(chip: string, line: number | string, high: boolean): void {
    const pin = this.#line(chip, line);
    if (pin.high === high) return;
    pin.high = high;
    pin.input?.moved(high);
  }

  /** What the pad resistor of a line was last asked to do. */
  bias(chip: string, line: number | string): LineBias {
    return this.#line(chip, line).bias;
  }

  /** Injects a fault, or with null ends it. */
  setFault(chip: string, line: number | string, fault: LineFault | null): void {
    this.#line(chip, line).fault = fault;
  }

  #claim(name: string, at: LineAddress): HalResult<Line> {
    const text = `${name} (simulated GPIO chip "${at.chip}", ${lineText(at.line)})`;
    const line = this.#resolve(text, at);
    if (!line.ok) return line;
    const pin = this.#line(line.value.chip, line.value.offset);
    if (pin.holder !== null) return failed('busy', `${text}: in use as "${pin.holder}"`);
    if (pin.fault !== null && OPEN_FAULTS.has(pin.fault)) {
      const kind = pin.fault === 'absent' || pin.fault === 'busy' ? pin.fault : 'permission';
      return failed(kind, `${text}: cannot be opened (simulated ${kind})`);
    }
    pin.holder = name;
    pin.bias = at.bias ?? 'asIs';
    pin.high ??= at.activeLow;
    return done(pin);
  }

  /** Where names are listed, a name is the line of that number; elsewhere it is a line itself. */
  #resolve(text: string, at: LineAddress): HalResult<Place> {
    const { chips, lineNames } = this.#options;
    if (typeof at.line === 'string' && lineNames !== undefined) {
      return namedLine(text, at, at.line, lineNames);
    }
    const lines = chips === undefined ? ANY_CHIP_LINES : chips[at.chip];
    if (lines === undefined) {
      const found = Object.keys(chips ?? {}).map((label) => `"${label}"`);
      return failed('absent', `${text}: no such chip; found: ${listText(found)}`);
    }
    const exists =
      typeof at.line === 'string'
        ? chips === undefined
        : Number.isInteger(at.line) && at.line >= 0 && at.line < lines;
    if (exists) return done({ chip: at.chip, offset: at.line });
    return failed('absent', `${text}: the chip has lines 0..${lines - 1}`);
  }

  #line(chip: string, offset: number | string): Line {
    const key = `${chip}/${offset}`;
    let found = this.#lines.get(key);
    if (found === undefined) {
      found = { chip, offset, ...UNTOUCHED };
      this.#lines.set(key, found);
    }
    return found;
  }

  #drive(name: string, at: LineAddress, pin: Line, high: boolean): HalResult {
    if (pin.fault === 'writeFails') {
      return failed('other', `${whereText(name, at)}: writing failed (simulated)`);
    }
    if (pin.fault !== 'stuck') pin.high = high;
    const { mirrorDir } = this.#options;
    if (mirrorDir === undefined) return DONE;
    if (pin.file === null) {
      const file = LevelFile.open(mirrorDir, pin.chip, pin.offset);
      if (!file.ok) return file;
      pin.file = file.value;
    }
    return pin.file.write(pin.high ?? at.activeLow);
  }

  /** @returns what ends the watching. */
  #mirrorInput(at: LineAddress, pin: Line): HalResult<Cancel> {
    const { mirrorDir, clock, inputPollMs = 20 } = this.#options;
    if (mirrorDir === undefined) return done(() => undefined);
    const opened = LevelFile.open(mirrorDir, pin.chip, pin.offset);
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
      else if (high.value !== null) this.setLevel(pin.chip, pin.offset, high.value);
      cancel = clock.after(inputPollMs, poll);
    };
    cancel = clock.after(inputPollMs, poll);
    return done(() => cancel());
  }
}

function namedLine(
  text: string,
  at: LineAddress,
  name: string,
  lineNames: NonNullable<SimulatedGpioOptions['lineNames']>,
): HalResult<Place> {
  const places = Object.entries(lineNames).flatMap(([chip, names]): Place[] => {
    const offset = at.chip === '*' || at.chip === chip ? names[name] : undefined;
    return offset === undefined ? [] : [{ chip, offset }];
  });
  const [place] = places;
  if (place !== undefined && places.length === 1) return done(place);
  if (place === undefined) return failed('absent', `${text}: no line has this name`);
  const found = places.map(({ chip, offset }) => `line ${offset} of "${chip}"`);
  return failed('other', `${text}: several lines have this name: ${listText(found)}`);
}

function readPin(name: string, at: LineAddress, pin: Line): HalResult<boolean> {
  if (pin.fault !== 'readFails') return done(pin.high ?? at.activeLow);
  return failed('other', `${whereText(name, at)}: reading failed (simulated)`);
}

function release(pin: Line): void {
  pin.holder = null;
  pin.input = null;
  pin.file?.close();
  pin.file = null;
}
