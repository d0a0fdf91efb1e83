/**
 * What to say to a board, and when. The link is half-duplex: a command that arrives while the board
 * is sending is lost and damages what the board sends, so it waits for a quiet wire.
 *
 *   wanted ── quiet wire? ──► sent ──► answered ──► wanted again later
 *     ▲                         │
 *     └──── jittered back-off ──┴── timed out
 *
 * The wire counts as quiet
 *  1. in the gap right after `#Sensor..!`, which ends a cycle;
 *  2. with a board that has sent no `#Sensor` for a while (it only sends frames, waits for its
 *     first command, or is asked on demand): when no byte has come for `QUIET_MS`, longer than the
 *     pause between a frame and its `#Sensor`;
 *  3. with such a board that never pauses: right after a complete packet, once it has been waited
 *     for twice as long.
 * A packet that was begun keeps the wire busy; one that is not ended within `STALE_PACKET_MS` never
 * will be. At most one command is on its way.
 */
import {
  type CommandKind,
  EEPROM_EVERY_MS,
  EEPROM_RETRY_MOST_MS,
  EEPROM_RETRY_MS,
  GAP_MS,
  GAP_SHARE,
  PERIOD_RETRY_MOST_MS,
  REQUEST_FAILURES_AT_PACE,
  REQUEST_RETRY_MOST_MS,
  type Received,
  type SchedulerEvent,
  type SchedulerOptions,
  type SchedulerResult,
  type SchedulerState,
  type Want,
  cycleMs,
  patienceMs,
  quietAt,
  retry,
  silenceMs,
  timeoutAt,
} from './schedule.ts';

/** A board that has just connected (or whose line was just opened). */
export function createScheduler(options: SchedulerOptions, nowMs: number): SchedulerState {
  const due: Want = { dueMs: nowMs, failures: 0 };
  return {
    options,
    connectedAtMs: nowMs,
    lastByteAtMs: nowMs,
    lastSensorAtMs: null,
    midPacket: false,
    gapUntilMs: -Infinity,
    outstanding: null,
    started: false,
    wants: { period: due, request: due, eeprom: due },
  };
}

/** The same connection after the board became known: other pace, same history. */
export function withOptions(state: SchedulerState, options: SchedulerOptions): SchedulerState {
  return { ...state, options };
}

/** One step. Pure; after `send` is returned the command counts as sent at `nowMs`. */
export function stepScheduler(
  state: SchedulerState,
  event: SchedulerEvent,
  nowMs: number,
): SchedulerResult {
  const heard = event.kind === 'received' ? afterReceived(state, event, nowMs) : state;
  const current = afterTimeout(heard, event.chance, nowMs);
  const betweenPackets = event.kind === 'received' && !event.midPacket && event.packets > 0;
  const command = nextCommand(current, betweenPackets, nowMs);
  const next = command === null ? current : afterSend(current, command, event.chance, nowMs);
  return { state: next, send: command, nextDueMs: nextDueOf(next, nowMs) };
}

function afterReceived(
  state: SchedulerState,
  event: SchedulerEvent & Received,
  nowMs: number,
): SchedulerState {
  const answered = isAnswered(state, event);
  const heard: SchedulerState = {
    ...state,
    lastByteAtMs: nowMs,
    lastSensorAtMs: event.endsWithSensor ? nowMs : state.lastSensorAtMs,
    midPacket: event.midPacket,
    gapUntilMs: gapAfter(state, event, nowMs),
    outstanding: answered ? null : state.outstanding,
    wants: {
      period: periodAfter(state, event, nowMs),
      request: requestAfter(state, event, nowMs, answered),
      eeprom: eepromAfter(state, event, nowMs),
    },
  };
  return event.booted ? afterBoot(heard, nowMs) : heard;
}

/** A board that has booted has forgotten that it was started, and is as quiet as a new one. */
function afterBoot(state: SchedulerState, nowMs: number): SchedulerState {
  const due: Want = { dueMs: nowMs, failures: 0 };
  return {
    ...state,
    connectedAtMs: nowMs,
    lastSensorAtMs: null,
    outstanding: null,
    started: false,
    wants: { period: due, request: due, eeprom: due },
  };
}

function gapAfter(state: SchedulerState, event: Received, nowMs: number): number {
  if (event.midPacket) return -Infinity;
  if (event.packets === 0) return state.gapUntilMs;
  if (!event.endsWithSensor) return -Infinity;
  return nowMs + Math.min(GAP_MS, cycleMs(state.options) * GAP_SHARE);
}

function isAnswered(state: SchedulerState, event: Received): boolean {
  switch (state.outstanding?.command) {
    case 'period':
      return event.packets > 0;
    case 'request':
      // The frame's `#Sensor` follows: the command is done when the cycle is.
      return event.endsWithSensor || (event.frames > 0 && event.packets > event.frames);
    case 'eeprom':
      return event.eeprom !== 'none';
    case undefined:
      return false;
  }
}

