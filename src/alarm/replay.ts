/** Applies journalled events to a snapshot: what has happened since it was written. */
import { unreachable } from '../domain/assert.ts';
import type { CommandOutcome } from '../domain/command.ts';
import type { JournalEvent } from '../domain/event.ts';
import type { ZoneId } from '../domain/units.ts';
import { answerKey, SEEN_IS_ENOUGH } from './commands.ts';
import type { DutyMemory } from './duty-memory.ts';
import { ageDuty, leaseLeftAfter, leftAfter } from './duty-memory.ts';
import type { AnswerMemory, PanelSnapshot, SeenMemory, ZoneMemory } from './snapshot.ts';
import { isWorthKeeping } from './snapshot.ts';
import { isRecord, isTexts, parseExplanation } from './snapshot-parse.ts';

export interface Replayed {
  readonly memory: PanelSnapshot;
  readonly problems: readonly string[];
}

interface Work {
  /** The wall clock of now; null: it cannot be trusted, and nobody knows how old anything is. */
  readonly wallMs: number | null;
  duty: DutyMemory;
  readonly zones: Map<ZoneId, ZoneMemory>;
  readonly unknown: PanelSnapshot['unknown'][number][];
  supervisory: readonly SeenMemory[];
  readonly answered: AnswerMemory[];
  readonly problems: string[];
}

/**
 * What the snapshot and the events after it amount to now. Events that the snapshot covers already
 * are left out; the others are applied in the order of their ids. Where the age of an alarm is not
 * known, it counts from the restart.
 * @param wallMs the wall clock, where it can be trusted.
 */
export function replay(
  snapshot: PanelSnapshot,
  events: readonly JournalEvent[],
  wallMs: number | null,
): Replayed {
  const away = sinceMs(snapshot.wallMs, wallMs);
  const work: Work = {
    wallMs,
    duty: ageDuty(snapshot.duty, away),
    zones: new Map(snapshot.zones.map((zone) => [zone.id, ageZone(zone, away)])),
    unknown: [...snapshot.unknown],
    supervisory: snapshot.supervisory,
    answered: [...snapshot.answered],
    problems: [],
  };
  const news = events
    .filter((event) => event.seq > snapshot.lanesCovered[event.lane])
    .sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : a.seq - b.seq));
  for (const event of news) {
    if (isRecord(event.data)) apply(work, event);
    else work.problems.push(`event ${event.id} has no data and was left out`);
  }
  const { zones, unknown, supervisory, answered, problems, duty } = work;
  return {
    memory: {
      ...snapshot,
      zones: [...zones.values()].filter(isWorthKeeping),
      unknown,
      supervisory,
      answered,
      wallMs,
      duty,
    },
    problems,
  };
}

/** Null where one of the two is not known; a clock that was set back tells nothing. */
function sinceMs(thenMs: number | null, nowMs: number | null): number | null {
  if (thenMs === null || nowMs === null || !(nowMs >= thenMs)) return null;
  return nowMs - thenMs;
}

/** How long ago an event was; null where its clock or that of now cannot be trusted. */
function ageOf(work: Work, { wall, clockQuality }: JournalEvent): number | null {
  return clockQuality === 'synchronised' ? sinceMs(Date.parse(wall), work.wallMs) : null;
}

function ageZone(zone: ZoneMemory, elapsedMs: number | null): ZoneMemory {
  const { alarm, disabledForMs, testForMs } = zone;
  return {
    ...zone,
    alarm: alarm && { ...alarm, ageMs: alarm.ageMs + (elapsedMs ?? 0) },
    disabledForMs: disabledForMs === null ? null : leftAfter(disabledForMs, elapsedMs),
    testForMs: testForMs === null ? null : leftAfter(testForMs, elapsedMs),
  };
}

function apply(work: Work, event: JournalEvent): void {
  switch (event.lane) {
    case 'alarm': {
      applyAlarm(work, event);
      return;
    }
    case 'operator': {
      applyOperator(work, event);
      return;
    }
    case 'fault': {
      applyFault(work, event);
      return;
    }
    case 'system':
      if (event.type === 'sensorAppeared') {
        const { sensor, zone, announced } = event.data;
        const name = announced === '' ? sensor : announced;
        work.unknown.push({ sensor, zone, name });
      } else if (event.type === 'outputsDelayed') {
        work.duty = { ...work.duty, delayAgeMs: ageOf(work, event) };
      } else if (event.type === 'outputDelayEnded') {
        const { waiting } = event.data;
        if (!isTexts(waiting) || waiting.length === 0) endDelay(work);
      }
  }
}

function endDelay(work: Work): void {
  work.duty = { ...work.duty, delayAgeMs: null };
}

function liftSilence(work: Work): void {
  for (const [id, zone] of work.zones) work.zones.set(id, { ...zone, silenced: false });
}

function applyAlarm(work: Work, event: Extract<JournalEvent, { lane: 'alarm' }>): void {
  const { zone, zoneName } = event.data;
  if (event.type === 'alarm') {
    const explanation = parseExplanation(event.data.explanation);
    if (explanation === null) {
      work.problems.push(`alarm ${event.id} of zone ${zone}: its explanation cannot be read`);
    }
    const unreadable = { summary: `alarm ${event.id}`, confidence: 0, votes: [] };
    const none = { ...unreadable, stale: [], faulty: [], disabled: [], uncalibrated: [] };
    liftSilence(work);
    // An alarm ends a delay; the first one is followed by the event that says that it waits.
    endDelay(work);
    change(work, zone, zoneName, (before) => ({
      ...before,
      alarm: {
        ageMs: before.alarm?.ageMs ?? ageOf(work, event) ?? 0,
        explanation: explanation ?? none,
        callPoints: before.alarm?.callPoints ?? [],
      },
      acknowledged: false,
    }));
  } else if (event.type === 'alarmReset') {
    change(work, zone, zoneName, (before) => ({
      ...before,
      alarm: null,
      acknowledged: false,
      silenced: false,
    }));
  }
}

