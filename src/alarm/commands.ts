/**
 * What operators may do: access levels, idempotency and the answers. A request is known by origin
 * and `requestId`; a repeated one is answered again and not executed again.
 */
import type {
  AccessLevel,
  Command,
  CommandError,
  CommandOutcome,
  CommandRequest,
} from '../domain/command.ts';
import type { ZoneId } from '../domain/units.ts';
import { unreachable } from '../domain/assert.ts';
import type { Draft } from './draft.ts';
import { endDisablement, endTest } from './draft.ts';
import { restoreInZone } from './supervision.ts';
import { resetAlarm } from './zone.ts';
import type { ZoneState } from './zone-state.ts';
import { isOffNormalZone } from './zone-state.ts';

export interface Answered {
  readonly key: string;
  readonly outcome: CommandOutcome;
  readonly atMs: number;
}

export interface CommandMemory {
  /** Newest last. */
  readonly answered: readonly Answered[];
  /** Resets that may still be executed, refilled with time. */
  readonly resetTokens: number;
  readonly refilledMs: number;
}

/** Requests remembered for idempotency; a repetition comes within seconds. */
export const ANSWERS_KEPT = 256;
/** After this an id may be used again, by a client that counts from one after its own restart. */
const REPEATED_WITHIN_MS = 600_000;
/**
 * Each reset of a zone whose cause is still there makes two alarm-lane events, so resets are
 * limited: ten at once, then one a second. Refusing a reset is the safe side.
 */
const RESET_BURST = 10;
const RESET_REFILL_MS = 1_000;

/** Supervisory conditions that a person ends by having seen them. */
export const SEEN_IS_ENOUGH: readonly string[] = ['unknownSensor', 'arraySwapped'];

const RANK: Record<AccessLevel, number> = { viewer: 1, operator: 2, installer: 3 };
const NEEDED: Record<Command['kind'], AccessLevel> = {
  acknowledge: 'operator',
  silence: 'operator',
  reset: 'operator',
  disable: 'installer',
  enable: 'installer',
  test: 'installer',
};

export function startCommands(nowMs: number): CommandMemory {
  return { answered: [], resetTokens: RESET_BURST, refilledMs: nowMs };
}

export function answerKey(origin: string, requestId: string): string {
  return `${origin}\n${requestId}`;
}

/** Adds an answer and forgets the oldest ones. */
export function keepAnswer(memory: CommandMemory, answer: Answered): CommandMemory {
  return { ...memory, answered: [...memory.answered.slice(1 - ANSWERS_KEPT), answer] };
}

/** Executes a request once, answers it and puts it into the journal. */
export function obey(draft: Draft, request: CommandRequest): void {
  const key = answerKey(request.origin, request.requestId);
  const known = draft.commands.answered.find(
    (answered) => answered.key === key && draft.nowMs - answered.atMs < REPEATED_WITHIN_MS,
  );
  if (known !== undefined) {
    draft.outcomes.push(known.outcome);
    return;
  }
  const outcome = perform(draft, request);
  draft.commands = keepAnswer(draft.commands, { key, outcome, atMs: draft.nowMs });
}

/** Executes a request whether or not it came before: a press of a button is always a new one. */
export function perform(draft: Draft, request: CommandRequest): CommandOutcome {
  const outcome = execute(draft, request);
  if (!outcome.ok) {
    const { error, detail } = outcome;
    draft.events.push({
      lane: 'operator',
      type: 'commandRefused',
      data: { origin: request.origin, requestId: request.requestId, error, detail },
    });
  }
  draft.outcomes.push(outcome);
  return outcome;
}

function execute(draft: Draft, request: CommandRequest): CommandOutcome {
  const { command, level } = request;
  const needed = NEEDED[command.kind];
  if (RANK[level] < RANK[needed]) {
    const detail = `${command.kind} needs access level ${needed}, not ${level}`;
    return refuse(request, 'notPermitted', detail);
  }
  switch (command.kind) {
    case 'acknowledge':
      return inZones(draft, request, command.zone, acknowledge);
    case 'silence':
      return inZones(draft, request, 'all', silence);
    case 'reset':
      return takeResetToken(draft)
        ? inZones(draft, request, command.zone, reset)
        : refuse(request, 'overloaded', 'too many resets; send it again in a second');
    case 'disable':
      return limitedTime(draft, request, command.zone, command.forMs, 'disabled');
    case 'test':
      return limitedTime(draft, request, command.zone, command.forMs, 'testStarted');
    case 'enable':
      return enable(draft, request, command.zone);
    default:
      return unreachable(command);
  }
}

type ByZones = (draft: Draft, request: CommandRequest, indices: readonly number[]) => string;

function inZones(
  draft: Draft,
  request: CommandRequest,
  zone: ZoneId | 'all',
  act: ByZones,
): CommandOutcome {
  if (zone === 'all') {
    return accept(request, act(draft, request, [...draft.zones.keys()]));
  }
  const index = draft.indexOf(zone);
  if (index < 0) return refuse(request, 'unknownZone', `there is no zone ${zone}`);
  return accept(request, act(draft, request, [index]));
}

