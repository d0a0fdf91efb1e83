/**
 * GPIO over sysfs through `onoff`, for kernels without the character device. Lines are named by
 * chip label and offset; their numbers are looked up at each opening.
 *
 * Polarity is handled here and the kernel's `active_low` is kept at 0: the kernel ignores it when
 * an output's first level is set (`high`, `low`) and honours it on `value`, so using it would turn
 * that first level round. What sysfs shows is therefore always the electrical level.
 *
 * An output stays exported when it is closed, and when the process dies: the kernel then holds its
 * level. A siren keeps sounding through a restart; a fault relay does not drop by itself either,
 * so whoever closes it writes the safe level first.
 */
import type { Clock } from '../domain/ports.ts';
import { resolveLine, SYSFS_GPIO, verifyLine } from './gpio-sysfs.ts';
import { errorKindOf, messageOf } from './os-errors.ts';
import type { DigitalInput, DigitalOutput, GpioBackend, HalResult, LineAddress } from './ports.ts';
import { DONE, done, failed, HalError } from './ports.ts';
import { WatchedInput } from './watched-input.ts';

/** One exported line; levels are electrical. Every method may throw. */
export interface ExportedLine {
  read(): boolean;
  write(high: boolean): void;
  /** Must not throw into the event loop: trouble while handling an edge goes to `trouble`. */
  watch(moved: (high: boolean) => void, trouble: (error: unknown) => void): void;
  /** Stops watching and gives the line back to the kernel. */
  unexport(): void;
}

/** Exports a line: an input with both edges, or an output that starts `high` or `low`. */
export type ExportLine = (number: number, direction: 'in' | 'high' | 'low') => ExportedLine;

export interface OnoffOptions {
  readonly clock: Clock;
  /** Where the kernel shows its GPIO; elsewhere in tests. */
  readonly sysfsRoot?: string;
  /** Replaces `onoff` in tests. */
  readonly exportLine?: ExportLine;
}

/** Error `other` where the native part of `onoff` does not load on this machine. */
export async function openOnoffBackend(options: OnoffOptions): Promise<HalResult<GpioBackend>> {
  const loaded = options.exportLine === undefined ? await loadOnoff() : done(options.exportLine);
  if (!loaded.ok) return loaded;
  return done(new OnoffBackend(options.clock, options.sysfsRoot ?? SYSFS_GPIO, loaded.value));
}

class OnoffBackend implements GpioBackend {
  readonly kind = 'onoff';
  readonly #clock: Clock;
  readonly #root: string;
  readonly #exportLine: ExportLine;
  readonly #open = new Map<number, { readonly name: string; close(): void }>();

  constructor(clock: Clock, root: string, exportLine: ExportLine) {
    this.#clock = clock;
    this.#root = root;
    this.#exportLine = exportLine;
  }

