/**
 * What the command scheduler knows of a board, and its times. See `scheduler.ts` for the rules.
 */

export type CommandKind = 'period' | 'request' | 'eeprom';
export type BoardMode = 'continuous' | 'onDemand';

export interface SchedulerOptions {
  readonly mode: BoardMode;
  /** Time between two `REQUEST1` of an on-demand board, 1..3600 s. */
  readonly pollMs: number;
  /** Expected cycle of a continuous board. */
  readonly cadenceMs: number;
  /** Whether the board's calibration is of use: not for legacy decoding. */
  readonly wantsEeprom: boolean;
}

/** When a command is next due, and how often in a row it went unanswered. */
export interface Want {
  readonly dueMs: number;
  readonly failures: number;
}

export interface SchedulerState {
  readonly options: SchedulerOptions;
  readonly connectedAtMs: number;
  readonly lastByteAtMs: number;
  readonly lastSensorAtMs: number | null;
  readonly midPacket: boolean;
  /** A command may be sent until then; -Infinity while the gap is closed. */
  readonly gapUntilMs: number;
  readonly outstanding: { readonly command: CommandKind; readonly sentAtMs: number } | null;
  /** Whether `PERIOD_ON` or `REQUEST1` went out since the connection or the board's last boot. */
  readonly started: boolean;
  readonly wants: Readonly<Record<CommandKind, Want>>;
}

/** What came in since the last event, as far as the scheduler cares. */
export interface Received {
  readonly kind: 'received';
  /** Complete packets of any kind. */
  readonly packets: number;
  readonly frames: number;
  /** Whether the last complete packet was a `#Sensor`. */
  readonly endsWithSensor: boolean;
  readonly eeprom: 'none' | 'good' | 'bad';
  /** The board announced its serial number again: it has booted. */
  readonly booted: boolean;
  /** Whether a packet has begun and not ended. */
  readonly midPacket: boolean;
}

/** `chance` is uniform in [0, 1): it spreads the retries of many boards. */
export type SchedulerEvent = (Received | { readonly kind: 'tick' }) & { readonly chance: number };

export interface SchedulerResult {
  readonly state: SchedulerState;
  readonly send: CommandKind | null;
  /** When to come back with a `tick` if nothing is received; Infinity for never. */
  readonly nextDueMs: number;
}

/** Longer than the 0.49 s between a frame and its `#Sensor`. */
export const QUIET_MS = 700;
/** A board that has just connected gets this long to announce itself. */
export const SETTLE_MS = 300;
/** A packet of 8 kB takes less than this on any line that a board uses. */
export const STALE_PACKET_MS = 6_000;
/** How long the gap after `#Sensor` may be used: well before the next frame of a 4.09 s cycle. */
export const GAP_MS = 1_600;
export const GAP_SHARE = 0.4;
export const EEPROM_EVERY_MS = 3_600_000;
export const EEPROM_TIMEOUT_MS = 6_000;
export const EEPROM_RETRY_MS = 2_000;
export const EEPROM_RETRY_MOST_MS = 300_000;
const PERIOD_TIMEOUT_MS = 2_000;
/** Shorter than the 30 s after which a silent board is in fault, so that one retry comes before. */
const SILENCE_LEAST_MS = 10_000;
export const PERIOD_RETRY_MOST_MS = 60_000;
const REQUEST_TIMEOUT_LEAST_MS = 2_000;
const REQUEST_TIMEOUT_MOST_MS = 6_000;
export const REQUEST_FAILURES_AT_PACE = 3;
export const REQUEST_RETRY_MOST_MS = 30_000;

/** When the wire will count as quiet for `command`, if nothing more is received. */
export function quietAt(state: SchedulerState, command: CommandKind): number {
  const { lastByteAtMs, lastSensorAtMs, connectedAtMs, options } = state;
  const notBefore = state.midPacket ? lastByteAtMs + STALE_PACKET_MS : 0;
  const quietMs = lastByteAtMs === connectedAtMs ? SETTLE_MS : QUIET_MS;
  const quietFrom = Math.max(notBefore, lastByteAtMs + quietMs);
  const starts = command === 'period' && !state.started && lastSensorAtMs === null;
  if (options.mode === 'onDemand' || starts) return quietFrom;
  return Math.max(quietFrom, (lastSensorAtMs ?? connectedAtMs) + patienceMs(options));
}

/** When the command on its way is given up; Infinity when there is none. */
export function timeoutAt(state: SchedulerState): number {
  const { outstanding, options } = state;
  if (outstanding === null) return Infinity;
  const { pollMs } = options;
  const request = Math.min(REQUEST_TIMEOUT_MOST_MS, Math.max(REQUEST_TIMEOUT_LEAST_MS, pollMs));
  const timeouts = { period: PERIOD_TIMEOUT_MS, eeprom: EEPROM_TIMEOUT_MS, request };
  return outstanding.sentAtMs + timeouts[outstanding.command];
}

/** Doubles per failure up to `mostMs`, spread by chance over half to one and a half of it. */
export function retry(
  was: Want,
  baseMs: number,
  mostMs: number,
  chance: number,
  nowMs: number,
): Want {
  const backOffMs = Math.min(mostMs, baseMs * 2 ** Math.min(was.failures, 16));
  return { dueMs: nowMs + backOffMs * (0.5 + chance), failures: was.failures + 1 };
}

/** Time between two frames of a board that does as it is told. */
export function cycleMs(options: SchedulerOptions): number {
  return options.mode === 'continuous' ? options.cadenceMs : options.pollMs;
}

/** How long a board may be silent before it is told again to start. */
export function silenceMs(options: SchedulerOptions): number {
  return Math.max(SILENCE_LEAST_MS, 2 * options.cadenceMs);
}

/** How long a `#Sensor` is waited for before the wire is judged by its silence alone. */
export function patienceMs(options: SchedulerOptions): number {
  return Math.max(SILENCE_LEAST_MS, 2 * options.cadenceMs);
}
