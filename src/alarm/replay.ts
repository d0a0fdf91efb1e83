/** Applies journalled events to a snapshot: what has happened since it was written. */
import type { CommandOutcome } from '../domain/command.ts';
import type { JournalEvent } from '../domain/event.ts';
import type { ZoneId } from '../domain/units.ts';
import { answerKey, SEEN_IS_ENOUGH } from './commands.ts';
import type { AnswerMemory, PanelSnapshot, SeenMemory, ZoneMemory } from './snapshot.ts';
import { isWorthKeeping } from './snapshot.ts';
import { isRecord, parseExplanation } from './snapshot-parse.ts';

export interface Replayed {
  readonly memory: PanelSnapshot;
  readonly problems: readonly string[];
}

interface Work {
  readonly zones: Map<ZoneId, ZoneMemory>;
  readonly unknown: PanelSnapshot['unknown'][number][];
  supervisory: readonly SeenMemory[];
  readonly answered: AnswerMemory[];
  readonly problems: string[];
}

/**
 * Events that the snapshot covers already are left out; the others are applied in the order of
 * their ids. An alarm that is replayed counts from the restart, for its age is not known.
 */
export function replay(snapshot: PanelSnapshot, events: readonly JournalEvent[]): Replayed {
  const work: Work = {
    zones: new Map(snapshot.zones.map((zone) => [zone.id, zone])),
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
  const { zones, unknown, supervisory, answered, problems } = work;
  return {
    memory: {
      ...snapshot,
      zones: [...zones.values()].filter(isWorthKeeping),
      unknown,
      supervisory,
      answered,
    },
    problems,
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
      }
  }
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
    for (const [id, other] of work.zones) work.zones.set(id, { ...other, silenced: false });
    change(work, zone, zoneName, (before) => ({
      ...before,
      alarm: {
        ageMs: before.alarm?.ageMs ?? 0,
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
        disabledForMs: data.forMs,
      }));
      return;
    }
    case 'testStarted': {
      change(work, data.zone, data.zoneName, (zone) => ({
        ...zone,
        testForMs: data.forMs,
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
    case 'resetRequested':
    case 'commandRefused':
      return;
  }
}

/** A request that was executed before the restart is not executed again after it. */
function answer(work: Work, event: Extract<JournalEvent, { lane: 'operator' }>): void {
  if (!('requestId' in event.data) || event.type === 'commandRefused') return;
  const { origin, requestId } = event.data;
  const outcome: CommandOutcome = { requestId, ok: true, detail: 'executed before the restart' };
  work.answered.push({ key: answerKey(origin, requestId), outcome, ageMs: 0 });
}

function applyFault(work: Work, event: Extract<JournalEvent, { lane: 'fault' }>): void {
  const { fault, subject, zone, detail } = event.data;
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
