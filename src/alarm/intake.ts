/** Takes what came in since the last step into the draft: signals, faults, notices, evidence. */
import type { EvidenceWindow } from '../domain/evidence.ts';
import { unreachable } from '../domain/assert.ts';
import type { AccessLevel, Command } from '../domain/command.ts';
import type { FaultNotice, Hours, InputSignal, SensorNotice } from '../domain/step.ts';
import type { ZoneId } from '../domain/units.ts';
import { zoneId } from '../domain/units.ts';
import { perform } from './commands.ts';
import type { Draft } from './draft.ts';
import { hear } from './source.ts';
import { mattersToSupervision, raiseInZone, restoreInZone } from './supervision.ts';
import { adopt, bareZonePlan, welcome } from './unknown.ts';
import { moveCallPoint } from './zone.ts';
import { mayLearn, startZone } from './zone-state.ts';

/** Zone of call points that belong to no zone in particular. */
export const APPLIANCE_ZONE = zoneId('appliance');

/** Buttons act as operators on the spot; the test button is behind a key, so as installer. */
export function takeSignal(draft: Draft, signal: InputSignal): void {
  const { input, role, active } = signal;
  switch (role) {
    case 'manualCallPoint': {
      callPoint(draft, signal);
      return;
    }
    case 'tamper': {
      fact(draft, 'supervisory', {
        fault: 'tamper',
        subject: `input:${input}`,
        raised: active,
        detail: 'a guarded cover is open',
        zone: signal.zone,
      });
      return;
    }
    case 'batteryFail': {
      fact(draft, 'faults', {
        fault: 'batteryFail',
        subject: `input:${input}`,
        raised: active,
        detail: 'the battery is low, missing or not charged: look at charger and battery',
        zone: null,
      });
      return;
    }
    case 'mainsFail': {
      fact(draft, 'faults', {
        fault: 'mainsFail',
        subject: `input:${input}`,
        raised: active,
        detail: 'mains supply is missing; the appliance runs on its battery',
        zone: null,
      });
      return;
    }
    case 'acknowledge':
    case 'silence':
    case 'reset':
    case 'test':
      if (active) pressButton(draft, signal, role);
      return;
    default:
      return unreachable(role);
  }
}

function pressButton(
  draft: Draft,
  { input, zone }: InputSignal,
  role: 'acknowledge' | 'silence' | 'reset' | 'test',
): void {
  const origin = `input:${input}`;
  const requestId = `${role}@${draft.nowMs}`;
  const send = (command: Command, level: AccessLevel, id: string) =>
    perform(draft, { command, requestId: id, origin, level });
  if (role !== 'test') {
    send(
      role === 'silence' ? { kind: role } : { kind: role, zone: zone ?? 'all' },
      'operator',
      requestId,
    );
    return;
  }
  const zones = zone === null ? draft.zones.map((each) => each.plan.id) : [zone];
  for (const id of zones) {
    const command = { kind: 'test', zone: id, forMs: draft.plan.buttonTestMs } as const;
    send(command, 'installer', `${requestId}/${id}`);
  }
}

function callPoint(draft: Draft, signal: InputSignal): void {
  let index = signal.zone === null ? -1 : draft.indexOf(signal.zone);
  // A call point of no zone, or of one that is gone, must sound all the same.
  if (index < 0) index = draft.indexOf(APPLIANCE_ZONE);
  if (index < 0) {
    const plan = bareZonePlan(draft.plan, APPLIANCE_ZONE, 'whole appliance', 'appliance');
    index = draft.add(startZone(plan, [], [], draft.nowMs));
  }
  draft.change(index, (zone) =>
    moveCallPoint(zone, signal.input, signal.active, draft.nowMs, draft),
  );
}

/** A fault belongs to the zone it names, else to that of its sensor, else to the appliance. */
export function takeFault(draft: Draft, notice: FaultNotice): void {
  const index = draft.routes.get(notice.subject)?.zones[0];
  const zone = index === undefined ? undefined : draft.zones[index];
  const register = notice.supervisory === true ? 'supervisory' : 'faults';
  fact(draft, register, { ...notice, zone: notice.zone ?? zone?.plan.id ?? null });
}

function fact(
  draft: Draft,
  register: 'faults' | 'supervisory',
  {
    fault,
    subject,
    raised,
    detail,
    zone,
  }: Omit<FaultNotice, 'zone'> & { readonly zone: ZoneId | null },
): void {
  const input = { fault, subject, zone, detail };
  const index = zone === null ? -1 : draft.indexOf(zone);
  if (index < 0) {
    if (raised) draft.raiseInSystem(register, { ...input, zone: null });
    else draft.restoreInSystem(register, fault, subject);
    return;
  }
  draft.change(index, (before) =>
    raised
      ? raiseInZone(before, register, input, draft.nowMs, draft)
      : restoreInZone(before, register, input, draft.nowMs, draft),
  );
}

export function takeNotice(draft: Draft, notice: SensorNotice): void {
  if (notice.kind === 'appeared') {
    welcome(draft, notice);
    return;
  }
  const { sensor } = notice;
  const index = draft.routes.get(sensor)?.zones[0];
  const zone = (index === undefined ? undefined : draft.zones[index]?.plan.id) ?? null;
  if (notice.kind === 'backgroundChanged') {
    const { raised, detail } = notice;
    const fault = 'backgroundChanged';
    fact(draft, 'supervisory', { fault, subject: sensor, raised, detail, zone });
    return;
  }
  const { was, is } = notice;
  draft.events.push({ lane: 'system', type: 'arraySwapped', data: { sensor, was, is } });
  fact(draft, 'supervisory', {
    fault: 'arraySwapped',
    subject: sensor,
    raised: true,
    detail: `array ${was} was replaced by ${is}; check its mounting`,
    zone,
  });
}

/**
 * Gives a window to its source. A sensor nobody announced is an unknown sensor all the same.
 * @param hours of the site: whose limits are in force; null where it has none.
 */
export function takeWindow(draft: Draft, window: EvidenceWindow, hours: Hours | null): void {
  const { sensor, channel } = window;
  if (!draft.routes.has(sensor)) {
    welcome(draft, { kind: 'appeared', sensor, address: 'unannounced', announced: '' });
  }
  const sensorRoute = draft.routes.get(sensor);
  if (sensorRoute === undefined) return;
  if (!sensorRoute.channels.has(channel)) {
    for (const index of sensorRoute.zones) adopt(draft, index, sensor, channel);
  }
  const route = draft.routes.get(sensor)?.channels.get(channel);
  if (route === undefined) return;
  draft.change(route.zone, (zone) => {
    const source = zone.sources[route.source];
    if (source === undefined) return zone;
    const next = hear(source, window, draft.nowMs, mayLearn(zone), hours);
    if (next === source) return zone;
    const sources = zone.sources.with(route.source, next);
    const dueMs = mattersToSupervision(zone, source, next) ? draft.nowMs : zone.dueMs;
    return { ...zone, sources, dueMs };
  });
}
