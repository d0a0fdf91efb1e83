/** Commands that change something for a limited time, and those that end it early. */
import type { Command, CommandOutcome, CommandRequest } from '../domain/command.ts';
import { accept, lengthText, refuse } from './answers.ts';
import type { Draft } from './draft.ts';
import { endDisablement, endTest } from './draft.ts';
import {
  disableSensor,
  enableOutput,
  enableSensor,
  endDelay,
  endMaintenance,
} from './duty-turns.ts';
import { isActive } from './facts.ts';

type Of<K extends Command['kind']> = Extract<Command, { readonly kind: K }>;

/** A refusal where the time makes no sense; null where it does. */
function badTime(request: CommandRequest, forMs: number, longestMs: number): CommandOutcome | null {
  if (Number.isFinite(forMs) && forMs > 0 && forMs <= longestMs) return null;
  const longest = `${lengthText(longestMs)} (${longestMs} ms)`;
  const detail = `the time must be above 0 and at most ${longest}, not ${forMs} ms`;
  return refuse(request, 'badArgument', detail);
}

/** Disables a zone, or puts it under walk test. */
export function limitZone(
  draft: Draft,
  request: CommandRequest,
  { kind, zone: zoneId, forMs }: Of<'disable' | 'test'>,
): CommandOutcome {
  const isTest = kind === 'test';
  const bad = badTime(request, forMs, isTest ? draft.plan.maxTestMs : draft.plan.maxDisableMs);
  if (bad !== null) return bad;
  const index = draft.indexOf(zoneId);
  const zone = draft.zones[index];
  if (zone === undefined) return refuse(request, 'unknownZone', `there is no zone ${zoneId}`);
  if (isTest && zone.alarm !== null) {
    return refuse(request, 'notApplicable', 'the zone is in alarm: reset it before a walk test');
  }
  const { requestId, origin } = request;
  const data = { origin, requestId, zone: zoneId, zoneName: zone.plan.name, forMs };
  draft.events.push({ lane: 'operator', type: isTest ? 'testStarted' : 'disabled', data });
  const untilMs = draft.nowMs + forMs;
  draft.change(index, (before) =>
    isTest
      ? {
          ...before,
          test: { untilMs, active: false, activatedAtMs: -Infinity },
          dueMs: draft.nowMs,
        }
      : { ...before, disabledUntilMs: untilMs, dueMs: draft.nowMs },
  );
  return accept(
    request,
    `zone ${zoneId} ${isTest ? 'under test' : 'disabled'} for ${lengthText(forMs)}`,
  );
}

/** Ends disablement and walk test of a zone. */
export function enableZone(
  draft: Draft,
  request: CommandRequest,
  { zone: zoneId }: Of<'enable'>,
): CommandOutcome {
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
  return accept(request, `zone ${zoneId} enabled`);
}

/** Its channels lose their votes; what is latched, and its faults, stay. */
export function limitSensor(
  draft: Draft,
  request: CommandRequest,
  { sensor, forMs }: Of<'disableSensor'>,
): CommandOutcome {
  const bad = badTime(request, forMs, draft.plan.maxDisableMs);
  if (bad !== null) return bad;
  if (!draft.routes.has(sensor)) return noSensor(request, sensor);
  const { requestId, origin } = request;
  const data = { origin, requestId, sensor, forMs };
  draft.events.push({ lane: 'operator', type: 'sensorDisabled', data });
  disableSensor(draft, sensor, draft.nowMs + forMs);
  return accept(request, `sensor ${sensor} disabled for ${lengthText(forMs)}`);
}

export function unlimitSensor(
  draft: Draft,
  request: CommandRequest,
  { sensor }: Of<'enableSensor'>,
): CommandOutcome {
  if (!draft.duty.sensors.some((each) => each.sensor === sensor)) {
    if (!draft.routes.has(sensor)) return noSensor(request, sensor);
    return refuse(request, 'notApplicable', `sensor ${sensor} is not disabled`);
  }
  enableSensor(draft, sensor, request.origin);
  return accept(request, `sensor ${sensor} enabled`);
}

