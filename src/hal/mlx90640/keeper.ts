/**
 * Keeps one array on an I2C bus running: opens the bus, sets the array up, reads it, and after any
 * trouble does so again, for ever.
 *
 *   [power on] ─► open bus ─► which array? ─► settings ─► read ──trouble──► close bus
 *        ▲                                                                     │
 *        └── back-off ◄── [every third time without a picture: power off 1 s] ◄┘
 *
 * One fault `arrayUnavailable` per kind of trouble, restored by the next picture; a disturbance
 * that is over by the next attempt is no data and no fault, once a minute. `busTooSlow` as long as
 * pictures are lost to the bus; `arrayPowerUnavailable` while its switch does not work.
 */
import type { ArrayIntake } from '../../domain/mlx90640/array-intake.ts';
import type { LineAddress } from '../ports.ts';
import { Backoff } from '../backoff.ts';
import type { I2cBus } from '../bus-ports.ts';
import type { DriverHost, SensorHandle } from '../sensor-driver.ts';
import { carries, speedOf, tooBusyText, tooSlowText } from './bus-speed.ts';
import { Mlx90640Chip } from './chip.ts';
import { Overruns } from './overruns.ts';
import { PowerSwitch } from './power.ts';
import { SubpageReader } from './reader.ts';
import type { ArraySettings } from './registers.ts';
import type { KnownArray } from './setup.ts';
import { configure, identify } from './setup.ts';
import type { Trouble, TroubleKind } from './trouble.ts';
import { withRemedy } from './trouble.ts';
import { Waits } from './waits.ts';

/** Short, because a fire does not wait for an array either. */
const AGAIN = { firstMs: 250, longestMs: 10_000 };
/** An array that gave pictures for so long was good: the next trouble starts with short waits. */
const GOOD_AFTER_MS = 10_000;
/** After so long with pictures one broken session is forgiven, if the next one gives a picture. */
const FORGIVEN_AFTER_MS = 60_000;
/** What a disturbance on the wires looks like; the others are no chance. */
const FORGIVEN: ReadonlySet<TroubleKind> = new Set<TroubleKind>([
  'noAnswer',
  'timeout',
  'corrupt',
  'other',
  'garbled',
]);
const POWER_OFF_AFTER_FAILURES = 3;
const POWER_OFF_MS = 1000;
/** The array's own start takes 80 ms; its supply has to rise before. */
const POWER_UP_MS = 300;
const RAM_WORDS = 832;

export interface KeeperOptions extends ArraySettings {
  readonly bus: string;
  readonly address: number;
  readonly emissivity: number;
  readonly reflectedCelsius: number | null;
  readonly power: LineAddress | null;
}

export class ArrayKeeper implements SensorHandle {
  readonly #options: KeeperOptions;
  readonly #host: DriverHost;
  readonly #intake: ArrayIntake;
  readonly #waits: Waits;
  readonly #backoff: Backoff;
  readonly #power: PowerSwitch | null;
  readonly #overruns = new Overruns();
  readonly #raised = new Map<string, string>();
  readonly #running: Promise<void>;
  #known: KnownArray | null = null;
  #goodSinceMs: number | null = null;
  #failures = 0;

  constructor(options: KeeperOptions, host: DriverHost) {
    const { emissivity, reflectedCelsius, power } = options;
    this.#options = options;
    this.#host = host;
    this.#intake = host.openArray({ emissivity, reflectedCelsius });
    this.#waits = new Waits(host.clock);
    this.#backoff = new Backoff(AGAIN, host.random);
    const name = `supply of ${host.sensor}`;
    this.#power = power === null ? null : new PowerSwitch(host.gpio, name, power);
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#waits.end();
    await this.#running;
  }

