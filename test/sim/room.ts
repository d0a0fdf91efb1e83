/** A room as it really is, the board that looks at it, and what is wrong with the board. */
import type { Cancel } from '../../src/domain/ports.ts';
import { type SensorId, sensorId, type ZoneId, zoneId } from '../../src/domain/units.ts';
import { Board } from '../../src/simulator/board.ts';
import { SyntheticSource } from '../../src/simulator/board-source.ts';
import type { FireGrowth } from '../../src/simulator/fire.ts';
import { REAL_BOARD_STYLE } from '../../src/simulator/packets.ts';
import { between, integerBetween, type SeededRandom } from '../../src/simulator/random.ts';
import type { Dock, Wire } from './dock.ts';
import { type HotThing, RoomSource } from './room-source.ts';
import type { SimClock } from './sim-clock.ts';

export interface RoomFire {
  readonly growth: FireGrowth;
  readonly ignitedMs: number;
  extinguishedMs: number;
}

export interface RoomOptions {
  readonly id: string;
  readonly seed: string;
  readonly growth: FireGrowth;
  readonly person: boolean;
}

const LATENCY_MS = 3;

export class Room {
  readonly id: string;
  readonly growth: FireGrowth;
  readonly fires: RoomFire[] = [];
  /** What the board sends is lost, though its connection stands. */
  mute = false;
  /** Until then something other than a fire is a reason for an alarm here. */
  hazardUntilMs = -Infinity;
  /** Share of chunks that garbage stands before. */
  garbage = 0;
  readonly #clock: SimClock;
  readonly #random: SeededRandom;
  readonly #real: SyntheticSource;
  readonly #source: RoomSource;
  readonly #board: Board;
  readonly #dock: () => Dock | null;
  #wire: Wire | null = null;
  #cut = false;
  #cancelStep: Cancel = () => undefined;
  #lastArrivalMs = 0;

