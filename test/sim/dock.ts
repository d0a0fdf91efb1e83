/**
 * The board server without sockets: the real sessions and turns, and stand-ins for what the kernel
 * does. Limits, slices, deadlines and the claim of a serial number are those of the server.
 */
import type { SharedSessionDeps } from '../../src/domain/line-protocol/session-deps.ts';
import { BoardSession } from '../../src/domain/line-protocol/session.ts';
import type { Clock } from '../../src/domain/ports.ts';
import { DEFAULT_LIMITS } from '../../src/ingest/server.ts';
import { type TurnClient, Turns } from '../../src/ingest/turns.ts';

/** What a kernel keeps of a client that is not read; then its TCP window is shut. */
export const KERNEL_BUFFER_BYTES = 65_536;
const SWEEP_MS = 100;

export interface FarEnd {
  readonly address: string;
  onCommand(bytes: Uint8Array): void;
  onEnd(): void;
}

export interface DockDeps {
  readonly clock: Clock;
  readonly shared: SharedSessionDeps;
  readonly batchDone: () => void;
  /** Seam for planted bugs: sees every piece before the session does. */
  readonly onBytes: (bytes: Uint8Array) => Uint8Array;
}

/** One connection, seen from both ends. */
export class Wire implements TurnClient {
  readonly session: BoardSession;
  readonly #dock: Dock;
  readonly #far: FarEnd;
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #lastReadAtMs: number;
  #held = false;
  #gone = false;

  constructor(dock: Dock, far: FarEnd, nowMs: number) {
    this.#dock = dock;
    this.#far = far;
    this.#lastReadAtMs = nowMs;
    this.session = new BoardSession(
      {
        ...dock.deps.shared,
        address: far.address,
        send: (command) => {
          far.onCommand(command);
          return true;
        },
        onSerial: (serial) => dock.claim(serial, this),
      },
      nowMs,
    );
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** The far end's bytes reach this machine. */
  arrive(bytes: Uint8Array): void {
    if (this.#gone || !this.#dock.open) return;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (!this.#held) this.#read();
  }

  resume(): void {
    this.#held = false;
    if (!this.#gone) this.#read();
  }

  /** The network ends it. */
  breakOff(): void {
    if (this.#gone) return;
    this.#leave();
  }

  /** The appliance ends it. */
  close(): void {
    if (this.#gone) return;
    this.#leave();
    this.#far.onEnd();
  }

  /** The process is gone; nobody says goodbye to the session. */
  vanish(): void {
    this.#gone = true;
    this.#far.onEnd();
  }

  sweep(nowMs: number): boolean {
    const isKnown = this.session.boards.length > 0 || this.session.serial !== null;
    const limitMs = isKnown ? DEFAULT_LIMITS.idleMs : DEFAULT_LIMITS.unidentifiedIdleMs;
    if (nowMs - this.#lastReadAtMs > limitMs) {
      this.close();
      return false;
    }
    if (nowMs < this.session.nextDueMs) return false;
    this.session.due(nowMs);
    return true;
  }

  #leave(): void {
    this.#gone = true;
    if (this.#dock.open) this.session.close(this.#dock.deps.clock.monotonicMs());
    this.#dock.forget(this);
  }

  #read(): void {
    const nowMs = this.#dock.deps.clock.monotonicMs();
    this.#lastReadAtMs = nowMs;
    let room = DEFAULT_LIMITS.sliceBytes;
    while (room > 0) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      const taken = next.subarray(0, room);
      if (taken.length < next.length) this.#waiting.unshift(next.subarray(taken.length));
      room -= taken.length;
      this.#waitingBytes -= taken.length;
      this.session.receive(this.#dock.deps.onBytes(taken), nowMs);
    }
    if (this.session.bytesSinceGoodPacket > DEFAULT_LIMITS.garbageBytes) this.close();
    this.#held = room === 0;
    if (this.#held) this.#dock.turns.hold(this);
    else this.#dock.turns.wake();
  }
}

export class Dock {
  readonly deps: DockDeps;
  readonly turns: Turns;
  readonly wires = new Set<Wire>();
  readonly #bySerial = new Map<string, Wire>();
  #open = true;

  constructor(deps: DockDeps) {
    this.deps = deps;
    this.turns = new Turns({
      clock: deps.clock,
      batchDone: deps.batchDone,
      resumesPerTurn: DEFAULT_LIMITS.resumesPerTurn,
    });
    this.#sweep();
  }

  get open(): boolean {
    return this.#open;
  }

  accept(far: FarEnd): Wire {
    const wire = new Wire(this, far, this.deps.clock.monotonicMs());
    this.wires.add(wire);
    return wire;
  }

  /** The newest connection with a serial number wins. */
  claim(serial: string, wire: Wire): void {
    const older = this.#bySerial.get(serial);
    this.#bySerial.set(serial, wire);
    if (older !== undefined && older !== wire) older.close();
  }

  forget(wire: Wire): void {
    this.wires.delete(wire);
    for (const [serial, holder] of this.#bySerial) {
      if (holder === wire) this.#bySerial.delete(serial);
    }
    this.turns.forget(wire);
    this.turns.wake();
  }

  /** The process has died. */
  vanish(): void {
    this.#open = false;
    for (const wire of this.wires) wire.vanish();
  }

  #sweep(): void {
    this.deps.clock.after(SWEEP_MS, () => {
      const nowMs = this.deps.clock.monotonicMs();
      let wasDue = false;
      for (const wire of [...this.wires]) if (wire.sweep(nowMs)) wasDue = true;
      if (wasDue) this.turns.wake();
      this.#sweep();
    });
  }
}
