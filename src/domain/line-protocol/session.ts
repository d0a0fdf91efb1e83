/**
 * One connection to a board (or to a gateway of several), over TCP or a serial line alike:
 * bytes in; evidence, frames and calibrations out; commands back when the wire is quiet.
 *
 *   bytes ─► PacketScanner ─► packet ─► ConnectionFeeds ─► BoardRegistry ─► Board
 *                               │                                            │
 *                               ├─ #Sensor ─► LevelAccumulator ◄─────────────┤
 *                               └─ #frame, #EEPROM ─► ThermalIntake ◄────────┘
 *   what was heard ─► Commander ─► send
 *
 * Nothing here throws for what a board sends, and nothing is allocated per `#Sensor` packet.
 *
 * Typed arrays are read with `as number`: every index here is below the length by construction.
 */
import type { LevelAccumulator } from '../evidence-bank.ts';
import type { Board } from './board.ts';
import type { BoardTraits } from './board-profile.ts';
import { Commander } from './commander.ts';
import { ConnectionFeeds, type Feed, extendLevels } from './connection-feeds.ts';
import { type LocatedKind, UNDECIDED } from './connection-names.ts';
import { type FramingFault, PacketScanner, type PacketVisitor } from './framing.ts';
import { type PacketErrorKind, packetError } from './packet-error.ts';
import { LocationMemo, packetKindOf, readName, splitBlock } from './packets.ts';
import type { Received } from './schedule.ts';
import { SensorPacketReader } from './sensor-packet.ts';
import type { BoardSessionDeps } from './session-deps.ts';
import { ThermalIntake } from './thermal-intake.ts';

/** How long packets wait for their board's identity: longer than one cycle of the real board. */
export const HOLD_MS = 5_000;
const MAX_HELD_PACKETS = 4;
const ERROR_REPORT_EVERY_MS = 1_000;

/** What became of a packet: read, waiting for its board's identity, or refused. */
type Outcome = null | typeof UNDECIDED | PacketErrorKind;

interface HeldPacket {
  readonly body: Uint8Array;
  readonly atMs: number;
}

export class BoardSession {
  readonly #deps: BoardSessionDeps;
  readonly #scanner = new PacketScanner();
  readonly #reader = new SensorPacketReader();
  readonly #locations = new LocationMemo();
  readonly #feeds: ConnectionFeeds;
  readonly #commander: Commander;
  readonly #visitor: PacketVisitor;
  #nowMs: number;
  #received: { -readonly [Key in keyof Received]: Received[Key] };
  #held: HeldPacket[] = [];
  #bytes = 0;
  #bytesAtLastGoodPacket = 0;
  #strayBytes = 0;
  #lastFeed: Feed | null = null;
  #nextErrorReportMs: number;
  #closed = false;

