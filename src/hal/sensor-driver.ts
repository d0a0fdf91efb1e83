/**
 * What a sensor driver is. A driver is one file in `drivers/` that ends in `defineSensorDriver`,
 * one line in `drivers/index.ts` and one fixture for the contract test.
 *
 * Opening never fails: hardware that is absent, busy or broken is a fault that the driver raises
 * and, by trying again for ever, restores. Sensors that are silent or implausible are judged by
 * the panel from the evidence; a driver only says what it saw.
 */
import type { EvidenceBank } from '../domain/evidence-bank.ts';
import type { BoardTraits } from '../domain/line-protocol/board-profile.ts';
import type { ArrayIntake, ArrayOptions } from '../domain/mlx90640/array-intake.ts';
import type { Clock, Log, Random } from '../domain/ports.ts';
import type { FaultNotice, SensorNotice } from '../domain/step.ts';
import type { SensorId } from '../domain/units.ts';
import type { Fields, JsonSchema, OptionProblem, OptionsOf } from './option-fields.ts';
import { optionsSchema, readOptions } from './option-fields.ts';
import type { Hardware } from './hardware.ts';
import type { HalResult } from './ports.ts';
import type { ProbeFinding } from './probe.ts';

/** One board's side of the line protocol: bytes in, commands out, evidence into the bank. */
export interface BoardSessionPort {
  receive(bytes: Uint8Array, nowMs: number): void;
  /** Does what has become due; call at `nextDueMs` or later. */
  due(nowMs: number): void;
  /** Monotonic time at which `due` wants to be called; Infinity for never. */
  readonly nextDueMs: number;
  close(nowMs: number): void;
}

/** A session that also tells how its line is doing. */
export interface WatchedSessionPort extends BoardSessionPort {
  /** Bytes since the last packet without error; 0 when the bytes just received ended one. */
  readonly bytesSinceGoodPacket: number;
}

/** What a driver may use: everything it touches comes from here. */
export interface DriverHost extends Hardware {
  /** The sensor as the configuration names it. */
  readonly sensor: SensorId;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly bank: EvidenceBank;
  notify(notice: SensorNotice): void;
  fault(notice: FaultNotice): void;
  /** Call once after each batch of input, so that it is judged at once. */
  requestStep(): void;
  /** Trouble is a value; paths are as the configuration gives them. */
  readFile(path: string): Promise<HalResult<Uint8Array>>;
  /**
   * Starts a session for this sensor, whatever names its board announces. `send` takes whole
   * commands, terminator included, and tells whether the line took them.
   */
  openSession(
    address: string,
    traits: BoardTraits,
    send: (command: Uint8Array) => boolean,
  ): WatchedSessionPort;
  /** Takes the data of an array that the driver reads itself; call it once per array. */
  openArray(options: ArrayOptions): ArrayIntake;
}

/** What a probe may use: it finds out and reports, and changes nothing that runs. */
export type ProbeHost = Hardware & Pick<DriverHost, 'sensor' | 'clock' | 'readFile'>;

/** When a sensor's readings come: for supervision and for the time-budget arithmetic. */
export interface SensorTiming {
  /** Time between two readings of one channel. */
  readonly cadenceMs: number;
  /** How much later than the world its readings are at most: filters, a picture's age. */
  readonly delayMs: number;
  /** How much longer one cycle may get now and then, default 0. */
  readonly cycleStretchMs?: number;
}

/** A running sensor. */
export interface SensorHandle {
  /** Never rejects; afterwards nothing is reported and no timer is left. */
  close(): Promise<void>;
}

export type Prepared =
  | {
      readonly ok: true;
      readonly timing: SensorTiming;
      /** Channels on which this sensor will report: a zone may name no others. */
      readonly channels: readonly string[] | 'any';
      /** What only one sensor may use, for example `i2c:/dev/i2c-1:0x33`. */
      readonly claims: readonly string[];
      open(host: DriverHost): SensorHandle;
      /** For `embereye doctor`: never rejects, ends within a few seconds. */
      probe(host: ProbeHost): Promise<readonly ProbeFinding[]>;
    }
  | { readonly ok: false; readonly problems: readonly OptionProblem[] };

export interface SensorDriver<K extends string = string> {
  /** Name in the configuration. */
  readonly kind: K;
  /** One line for people. */
  readonly summary: string;
  readonly schema: JsonSchema;
  /** Checks the options without touching hardware. */
  prepare(rawOptions: unknown): Prepared;
}

export interface DriverDefinition<K extends string, F extends Fields> {
  readonly kind: K;
  readonly summary: string;
  readonly options: F;
  readonly timing: (options: OptionsOf<F>) => SensorTiming;
  /** Default: any. */
  readonly channels?: (options: OptionsOf<F>) => readonly string[];
  /** Default: none. */
  readonly claims?: (options: OptionsOf<F>) => readonly string[];
  /** What the fields alone do not show: options that contradict one another. */
  readonly check?: (options: OptionsOf<F>) => readonly OptionProblem[];
  open(options: OptionsOf<F>, host: DriverHost): SensorHandle;
  /** Default: nothing to find out. */
  readonly probe?: (options: OptionsOf<F>, host: ProbeHost) => Promise<readonly ProbeFinding[]>;
}

export function defineSensorDriver<const K extends string, F extends Fields>(
  definition: DriverDefinition<K, F>,
): SensorDriver<K> {
  return {
    kind: definition.kind,
    summary: definition.summary,
    schema: optionsSchema(definition.options),
    prepare(rawOptions) {
      const options = readOptions(definition.options, rawOptions);
      if (!options.ok) return options;
      const { value } = options;
      const problems = definition.check?.(value) ?? [];
      if (problems.length > 0) return { ok: false, problems };
      return {
        ok: true,
        timing: definition.timing(value),
        channels: definition.channels?.(value) ?? 'any',
        claims: definition.claims?.(value) ?? [],
        open: (host) => definition.open(value, host),
        probe: async (host) => (await definition.probe?.(value, host)) ?? [],
      };
    },
  };
}
