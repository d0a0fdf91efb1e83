/**
 * GPIO over the character device (`/dev/gpiochip*`, kernel 5.10 and later): the default. Chips are
 * found by label, lines by offset or name, at each opening.
 *
 * Polarity is handled here and the kernel is asked for electrical levels only, as with sysfs, so
 * that both backends mean the same by a level.
 *
 * The kernel promises nothing about a line that nobody holds. So an output that is closed stays
 * requested until the backend is closed, and with a keeper beyond that; without one, the resistor
 * at the relay decides once this process is gone.
 */
import type { Clock } from '../domain/ports.ts';
import type { FoundLine } from './gpio/chips.ts';
import { findLine } from './gpio/chips.ts';
import { CdevCalls } from './gpio/cdev-calls.ts';
import { CdevInput } from './gpio/cdev-input.ts';
import { CdevLines } from './gpio/cdev-lines.ts';
import { CdevOutput } from './gpio/cdev-output.ts';
import { CommandedOutput } from './gpio/commanded-output.ts';
import type { Keeping } from './gpio/kept-line.ts';
import { intention, levelOnLoss } from './gpio/kept-line.ts';
import type { LineKeeper } from './gpio/line-keeper.ts';
import { whereText } from './gpio/line-text.ts';
import type { GpioNoticeListener } from './gpio/notice.ts';
import type { Libc } from './native/libc.ts';
import { loadLibc } from './native/libc.ts';
import type { WatchReadable } from './native/readable.ts';
import { loadWatchReadable } from './native/readable.ts';
import type {
  DigitalInput,
  DigitalOutput,
  GpioBackend,
  HalResult,
  LineAddress,
  OnLoss,
} from './ports.ts';
import { done, failed } from './ports.ts';
import { WatchedInput } from './watched-input.ts';

export interface CdevOptions {
  readonly clock: Clock;
  /** Replace the system calls in tests. */
  readonly libc?: Pick<Libc, 'ioctl'>;
  readonly watch?: WatchReadable;
  /** Where the chips are, default `/dev`; elsewhere in tests. */
  readonly devDirectory?: string;
  /** Keeps outputs when this process ends; null or absent: nobody does. */
  readonly keeper?: LineKeeper | null;
  /** Hears of trouble that does not keep a line from working. */
  readonly notice?: GpioNoticeListener;
  /** The kernel's CLOCK_MONOTONIC, that stamps its edges; replaced in tests. */
  readonly kernelNs?: () => bigint;
}

/** Error `other` where the packages for system calls do not load on this machine. */
export async function openCdevBackend(options: CdevOptions): Promise<HalResult<GpioBackend>> {
  const libc = options.libc === undefined ? await loadLibc() : done(options.libc);
  if (!libc.ok) return libc;
  const watch = options.watch === undefined ? await loadWatchReadable() : done(options.watch);
  if (!watch.ok) return watch;
  return done(new CdevBackend(options, new CdevCalls(libc.value), watch.value));
}

interface OpenLine {
  readonly name: string;
  close(): void;
}

class CdevBackend implements GpioBackend {
  readonly kind = 'cdev';
  readonly #clock: Clock;
  readonly #devDirectory: string;
  readonly #calls: CdevCalls;
  readonly #watch: WatchReadable;
  readonly #lines: CdevLines;
  readonly #keeping: Keeping;
  readonly #stampMs: (timestampNs: bigint) => number;
  readonly #open = new Map<string, OpenLine>();

  constructor(options: CdevOptions, calls: CdevCalls, watch: WatchReadable) {
    const { clock, kernelNs = () => process.hrtime.bigint() } = options;
    this.#keeping = {
      keeper: options.keeper ?? null,
      notice: options.notice ?? (() => undefined),
    };
    this.#clock = clock;
    this.#devDirectory = options.devDirectory ?? '/dev';
    this.#calls = calls;
    this.#watch = watch;
    this.#lines = new CdevLines(calls, this.#keeping);
    const [baseNs, baseMs] = [kernelNs(), clock.monotonicMs()];
    this.#stampMs = (timestampNs) => baseMs + Number(timestampNs - baseNs) / 1e6;
  }

  openOutput(
    name: string,
    at: LineAddress,
    initialActive: boolean,
    onLoss: OnLoss = 'keep',
  ): HalResult<DigitalOutput> {
    const located = this.#locate(name, at);
    if (!located.ok) return located;
    const { key } = located.value;
    const holder = this.#open.get(key);
    if (holder !== undefined) return inUse(name, at, holder);
    // A line whose chip was gone is handed over again as it was told last.
    let set = levelOnLoss(at, onLoss);
    const raw = new CdevOutput({
      calls: this.#calls,
      where: whereText(name, at),
      acquire: (high) => {
        const found = this.#locate(name, at);
        if (!found.ok) return found;
        return this.#lines.output({ ...found.value, name, at, set }, high);
      },
      released: (descriptor) => {
        this.#open.delete(key);
        if (descriptor !== null) this.#lines.park(key, descriptor);
      },
    });
    const high = initialActive !== at.activeLow;
    const opened = raw.open(high);
    if (!opened.ok) return opened;
    const intend = intention(this.#keeping, key, onLoss, (level) => {
      set = level;
    });
    const output = new CommandedOutput(name, at, raw, high, intend);
    this.#open.set(key, output);
    return done(output);
  }

  openInput(name: string, at: LineAddress, debounceMs: number): HalResult<DigitalInput> {
    const located = this.#locate(name, at);
    if (!located.ok) return located;
    const { key } = located.value;
    const holder = this.#open.get(key);
    if (holder !== undefined) return inUse(name, at, holder);
    const raw = new CdevInput({
      calls: this.#calls,
      clock: this.#clock,
      watch: this.#watch,
      where: whereText(name, at),
      stampMs: this.#stampMs,
      acquire: () => {
        const found = this.#locate(name, at);
        if (!found.ok) return found;
        return this.#lines.input({ ...found.value, name, at });
      },
      setEdges: (descriptor, edges) => this.#lines.setEdges({ name, at }, descriptor, edges),
      released: () => this.#open.delete(key),
    });
    const level = raw.open();
    if (!level.ok) return level;
    const options = { clock: this.#clock, debounceMs, activeLow: at.activeLow };
    const input = new WatchedInput(name, options, raw, level.value);
    const started = raw.start(input);
    if (!started.ok) return started;
    this.#open.set(key, input);
    return done(input);
  }

  close(): void {
    for (const line of [...this.#open.values()]) line.close();
    this.#lines.close();
  }

  #locate(name: string, at: LineAddress): HalResult<FoundLine> {
    const found = findLine(this.#calls, this.#devDirectory, at);
    if (found.ok) return found;
    const { kind, message, cause } = found.error;
    return failed(kind, `${name}: ${message}`, cause);
  }
}

function inUse(name: string, at: LineAddress, holder: OpenLine): HalResult<never> {
  return failed('busy', `${whereText(name, at)}: already in use as "${holder.name}"`);
}
