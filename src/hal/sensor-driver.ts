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
import type { Clock, Log, Random } from '../domain/ports.ts';
import type { FaultNotice, SensorNotice } from '../domain/step.ts';
import type { SensorId } from '../domain/units.ts';
import type { Fields, JsonSchema, OptionProblem, OptionsOf } from './option-fields.ts';
import { optionsSchema, readOptions } from './option-fields.ts';
import type { HalResult, SerialBackend } from './ports.ts';

/** One board's side of the line protocol: bytes in, commands out, evidence into the bank. */
export interface BoardSessionPort {
  receive(bytes: Uint8Array, nowMs: number): void;
  /** Does what has become due; call at `nextDueMs` or later. */
  due(nowMs: number): void;
  /** Monotonic time at which `due` wants to be called; Infinity for never. */
  readonly nextDueMs: number;
  close(nowMs: number): void;
}

/** What a driver may use: everything it touches comes from here. */
export interface DriverHost {
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
  readonly serial: SerialBackend;
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
  ): BoardSessionPort;
}

/** A running sensor. */
export interface SensorHandle {
  /** Never rejects; afterwards nothing is reported and no timer is left. */
  close(): Promise<void>;
}

export type Prepared =
  | { readonly ok: true; open(host: DriverHost): SensorHandle }
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
  open(options: OptionsOf<F>, host: DriverHost): SensorHandle;
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
      return { ok: true, open: (host) => definition.open(options.value, host) };
    },
  };
}
