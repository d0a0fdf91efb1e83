/**
 * The kernel's GPIO character device as a model: chips are files, requested lines are descriptors of
 * pipes that carry the events. Who holds a line is read from this process's open descriptors, so a
 * duplicate holds it too and a forgotten one shows. Only electricity is missing.
 */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Clock } from '../../src/domain/ports.ts';
import {
  decodeLineValue,
  encodeLineEvent,
  encodeLineValue,
} from '../../src/hal/gpio/uapi-events.ts';
import type { LineSettings } from '../../src/hal/gpio/uapi.ts';
import {
  decodeLineConfig,
  decodeLineInfo,
  decodeLineRequest,
  encodeChipInfo,
  encodeLineInfo,
  GPIO,
  writeRequestedDescriptor,
} from '../../src/hal/gpio/uapi.ts';
import type { Libc, SystemResult } from '../../src/hal/native/libc.ts';
import type { WatchReadable } from '../../src/hal/native/readable.ts';
import { done } from '../../src/hal/ports.ts';
import type { CdevFault, ModelChip, ModelLine, Watcher } from './cdev-model-parts.ts';
import { AS_INPUT, newLine, OK, openPaths, refused } from './cdev-model-parts.ts';

const { O_NONBLOCK, O_RDWR, O_WRONLY } = constants;

const FIONBIO = 0x5421;
/** The kernel's clock does not start when the process does. */
const KERNEL_STARTED_MS = 7_654_321;

export class CdevModel {
  readonly devDirectory = mkdtempSync(join(tmpdir(), 'cdev-model-'));
  /** Delivers edges at once; false keeps them in the pipe until `deliver`. */
  isListening = true;
  /** The interface is older than version 2. */
  isOld = false;
  readonly #clock: Clock;
  readonly #pipes = join(this.devDirectory, 'pipes');
  readonly #chips = new Map<string, ModelChip>();
  readonly #watchers = new Map<string, Watcher>();
  readonly #gone = new Set<string>();
  readonly #neverBlocking = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
    mkdirSync(this.#pipes);
  }

