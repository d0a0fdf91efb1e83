/**
 * Lines that are asked for until they open: what is busy, unplugged or forbidden at the start works
 * as soon as that ends, without a restart. A line that is gone later (`absent`: its chip was
 * unplugged, another program gave it back to the kernel) is opened anew, too.
 */
import type { Clock, Random } from '../../domain/ports.ts';
import { Backoff } from '../backoff.ts';
import type { DigitalInput, DigitalOutput, HalError, HalResult } from '../ports.ts';
import { done, failed } from '../ports.ts';

export interface PatientTools {
  readonly clock: Clock;
  readonly random: Random;
}

/** Asking takes a few system calls, in the step. */
const RETRY = { firstMs: 1000, longestMs: 5000 };

class Opening<T extends { close(): void }> {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  #line: T | null = null;
  #why: HalError | null = null;
  #retryAtMs = -Infinity;
  #closed = false;

  constructor(name: string, { clock, random }: PatientTools) {
    this.#name = name;
    this.#clock = clock;
    this.#backoff = new Backoff(RETRY, random);
  }

  get line(): T | null {
    return this.#line;
  }

  /** Why the line is not open; null while it is. */
  get trouble(): HalError | null {
    return this.#why;
  }

  /** The line, opened by `open` where that is due; else why it is not open. */
  ready(open: () => HalResult<T>): HalResult<T> {
    if (this.#line !== null) return done(this.#line);
    if (this.#closed) return failed('other', `${this.#name} is closed`);
    if (this.#why !== null && this.#clock.monotonicMs() < this.#retryAtMs) {
      return { ok: false, error: this.#why };
    }
    const opened = open();
    if (opened.ok) {
      this.#line = opened.value;
      this.#why = null;
      this.#backoff.reset();
    } else this.#wait(opened.error);
    return opened;
  }

  /** A line that is gone is given up; any other trouble may pass by itself. */
  judge(result: HalResult<unknown>): void {
    if (result.ok || result.error.kind !== 'absent' || this.#line === null) return;
    this.#line.close();
    this.#line = null;
    this.#wait(result.error);
  }

  close(): void {
    this.#closed = true;
    this.#line?.close();
    this.#line = null;
  }

  #wait(error: HalError): void {
    this.#why = error;
    this.#retryAtMs = this.#clock.monotonicMs() + this.#backoff.nextMs();
  }
}

export class PatientOutput implements DigitalOutput {
  readonly name: string;
  readonly #opening: Opening<DigitalOutput>;
  readonly #open: (initialActive: boolean) => HalResult<DigitalOutput>;
  #intended: boolean | null = null;

  /** Asks for the line at once, and with later writes while it is not open. */
  constructor(
    name: string,
    tools: PatientTools,
    initialActive: boolean,
    open: (initialActive: boolean) => HalResult<DigitalOutput>,
  ) {
    this.name = name;
    this.#opening = new Opening(name, tools);
    this.#open = open;
    this.#opening.ready(() => open(initialActive));
  }

  /** Why the line is not open; null while it is. */
  get trouble(): HalError | null {
    return this.#opening.trouble;
  }

  /** Errors: as of the line itself, or why it does not open. */
  write(active: boolean): HalResult {
    const line = this.#opening.ready(() => this.#openAgain(active));
    if (!line.ok) return line;
    const written = line.value.write(active);
    this.#opening.judge(written);
    return written;
  }

  intend(active: boolean): void {
    this.#intended = active;
    this.#opening.line?.intend?.(active);
  }

  close(): void {
    this.#opening.close();
  }

  /** Whoever keeps the line is told again what it is to show on loss. */
  #openAgain(active: boolean): HalResult<DigitalOutput> {
    const opened = this.#open(active);
    if (opened.ok && this.#intended !== null) opened.value.intend?.(this.#intended);
    return opened;
  }
}

export class PatientInput implements DigitalInput {
  readonly name: string;
  readonly #clock: Clock;
  readonly #opening: Opening<DigitalInput>;
  readonly #open: () => HalResult<DigitalInput>;
  /** As last told; a line that was never open counts as inactive. */
  #active = false;
  #change: ((active: boolean, edgeAtMs: number) => void) | null = null;
  #error: ((error: HalError) => void) | null = null;

  /** Asks for the line at once, and with later readings while it is not open. */
  constructor(name: string, tools: PatientTools, open: () => HalResult<DigitalInput>) {
    this.name = name;
    this.#clock = tools.clock;
    this.#opening = new Opening(name, tools);
    this.#open = open;
    this.#ready();
  }

  /** Errors: as of the line itself, or why it does not open. */
  read(): HalResult<boolean> {
    const line = this.#ready();
    if (!line.ok) return line;
    const level = line.value.read();
    this.#opening.judge(level);
    return level;
  }

  get isRestless(): boolean {
    return this.#opening.line?.isRestless ?? false;
  }

  /** Also told when the line comes to work, or comes back, at another level than the last told. */
  onChange(listener: (active: boolean, edgeAtMs: number) => void): void {
    this.#change = listener;
  }

  onError(listener: (error: HalError) => void): void {
    this.#error = listener;
  }

  close(): void {
    this.#opening.close();
  }

  #ready(): HalResult<DigitalInput> {
    const isNew = this.#opening.line === null;
    const line = this.#opening.ready(this.#open);
    if (isNew && line.ok) this.#follow(line.value);
    return line;
  }

  #follow(line: DigitalInput): void {
    line.onChange((active, edgeAtMs) => this.#tell(active, edgeAtMs));
    line.onError((error) => this.#error?.(error));
    const level = line.read();
    if (level.ok) this.#tell(level.value, this.#clock.monotonicMs());
  }

  #tell(active: boolean, edgeAtMs: number): void {
    if (active === this.#active) return;
    this.#active = active;
    this.#change?.(active, edgeAtMs);
  }
}
