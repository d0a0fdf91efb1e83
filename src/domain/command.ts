/** Operator commands, wherever they come from: console, MQTT, CLI, a key switch. */
import type { SensorId, ZoneId } from './units.ts';

/** Access levels 1, 2, 3 of fire-alarm practice, lowest first. */
export const ACCESS_LEVELS = ['viewer', 'operator', 'installer'] as const;
export type AccessLevel = (typeof ACCESS_LEVELS)[number];

export type Command =
  | { readonly kind: 'acknowledge'; readonly zone: ZoneId | 'all' }
  | { readonly kind: 'silence' }
  | { readonly kind: 'reset'; readonly zone: ZoneId | 'all' }
  | { readonly kind: 'disable'; readonly zone: ZoneId; readonly forMs: number }
  | { readonly kind: 'enable'; readonly zone: ZoneId }
  | { readonly kind: 'test'; readonly zone: ZoneId; readonly forMs: number }
  | { readonly kind: 'disableSensor'; readonly sensor: SensorId; readonly forMs: number }
  | { readonly kind: 'enableSensor'; readonly sensor: SensorId }
  /** `output` is the id of one wired line; the fault relay cannot be disabled. */
  | { readonly kind: 'disableOutput'; readonly output: string; readonly forMs: number }
  | { readonly kind: 'enableOutput'; readonly output: string }
  /** Holds siren, strobe and alarm relay off; sent again it runs from now on. */
  | { readonly kind: 'maintenance'; readonly forMs: number }
  | { readonly kind: 'endMaintenance' }
  /** Ends output delays and silence of the alarms that stand. */
  | { readonly kind: 'sound' }
  /** The scene of an array is right as it is now. */
  | { readonly kind: 'approveBackground'; readonly sensor: SensorId }
  /** Proves the way from sensor to outputs with a marked, synthetic fire. */
  | { readonly kind: 'prove'; readonly zone: ZoneId | 'all' }
  /** The sender has received the event `proof` with this id. */
  | { readonly kind: 'confirmProof'; readonly proof: string };

export type CommandKind = Command['kind'];

/** Who may do what: the lowest level that each command needs, in console, CLI and MQTT alike. */
export const ACCESS = {
  acknowledge: 'operator',
  silence: 'operator',
  reset: 'operator',
  sound: 'operator',
  prove: 'operator',
  confirmProof: 'operator',
  disable: 'installer',
  enable: 'installer',
  test: 'installer',
  disableSensor: 'installer',
  enableSensor: 'installer',
  disableOutput: 'installer',
  enableOutput: 'installer',
  maintenance: 'installer',
  endMaintenance: 'installer',
  approveBackground: 'installer',
} as const satisfies Readonly<Record<CommandKind, AccessLevel>>;

/** Every command there is, as it is named in topics and on the control socket. */
export const COMMAND_KINDS = Object.keys(ACCESS) as readonly CommandKind[];

/** Whether somebody of this level may give that command. */
export function isPermitted(level: AccessLevel, kind: CommandKind): boolean {
  return ACCESS_LEVELS.indexOf(level) >= ACCESS_LEVELS.indexOf(ACCESS[kind]);
}

export interface CommandRequest {
  readonly command: Command;
  /** Unique per request: a repeated id is answered again and not executed again. */
  readonly requestId: string;
  /** Who and from where, for the journal: for example `mqtt:central-1`, `input:reset-button`. */
  readonly origin: string;
  readonly level: AccessLevel;
}

/** What the answer to `configure` says besides: for machines, what `detail` sums up for people. */
export interface ConfigureReport {
  /** Of the configuration in question. */
  readonly configHash: string;
  /** What differs from the one that runs, a line each; secrets are left out. */
  readonly changes: readonly string[];
  /** What is wrong with it, a line each: line in the text, field, problem and remedy. */
  readonly problems: readonly string[];
}

export type CommandOutcome =
  | {
      readonly requestId: string;
      readonly ok: true;
      readonly detail: string;
      readonly report?: ConfigureReport;
    }
  | {
      readonly requestId: string;
      readonly ok: false;
      readonly error: CommandError;
      readonly detail: string;
      readonly report?: ConfigureReport;
    };

export const COMMAND_ERRORS = [
  'unknownCommand',
  'unknownZone',
  'unknownSensor',
  'unknownOutput',
  'badArgument',
  'notPermitted',
  'stale',
  'notApplicable',
  'overloaded',
] as const;
export type CommandError = (typeof COMMAND_ERRORS)[number];