  readonly kernelNs = (): bigint =>
    BigInt(Math.round((this.#clock.monotonicMs() + KERNEL_STARTED_MS) * 1e6));

  addChip(number: number, label: string, lines: number, names: Record<number, string> = {}): void {
    const name = `gpiochip${number}`;
    writeFileSync(join(this.devDirectory, name), '');
    const line = (_: unknown, offset: number): ModelLine => newLine(offset, names[offset] ?? '');
    this.#chips.set(name, { name, label, lines: Array.from({ length: lines }, line) });
  }

  /** A second path to a chip, as Raspberry Pi OS makes one. */
  addLink(number: number, to: number): void {
    symlinkSync(`gpiochip${to}`, join(this.devDirectory, `gpiochip${number}`));
  }

  setFault(label: string, offset: number, fault: CdevFault | null): void {
    this.#line(label, offset).fault = fault;
  }

  /** Another process takes the line, or with null gives it back. */
  holdElsewhere(label: string, offset: number, consumer: string | null): void {
    this.#line(label, offset).heldBy = consumer;
  }

  /** Unplugs the chip, or plugs it in again: then its lines are free and have lost their levels. */
  setGone(label: string, gone: boolean): void {
    const chip = this.#chip(label);
    if (!gone) {
      this.#gone.delete(chip.name);
      return;
    }
    this.#gone.add(chip.name);
    for (const line of chip.lines) {
      const { path } = line;
      line.path = null;
      line.settings = AS_INPUT;
      if (path !== null) this.#watchers.get(path)?.trouble(new Error('no such device'));
    }
  }

  /** Electrical level; a line that nobody holds falls back to what is outside: low. */
  level(label: string, offset: number): boolean {
    const line = this.#line(label, offset);
    if (line.settings.direction === 'out' && !this.isHeld(label, offset)) line.high = false;
    return line.high && line.fault !== 'shortedLow';
  }

  /** Whether any descriptor of this process, or another process, holds the line. */
  isHeld(label: string, offset: number): boolean {
    const line = this.#line(label, offset);
    return line.heldBy !== null || (line.path !== null && openPaths().includes(line.path));
  }

  isNonBlocking(label: string, offset: number): boolean {
    return this.#neverBlocking.has(this.#line(label, offset).path ?? '');
  }

  settings(label: string, offset: number): LineSettings {
    return this.#line(label, offset).settings;
  }

  consumer(label: string, offset: number): string {
    return this.#line(label, offset).consumer;
  }

  /** Levels that an output has had since it was requested. */
  history(label: string, offset: number): readonly boolean[] {
    return this.#line(label, offset).history;
  }

  /** Moves a line from outside; @param lost the event, as in a full buffer. */
  setLevel(label: string, offset: number, high: boolean, lost = false): void {
    const line = this.#line(label, offset);
    if (line.high === high) return;
    line.high = high;
    if (line.path === null || !line.settings.edges) return;
    line.sequence += 1;
    if (lost) return;
    const { path, sequence } = line;
    const event = { timestampNs: this.kernelNs(), rising: high, offset, sequence };
    const writer = openSync(path, O_WRONLY | O_NONBLOCK);
    writeSync(writer, encodeLineEvent(event));
    closeSync(writer);
    if (this.isListening) this.#watchers.get(path)?.ready();
  }

  /** Announces what waits in a line's pipe. */
  deliver(label: string, offset: number): void {
    this.#watchers.get(this.#line(label, offset).path ?? '')?.ready();
  }

  readonly watch: WatchReadable = (fd, ready, trouble) => {
    const path = readlinkSync(`/proc/self/fd/${fd}`);
    this.#watchers.set(path, { ready, trouble });
    return done({ close: () => void this.#watchers.delete(path) });
  };

  readonly libc: Pick<Libc, 'ioctl'> = {
    ioctl: (fd, request, argument) => {
      const bytes = Buffer.from(argument.buffer, argument.byteOffset, argument.byteLength);
      return this.#ioctl(fd, request, bytes);
    },
  };

  remove(): void {
    rmSync(this.devDirectory, { recursive: true, force: true });
  }

  #ioctl(fd: number, request: number, bytes: Buffer): SystemResult {
    const path = readlinkSync(`/proc/self/fd/${fd}`);
    const chip = this.#chips.get(basename(path));
    if (chip !== undefined) return this.#askChip(chip, request, bytes);
    const line = [...this.#chips.values()]
      .filter(({ name }) => !this.#gone.has(name))
      .flatMap(({ lines }) => lines)
      .find((one) => one.path === path);
    if (line === undefined) return refused(path.startsWith(this.#pipes) ? 'ENODEV' : 'ENOTTY');
    return this.#askLine(line, path, request, bytes);
  }

  #askChip(chip: ModelChip, request: number, bytes: Buffer): SystemResult {
    if (this.#gone.has(chip.name)) return refused('ENODEV');
    if (request === GPIO.chipInfo) {
      const { name, label, lines } = chip;
      encodeChipInfo({ name, label, lines: lines.length }).copy(bytes);
      return OK;
    }
    if (this.isOld) return refused('EINVAL');
    if (request === GPIO.lineInfo) return this.#lineInfo(chip, bytes);
    if (request === GPIO.lineRequest) return this.#request(chip, bytes);
    return refused('ENOTTY');
  }

  #lineInfo(chip: ModelChip, bytes: Buffer): SystemResult {
    const line = chip.lines[decodeLineInfo(bytes).offset];
    if (line === undefined) return refused('EINVAL');
    const { offset, name, settings, fault, heldBy } = line;
    const used = this.isHeld(chip.label, offset);
    encodeLineInfo({
      ...{ offset, name, used, activeLow: false, debounceUs: settings.debounceUs },
      consumer: used ? (heldBy ?? line.consumer) : '',
      direction: fault === 'directionIgnored' ? 'in' : settings.direction,
      bias: fault === 'biasIgnored' ? 'asIs' : settings.bias,
      edges: settings.edges,
    }).copy(bytes);
    return OK;
  }

  #request(chip: ModelChip, bytes: Buffer): SystemResult {
    const { offset, consumer, settings } = decodeLineRequest(bytes);
    const line = chip.lines[offset];
    if (line === undefined) return refused('EINVAL');
    if (line.fault === 'forbidden') return refused('EPERM');
    if (this.isHeld(chip.label, offset)) return refused('EBUSY');
    if (settings.edges && line.fault === 'noEdges') return refused('ENXIO');
    line.path = join(this.#pipes, `${chip.name}-${offset}-${this.#pipesMade()}`);
    execFileSync('mkfifo', [line.path]);
    line.consumer = consumer;
    line.sequence = 0;
    line.history.length = 0;
    this.#configure(line, settings);
    writeRequestedDescriptor(bytes, openSync(line.path, O_RDWR | O_NONBLOCK));
    return OK;
  }

  #askLine(line: ModelLine, path: string, request: number, bytes: Buffer): SystemResult {
    switch (request) {
      case GPIO.getValues:
        if (line.fault === 'readFails') return refused('EIO');
        encodeLineValue(line.high && line.fault !== 'shortedLow').copy(bytes);
        return OK;
      case GPIO.setValues:
        if (line.settings.direction !== 'out') return refused('EPERM');
        if (line.fault === 'writeFails') return refused('EIO');
        this.#set(line, decodeLineValue(bytes));
        return OK;
      case GPIO.setConfig:
        this.#configure(line, decodeLineConfig(bytes));
        return OK;
      case FIONBIO:
        this.#neverBlocking.add(path);
        return OK;
      default:
        return refused('ENOTTY');
    }
  }

  #configure(line: ModelLine, settings: LineSettings): void {
    line.settings = settings;
    if (settings.direction === 'out') this.#set(line, settings.high ?? false);
  }

  #set(line: ModelLine, high: boolean): void {
    line.high = high;
    line.history.push(high);
  }

  #pipesMade(): number {
    return readdirSync(this.#pipes).length;
  }

  #chip(label: string): ModelChip {
    const found = [...this.#chips.values()].find((chip) => chip.label === label);
    if (found === undefined) throw new Error(`the model has no chip "${label}"`);
    return found;
  }

  #line(label: string, offset: number): ModelLine {
    const line = this.#chip(label).lines[offset];
    if (line === undefined) throw new Error(`the model has no line ${offset} on "${label}"`);
    return line;
  }
}