function applyOperator(work: Work, event: Extract<JournalEvent, { lane: 'operator' }>): void {
  const { type, data } = event;
  if ('requestId' in data) answer(work, event);
  switch (type) {
    case 'acknowledged':
    case 'silenced': {
      const fact = type === 'silenced' ? { silenced: true } : { acknowledged: true };
      for (const id of data.zones) {
        const zone = work.zones.get(id);
        if (zone !== undefined) work.zones.set(id, { ...zone, ...fact });
      }
      return;
    }
    case 'disabled': {
      change(work, data.zone, data.zoneName, (zone) => ({
        ...zone,
        disabledForMs: leftAfter(data.forMs, ageOf(work, event)),
      }));
      return;
    }
    case 'testStarted': {
      change(work, data.zone, data.zoneName, (zone) => ({
        ...zone,
        testForMs: leftAfter(data.forMs, ageOf(work, event)),
      }));
      return;
    }
    case 'enabled': {
      change(work, data.zone, data.zoneName, (zone) => ({ ...zone, disabledForMs: null }));
      return;
    }
    case 'testEnded': {
      change(work, data.zone, data.zoneName, (zone) => ({ ...zone, testForMs: null }));
      return;
    }
    case 'soundRequested': {
      endDelay(work);
      liftSilence(work);
      return;
    }
    case 'resetRequested':
    case 'backgroundApproved':
    case 'proofRequested':
    case 'proofConfirmed':
    case 'centrallyConfirmed':
    case 'snapshotRequested':
    case 'commandRefused':
      return;
    default:
      applyDuty(work, event);
  }
}

type DutyEvent = Extract<
  JournalEvent,
  {
    readonly type:
      | 'sensorDisabled'
      | 'sensorEnabled'
      | 'outputDisabled'
      | 'outputEnabled'
      | 'maintenanceStarted'
      | 'maintenanceEnded';
  }
>;

function applyDuty(work: Work, event: DutyEvent): void {
  const { type, data } = event;
  const { duty } = work;
  switch (type) {
    case 'sensorDisabled':
    case 'sensorEnabled': {
      const sensors = duty.sensors.filter(({ sensor }) => sensor !== data.sensor);
      if (type === 'sensorDisabled') {
        const forMs = leftAfter(data.forMs, ageOf(work, event));
        sensors.push({ sensor: data.sensor, forMs });
      }
      work.duty = { ...duty, sensors };
      return;
    }
    case 'outputDisabled':
    case 'outputEnabled': {
      const outputs = duty.outputs.filter(({ output }) => output !== data.output);
      if (type === 'outputDisabled') {
        const forMs = leftAfter(data.forMs, ageOf(work, event));
        outputs.push({ output: data.output, forMs });
      }
      work.duty = { ...duty, outputs };
      return;
    }
    case 'maintenanceStarted': {
      const maintenanceForMs = leaseLeftAfter(data.forMs, ageOf(work, event));
      work.duty = { ...duty, maintenanceForMs, delayAgeMs: null };
      return;
    }
    case 'maintenanceEnded': {
      work.duty = { ...duty, maintenanceForMs: null };
      liftSilence(work);
      return;
    }
    default:
      return unreachable(type);
  }
}

/** A request that was executed before the restart is not executed again after it. */
function answer(work: Work, event: Extract<JournalEvent, { lane: 'operator' }>): void {
  if (!('requestId' in event.data) || event.type === 'commandRefused') return;
  const { origin, requestId } = event.data;
  const outcome: CommandOutcome = { requestId, ok: true, detail: 'executed before the restart' };
  const key = answerKey(origin, requestId);
  work.answered.push({ key, asked: null, outcome, ageMs: 0 });
}

function applyFault(work: Work, event: Extract<JournalEvent, { lane: 'fault' }>): void {
  const { fault, subject, zone, detail } = event.data;
  const known = zone === null ? undefined : work.zones.get(zone);
  if (known !== undefined && (event.type === 'faultRaised' || event.type === 'supervisoryRaised')) {
    // Something new in the zone wants a new acknowledgement, also of the alarm that stands.
    work.zones.set(known.id, { ...known, acknowledged: false });
  }
  if (!SEEN_IS_ENOUGH.includes(fault)) return;
  const others = work.supervisory.filter(
    (fact) => fact.fault !== fault || fact.subject !== subject,
  );
  work.supervisory =
    event.type === 'supervisoryRaised' ? [...others, { fault, subject, zone, detail }] : others;
}

function change(work: Work, id: ZoneId, name: string, how: (zone: ZoneMemory) => ZoneMemory): void {
  const before: ZoneMemory = work.zones.get(id) ?? {
    id,
    name,
    alarm: null,
    acknowledged: false,
    silenced: false,
    disabledForMs: null,
    testForMs: null,
  };
  work.zones.set(id, how(before));
}
