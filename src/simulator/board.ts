/**
 * A sensor board that speaks the line protocol, version 3: time and bytes in, bytes out.
 *
 *   off ── linkUp ──► quiet ── PERIOD_ON, REQUEST1 ──► frame on the wire ──► pause ──► readings ─┐
 *                      ▲ │                                                                      │
 *                      │ └── EEPROM1, after a while ──► EEPROM on the wire ─┐                    │
 *                      └────────────────────────────────────────────────────┴────────────────────┘
 *
 * The line is half-duplex: bytes that arrive while a long packet is on the wire are lost, and that
 * packet is damaged. After a boot the board sends nothing until it is told to.
 */
import type { Random } from '../domain/ports.ts';
import type { BoardSource } from './board-source.ts';
import { type BoardTiming, REAL_BOARD_TIMING } from './board-timing.ts';
import { CommandEar, type CommandEarOptions } from './command-ear.ts';
import { damage } from './damage.ts';
import { between } from './random.ts';

export interface BoardOptions extends Partial<CommandEarOptions> {
  readonly timing?: BoardTiming;
  /** `onDemand` boards know no periodic command and answer `REQUEST1` only. */
  readonly mode?: 'continuous' | 'onDemand';
  /** false: commands are heard at any time and damage nothing, as over a network alone. */
  readonly halfDuplex?: boolean;
}

/** What has happened since the board was made. */
export interface BoardCounts {
  frames: number;
  readings: number;
  eeproms: number;
  commands: number;
  /** Bytes that made no command this board knows: another spelling, another terminator. */
  unknownCommands: number;
  lostCommands: number;
  damagedPackets: number;
  boots: number;
}

export interface BoardOutput {
  /** In order; empty when there is nothing to send. */
  readonly bytes: readonly Uint8Array[];
  /** When to call `step` again at the latest; Infinity when only input can change anything. */
  readonly nextDueMs: number;
}

interface OnWire {
  readonly kind: 'onWire';
  readonly what: 'frame' | 'eeprom';
  readonly packet: Uint8Array;
  readonly startMs: number;
  readonly sentParts: number;
  readonly sentBytes: number;
  readonly damaged: boolean;
}

type Phase =
  | { readonly kind: 'off' }
  | { readonly kind: 'booting'; readonly untilMs: number }
  | { readonly kind: 'quiet' }
  | OnWire
  | { readonly kind: 'pause'; readonly untilMs: number };

/** A long packet reaches the other side in this many parts. */
const WIRE_PARTS = 6;

export class Board {
  readonly counts: BoardCounts = {
    frames: 0,
    readings: 0,
    eeproms: 0,
    commands: 0,
    unknownCommands: 0,
    lostCommands: 0,
    damagedPackets: 0,
    boots: 0,
  };
  readonly #source: BoardSource;
  readonly #timing: BoardTiming;
  readonly #mode: 'continuous' | 'onDemand';
  readonly #halfDuplex: boolean;
  readonly #ear: CommandEar;
  readonly #random: Random;
  #phase: Phase = { kind: 'off' };
  #streaming = false;
  #finished = false;
  #nextCycleMs = Number.POSITIVE_INFINITY;
  #eepromDueMs = Number.POSITIVE_INFINITY;
  #out: Uint8Array[] = [];

  constructor(source: BoardSource, options: BoardOptions, random: Random) {
    this.#source = source;
    this.#timing = options.timing ?? REAL_BOARD_TIMING;
    this.#mode = options.mode ?? 'continuous';
    this.#halfDuplex = options.halfDuplex ?? true;
    this.#ear = new CommandEar(options);
    this.#random = random;
  }

  /** True once the source has nothing more to give and everything has been sent. */
  get finished(): boolean {
    return this.#finished;
  }

  /** True between `PERIOD_ON` and the next boot. */
  get streaming(): boolean {
    return this.#streaming;
  }

  /** When the boot that goes on now is over; -Infinity when none does. */
  get bootedMs(): number {
    return this.#phase.kind === 'booting' ? this.#phase.untilMs : Number.NEGATIVE_INFINITY;
  }