function noSensor(request: CommandRequest, sensor: string): CommandOutcome {
  return refuse(request, 'unknownSensor', `no zone has a sensor ${sensor}`);
}

/** One line rests. The fault relay is how a dead appliance is noticed, so it never does. */
export function limitOutput(
  draft: Draft,
  request: CommandRequest,
  { output, forMs }: Of<'disableOutput'>,
): CommandOutcome {
  const bad = badTime(request, forMs, draft.plan.maxDisableMs);
  if (bad !== null) return bad;
  const wired = draft.plan.outputs.find(({ id }) => id === output);
  if (wired === undefined) return noOutput(draft, request, output);
  const { role } = wired;
  if (role === 'faultRelay') {
    const detail = `output ${output} is the fault relay, which cannot be disabled`;
    return refuse(request, 'notApplicable', detail);
  }
  const { requestId, origin } = request;
  const data = { origin, requestId, output, role, forMs };
  draft.events.push({ lane: 'operator', type: 'outputDisabled', data });
  const others = draft.duty.outputs.filter((each) => each.output !== output);
  const outputs = [...others, { output, role, untilMs: draft.nowMs + forMs }];
  draft.duty = { ...draft.duty, outputs };
  return accept(request, `output ${output} (${role}) disabled for ${lengthText(forMs)}`);
}

export function unlimitOutput(
  draft: Draft,
  request: CommandRequest,
  { output }: Of<'enableOutput'>,
): CommandOutcome {
  if (!draft.duty.outputs.some((each) => each.output === output)) {
    const isWired = draft.plan.outputs.some(({ id }) => id === output);
    if (!isWired) return noOutput(draft, request, output);
    return refuse(request, 'notApplicable', `output ${output} is not disabled`);
  }
  enableOutput(draft, output, request.origin);
  return accept(request, `output ${output} enabled`);
}

function noOutput(draft: Draft, request: CommandRequest, output: string): CommandOutcome {
  const known = draft.plan.outputs.map(({ id }) => id).join(', ');
  const detail = `there is no output ${output}; known are: ${known === '' ? 'none' : known}`;
  return refuse(request, 'unknownOutput', detail);
}

/** A lease: it ends by itself, and is renewed by being asked for again. */
export function startMaintenance(
  draft: Draft,
  request: CommandRequest,
  { forMs }: Of<'maintenance'>,
): CommandOutcome {
  const bad = badTime(request, forMs, draft.plan.maxMaintenanceMs);
  if (bad !== null) return bad;
  const { requestId, origin } = request;
  const data = { origin, requestId, forMs };
  draft.events.push({ lane: 'operator', type: 'maintenanceStarted', data });
  endDelay(draft, 'maintenance');
  draft.duty = { ...draft.duty, maintenanceUntilMs: draft.nowMs + forMs };
  const held = 'siren, strobe and alarm relay are held off';
  return accept(request, `maintenance for ${lengthText(forMs)}: ${held}`);
}

export function stopMaintenance(draft: Draft, request: CommandRequest): CommandOutcome {
  if (draft.duty.maintenanceUntilMs === null) {
    return refuse(request, 'notApplicable', 'there is no maintenance to end');
  }
  endMaintenance(draft, request.origin);
  return accept(request, 'maintenance ended: the outputs are in service');
}

/** Whoever learnt the background takes it from the event; only what is offered can be approved. */
export function approveBackground(
  draft: Draft,
  request: CommandRequest,
  { sensor }: Of<'approveBackground'>,
): CommandOutcome {
  if (!draft.routes.has(sensor)) return noSensor(request, sensor);
  const registers = [draft.system, ...draft.zones].map(({ supervisory }) => supervisory);
  if (!registers.some((register) => isActive(register, 'backgroundChanged', sensor))) {
    const detail = `sensor ${sensor} has no changed background that waits for approval`;
    return refuse(request, 'notApplicable', detail);
  }
  const { requestId, origin } = request;
  const data = { origin, requestId, sensor };
  draft.events.push({ lane: 'operator', type: 'backgroundApproved', data });
  return accept(request, `the background of ${sensor} is approved`);
}