  async #run(): Promise<void> {
    await this.#switch(true);
    while (!this.#waits.ended) {
      const trouble = await this.#session();
      if (trouble === null) break;
      this.#failed(trouble);
      await this.#recover();
    }
    this.#power?.close();
  }

  /** From opening the bus to closing it. Null when everything is being closed. */
  async #session(): Promise<Trouble | null> {
    const opened = await this.#host.i2c.open(this.#options.bus);
    if (!opened.ok) return { kind: opened.error.kind, message: opened.error.message };
    const trouble = await this.#use(opened.value);
    await opened.value.close();
    return this.#waits.ended ? null : trouble;
  }

  async #use(bus: I2cBus): Promise<Trouble | null> {
    const { clock } = this.#host;
    const { address, refreshHz } = this.#options;
    const chip = new Mlx90640Chip(bus, address, clock, this.#waits);
    const before = this.#intake.calibrated ? this.#known : null;
    const known = await identify(chip, this.#intake, before, clock);
    if (!known.ok) return known.trouble;
    if (this.#waits.ended) return null;
    this.#known = known.value;
    this.#checkSpeed(known.value.speedHz);
    const control = await configure(chip, this.#options);
    if (!control.ok) return control.trouble;
    this.#overruns.restart();
    const reader = new SubpageReader({
      chip,
      intake: this.#intake,
      clock,
      waits: this.#waits,
      refreshHz,
      control: control.value,
      arrayId: known.value.arrayId,
      requestStep: () => this.#host.requestStep(),
      picture: () => this.#delivered(),
      dumped: (overtaken, readMs) => this.#dumped(overtaken, readMs),
    });
    return reader.run();
  }

  /** Says that a bus cannot carry what is asked for before pictures are lost to it. */
  #checkSpeed(speedHz: number): void {
    const { bus, refreshHz } = this.#options;
    if (carries(speedHz, refreshHz)) return;
    this.#overruns.predict();
    this.#raise('busTooSlow', 'speed', tooSlowText(bus, speedHz, refreshHz));
  }

  #dumped(overtaken: boolean, readMs: number): string {
    const { bus, refreshHz } = this.#options;
    this.#overruns.dump(overtaken);
    const nowHz = speedOf(RAM_WORDS, readMs);
    // Others may have used the bus while the EEPROM was read.
    const aloneHz = Math.max(this.#known?.speedHz ?? 0, nowHz);
    if (this.#known !== null) this.#known = { ...this.#known, speedHz: aloneHz };
    if (this.#overruns.tooSlow) {
      const text = carries(aloneHz, refreshHz)
        ? tooBusyText(bus, aloneHz, nowHz, refreshHz)
        : tooSlowText(bus, nowHz, refreshHz);
      this.#raise('busTooSlow', 'speed', `${text} (lost: ${this.#overruns.counts})`);
    } else this.#restore('busTooSlow', `${bus} carries ${refreshHz} Hz again`);
    return this.#overruns.counts;
  }

  #delivered(): void {
    this.#failures = 0;
    this.#goodSinceMs ??= this.#host.clock.monotonicMs();
    this.#restore('arrayUnavailable', `pictures of array ${this.#known?.arrayId ?? ''} come again`);
  }

  #failed(trouble: Trouble): void {
    const nowMs = this.#host.clock.monotonicMs();
    const goodForMs = this.#goodSinceMs === null ? 0 : nowMs - this.#goodSinceMs;
    if (goodForMs >= GOOD_AFTER_MS) this.#backoff.reset();
    this.#goodSinceMs = null;
    this.#failures += 1;
    const detail = withRemedy(trouble);
    // Where pictures cannot be believed, the bank knows the better reason already.
    if (trouble.kind !== 'unbelievable') this.#intake.noData('hardware', detail, nowMs);
    const isForgiven = goodForMs >= FORGIVEN_AFTER_MS && FORGIVEN.has(trouble.kind);
    if (!isForgiven) this.#raise('arrayUnavailable', trouble.kind, detail);
    this.#host.requestStep();
  }

  async #recover(): Promise<void> {
    const isHopeless = this.#failures % POWER_OFF_AFTER_FAILURES === 0;
    if (this.#power !== null && isHopeless && (await this.#switch(false))) {
      await this.#waits.pause(POWER_OFF_MS);
      await this.#switch(true);
    }
    await this.#waits.pause(this.#backoff.nextMs());
  }

  /** Harmless without a switch. @returns whether the supply is as wanted now */
  async #switch(on: boolean): Promise<boolean> {
    if (this.#power === null || this.#waits.ended) return true;
    const set = this.#power.set(on);
    if (!set.ok) {
      const detail = `the array's supply cannot be switched: ${set.error.message}`;
      this.#raise('arrayPowerUnavailable', set.error.kind, detail);
      return false;
    }
    this.#restore('arrayPowerUnavailable', "the array's supply can be switched again");
    if (on) await this.#waits.pause(POWER_UP_MS);
    return true;
  }

  #raise(fault: string, kind: string, detail: string): void {
    if (this.#raised.get(fault) === kind) return;
    this.#raised.set(fault, kind);
    this.#host.fault({ fault, subject: this.#host.sensor, raised: true, detail });
  }

  #restore(fault: string, detail: string): void {
    if (!this.#raised.delete(fault)) return;
    this.#host.fault({ fault, subject: this.#host.sensor, raised: false, detail });
  }
}