function periodAfter(state: SchedulerState, event: Received, nowMs: number): Want {
  if (!state.started || event.packets === 0) return state.wants.period;
  return { dueMs: nowMs + silenceMs(state.options), failures: 0 };
}

/** A damaged frame is not asked for again at once: the next poll is soon enough. */
function requestAfter(
  state: SchedulerState,
  event: Received,
  nowMs: number,
  answered: boolean,
): Want {
  const { outstanding, wants, options } = state;
  if (outstanding?.command !== 'request') return wants.request;
  if (!answered && event.frames === 0) return wants.request;
  return { dueMs: Math.max(nowMs, outstanding.sentAtMs + options.pollMs), failures: 0 };
}

function eepromAfter(state: SchedulerState, event: SchedulerEvent & Received, nowMs: number): Want {
  if (event.eeprom === 'good') return { dueMs: nowMs + EEPROM_EVERY_MS, failures: 0 };
  if (event.eeprom === 'none') return state.wants.eeprom;
  return retry(state.wants.eeprom, EEPROM_RETRY_MS, EEPROM_RETRY_MOST_MS, event.chance, nowMs);
}

function afterTimeout(state: SchedulerState, chance: number, nowMs: number): SchedulerState {
  const { outstanding, wants, options } = state;
  if (outstanding === null || nowMs < timeoutAt(state)) return state;
  if (outstanding.command === 'eeprom') {
    const eeprom = retry(wants.eeprom, EEPROM_RETRY_MS, EEPROM_RETRY_MOST_MS, chance, nowMs);
    return { ...state, outstanding: null, wants: { ...wants, eeprom } };
  }
  // A frame without its `#Sensor` has moved the request on already.
  if (outstanding.command === 'request' && wants.request.dueMs === Infinity) {
    const failures = wants.request.failures + 1;
    const patient = retry(wants.request, options.pollMs, REQUEST_RETRY_MOST_MS, chance, nowMs);
    const request = failures <= REQUEST_FAILURES_AT_PACE ? { dueMs: nowMs, failures } : patient;
    return { ...state, outstanding: null, wants: { ...wants, request } };
  }
  return { ...state, outstanding: null };
}

function afterSend(
  state: SchedulerState,
  command: CommandKind,
  chance: number,
  nowMs: number,
): SchedulerState {
  const { wants, options } = state;
  const started = state.started || command !== 'eeprom';
  const sent = {
    ...state,
    started,
    gapUntilMs: -Infinity,
    outstanding: { command, sentAtMs: nowMs },
  };
  if (command !== 'period') {
    // Its answer or its time-out says when it is wanted again.
    const unanswered = { dueMs: Infinity, failures: wants[command].failures };
    return { ...sent, wants: { ...wants, [command]: unanswered } };
  }
  const most = Math.max(PERIOD_RETRY_MOST_MS, silenceMs(options));
  const period = retry(wants.period, silenceMs(options), most, chance, nowMs);
  return { ...sent, wants: { ...wants, period } };
}

/** The command to send now, if one is due and the wire is quiet. */
function nextCommand(
  state: SchedulerState,
  betweenPackets: boolean,
  nowMs: number,
): CommandKind | null {
  if (state.outstanding !== null) return null;
  const command = firstDue(state, nowMs);
  if (command === null) return null;
  if (nowMs <= state.gapUntilMs || nowMs >= quietAt(state, command)) return command;
  const waitedMs = nowMs - (state.lastSensorAtMs ?? state.connectedAtMs);
  return betweenPackets && waitedMs >= 2 * patienceMs(state.options) ? command : null;
}

/** Starting the board comes first, then its calibration, then polling once it has been polled. */
function firstDue(state: SchedulerState, nowMs: number): CommandKind | null {
  for (const command of commandOrder(state)) {
    if (state.wants[command].dueMs <= nowMs) return command;
  }
  return null;
}

function commandOrder(state: SchedulerState): readonly CommandKind[] {
  const { mode, wantsEeprom } = state.options;
  if (mode === 'continuous') return wantsEeprom ? CONTINUOUS : CONTINUOUS_LEGACY;
  if (!wantsEeprom) return ON_DEMAND_LEGACY;
  return state.started ? ON_DEMAND : ON_DEMAND_FIRST;
}
const CONTINUOUS: readonly CommandKind[] = ['period', 'eeprom'];
const CONTINUOUS_LEGACY: readonly CommandKind[] = ['period'];
const ON_DEMAND: readonly CommandKind[] = ['eeprom', 'request'];
const ON_DEMAND_FIRST: readonly CommandKind[] = ['request', 'eeprom'];
const ON_DEMAND_LEGACY: readonly CommandKind[] = ['request'];

function nextDueOf(state: SchedulerState, nowMs: number): number {
  if (state.outstanding !== null) return timeoutAt(state);
  let next = Infinity;
  for (const command of commandOrder(state)) {
    const { dueMs } = state.wants[command];
    const inGap = nowMs <= state.gapUntilMs && dueMs <= state.gapUntilMs;
    next = Math.min(next, inGap ? dueMs : Math.max(dueMs, quietAt(state, command)));
  }
  return next;
}