  constructor(deps: BoardSessionDeps, nowMs: number) {
    this.#deps = deps;
    this.#nowMs = nowMs;
    this.#nextErrorReportMs = nowMs;
    this.#feeds = new ConnectionFeeds(deps.registry, deps.address);
    this.#commander = new Commander(deps, this.#feeds.traits, nowMs);
    this.#received = nothingReceived();
    this.#visitor = {
      packet: (bytes, start, end) => this.#packet(bytes, start, end),
      fault: (fault, bytes, start, end) => this.#fault(fault, bytes, start, end),
    };
  }

  /** The serial number that the board announced; null before, and for a gateway of several. */
  get serial(): string | null {
    return this.#feeds.names.serial;
  }

  /** The boards that this connection has delivered for. */
  get boards(): readonly Board[] {
    return this.#feeds.boards;
  }

  /** How the board behind this connection is treated, as far as it is known. */
  get traits(): BoardTraits {
    return this.#commander.traits;
  }

  /** Bytes since the last packet without error: a client that only sends garbage lets this grow. */
  get bytesSinceGoodPacket(): number {
    return this.#bytes - this.#bytesAtLastGoodPacket;
  }

  /** Bytes of a packet that has begun and not ended. */
  get unfinishedBytes(): number {
    return this.#scanner.unfinishedBytes;
  }

  /** When `due` wants to be called if nothing is received before. */
  get nextDueMs(): number {
    const first = this.#held[0];
    const { dueMs } = this.#commander;
    return first === undefined ? dueMs : Math.min(dueMs, first.atMs + HOLD_MS);
  }

  /** Takes bytes as they come, in any chunks; does not keep them. Does nothing after `close`. */
  receive(bytes: Uint8Array, nowMs: number): void {
    if (this.#closed || bytes.length === 0) return;
    this.#nowMs = nowMs;
    this.#bytes += bytes.length;
    this.#deps.counters.bytes += bytes.length;
    this.#received = nothingReceived();
    this.#scanner.push(bytes, this.#visitor);
    this.#received.midPacket = this.#scanner.midPacket;
    this.#deps.counters.strayBytes += this.#scanner.strayBytes - this.#strayBytes;
    this.#strayBytes = this.#scanner.strayBytes;
    if (this.#commander.received(this.#received, nowMs)) this.#feeds.makeKnown();
  }

  /** Lets time pass: time-outs, retries, polls, and packets that have waited long enough. */
  due(nowMs: number): void {
    if (this.#closed) return;
    this.#nowMs = nowMs;
    const first = this.#held[0];
    if (first !== undefined && nowMs >= first.atMs + HOLD_MS) this.#releaseHeld();
    if (this.#commander.tick(nowMs)) this.#feeds.makeKnown();
  }

  /** The line is gone. Packets that were waiting are delivered now. */
  close(nowMs: number): void {
    if (this.#closed) return;
    this.#nowMs = nowMs;
    this.#releaseHeld();
    this.#scanner.finish(this.#visitor);
    this.#closed = true;
  }

  #packet(bytes: Uint8Array, start: number, end: number): void {
    const kind = packetKindOf(bytes, start, end);
    let outcome: Outcome = 'unknownKind';
    if (kind === 'sensor') outcome = this.#sensor(bytes, start, end);
    else if (kind === 'frame' || kind === 'eeprom') outcome = this.#block(kind, bytes, start, end);
    else if (kind !== null) outcome = this.#announcement(kind, bytes, start, end);
    this.#received.packets += 1;
    this.#received.endsWithSensor = kind === 'sensor';
    if (outcome === UNDECIDED) this.#hold(bytes, start, end);
    else if (outcome !== null) this.#refuse(outcome, bytes, start, end);
    else if (kind !== null) {
      this.#deps.counters.packets[kind] += 1;
      this.#bytesAtLastGoodPacket = this.#bytes;
    }
  }

  #fault(fault: FramingFault, bytes: Uint8Array, start: number, end: number): void {
    if (packetKindOf(bytes, start, end) === 'frame' && this.#feeds.boards.length === 1) {
      this.#lastFeed?.thermal?.damaged(`frame cut short: ${fault}`, this.#nowMs);
    }
    this.#refuse(fault, bytes, start, end);
  }

  #sensor(bytes: Uint8Array, start: number, end: number): Outcome {
    const reader = this.#reader;
    const error = reader.read(bytes, start, end);
    if (error !== null) return error;
    const feed = this.#feedOf('sensor', reader.location);
    if (typeof feed !== 'object') return feed;
    const { slots, values, count } = reader;
    if (feed.levels.length < reader.channels.length) {
      const tooMany = extendLevels(feed, reader.channels);
      if (tooMany !== null) return tooMany;
    }
    for (let at = 0; at < count; at++) {
      const level = feed.levels[slots[at] as number] as LevelAccumulator;
      level.add(values[at] as number, this.#nowMs);
    }
    this.#deps.counters.readings += count;
    return null;
  }

  #block(kind: 'frame' | 'eeprom', bytes: Uint8Array, start: number, end: number): Outcome {
    if (kind === 'frame') this.#received.frames += 1;
    else this.#received.eeprom = 'bad';
    const head = splitBlock(kind, bytes, start, end, this.#locations);
    if (head.error !== null) return head.error;
    const feed = this.#feedOf(kind, head.location);
    if (typeof feed !== 'object') return feed;
    feed.thermal ??= new ThermalIntake(feed.board, this.#deps, this.#nowMs);
    if (kind === 'frame') return feed.thermal.frame(bytes, head.data, end, this.#nowMs);
    const error = feed.thermal.eeprom(bytes, head.data, end, this.#nowMs);
    if (error === null) this.#received.eeprom = 'good';
    return error;
  }

  #announcement(
    kind: 'serialno' | 'locid',
    bytes: Uint8Array,
    start: number,
    end: number,
  ): Outcome {
    const read = readName(kind, bytes, start, end);
    if (read.error !== null) return read.error;
    const { names } = this.#feeds;
    if (kind === 'locid') {
      const error = names.announceLocation(read.name);
      if (error !== null) return error;
    } else {
      if (names.announceSerial(read.name)) this.#received.booted = true;
      this.#deps.onSerial?.(read.name);
    }
    this.#feeds.forget();
    this.#commander.traits = this.#feeds.traits;
    this.#releaseHeld();
    return null;
  }

  #feedOf(kind: LocatedKind, location: string | null): Feed | typeof UNDECIDED | PacketErrorKind {
    const feed = this.#feeds.find(kind, location);
    // A packet that shows what the number means comes after those that waited for it.
    if (this.#held.length > 0) return UNDECIDED;
    if (typeof feed !== 'object') return feed;
    if (feed !== this.#lastFeed) {
      this.#lastFeed = feed;
      this.#commander.traits = this.#feeds.boards.length === 1 ? feed.board.traits : this.traits;
    }
    feed.board.packets += 1;
    feed.board.lastPacketAtMs = this.#nowMs;
    return feed;
  }

  #hold(bytes: Uint8Array, start: number, end: number): void {
    this.#deps.counters.packetsHeld += 1;
    this.#held.push({ body: bytes.slice(start, end), atMs: this.#nowMs });
    const decided = !this.#feeds.names.isUndecided;
    if (decided || this.#held.length === MAX_HELD_PACKETS) this.#releaseHeld();
  }

  #releaseHeld(): void {
    this.#feeds.names.settle();
    const held = this.#held;
    if (held.length === 0) return;
    this.#held = [];
    const nowMs = this.#nowMs;
    for (const { body, atMs } of held) {
      this.#nowMs = atMs;
      this.#packet(body, 0, body.length);
    }
    this.#nowMs = nowMs;
  }

  #refuse(kind: PacketErrorKind, bytes: Uint8Array, start: number, end: number): void {
    this.#deps.counters.errors[kind] += 1;
    const board = this.#lastFeed?.board;
    if (board !== undefined) board.errors += 1;
    if (this.#nowMs < this.#nextErrorReportMs) return;
    // Making a text of each refused packet would be the cheapest way to keep the appliance busy.
    this.#nextErrorReportMs = this.#nowMs + ERROR_REPORT_EVERY_MS;
    const error = packetError(kind, bytes, start, end);
    if (board !== undefined) board.lastError = error;
    this.#deps.onError?.(error);
  }
}

function nothingReceived(): Received {
  return {
    kind: 'received',
    packets: 0,
    frames: 0,
    endsWithSensor: false,
    eeprom: 'none',
    booted: false,
    midPacket: false,
  };
}
