/** Everything one step may look at. What is not in here cannot influence an alarm. */
import type { CommandRequest } from './command.ts';
import type { EvidenceWindow } from './evidence.ts';
import type { SensorId, ZoneId } from './units.ts';

/** News about a sensor that is not a reading. */
export type SensorNotice =
  | {
      /** First sight of a sensor that the configuration does not name. */
      readonly kind: 'appeared';
      readonly sensor: SensorId;
      readonly address: string;
      /** Location or serial number as the board announced it. */
      readonly announced: string;
    }
  | {
      readonly kind: 'arraySwapped';
      readonly sensor: SensorId;
      readonly was: string;
      readonly is: string;
    }
  | {
      /** The scene of an array differs for good from what was learnt; a person should approve. */
      readonly kind: 'backgroundChanged';
      readonly sensor: SensorId;
      /** False when it looks again as it was learnt, or the change was approved. */
      readonly raised: boolean;
      /** For people: where, by how much, for how long. */
      readonly detail: string;
    };

/** Whether people are at work by the site's own hours; `unknown` while the clock is not trusted. */
export type Hours = 'working' | 'off' | 'unknown';

/** A fault of the appliance itself or of something it watches, raised or restored by an adapter. */
export interface FaultNotice {
  /** What kind: `storeUnavailable`, `brokerUnreachable`, `outputFailed`, ... */
  readonly fault: string;
  /** What failed; `fault` + `subject` identify it. */
  readonly subject: string;
  readonly raised: boolean;
  readonly detail: string;
  /** The zone it belongs to; left out, it is that of the sensor that `subject` names, if any. */
  readonly zone?: ZoneId;
  /** True: a supervisory condition, which needs attention but takes nothing from the alarm path. */
  readonly supervisory?: boolean;
}

export type InputRole =
  | 'acknowledge'
  | 'silence'
  | 'reset'
  | 'test'
  | 'manualCallPoint'
  | 'tamper'
  | 'mainsFail'
  | 'batteryFail';

/** A debounced digital input changed. */
export interface InputSignal {
  readonly input: string;
  readonly role: InputRole;
  /** The zone a manual call point or tamper belongs to; null for the whole appliance. */
  readonly zone: ZoneId | null;
  readonly active: boolean;
}

export interface StepInputs {
  readonly windows: readonly EvidenceWindow[];
  readonly notices: readonly SensorNotice[];
  readonly faults: readonly FaultNotice[];
  readonly signals: readonly InputSignal[];
  readonly commands: readonly CommandRequest[];
  /** Null: the site has no hours of its own. */
  readonly hours: Hours | null;
}

export const NO_INPUTS: StepInputs = {
  windows: [],
  notices: [],
  faults: [],
  signals: [],
  commands: [],
  hours: null,
};