  openOutput(name: string, at: LineAddress, initialActive: boolean): HalResult<DigitalOutput> {
    const high = initialActive !== at.activeLow;
    const line = this.#claim(name, at, high ? 'high' : 'low');
    if (!line.ok) return line;
    const { number, exported } = line.value;
    const verified = verifyLine(this.#root, number, { direction: 'out', high });
    if (!verified.ok) return this.#giveUp(name, at, exported, verified.error);
    const output = new OnoffOutput(name, at, exported, high, () => this.#open.delete(number));
    this.#open.set(number, output);
    return done(output);
  }

  openInput(name: string, at: LineAddress, debounceMs: number): HalResult<DigitalInput> {
    const line = this.#claim(name, at, 'in');
    if (!line.ok) return line;
    const { number, exported } = line.value;
    const verified = verifyLine(this.#root, number, { direction: 'in' });
    if (!verified.ok) return this.#giveUp(name, at, exported, verified.error);
    const raw = {
      read: () => attempt(name, at, 'reading', () => exported.read()),
      release: () => {
        this.#open.delete(number);
        exported.unexport();
      },
    };
    const initial = raw.read();
    if (!initial.ok) return this.#giveUp(name, at, exported, initial.error);
    const options = { clock: this.#clock, debounceMs, activeLow: at.activeLow };
    const input = new WatchedInput(name, options, raw, initial.value);
    const watching = attempt(name, at, 'watching', () =>
      exported.watch(
        (high) => input.moved(high),
        (error) => input.trouble(lineError(name, at, 'watching', error)),
      ),
    );
    if (!watching.ok) return this.#giveUp(name, at, exported, watching.error);
    this.#open.set(number, input);
    return done(input);
  }

  close(): void {
    for (const line of [...this.#open.values()]) line.close();
  }

  #claim(
    name: string,
    at: LineAddress,
    direction: 'in' | 'high' | 'low',
  ): HalResult<{ readonly number: number; readonly exported: ExportedLine }> {
    const number = resolveLine(this.#root, at);
    if (!number.ok) {
      const { kind, message, cause } = number.error;
      return failed(kind, `${name}: ${message}`, cause);
    }
    const holder = this.#open.get(number.value);
    if (holder !== undefined) {
      return failed('busy', `${where(name, at)}: already in use as "${holder.name}"`);
    }
    const exported = attempt(name, at, 'opening', () => this.#exportLine(number.value, direction));
    return exported.ok ? done({ number: number.value, exported: exported.value }) : exported;
  }

  /** Releases a line that did not come up as asked, and reports the first reason. */
  #giveUp(name: string, at: LineAddress, exported: ExportedLine, why: HalError): HalResult<never> {
    const released = attempt(name, at, 'releasing', () => exported.unexport());
    const also = released.ok ? '' : `; ${released.error.message}`;
    return failed(why.kind, `${where(name, at)}: ${why.message}${also}`, why.cause);
  }
}

class OnoffOutput implements DigitalOutput {
  readonly name: string;
  readonly #at: LineAddress;
  readonly #line: ExportedLine;
  readonly #released: () => void;
  #high: boolean;
  #closed = false;

  constructor(
    name: string,
    at: LineAddress,
    line: ExportedLine,
    high: boolean,
    released: () => void,
  ) {
    this.name = name;
    this.#at = at;
    this.#line = line;
    this.#high = high;
    this.#released = released;
  }

  write(active: boolean): HalResult {
    if (this.#closed) return failed('other', `output ${this.name} is closed`);
    const high = active !== this.#at.activeLow;
    if (high !== this.#high) {
      const written = attempt(this.name, this.#at, 'writing', () => this.#line.write(high));
      if (written.ok) this.#high = high;
      return written;
    }
    return this.#refresh(high);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#released();
  }

  /** The level has had time to settle since it was commanded, so a difference means something. */
  #refresh(high: boolean): HalResult {
    const found = attempt(this.name, this.#at, 'reading back', () => this.#line.read());
    const written = attempt(this.name, this.#at, 'writing', () => this.#line.write(high));
    if (!written.ok) return written;
    if (!found.ok) return found;
    if (found.value === high) return DONE;
    return failed(
      'other',
      `${where(this.name, this.#at)}: read ${found.value ? 'high' : 'low'} where ` +
        `${high ? 'high' : 'low'} had been written: shorted, reset, or moved by another program`,
    );
  }
}

function where(name: string, at: LineAddress): string {
  return `${name} (GPIO chip "${at.chip}", line ${at.line})`;
}

function attempt<T>(name: string, at: LineAddress, doing: string, run: () => T): HalResult<T> {
  try {
    return done(run());
  } catch (error) {
    return { ok: false, error: lineError(name, at, doing, error) };
  }
}

function lineError(name: string, at: LineAddress, doing: string, error: unknown): HalError {
  const kind = errorKindOf(error);
  const remedy: Partial<Record<typeof kind, string>> = {
    permission: '; add the user to the group "gpio", or mend the udev rule',
    busy: '; another program or a kernel driver holds this line',
    absent: '; a kernel that names its lines needs the character device backend',
  };
  const message = `${where(name, at)}: ${doing} failed: ${messageOf(error)}${remedy[kind] ?? ''}`;
  return new HalError(kind, message, { cause: error });
}

/** Loaded on demand: its native part must not keep an appliance without GPIO from starting. */
async function loadOnoff(): Promise<HalResult<ExportLine>> {
  try {
    const { Gpio } = await import('onoff');
    return done((number, direction) => {
      const edge = direction === 'in' ? 'both' : 'none';
      return exportedLine(new Gpio(number, direction, edge, { activeLow: false }));
    });
  } catch (error) {
    return failed(
      'other',
      'the package onoff does not load (its native part epoll may not be built for this Node): ' +
        messageOf(error),
      error,
    );
  }
}

interface OnoffGpio {
  readSync(): 0 | 1;
  writeSync(level: 0 | 1): void;
  watch(listener: (error: Error | null | undefined, level: 0 | 1) => void): void;
  unexport(): void;
}

function exportedLine(gpio: OnoffGpio): ExportedLine {
  const readLine = gpio.readSync.bind(gpio);
  return {
    read: () => readLine() === 1,
    write: (high) => gpio.writeSync(high ? 1 : 0),
    watch(moved, trouble) {
      // Edges are read inside onoff's own event handler, where an exception would end the process.
      let last = readLine();
      gpio.readSync = () => {
        try {
          last = readLine();
        } catch (error) {
          trouble(error);
        }
        return last;
      };
      gpio.watch((error, level) => {
        if (error === null || error === undefined) moved(level === 1);
        else trouble(error);
      });
    },
    unexport: () => gpio.unexport(),
  };
}
