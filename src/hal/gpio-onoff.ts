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
import { closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../domain/ports.ts';
import { CommandedOutput } from './gpio/commanded-output.ts';
import type { Keeping } from './gpio/kept-line.ts';
import { intention, keepFile } from './gpio/kept-line.ts';
import type { LineKeeper } from './gpio/line-keeper.ts';
import { whereText } from './gpio/line-text.ts';
import type { GpioNoticeListener } from './gpio/notice.ts';
import { resolveLine, SYSFS_GPIO, valueFile, verifyLine } from './gpio-sysfs.ts';
import { errorKindOf, messageOf } from './os-errors.ts';
import type {
  DigitalInput,
  DigitalOutput,
  GpioBackend,
  HalResult,
  LineAddress,
  OnLoss,
} from './ports.ts';
import { done, failed, HalError } from './ports.ts';
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
  /** Lowers outputs that drop when this process ends; null or absent: nobody does. */
  readonly keeper?: LineKeeper | null;
  /** Hears of trouble that does not keep a line from working. */
  readonly notice?: GpioNoticeListener;
}

/** Error `other` where the native part of `onoff` does not load on this machine. */
export async function openOnoffBackend(options: OnoffOptions): Promise<HalResult<GpioBackend>> {
  const loaded = options.exportLine === undefined ? await loadOnoff() : done(options.exportLine);
  if (!loaded.ok) return loaded;
  return done(new OnoffBackend(options, loaded.value));
}

class OnoffBackend implements GpioBackend {
  readonly kind = 'onoff';
  readonly #clock: Clock;
  readonly #root: string;
  readonly #exportLine: ExportLine;
  readonly #keeping: Keeping;
  /** Outputs that were closed: still exported, so that they do not move, and used again. */
  readonly #parked = new Map<number, ExportedLine>();
  readonly #open = new Map<number, { readonly name: string; close(): void }>();

  constructor(options: OnoffOptions, exportLine: ExportLine) {
    this.#clock = options.clock;
    this.#root = options.sysfsRoot ?? SYSFS_GPIO;
    this.#exportLine = exportLine;
    this.#keeping = {
      keeper: options.keeper ?? null,
      notice: options.notice ?? (() => undefined),
    };
  }

  openOutput(
    name: string,
    at: LineAddress,
    initialActive: boolean,
    onLoss: OnLoss = 'keep',
  ): HalResult<DigitalOutput> {
    const high = initialActive !== at.activeLow;
    const line = this.#claim(name, at, high ? 'high' : 'low');
    if (!line.ok) return line;
    const { number, exported } = line.value;
    const verified = verifyLine(this.#root, number, { direction: 'out', high });
    if (!verified.ok) return this.#giveUp(name, at, exported, verified.error);
    const raw = {
      read: () => attempt(name, at, 'reading back', () => exported.read()),
      write: (level: boolean) => attempt(name, at, 'writing', () => exported.write(level)),
      release: () => {
        this.#open.delete(number);
        this.#parked.set(number, exported);
      },
    };
    const key = `sysfs:${at.chip}:${at.line}`;
    const intend = intention(this.#keeping, key, onLoss);
    const output = new CommandedOutput(name, at, raw, high, intend);
    this.#open.set(number, output);
    this.#noteBias(name, at);
    const path = valueFile(this.#root, number);
    keepFile(this.#keeping, key, path, { name, at, onLoss });
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
    this.#noteBias(name, at);
    return done(input);
  }

  close(): void {
    for (const line of [...this.#open.values()]) line.close();
  }

  #noteBias(name: string, at: LineAddress): void {
    const { bias = 'asIs', line } = at;
    if (bias === 'asIs') return;
    const detail =
      `${whereText(name, at)}: sysfs cannot set the pad's resistor ("${bias}" was asked for): ` +
      `use the backend cdev, wire a resistor, or set it at boot (on a Pi "gpio=${line}=pu" or ` +
      '"=pd" in /boot/firmware/config.txt)';
    this.#keeping.notice({ kind: 'bias', name, detail });
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
      return failed('busy', `${whereText(name, at)}: already in use as "${holder.name}"`);
    }
    const exported = attempt(name, at, 'opening', () => this.#export(number.value, direction));
    return exported.ok ? done({ number: number.value, exported: exported.value }) : exported;
  }

  #export(number: number, direction: 'in' | 'high' | 'low'): ExportedLine {
    const parked = this.#parked.get(number);
    this.#parked.delete(number);
    if (parked !== undefined) {
      // One that does not obey may have been given back by somebody else: exported anew.
      if (direction !== 'in' && obeys(parked, direction === 'high')) return parked;
      parked.unexport();
    }
    mayExport(this.#root, number);
    return this.#exportLine(number, direction);
  }

  /** Releases a line that did not come up as asked, and reports the first reason. */
  #giveUp(name: string, at: LineAddress, exported: ExportedLine, why: HalError): HalResult<never> {
    const released = attempt(name, at, 'releasing', () => exported.unexport());
    const also = released.ok ? '' : `; ${released.error.message}`;
    return failed(why.kind, `${whereText(name, at)}: ${why.message}${also}`, why.cause);
  }
}

function obeys(line: ExportedLine, high: boolean): boolean {
  try {
    line.write(high);
    return true;
  } catch {
    return false; // Whatever it was, the next export meets it too, and says it.
  }
}

/**
 * Throws what the package would meet, and not bear well, each time a line is asked for again. Where
 * files are forbidden it tries ten thousand times in a row, for the sake of udev: the step must not
 * wait so long. Where a level cannot be read it throws and leaves a descriptor open.
 */
function mayExport(root: string, number: number): void {
  const exported = valueFile(root, number);
  const isExported = existsSync(exported);
  const path = isExported ? exported : join(root, 'export');
  if (existsSync(path)) closeSync(openSync(path, constants.O_WRONLY));
  if (isExported) readFileSync(exported);
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
  const what = `${doing} failed: ${messageOf(error)}${remedy[kind] ?? ''}`;
  const message = `${whereText(name, at)}: ${what}`;
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