  constructor(
    options: RoomOptions,
    clock: SimClock,
    random: SeededRandom,
    dock: () => Dock | null,
  ) {
    const { id, seed, growth, person } = options;
    this.id = id;
    this.growth = growth;
    this.#clock = clock;
    this.#random = random;
    this.#dock = dock;
    this.#real = new SyntheticSource({
      serial: `SN-${id}`,
      array: { seed: `${seed}/array` },
      scene: { seed: `${seed}/scene`, person, growth, fireAtSeconds: null },
      style: { ...REAL_BOARD_STYLE, location: id, locationForm: 'separate' },
    });
    this.#source = new RoomSource(this.#real);
    this.#board = new Board(this.#source, {}, random.fork('board'));
    this.#redialAfter(between(random, 50, 1500));
  }

  set frozen(frozen: boolean) {
    this.#source.frozen = frozen;
  }

  get sensor(): SensorId {
    return sensorId(this.id);
  }

  get zone(): ZoneId {
    return zoneId(this.id);
  }

  get fire(): RoomFire | null {
    const last = this.fires.at(-1);
    return last !== undefined && this.#clock.monotonicMs() < last.extinguishedMs ? last : null;
  }

  /** Something hot stands in the picture for a while. */
  heat(thing: HotThing, forMs: number): void {
    this.#source.things.set(thing, this.#clock.monotonicMs());
    this.#clock.after(forMs, () => this.#source.things.delete(thing));
  }

  /** An alarm has a cause until then, whatever is seen. */
  endanger(forMs: number): void {
    this.hazardUntilMs = Math.max(this.hazardUntilMs, this.#clock.monotonicMs() + forMs);
  }

  /** When the last cause of an alarm ends or ended; -Infinity for none. */
  get dangerUntilMs(): number {
    return Math.max(this.hazardUntilMs, this.fires.at(-1)?.extinguishedMs ?? -Infinity);
  }

  /** Hottest true temperature of the scene now. */
  get peakCelsius(): number {
    return this.#real.scene.peakCelsius(this.#clock.monotonicMs() / 1000);
  }

  ignite(burnsForMs: number): RoomFire {
    const ignitedMs = this.#clock.monotonicMs();
    const fire = {
      growth: this.growth,
      ignitedMs,
      extinguishedMs: ignitedMs + burnsForMs,
    };
    this.fires.push(fire);
    this.#real.scene.ignite(ignitedMs / 1000);
    this.#clock.after(burnsForMs, () => this.#real.scene.extinguish());
    return fire;
  }

  /** When the noiseless peak passes `celsius` and stays there for 10 s; Infinity for never. */
  passesMs(celsius: number, fire: RoomFire): number {
    let sinceMs = Infinity;
    for (let atMs = fire.ignitedMs; atMs < fire.extinguishedMs; atMs += 1000) {
      if (this.#real.scene.peakCelsius(atMs / 1000) < celsius) sinceMs = Infinity;
      else sinceMs = Math.min(sinceMs, atMs);
      if (atMs - sinceMs >= 10_000) return sinceMs;
    }
    return Infinity;
  }

  reboot(): void {
    this.#board.reboot(this.#clock.monotonicMs());
    this.#wire?.breakOff();
    this.#wire = null;
    this.#redialAfter(1600);
  }

  /** The network is gone for a while. */
  unplug(forMs: number): void {
    this.#wire?.breakOff();
    this.lost(this.#wire);
    this.#cut = true;
    this.#clock.after(forMs, () => {
      this.#cut = false;
    });
  }

  /** The board dials anew while its old connection lingers, silent and open. */
  abandon(): void {
    this.#wire = null;
    this.#board.linkDown();
    this.#redialAfter(200);
  }

  /** The other end, or the network, has ended the connection. */
  lost(wire: Wire | null): void {
    if (wire !== this.#wire) return;
    this.#wire = null;
    this.#board.linkDown();
    this.#redialAfter(between(this.#random, 500, 2500));
  }

  #redialAfter(ms: number): void {
    this.#cancelStep();
    this.#cancelStep = this.#clock.after(ms, () => this.#dial());
  }

  #dial(): void {
    const dock = this.#cut ? null : this.#dock();
    if (dock === null) {
      this.#redialAfter(between(this.#random, 800, 2500));
      return;
    }
    const wire = dock.accept({
      address: `10.0.0.${this.id.length}`,
      onCommand: (bytes) => {
        const copy = bytes.slice();
        this.#clock.after(LATENCY_MS, () => this.#hear(wire, copy));
      },
      onEnd: () => this.#clock.after(LATENCY_MS, () => this.lost(wire)),
    });
    this.#wire = wire;
    this.#board.linkUp(this.#clock.monotonicMs());
    this.#step();
  }

  #hear(wire: Wire, bytes: Uint8Array): void {
    if (wire === this.#wire) this.#step(bytes);
  }

  #step(input?: Uint8Array): void {
    this.#cancelStep();
    const nowMs = this.#clock.monotonicMs();
    const { bytes, nextDueMs } = this.#board.step(nowMs, input);
    if (bytes.length > 0) this.#send(Buffer.concat(bytes));
    if (nextDueMs !== Infinity) {
      const waitMs = Math.max(1, nextDueMs - nowMs);
      this.#cancelStep = this.#clock.after(waitMs, () => this.#step());
    }
  }

  /** Cuts what is sent at chance edges; the pieces arrive one after the other. */
  #send(bytes: Uint8Array): void {
    const wire = this.#wire;
    if (wire === null || this.mute) return;
    const cuts = Array.from({ length: integerBetween(this.#random, 0, 2) }, () =>
      integerBetween(this.#random, 0, bytes.length),
    ).sort((a, b) => a - b);
    const edges = [0, ...cuts, bytes.length];
    for (let i = 1; i < edges.length; i++) {
      this.#deliver(wire, bytes.subarray(edges[i - 1], edges[i]));
    }
  }

  #deliver(wire: Wire, piece: Uint8Array): void {
    const atMs = Math.max(this.#clock.monotonicMs(), this.#lastArrivalMs) + LATENCY_MS;
    this.#lastArrivalMs = atMs;
    const isDirty = this.garbage > 0 && this.#random.next() < this.garbage;
    const noise = isDirty ? this.#noise() : null;
    this.#clock.after(atMs - this.#clock.monotonicMs(), () => {
      if (noise !== null) wire.arrive(noise);
      if (piece.length > 0) wire.arrive(piece);
    });
  }

  #noise(): Uint8Array {
    const length = integerBetween(this.#random, 1, 300);
    return Uint8Array.from({ length }, () => this.#random.uint32() & 0xff);
  }
}
