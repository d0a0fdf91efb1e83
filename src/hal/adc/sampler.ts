/**
 * Samples the channels of one converter: rounds at a fixed pace without drift, one at a time.
 *
 * - A reading that failed is no data at once, and tried again within a second. After two failed
 *   rounds in a row the converter is closed, the fault `adcUnavailable` is raised, and it is opened
 *   again with back-off.
 * - While it is down, every channel is no data once per cadence.
 * - A round that is still under way when the next is due is not joined by it: what it has not read
 *   yet is no data (`overrun`); one that never ends is `adcUnavailable` too.
 */
import type { NoDataReason } from '../../domain/evidence.ts';
import type { Cancel } from '../../domain/ports.ts';
import type { Channel, RangeEnd } from '../channels/channel.ts';
import type { HalError, HalResult } from '../ports.ts';
import { failed } from '../ports.ts';
import type { DriverHost, SensorHandle } from '../sensor-driver.ts';
import { DeviceKeeper } from './device-keeper.ts';
import { Pauses } from './pauses.ts';

export interface Voltage {
  /** At the pin. */
  readonly volts: number;
  readonly end: RangeEnd;
}

/** An opened converter. */
export interface Converter {
  /** One conversion of the channel with this place in the configuration. */
  read(index: number): Promise<HalResult<Voltage>>;
  /** Never rejects; a reading under way ends with an error. */
  close(): Promise<void>;
}

/** Resolves after so many milliseconds, or early when the sensor is closed. */
export type Pause = (ms: number) => Promise<void>;

export interface SamplerOptions {
  readonly host: Pick<DriverHost, 'clock' | 'random' | 'bank' | 'sensor' | 'fault' | 'requestStep'>;
  /** The converter in words: `ADS1115 at 0x48 on /dev/i2c-1`. */
  readonly what: string;
  readonly cadenceMs: number;
  readonly channels: readonly { readonly name: string; readonly chain: Channel }[];
  /** Errors say what to do. */
  readonly open: (pause: Pause) => Promise<HalResult<Converter>>;
}

const FAILURES_UNTIL_FAULT = 2;
/** After a first failure a slow cadence is not waited for. */
const SECOND_TRY_MS = 1000;
/** A round that takes so many cadences, and at least this long, will not end. */
const STUCK_CADENCES = 2;
const STUCK_MS = 5000;

interface Round {
  readonly device: Converter;
  readonly startedMs: number;
  /** The channel that is being read. */
  next: number;
}

export function startSampler(options: SamplerOptions): SensorHandle {
  return new Sampler(options);
}

class Sampler implements SensorHandle {
  readonly #options: SamplerOptions;
  readonly #pauses: Pauses;
  readonly #keeper: DeviceKeeper<Converter>;
  readonly #originMs: number;
  #round: Round | null = null;
  #failures = 0;
  #cancelTick: Cancel;
  #closed = false;

