/**
 * What operators may do: access levels, idempotency and the answers. A request is known by origin
 * and `requestId`; a repeated one is answered again and not executed again.
 */
import type { CommandOutcome, CommandRequest } from '../domain/command.ts';
import { ACCESS, isPermitted } from '../domain/command.ts';
import type { ZoneId } from '../domain/units.ts';
import { unreachable } from '../domain/assert.ts';
import { accept, lengthText, refuse } from './answers.ts';
import type { Draft } from './draft.ts';
import { isHeldOff, soundsAtMs } from './duty.ts';
import { endDelay, zonesInAlarm } from './duty-turns.ts';
import {
  approveBackground,
  enableZone,
  limitOutput,
  limitSensor,
  limitZone,
  startMaintenance,
  stopMaintenance,
  unlimitOutput,
  unlimitSensor,
} from './limited-time.ts';
import { restoreInZone } from './supervision.ts';
import { resetAlarm } from './zone.ts';
import type { ZoneState } from './zone-state.ts';
import { isOffNormalZone } from './zone-state.ts';

export interface Answered {
  readonly key: string;
  /** What was asked for; null where only the journal knew of it. */
  readonly asked: string | null;
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
  const asked = JSON.stringify(request.command);
  if (known === undefined) {
    const outcome = perform(draft, request);
    draft.commands = keepAnswer(draft.commands, { key, asked, outcome, atMs: draft.nowMs });
  } else if (known.asked === null || known.asked === asked) {
    draft.outcomes.push(known.outcome);
  } else {
    // The answer of another command would say that this one was carried out.
    const detail = 'this requestId was used for another command: choose a new one';
    tell(draft, request, refuse(request, 'badArgument', detail));
  }
}

/** Executes a request whether or not it came before: a press of a button is always a new one. */
export function perform(draft: Draft, request: CommandRequest): CommandOutcome {
  const outcome = execute(draft, request);
  tell(draft, request, outcome);
  return outcome;
}

/** Answers, and puts what was refused into the journal. */
function tell(draft: Draft, request: CommandRequest, outcome: CommandOutcome): void {
  if (!outcome.ok) {
    const { error, detail } = outcome;
    const { origin, requestId } = request;
    const data = { origin, requestId, command: request.command.kind, error, detail };
    draft.events.push({ lane: 'operator', type: 'commandRefused', data });
  }
  draft.outcomes.push(outcome);
}

function execute(draft: Draft, request: CommandRequest): CommandOutcome {
  const { command, level } = request;
  if (!isPermitted(level, command.kind)) {
    const detail = `${command.kind} needs access level ${ACCESS[command.kind]}, not ${level}`;
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
        : refuse(request, 'overloaded', 'too many resets; ask again in a second, as a new request');
    case 'sound':
      return sound(draft, request);
    case 'prove':
      return inZones(draft, request, command.zone, prove);
    case 'confirmProof':
      return confirmProof(draft, request, command.proof);
    case 'disable':
    case 'test':
      return limitZone(draft, request, command);
    case 'enable':
      return enableZone(draft, request, command);
    case 'disableSensor':
      return limitSensor(draft, request, command);
    case 'enableSensor':
      return unlimitSensor(draft, request, command);
    case 'disableOutput':
      return limitOutput(draft, request, command);
    case 'enableOutput':
      return unlimitOutput(draft, request, command);
    case 'maintenance':
      return startMaintenance(draft, request, command);
    case 'endMaintenance':
      return stopMaintenance(draft, request);
    case 'approveBackground':
      return approveBackground(draft, request, command);
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
  const { faults, supervisory, acknowledged } = draft.system;
  const isOffNormal = faults.active.length > 0 || supervisory.active.length > 0;
  const ownNews = all && isOffNormal && !acknowledged;
  if (all) {
    draft.system = { ...draft.system, acknowledged: true };
    for (const { fault, subject } of draft.system.supervisory.active) {
      if (SEEN_IS_ENOUGH.includes(fault)) draft.restoreInSystem('supervisory', fault, subject);
    }
  }
  const seen = zones.length === 0 ? [] : [list(zones)];
  if (ownNews) seen.push('the appliance itself');
  return seen.length === 0 ? 'nothing to acknowledge' : `acknowledged ${seen.join(' and ')}`;
}

/** Of a siren that does not sound yet nothing is silenced: it would never be heard. */
function silence(draft: Draft, request: CommandRequest, indices: readonly number[]): string {
  const isQuiet = isHeldOff(draft.duty, draft.plan, 'siren', draft.nowMs);
  const sounding = (zone: ZoneState) => zone.alarm !== null && !zone.silenced && !isQuiet;
  const zones = select(draft, indices, sounding);
  push(draft, 'silenced', request, zones);
  for (const index of indices) {
    draft.change(index, (zone) => (sounding(zone) ? { ...zone, silenced: true } : zone));
  }
  if (zones.length > 0) return `silenced ${list(zones)}`;
  const atMs = soundsAtMs(draft.duty, draft.plan, 'siren', draft.nowMs);
  if (atMs === null) return 'nothing sounds';
  const left = lengthText(atMs - draft.nowMs);
  return `nothing sounds yet: the siren waits ${left} more; a reset ends the alarm`;
}

/** The override: whatever is in alarm sounds now, delayed or silenced before. */
function sound(draft: Draft, request: CommandRequest): CommandOutcome {
  const zones = zonesInAlarm(draft);
  if (zones.length === 0) {
    const detail = 'there is no alarm to sound; a manual call point raises one';
    return refuse(request, 'notApplicable', detail);
  }
  push(draft, 'soundRequested', request, zones);
  endDelay(draft, 'command');
  draft.liftSilence();
  return draft.duty.maintenanceUntilMs === null
    ? accept(request, `${list(zones)} sounds`)
    : accept(request, `${list(zones)} sounds when the maintenance ends`);
}

/** Asks for a proof; it is carried out, and told, by whoever reads the event. */
function prove(draft: Draft, request: CommandRequest): string {
  const zone = request.command.kind === 'prove' ? request.command.zone : 'all';
  const { origin, requestId } = request;
  const data = { origin, requestId, zone };
  draft.events.push({ lane: 'operator', type: 'proofRequested', data });
  return `a proof of ${zone === 'all' ? 'every zone' : zone} is asked for`;
}

/** Whether it is one that waits is for whoever carries proofs out: he reads the event too. */
function confirmProof(draft: Draft, request: CommandRequest, proof: string): CommandOutcome {
  const { origin, requestId } = request;
  draft.events.push({
    lane: 'operator',
    type: 'proofConfirmed',
    data: { origin, requestId, proof },
  });
  return accept(request, `taken note of proof ${proof}`);
}

function reset(draft: Draft, request: CommandRequest, indices: readonly number[]): string {
  const zones = select(draft, indices, (zone) => zone.alarm !== null);
  push(draft, 'resetRequested', request, zones);
  for (const index of indices) {
    draft.change(index, (zone) => resetAlarm(zone, draft.nowMs, draft));
  }
  return zones.length === 0 ? 'no alarm to reset' : `reset ${list(zones)}`;
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
  type: 'acknowledged' | 'silenced' | 'resetRequested' | 'soundRequested',
  { origin, requestId }: CommandRequest,
  zones: readonly ZoneId[],
): void {
  draft.events.push({ lane: 'operator', type, data: { origin, requestId, zones } });
}

function list(zones: readonly ZoneId[]): string {
  return zones.join(', ');
}
