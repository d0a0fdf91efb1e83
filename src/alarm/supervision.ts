/**
 * Deadlines of everything a zone listens to, seen before or not:
 *
 * - `sensorSilent` (subject: the sensor): none of its channels has spoken for `silentAfterMs`;
 * - `sourceSilent` (subject: sensor/channel): the sensor speaks, this channel does not;
 * - `noData` (subject: sensor/channel): it speaks, and has not been believable for a while;
 * - `railStuck` (subject: sensor/channel): it sticks at 0 or 100 %;
 * - `idleLevel` (subject: sensor/channel): its idle cannot be learnt, or has wandered too far;
 * - `zoneBlind` (subject: the zone): of all its sources not one can vote.
 *
 * Each is restored when its cause is gone; a chattering one is limited by its register.
 */
import type { SensorId } from '../domain/units.ts';
import type { FactInput, Outbox } from './facts.ts';
import { isActive, raise, restore, settle, settleDueMs } from './facts.ts';
import type { SourceState } from './source.ts';
import { channelFacts, disbelievedAtMs } from './source.ts';
import type { ZoneState } from './zone-state.ts';
import { isMuted } from './zone-state.ts';

export interface WatchedSensor {
  readonly sensor: SensorId;
  readonly silentAfterMs: number;
  /** From when on silence counts; null until the sensor is heard for the first time. */
  readonly sinceMs: number | null;
}

/**
 * Raises and restores the faults of a zone's sensors; something new wants a new acknowledgement.
 */
export function supervise(zone: ZoneState, nowMs: number, out: Outbox): ZoneState {
  let next = zone;
  for (const watched of zone.watched) {
    const heardAtMs = lastHeardMs(zone, watched.sensor);
    const sinceMs = heardAtMs ?? watched.sinceMs;
    const silent = sinceMs !== null && nowMs - sinceMs >= watched.silentAfterMs;
    next = set(next, silent, nowMs, out, {
      fault: 'sensorSilent',
      subject: watched.sensor,
      zone: zone.plan.id,
      detail: silence(heardAtMs === null, watched.silentAfterMs),
    });
    for (const source of zone.sources) {
      if (source.plan.sensor === watched.sensor && sinceMs !== null) {
        next = superviseSource(next, source, watched, silent, nowMs, out);
      }
    }
  }
  next = set(next, isBlind(next), nowMs, out, {
    fault: 'zoneBlind',
    subject: zone.plan.id,
    zone: zone.plan.id,
    detail: 'none of its sources can vote: nothing watches this zone until one is repaired',
  });
  const faults = settle(next.faults, nowMs, out);
  const supervisory = settle(next.supervisory, nowMs, out);
  const same = faults === next.faults && supervisory === next.supervisory;
  return same ? next : { ...next, faults, supervisory };
}

/** Whether every source is in fault or disabled, and not all of them merely disabled. */
function isBlind(zone: ZoneState): boolean {
  let inFault = false;
  for (const source of zone.sources) {
    if (isMuted(zone, source)) continue;
    if (!hasFault(zone, source)) return false;
    inFault = true;
  }
  return inFault;
}

function hasFault({ faults }: ZoneState, source: SourceState): boolean {
  const { sensor, channel } = source.plan;
  const subject = `${sensor}/${channel}`;
  return (
    isActive(faults, 'sensorSilent', sensor) ||
    isActive(faults, 'sourceSilent', subject) ||
    isActive(faults, 'noData', subject) ||
    (channelFacts(source)?.blind ?? false)
  );
}

function superviseSource(
  zone: ZoneState,
  source: SourceState,
  watched: WatchedSensor,
  sensorSilent: boolean,
  nowMs: number,
  out: Outbox,
): ZoneState {
  const subject = `${source.plan.sensor}/${source.plan.channel}`;
  const at = { subject, zone: zone.plan.id };
  const sinceMs = source.heardAtMs ?? source.watchedSinceMs;
  const silent = !sensorSilent && nowMs - sinceMs >= watched.silentAfterMs;
  const never = source.heardAtMs === null;
  const detail = silence(never, watched.silentAfterMs);
  let next = set(zone, silent, nowMs, out, { ...at, fault: 'sourceSilent', detail });
  const run = source.noData;
  const disbelieved = run !== null && nowMs >= disbelievedAtMs(run);
  const why = run === null ? '' : `${run.reason}: ${run.detail}`;
  next = set(next, disbelieved, nowMs, out, { ...at, fault: 'noData', detail: why });
  const rail = channelFacts(source)?.railStuck ?? null;
  next = set(next, rail !== null, nowMs, out, { ...at, fault: 'railStuck', detail: rail ?? '' });
  const idle = channelFacts(source)?.idleTrouble ?? null;
  return set(next, idle !== null, nowMs, out, { ...at, fault: 'idleLevel', detail: idle ?? '' });
}

