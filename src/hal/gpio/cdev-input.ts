/**
 * An input of the character device: edges with the kernel's time stamps. Sampled instead where the
 * line has no interrupt or storms, and requested anew where its chip went away and came back.
 */
import type { Cancel, Clock } from '../../domain/ports.ts';
import type { Watch, WatchReadable } from '../native/readable.ts';
import { messageOf } from '../os-errors.ts';
import type { HalResult } from '../ports.ts';
import { done, failed, HalError } from '../ports.ts';
import type { RawInput, WatchedInput } from '../watched-input.ts';
import type { CdevCalls } from './cdev-calls.ts';
import { cdevFailure } from './cdev-errors.ts';
import { SAMPLE_MS, STORM_EDGES_PER_SECOND, StormGuard } from './storm-guard.ts';
import { decodeLineEvents, LINE_EVENT_BYTES } from './uapi-events.ts';

/** A requested line. */
export interface InputLine {
  readonly descriptor: number;
  /** False where the chip has no interrupt for it. */
  readonly edges: boolean;
}

export interface CdevInputOptions {
  readonly calls: CdevCalls;
  readonly clock: Clock;
  readonly watch: WatchReadable;
  /** `reset-button (GPIO chip "pinctrl-bcm2711", line 5)`. */
  readonly where: string;
  /** The kernel's time in the clock's. */
  readonly stampMs: (timestampNs: bigint) => number;
  /** Requests the line; again after its chip was gone. */
  readonly acquire: () => HalResult<InputLine>;
  /** Switches the events of a requested line on or off. */
  readonly setEdges: (descriptor: number, edges: boolean) => HalResult;
  readonly released: () => void;
}

const EVENTS_PER_READ = 64;
/** Of one turn; what is left is announced again at once, after everybody else's turn. */
const READS_PER_TURN = 4;
const REOPEN_MS = 1000;

const STORM_TEXT =
  `chatters: more than ${STORM_EDGES_PER_SECOND} edges in a second; its last settled level ` +
  'stands until it is calm; check the contact and its wiring: an open line needs a pull ' +
  'resistor, a long one a filter';

export class CdevInput implements RawInput {
  readonly #options: CdevInputOptions;
  readonly #events = Buffer.alloc(EVENTS_PER_READ * LINE_EVENT_BYTES);
  readonly #storm = new StormGuard();
  #input: WatchedInput | null = null;
  #line: InputLine | null = null;
  #watching: Watch | null = null;
  #timer: Cancel | null = null;
  #sampled: boolean | null = null;
  /** Number of the last event; null while any may come. */
  #sequence: number | null = null;
  #closed = false;

  constructor(options: CdevInputOptions) {
    this.#options = options;
  }

  /** Requests the line. @returns its level */
  open(): HalResult<boolean> {
    const acquired = this.#options.acquire();
    if (!acquired.ok) return acquired;
    this.#line = acquired.value;
    const level = this.read();
    if (!level.ok) this.release();
    return level;
  }

  /** Begins to report to `input`. */
  start(input: WatchedInput): HalResult {
    this.#input = input;
    const started = this.#listen();
    if (!started.ok) this.release();
    return started;
  }