  constructor(options: SamplerOptions) {
    this.#options = options;
    const { host, what, open } = options;
    const pauses = new Pauses(host.clock);
    this.#pauses = pauses;
    this.#originMs = host.clock.monotonicMs();
    this.#keeper = new DeviceKeeper<Converter>({
      clock: host.clock,
      random: host.random,
      fault: 'adcUnavailable',
      subject: host.sensor,
      notify: (notice) => host.fault(notice),
      what,
      open: () => open((ms) => pauses.wait(ms)),
      opened: (device) => {
        this.#failures = FAILURES_UNTIL_FAULT - 1;
        this.#begin(device);
      },
      explain: (error) => `${what}: ${error.message}`,
    });
    this.#cancelTick = this.#nextTick();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTick();
    this.#pauses.endAll();
    await this.#keeper.close();
  }

  #nextTick(): Cancel {
    const { clock } = this.#options.host;
    const { cadenceMs } = this.#options;
    const sinceMs = clock.monotonicMs() - this.#originMs;
    // The nearest multiple, not the next: a timer that fired a little early must not fire twice.
    const dueMs = (Math.round(sinceMs / cadenceMs) + 1) * cadenceMs;
    return clock.after(dueMs - sinceMs, () => {
      this.#cancelTick = this.#nextTick();
      this.#tick();
    });
  }

  #tick(): void {
    const { device, trouble } = this.#keeper;
    if (device === null) {
      const why = trouble?.message ?? 'being opened';
      this.#noDataFrom(0, trouble === null ? 'hardware' : reasonOf(trouble), why);
      return;
    }
    if (this.#round === null || this.#round.device !== device) this.#begin(device);
    else this.#overrun(this.#round);
  }

  #overrun(round: Round): void {
    const { host, cadenceMs } = this.#options;
    const lastedMs = host.clock.monotonicMs() - round.startedMs;
    // A round that began just now, with the opening, is in nobody's way.
    if (lastedMs < 0.9 * cadenceMs) return;
    const slow = `not read within ${cadenceMs} ms: the bus is too slow or too busy`;
    this.#noDataFrom(round.next, 'overrun', `${slow}; raise cadenceSeconds`);
    if (lastedMs < Math.max(STUCK_MS, STUCK_CADENCES * cadenceMs)) return;
    const seconds = Math.round(lastedMs / 1000);
    const stuck = failed('timeout', `a round of readings has not ended after ${seconds} s`);
    this.#round = null;
    this.#keeper.failed(round.device, stuck.error);
  }

  #begin(device: Converter): void {
    const round = { device, startedMs: this.#options.host.clock.monotonicMs(), next: 0 };
    this.#round = round;
    void this.#run(round);
  }

  /** Never rejects. */
  async #run(round: Round): Promise<void> {
    const { host, channels } = this.#options;
    for (const [i, channel] of channels.entries()) {
      round.next = i;
      const reading = await round.device.read(i);
      if (this.#closed || this.#round !== round) return;
      if (!reading.ok) {
        this.#fail(round, reading.error);
        return;
      }
      const { volts, end } = reading.value;
      this.#report(channel, volts, end);
    }
    this.#round = null;
    this.#failures = 0;
    this.#keeper.good();
    host.requestStep();
  }

  #report({ name, chain }: SamplerOptions['channels'][number], volts: number, end: RangeEnd): void {
    const { bank, clock, sensor } = this.#options.host;
    const atMs = clock.monotonicMs();
    const outcome = chain.accept(volts, atMs, end);
    if (outcome.kind === 'value') bank.level(sensor, name).add(outcome.percent, atMs);
    else if (outcome.kind === 'noData') {
      bank.noData(sensor, name, outcome.reason, outcome.detail, atMs);
    }
  }

  #fail(round: Round, error: HalError): void {
    this.#round = null;
    this.#failures += 1;
    this.#noDataFrom(round.next, reasonOf(error), error.message);
    if (this.#failures >= FAILURES_UNTIL_FAULT) this.#keeper.failed(round.device, error);
    else if (this.#options.cadenceMs > SECOND_TRY_MS) void this.#tryAgain(round.device);
  }

  async #tryAgain(device: Converter): Promise<void> {
    await this.#pauses.wait(SECOND_TRY_MS);
    if (this.#closed || this.#round !== null || this.#keeper.device !== device) return;
    if (this.#failures > 0) this.#begin(device);
  }

  #noDataFrom(first: number, reason: NoDataReason, why: string): void {
    const { host, channels, what } = this.#options;
    const atMs = host.clock.monotonicMs();
    for (const { name, chain } of channels.slice(first)) {
      chain.interrupt();
      host.bank.noData(host.sensor, name, reason, `${what}: ${why}`, atMs);
    }
    host.requestStep();
  }
}

function reasonOf(error: HalError): NoDataReason {
  return error.kind === 'corrupt' ? 'corrupt' : 'hardware';
}