/** Puts one fault of a zone into the wanted state. */
function set(
  zone: ZoneState,
  wanted: boolean,
  nowMs: number,
  out: Outbox,
  input: FactInput,
): ZoneState {
  return wanted
    ? raiseInZone(zone, 'faults', input, nowMs, out)
    : restoreInZone(zone, 'faults', input, nowMs, out);
}

export function raiseInZone(
  zone: ZoneState,
  register: 'faults' | 'supervisory',
  input: FactInput,
  nowMs: number,
  out: Outbox,
): ZoneState {
  const before = zone[register];
  const after = raise(before, input, nowMs, out);
  if (after === before) return zone;
  const isNew = after.active.length > before.active.length;
  const acknowledged = zone.acknowledged && !isNew;
  return { ...zone, [register]: after, acknowledged, dueMs: nowMs };
}

export function restoreInZone(
  zone: ZoneState,
  register: 'faults' | 'supervisory',
  { fault, subject }: Pick<FactInput, 'fault' | 'subject'>,
  nowMs: number,
  out: Outbox,
): ZoneState {
  const before = zone[register];
  const after = restore(before, fault, subject, nowMs, out);
  return after === before ? zone : { ...zone, [register]: after, dueMs: nowMs };
}

function silence(never: boolean, silentAfterMs: number): string {
  const seconds = Math.round(silentAfterMs / 1000);
  return never ? `not heard within ${seconds} s of the start` : `silent for ${seconds} s`;
}

function lastHeardMs(zone: ZoneState, sensor: SensorId): number | null {
  let latest: number | null = null;
  for (const { plan, heardAtMs } of zone.sources) {
    if (plan.sensor !== sensor || heardAtMs === null) continue;
    if (latest === null || heardAtMs > latest) latest = heardAtMs;
  }
  return latest;
}

/** When `supervise` has something to do without any input; Infinity when never. */
export function supervisionDueMs(zone: ZoneState): number {
  let dueMs = Math.min(settleDueMs(zone.faults), settleDueMs(zone.supervisory));
  for (const { sensor, silentAfterMs, sinceMs } of zone.watched) {
    const fromMs = lastHeardMs(zone, sensor) ?? sinceMs;
    const silent = isActive(zone.faults, 'sensorSilent', sensor);
    if (fromMs === null) continue;
    if (!silent) dueMs = Math.min(dueMs, fromMs + silentAfterMs);
    for (const source of zone.sources) {
      if (source.plan.sensor !== sensor) continue;
      const subject = `${sensor}/${source.plan.channel}`;
      if (!silent && !isActive(zone.faults, 'sourceSilent', subject)) {
        dueMs = Math.min(dueMs, (source.heardAtMs ?? source.watchedSinceMs) + silentAfterMs);
      }
      if (source.noData !== null && !isActive(zone.faults, 'noData', subject)) {
        dueMs = Math.min(dueMs, disbelievedAtMs(source.noData));
      }
    }
  }
  return dueMs;
}

/** Whether what a source just said may raise or restore a fault. */
export function mattersToSupervision(
  zone: ZoneState,
  before: SourceState,
  after: SourceState,
): boolean {
  if (before.noData !== after.noData || before.heardAtMs === null) return true;
  const was = channelFacts(before);
  const is = channelFacts(after);
  if (was?.railStuck !== is?.railStuck || was?.idleTrouble !== is?.idleTrouble) return true;
  const gapMs = (after.heardAtMs ?? 0) - before.heardAtMs;
  return zone.watched.some((watched) => gapMs >= watched.silentAfterMs);
}