  read(): HalResult<boolean> {
    const { calls, where } = this.#options;
    if (this.#line === null) {
      return failed('absent', `${where}: the line was lost; it is asked for again each second`);
    }
    const level = calls.level(this.#line.descriptor);
    return level.ok ? done(level.value) : cdevFailure(where, 'reading', level.code);
  }

  drain(): void {
    if (this.#watching !== null) this.#take();
  }

  release(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#letGo();
    this.#options.released();
  }

  #listen(): HalResult {
    const { watch, where, calls } = this.#options;
    const line = this.#line;
    if (line === null) return failed('absent', `${where}: the line was lost`);
    if (!line.edges) {
      this.#sampleSoon(() => this.#sample());
      return done(undefined);
    }
    const quick = calls.neverBlock(line.descriptor);
    if (!quick.ok) return cdevFailure(where, 'setting up', quick.code);
    const watching = watch(
      line.descriptor,
      () => this.#take(),
      (error) =>
        this.#lose(new HalError('other', `${where}: watching failed: ${messageOf(error)}`)),
    );
    if (!watching.ok) return watching;
    this.#watching = watching.value;
    this.#sequence = null;
    return done(undefined);
  }

  /** Takes what the kernel has, without waiting for more. */
  #take(): void {
    for (let reads = 0; reads < READS_PER_TURN && this.#line !== null; reads++) {
      const read = this.#options.calls.read(this.#line.descriptor, this.#events);
      if (!read.ok) {
        if (read.code === 'EAGAIN' || read.code === 'EINTR') return;
        this.#fail('reading edges', read.code);
        return;
      }
      this.#handle(this.#events.subarray(0, read.value));
      if (read.value < this.#events.length) return;
    }
  }

  #handle(bytes: Buffer): void {
    const { clock, stampMs } = this.#options;
    const events = decodeLineEvents(bytes);
    // Edges that were still waiting when the sampling began are older than the samples.
    if (this.#timer !== null) return;
    for (const { rising, sequence, timestampNs } of events) {
      const gap = this.#sequence !== null && sequence !== (this.#sequence + 1) >>> 0;
      this.#sequence = sequence;
      // After a gap nothing is known about how long the level before had held. The edges before
      // it are lost and the newest never is, so the level stays right.
      if (rising !== null) this.#input?.moved(rising, gap ? undefined : stampMs(timestampNs));
      if (this.#closed) return;
    }
    if (this.#storm.tooMany(events.length, clock.monotonicMs())) this.#shelter();
  }

  /** A change that had no edge is taken in. */
  #compare(): void {
    const high = this.#look();
    if (high !== null) this.#input?.sampled(high);
  }

  /** The level; null when it cannot be read: then the line is lost. */
  #look(): boolean | null {
    const level = this.read();
    if (level.ok) return level.value;
    this.#lose(level.error);
    return null;
  }

  /** Too many edges: no more of them until the line is calm. */
  #shelter(): void {
    const { where, clock } = this.#options;
    const isNews = this.#storm.isNews(clock.monotonicMs());
    if (!this.#switchEdges(false)) return;
    this.#sampled = null;
    this.#sampleSoon(() => this.#sampleStorm());
    this.#input?.hold();
    if (isNews) this.#input?.trouble(new HalError('other', `${where} ${STORM_TEXT}`));
  }

  #sampleStorm(): void {
    const level = this.#look();
    if (level === null) return;
    const moved = level !== this.#sampled;
    this.#sampled = level;
    if (!this.#storm.isCalm(moved, this.#options.clock.monotonicMs())) {
      this.#sampleSoon(() => this.#sampleStorm());
      return;
    }
    // What still waits from before the sampling is of no use.
    this.#take();
    if (this.#line === null) return;
    this.#timer = null;
    this.#sequence = null;
    if (!this.#switchEdges(true)) return;
    const high = this.#look();
    if (high !== null) this.#input?.resume(high);
  }

  #sample(): void {
    this.#compare();
    if (!this.#closed && this.#line !== null) this.#sampleSoon(() => this.#sample());
  }

  #sampleSoon(run: () => void): void {
    this.#timer = this.#options.clock.after(SAMPLE_MS, run);
  }

  #switchEdges(edges: boolean): boolean {
    if (this.#line === null) return false;
    const switched = this.#options.setEdges(this.#line.descriptor, edges);
    if (!switched.ok) this.#lose(switched.error);
    return switched.ok;
  }

  #fail(doing: string, code: string): void {
    const { error } = cdevFailure(this.#options.where, doing, code);
    this.#lose(error);
  }

  /** The line is of no use any longer: told once, and asked for again until it is back. */
  #lose(error: HalError): void {
    if (this.#closed || this.#line === null) return;
    this.#letGo();
    this.#timer = this.#options.clock.after(REOPEN_MS, () => this.#reopen());
    this.#input?.hold();
    this.#input?.trouble(error);
  }

  #reopen(): void {
    this.#timer = null;
    const acquired = this.#options.acquire();
    if (acquired.ok) {
      this.#line = acquired.value;
      const level = this.read();
      if (level.ok && this.#listen().ok) {
        this.#input?.resume(level.value);
        return;
      }
      this.#letGo();
    }
    this.#timer = this.#options.clock.after(REOPEN_MS, () => this.#reopen());
  }

  #letGo(): void {
    this.#timer?.();
    this.#timer = null;
    this.#watching?.close();
    this.#watching = null;
    if (this.#line !== null) this.#options.calls.close(this.#line.descriptor);
    this.#line = null;
  }
}