function acknowledge(draft: Draft, request: CommandRequest, indices: readonly number[]): string {
  const open = (zone: ZoneState) => isOffNormalZone(zone) && !zone.acknowledged;
  const zones = select(draft, indices, open);
  push(draft, 'acknowledged', request, zones);
  for (const index of indices) {
    draft.change(index, (zone) => {
      if (!open(zone)) return zone;
      let seen: ZoneState = { ...zone, acknowledged: true };
      for (const fact of zone.supervisory.active) {
        if (!SEEN_IS_ENOUGH.includes(fact.fault)) continue;
        seen = restoreInZone(seen, 'supervisory', fact, draft.nowMs, draft);
      }
      return seen;
    });
  }
  const all = request.command.kind === 'acknowledge' && request.command.zone === 'all';
  if (all) {
    draft.system = { ...draft.system, acknowledged: true };
    for (const { fault, subject } of draft.system.supervisory.active) {
      if (SEEN_IS_ENOUGH.includes(fault)) draft.restoreInSystem('supervisory', fault, subject);
    }
  }
  return zones.length === 0 ? 'nothing to acknowledge in a zone' : `acknowledged ${list(zones)}`;
}

function silence(draft: Draft, request: CommandRequest, indices: readonly number[]): string {
  const sounding = (zone: ZoneState) => zone.alarm !== null && !zone.silenced;
  const zones = select(draft, indices, sounding);
  push(draft, 'silenced', request, zones);
  for (const index of indices) {
    draft.change(index, (zone) => (sounding(zone) ? { ...zone, silenced: true } : zone));
  }
  return zones.length === 0 ? 'nothing sounds' : `silenced ${list(zones)}`;
}

function reset(draft: Draft, request: CommandRequest, indices: readonly number[]): string {
  const zones = select(draft, indices, (zone) => zone.alarm !== null);
  push(draft, 'resetRequested', request, zones);
  for (const index of indices) {
    draft.change(index, (zone) => resetAlarm(zone, draft.nowMs, draft));
  }
  return zones.length === 0 ? 'no alarm to reset' : `reset ${list(zones)}`;
}

function limitedTime(
  draft: Draft,
  request: CommandRequest,
  zoneId: ZoneId,
  forMs: number,
  type: 'disabled' | 'testStarted',
): CommandOutcome {
  const longestMs = type === 'disabled' ? draft.plan.maxDisableMs : draft.plan.maxTestMs;
  if (!Number.isFinite(forMs) || forMs <= 0 || forMs > longestMs) {
    const detail = `forMs must be above 0 and at most ${longestMs}, not ${forMs}`;
    return refuse(request, 'badArgument', detail);
  }
  const index = draft.indexOf(zoneId);
  const zone = draft.zones[index];
  if (zone === undefined) return refuse(request, 'unknownZone', `there is no zone ${zoneId}`);
  if (type === 'testStarted' && zone.alarm !== null) {
    return refuse(request, 'notApplicable', 'the zone is in alarm: reset it before a walk test');
  }
  const { requestId, origin } = request;
  const data = { origin, requestId, zone: zoneId, zoneName: zone.plan.name, forMs };
  draft.events.push({ lane: 'operator', type, data });
  const untilMs = draft.nowMs + forMs;
  draft.change(index, (before) =>
    type === 'disabled'
      ? { ...before, disabledUntilMs: untilMs, dueMs: draft.nowMs }
      : {
          ...before,
          test: { untilMs, active: false, activatedAtMs: -Infinity },
          dueMs: draft.nowMs,
        },
  );
  const minutes = (forMs / 60_000).toFixed(1);
  return accept(request, `${type === 'disabled' ? 'disabled' : 'under test'} for ${minutes} min`);
}

function enable(draft: Draft, request: CommandRequest, zoneId: ZoneId): CommandOutcome {
  const index = draft.indexOf(zoneId);
  const zone = draft.zones[index];
  if (zone === undefined) return refuse(request, 'unknownZone', `there is no zone ${zoneId}`);
  if (zone.disabledUntilMs === null && zone.test === null) {
    return refuse(request, 'notApplicable', 'the zone is neither disabled nor under test');
  }
  draft.change(index, (before) => ({
    ...endTest(endDisablement(before, request.origin, draft), request.origin, draft),
    dueMs: draft.nowMs,
  }));
  return accept(request, 'enabled');
}

function takeResetToken(draft: Draft): boolean {
  const { resetTokens, refilledMs } = draft.commands;
  const refill = Math.max(0, draft.nowMs - refilledMs) / RESET_REFILL_MS;
  const tokens = Math.min(RESET_BURST, resetTokens + refill);
  const granted = tokens >= 1;
  const left = granted ? tokens - 1 : tokens;
  draft.commands = { ...draft.commands, resetTokens: left, refilledMs: draft.nowMs };
  return granted;
}

function select(
  draft: Draft,
  indices: readonly number[],
  wanted: (zone: ZoneState) => boolean,
): readonly ZoneId[] {
  const zones: ZoneId[] = [];
  for (const index of indices) {
    const zone = draft.zones[index];
    if (zone !== undefined && wanted(zone)) zones.push(zone.plan.id);
  }
  return zones;
}

function push(
  draft: Draft,
  type: 'acknowledged' | 'silenced' | 'resetRequested',
  { origin, requestId }: CommandRequest,
  zones: readonly ZoneId[],
): void {
  draft.events.push({ lane: 'operator', type, data: { origin, requestId, zones } });
}

function list(zones: readonly ZoneId[]): string {
  return zones.join(', ');
}

function accept({ requestId }: CommandRequest, detail: string): CommandOutcome {
  return { requestId, ok: true, detail };
}

function refuse(
  { requestId }: CommandRequest,
  error: CommandError,
  detail: string,
): CommandOutcome {
  return { requestId, ok: false, error, detail };
}
