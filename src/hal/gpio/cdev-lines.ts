/**
 * Requests lines of the character device and checks what the kernel made of them. An output is
 * looked for where it may still be held: parked after a closing, or with the keeper after the end
 * of an earlier process. Used again it moves only if its level has to change.
 */
import type { HalResult, LineAddress } from '../ports.ts';
import { DONE, done, failed } from '../ports.ts';
import type { CdevCalls } from './cdev-calls.ts';
import { busyFailure, cdevFailure, CONSUMER_PREFIX, infoFailure } from './cdev-errors.ts';
import type { InputLine } from './cdev-input.ts';
import type { CdevChip } from './chips.ts';
import { onChip } from './chips.ts';
import type { Keeping } from './kept-line.ts';
import { describesLine, noteKeeper } from './kept-line.ts';
import { levelText, whereText } from './line-text.ts';
import type { GpioNotice } from './notice.ts';
import type { LineInfo, LineSettings } from './uapi.ts';

export interface WantedLine {
  readonly name: string;
  readonly at: LineAddress;
  readonly chip: CdevChip;
  readonly offset: number;
  readonly key: string;
}

export interface WantedOutput extends WantedLine {
  /** Electrical level that a keeper sets on loss; null: the one it has then. */
  readonly set: boolean | null;
}

/** Edges that may wait while this process is busy; a contact that bounces makes a few dozen. */
const EVENT_BUFFER = 128;

/** Of a request for edges: not about edges. */
const NOT_FOR_EDGES = new Set(['EBUSY', 'EPERM', 'EACCES', 'EMFILE', 'ENFILE', 'ENOMEM']);

export class CdevLines {
  readonly #calls: CdevCalls;
  readonly #keeping: Keeping;
  /** Outputs that were closed and are still requested, so that they do not move. */
  readonly #parked = new Map<string, number>();
  /** What has been told of the chips: a line that comes back is no news. */
  readonly #told = new Set<string>();

  constructor(calls: CdevCalls, keeping: Keeping) {
    this.#calls = calls;
    this.#keeping = keeping;
  }

  /** A requested output at the level `high`, verified and kept. @returns its descriptor */
  output(wanted: WantedOutput, high: boolean): HalResult<number> {
    return onChip(this.#calls, wanted.chip.path, (chip) => {
      const settings = outputSettings(wanted.at, high);
      const held = this.#heldOutput(chip, wanted, settings);
      const line = held === null ? this.#request(chip, wanted, settings) : done(held);
      if (!line.ok) return line;
      const verified = this.#verifyOutput(chip, line.value, wanted, high);
      if (!verified.ok) {
        this.#drop(wanted);
        this.#calls.close(line.value);
        return verified;
      }
      const { keeper } = this.#keeping;
      if (keeper !== null) {
        const kept = keeper.keep(wanted.key, line.value, { set: wanted.set });
        noteKeeper(this.#keeping, wanted.name, wanted.at, kept);
      }
      return line;
    });
  }