  /** The line is there: the board announces itself, and goes on if it was streaming. */
  linkUp(nowMs: number): void {
    if (this.#phase.kind === 'booting') return;
    this.#phase = { kind: 'quiet' };
    this.#ear.forget();
    this.#out.push(...this.#source.announcements());
    if (this.#streaming) this.#nextCycleMs = nowMs;
  }

  /** The line is gone: what was being sent is lost, the board's own state is not. */
  linkDown(): void {
    this.#out = [];
    if (this.#phase.kind !== 'booting') this.#phase = { kind: 'off' };
  }

  /** Power was cut, or a watchdog bit: everything that it was told is forgotten. */
  reboot(nowMs: number): void {
    this.#out = [];
    this.#ear.forget();
    this.#streaming = false;
    this.#nextCycleMs = Number.POSITIVE_INFINITY;
    this.#eepromDueMs = Number.POSITIVE_INFINITY;
    this.#phase = { kind: 'booting', untilMs: nowMs + this.#timing.bootMs };
    this.counts.boots++;
  }

  /**
   * Advances the board to `nowMs`, then lets it hear `input`. Time must not go back. Sends at most
   * one cycle, so that a caller who comes late gets the newest data and no burst.
   */
  step(nowMs: number, input?: Uint8Array): BoardOutput {
    this.#advance(nowMs);
    if (input !== undefined && input.length > 0) this.#hear(nowMs, input);
    const bytes = this.#out;
    this.#out = [];
    return { bytes, nextDueMs: this.#nextDueMs() };
  }

  #nextDueMs(): number {
    const phase = this.#phase;
    switch (phase.kind) {
      case 'off':
        return Number.POSITIVE_INFINITY;
      case 'booting':
      case 'pause':
        return Math.min(phase.untilMs, this.#ear.dueMs);
      case 'quiet':
        return Math.min(this.#nextCycleMs, this.#eepromDueMs, this.#ear.dueMs);
      case 'onWire':
        return Math.min(this.#partDueMs(phase), this.#ear.dueMs);
    }
  }

  #partDueMs({ startMs, sentParts }: OnWire): number {
    return startMs + ((sentParts + 1) * this.#timing.wireMs) / WIRE_PARTS;
  }

  #advance(nowMs: number): void {
    this.#obey(nowMs);
    let cyclesLeft = 1;
    for (let moved = true; moved;) {
      const phase = this.#phase;
      moved = false;
      if (phase.kind === 'booting' && nowMs >= phase.untilMs) {
        this.#phase = { kind: 'quiet' };
        this.#out.push(...this.#source.announcements());
        moved = true;
      } else if (phase.kind === 'onWire') {
        moved = this.#transmit(phase, nowMs);
      } else if (phase.kind === 'pause' && nowMs >= phase.untilMs) {
        this.#sendReadings(phase.untilMs);
        moved = true;
      } else if (phase.kind === 'quiet' && nowMs >= this.#eepromDueMs) {
        moved = this.#startEeprom(nowMs);
      } else if (phase.kind === 'quiet' && nowMs >= this.#nextCycleMs && cyclesLeft > 0) {
        cyclesLeft--;
        moved = this.#startCycle(nowMs);
      }
    }
  }

  #startCycle(nowMs: number): boolean {
    // A little late keeps the beat; a whole cycle late starts a new one.
    const late = nowMs - this.#nextCycleMs >= this.#timing.cycleMs;
    const startMs = late ? nowMs : this.#nextCycleMs;
    this.#nextCycleMs = this.#streaming ? startMs + this.#timing.cycleMs : Number.POSITIVE_INFINITY;
    const packet = this.#source.frame(startMs);
    if (packet === null) {
      this.#finished = true;
      this.#streaming = false;
      this.#nextCycleMs = Number.POSITIVE_INFINITY;
      return false;
    }
    this.#phase = onWire('frame', packet, startMs);
    return true;
  }

  #startEeprom(nowMs: number): boolean {
    this.#eepromDueMs = Number.POSITIVE_INFINITY;
    const packet = this.#source.eeprom();
    if (packet === null) return true;
    this.#nextCycleMs += this.#timing.eepromStretchMs;
    this.#phase = onWire('eeprom', packet, nowMs);
    return true;
  }

  /** Sends the next part if it is due; true when it did. */
  #transmit(phase: OnWire, nowMs: number): boolean {
    const partMs = this.#partDueMs(phase);
    if (nowMs < partMs) return false;
    const { packet, sentBytes } = phase;
    // A packet that takes no time is one write.
    const sentParts = this.#timing.wireMs === 0 ? WIRE_PARTS : phase.sentParts + 1;
    const dueBytes = Math.max(sentBytes, Math.ceil((packet.length * sentParts) / WIRE_PARTS));
    if (dueBytes > sentBytes) this.#out.push(packet.subarray(sentBytes, dueBytes));
    if (sentParts < WIRE_PARTS) {
      this.#phase = { ...phase, sentParts, sentBytes: dueBytes };
      return true;
    }
    if (phase.what === 'eeprom') {
      this.counts.eeproms++;
      this.#phase = { kind: 'quiet' };
    } else {
      this.counts.frames++;
      this.#phase = { kind: 'pause', untilMs: partMs + this.#timing.readingsAfterMs };
    }
    return true;
  }

  #sendReadings(atMs: number): void {
    const packet = this.#source.readings(atMs);
    if (packet !== null) {
      this.#out.push(packet);
      this.counts.readings++;
    }
    this.#phase = { kind: 'quiet' };
  }

  #hear(nowMs: number, input: Uint8Array): void {
    const phase = this.#phase;
    if (phase.kind === 'off' || phase.kind === 'booting') return;
    if (phase.kind === 'onWire' && this.#halfDuplex && this.#timing.wireMs > 0) {
      this.#ear.forget();
      this.counts.lostCommands++;
      if (phase.damaged) return;
      const packet = damage(phase.packet, phase.sentBytes, this.#random);
      this.#phase = { ...phase, packet, damaged: true };
      this.counts.damagedPackets++;
      return;
    }
    this.#ear.take(input, nowMs);
    this.#obey(nowMs);
  }

  #obey(nowMs: number): void {
    for (const command of this.#ear.commandsUntil(nowMs)) {
      if (command === 'unknown') {
        this.counts.unknownCommands++;
        continue;
      }
      this.counts.commands++;
      if (command === 'eeprom') {
        const { eepromAfterLeastMs, eepromAfterMostMs } = this.#timing;
        const after = between(this.#random, eepromAfterLeastMs, eepromAfterMostMs);
        this.#eepromDueMs = Math.min(this.#eepromDueMs, nowMs + after);
      } else if (command === 'request') {
        this.#nextCycleMs = nowMs;
      } else if (this.#mode === 'continuous' && !this.#streaming) {
        this.#streaming = true;
        this.#nextCycleMs = nowMs;
      }
    }
  }
}

function onWire(what: OnWire['what'], packet: Uint8Array, startMs: number): OnWire {
  return { kind: 'onWire', what, packet, startMs, sentParts: 0, sentBytes: 0, damaged: false };
}
