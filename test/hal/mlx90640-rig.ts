/** Simulated arrays on simulated buses under the real driver, and every pixel that comes out. */
import { expect } from 'vitest';
import type { NoDataWindow } from '../../src/domain/evidence.ts';
import { CalibrationCache } from '../../src/domain/line-protocol/calibrations.ts';
import { arraySessions } from '../../src/hal/array-sessions.ts';
import { mlx90640I2c } from '../../src/hal/drivers/mlx90640-i2c.ts';
import type { SensorHandle } from '../../src/hal/sensor-driver.ts';
import { SimulatedArray } from '../../src/simulator/array.ts';
import { Mlx90640Registers } from '../../src/simulator/mlx90640-registers.ts';
import { Scene } from '../../src/simulator/scene.ts';
import { SENSOR } from './driver-bench.ts';
import type { SensorWorld } from './sensor-fixture.ts';
import { sensorWorld } from './sensor-fixture.ts';

export const BUS = '/dev/i2c-1';
export const ADDRESS = 0x33;
/** Noise of a pixel at its worst, of 768 pixels, many pictures and the coarsest converter. */
const TOLERANCE_CELSIUS = 3;

export interface Picture {
  readonly atMs: number;
  readonly celsius: Float32Array;
}

export interface RigOptions {
  readonly options?: Readonly<Record<string, unknown>>;
  readonly speedHz?: number;
  readonly seed?: number;
  readonly world?: SensorWorld;
}

export class ArrayRig {
  readonly world: SensorWorld;
  readonly device: Mlx90640Registers;
  readonly truth: Float32Array;
  readonly pictures: Picture[] = [];
  readonly #options: Readonly<Record<string, unknown>>;
  readonly #calibrations: CalibrationCache;
  #handle: SensorHandle | null = null;

  private constructor(rig: RigOptions, world: SensorWorld, calibrations: CalibrationCache) {
    const { options = {}, speedHz, seed = 5 } = rig;
    const { clock, i2c } = world;
    this.world = world;
    this.#calibrations = calibrations;
    this.#options = { bus: BUS, address: ADDRESS, ...options };
    if (speedHz !== undefined) i2c.speedHz = speedHz;
    const sample = new Scene({ seed, person: true }).sample(0);
    this.truth = sample.celsius;
    // Something hot on the wall, so that a mistaken factor or place would show.
    for (const pixel of [200, 201, 232, 233]) this.truth[pixel] = 90;
    this.device = new Mlx90640Registers({
      array: new SimulatedArray({ seed, noiseCounts: 1.2 }),
      scene: () => sample,
      now: () => clock.monotonicMs(),
      speedHz: () => i2c.speedHz,
      seed,
    });
  }

  static async create(rig: RigOptions = {}): Promise<ArrayRig> {
    const calibrations = await CalibrationCache.load({
      loadAll: async () => new Map(),
      put: () => undefined,
      remove: () => undefined,
    });
    return new ArrayRig(rig, rig.world ?? (await sensorWorld()), calibrations);
  }

  get faults() {
    return this.world.bench.faults;
  }

  /** Puts the array on its bus; returns what takes it off. */
  attach(): () => void {
    const { bus, address } = this.#options;
    return this.world.i2c.attach(String(bus), Number(address), this.device);
  }

  open(): void {
    const { bench, clock } = this.world;
    const prepared = mlx90640I2c.prepare(this.#options);
    if (!prepared.ok) throw new Error(JSON.stringify(prepared.problems));
    const openArray = arraySessions(SENSOR, {
      bank: bench.bank,
      calibrations: this.#calibrations,
      counters: bench.counters,
      onNotice: (notice) => bench.notices.push(notice),
      frameSinkOf: () => ({
        accept: (celsius, _context, atMs) => {
          expect(atMs).toBe(clock.monotonicMs());
          this.pictures.push({ atMs, celsius: celsius.slice() });
        },
      }),
    });
    this.#handle = prepared.open({ ...bench.host, openArray });
  }

  run(ms: number): Promise<void> {
    return this.world.clock.run(ms);
  }

  async close(): Promise<void> {
    await this.#handle?.close();
  }

  /** Runs until there is no data, at most `ms`. @returns the reason and when, from now */
  async untilNoData(ms: number): Promise<{ window: NoDataWindow; afterMs: number }> {
    const { clock, bench } = this.world;
    const beganAtMs = clock.monotonicMs();
    bench.drain();
    while (clock.monotonicMs() - beganAtMs < ms) {
      await this.run(10);
      const window = bench.drain().find((one) => one.kind === 'noData');
      if (window?.kind === 'noData') return { window, afterMs: window.lastAtMs - beganAtMs };
    }
    throw new Error(`no reason was given for ${ms} ms`);
  }

  /** Runs until the next picture, at most `ms`; returns how long that took. */
  async untilPicture(ms: number): Promise<number> {
    const beganAtMs = this.world.clock.monotonicMs();
    const before = this.pictures.length;
    while (this.pictures.length === before) {
      const waitedMs = this.world.clock.monotonicMs() - beganAtMs;
      if (waitedMs >= ms) throw new Error(`no picture came for ${ms} ms`);
      await this.run(10);
    }
    return this.world.clock.monotonicMs() - beganAtMs;
  }

  /** Every pixel of every picture is what the scene is. Empties the list. */
  expectTruth(): void {
    for (const { celsius, atMs } of this.pictures.splice(0)) {
      const wrong = celsius.findIndex(
        (value, at) => !(Math.abs(value - (this.truth[at] ?? NaN)) < TOLERANCE_CELSIUS),
      );
      const shown = `${celsius[wrong]} C for ${this.truth[wrong]} C at ${atMs} ms`;
      expect(wrong, `pixel ${wrong}: ${shown}`).toBe(-1);
    }
  }
}