  /** A requested input, with edges where its chip has them. */
  input(wanted: WantedLine): HalResult<InputLine> {
    this.#forget(wanted);
    return onChip(this.#calls, wanted.chip.path, (chip) => {
      const settings = inputSettings(wanted.at, true);
      const asked = this.#ask(chip, wanted, settings);
      let line: HalResult<InputLine>;
      if (asked.ok) line = done({ descriptor: asked.value, edges: true });
      else if (NOT_FOR_EDGES.has(asked.code)) line = this.#refusal(chip, wanted, asked.code);
      else line = this.#withoutEdges(chip, wanted, asked.code);
      if (!line.ok) return line;
      const info = this.#info(chip, wanted);
      if (info.ok && info.value.direction === 'in') {
        this.#checkBias(wanted, info.value);
        return line;
      }
      this.#calls.close(line.value.descriptor);
      return info.ok ? wrongDirection(wanted, 'in', info.value) : info;
    });
  }

  setEdges(
    { name, at }: Pick<WantedLine, 'name' | 'at'>,
    descriptor: number,
    edges: boolean,
  ): HalResult {
    const set = this.#calls.configure(descriptor, inputSettings(at, edges));
    return set.ok ? DONE : cdevFailure(whereText(name, at), 'setting up edges', set.code);
  }

  /** Takes an output over that was closed: it stays requested until `close`. */
  park(key: string, descriptor: number): void {
    this.#parked.set(key, descriptor);
  }

  close(): void {
    for (const descriptor of this.#parked.values()) this.#calls.close(descriptor);
    this.#parked.clear();
  }

  /** An output of this line that is still held, at its new level; null: none that obeys. */
  #heldOutput(chip: number, wanted: WantedOutput, settings: LineSettings): number | null {
    const parked = this.#parked.get(wanted.key) ?? null;
    this.#parked.delete(wanted.key);
    const descriptor = parked ?? this.#kept(wanted);
    if (descriptor === null) return null;
    const info = this.#calls.lineInfo(chip, wanted.offset);
    const fits =
      describesLine(descriptor, wanted.chip.name, wanted.offset) &&
      info.ok &&
      info.value.consumer.startsWith(CONSUMER_PREFIX) &&
      info.value.direction === 'out' &&
      this.#calls.level(descriptor).ok;
    if (fits && this.#calls.configure(descriptor, settings).ok) return descriptor;
    this.#drop(wanted);
    this.#calls.close(descriptor);
    return null;
  }

  /** A keeper that is away is told of when a line is handed to it; not at each attempt to open. */
  #kept({ key }: WantedLine): number | null {
    const taken = this.#keeping.keeper?.take(key);
    return taken?.ok === true ? taken.value : null;
  }

  /** One that is away releases it when it is back: it is not handed over again. */
  #drop({ key }: WantedLine): void {
    this.#keeping.keeper?.drop(key);
  }

  /** A line that is to be an input must not be held as an output any longer. */
  #forget(wanted: WantedLine): void {
    const parked = this.#parked.get(wanted.key);
    this.#parked.delete(wanted.key);
    const kept = this.#kept(wanted);
    // Even where the keeper is away: it must not be handed a descriptor that is closed.
    if (typeof parked === 'number' || kept !== null) this.#drop(wanted);
    for (const descriptor of [parked, kept]) {
      if (typeof descriptor === 'number') this.#calls.close(descriptor);
    }
  }

  #ask(chip: number, { name, offset }: WantedLine, settings: LineSettings) {
    const consumer = `${CONSUMER_PREFIX}${name}`;
    const eventBuffer = settings.edges ? EVENT_BUFFER : 0;
    return this.#calls.request(chip, { offset, consumer, settings, eventBuffer });
  }

  #request(chip: number, wanted: WantedLine, settings: LineSettings): HalResult<number> {
    const asked = this.#ask(chip, wanted, settings);
    return asked.ok ? done(asked.value) : this.#refusal(chip, wanted, asked.code);
  }

  #withoutEdges(chip: number, wanted: WantedLine, code: string): HalResult<InputLine> {
    const line = this.#request(chip, wanted, inputSettings(wanted.at, false));
    if (!line.ok) return line;
    const { name, at } = wanted;
    const detail =
      `${whereText(name, at)}: its chip gives no edges (${code}): it is looked at each 50 ms, ` +
      'and shorter pulses are lost; use a line with an interrupt for buttons';
    this.#tell({ kind: 'edges', name, detail });
    return done({ descriptor: line.value, edges: false });
  }

  #refusal(chip: number, wanted: WantedLine, code: string): HalResult<never> {
    const where = whereText(wanted.name, wanted.at);
    const info = this.#calls.lineInfo(chip, wanted.offset);
    if (code === 'EBUSY') return busyFailure(where, info.ok ? info.value : null, wanted.chip.name);
    // A kernel that does not know this call either is too old; one that does refused the request.
    return info.ok ? cdevFailure(where, 'requesting', code) : infoFailure(where, info.code);
  }

  #info(chip: number, { name, at, offset }: WantedLine): HalResult<LineInfo> {
    const info = this.#calls.lineInfo(chip, offset);
    return info.ok ? done(info.value) : infoFailure(whereText(name, at), info.code);
  }

  #verifyOutput(chip: number, descriptor: number, wanted: WantedOutput, high: boolean): HalResult {
    const where = whereText(wanted.name, wanted.at);
    const info = this.#info(chip, wanted);
    if (!info.ok) return info;
    if (info.value.direction !== 'out') return wrongDirection(wanted, 'out', info.value);
    const level = this.#calls.level(descriptor);
    if (!level.ok) return cdevFailure(where, 'reading back', level.code);
    if (level.value !== high) {
      return failed(
        'other',
        `${where}: reads ${levelText(level.value)} after ${levelText(high)} was set: it may be ` +
          'shorted, driven from outside, or a pin that is an input only',
      );
    }
    this.#checkBias(wanted, info.value);
    return DONE;
  }

  #checkBias({ name, at }: WantedLine, info: LineInfo): void {
    const { bias = 'asIs' } = at;
    if (bias === 'asIs' || bias === info.bias) return;
    const detail =
      `${whereText(name, at)}: the chip shows bias "${info.bias}" after "${bias}" was asked for: ` +
      'it has no such resistor; wire one';
    this.#tell({ kind: 'bias', name, detail });
  }

  #tell(notice: GpioNotice): void {
    if (this.#told.has(notice.detail)) return;
    this.#told.add(notice.detail);
    this.#keeping.notice(notice);
  }
}

function outputSettings({ bias = 'asIs' }: LineAddress, high: boolean): LineSettings {
  return { direction: 'out', bias, edges: false, high, debounceUs: null };
}

function inputSettings({ bias = 'asIs' }: LineAddress, edges: boolean): LineSettings {
  return { direction: 'in', bias, edges, high: null, debounceUs: null };
}

function wrongDirection(
  { name, at }: WantedLine,
  asked: 'in' | 'out',
  found: LineInfo,
): HalResult<never> {
  return failed(
    'other',
    `${whereText(name, at)}: is "${found.direction}" after "${asked}" was asked for: the line ` +
      'does not obey; its pin may serve another function (pinmux, overlay)',
  );
}
