/**
 * What must survive a restart, as JSON: latched alarms with their explanation, acknowledgement and
 * silence, disablement and tests, maintenance and delays, learnt idle levels, unknown sensors,
 * answered requests. Times are ages or time left, never monotonic stamps. Faults and pre-alarms are
 * not in it: they follow again from what the sensors say.
 */
import type { Explanation, Lane } from '../domain/event.ts';
import type { SensorId, ZoneId } from '../domain/units.ts';
import type { CommandOutcome } from '../domain/command.ts';
import { SEEN_IS_ENOUGH } from './commands.ts';
import type { Panel } from './draft.ts';
import type { DutyMemory } from './duty-memory.ts';
import { rememberDuty } from './duty-memory.ts';
import type { Fact } from './facts.ts';
import type { IdleMemory } from './rule.ts';
import { memoryKey } from './source.ts';
import type { ZoneState } from './zone-state.ts';

export const SNAPSHOT_FORMAT = 1;

export interface ZoneMemory {
  readonly id: ZoneId;
  readonly name: string;
  readonly alarm: {
    readonly ageMs: number;
    readonly explanation: Explanation;
    readonly callPoints: readonly string[];
  } | null;
  readonly acknowledged: boolean;
  readonly silenced: boolean;
  /** Time left; the time without power counts where the wall clock tells how long it was. */
  readonly disabledForMs: number | null;
  readonly testForMs: number | null;
}

/** A supervisory condition that ends by being acknowledged. */
export interface SeenMemory {
  readonly fault: string;
  readonly subject: string;
  readonly zone: ZoneId | null;
  readonly detail: string;
}

export interface AnswerMemory {
  readonly key: string;
  /** What was asked for; null where only the journal knew of it. */
  readonly asked: string | null;
  readonly outcome: CommandOutcome;
  readonly ageMs: number;
}

export interface PanelSnapshot {
  readonly format: typeof SNAPSHOT_FORMAT;
  /** Highest event of each lane that is already in here. */
  readonly lanesCovered: Readonly<Record<Lane, number>>;
  /** Only zones with something to remember. */
  readonly zones: readonly ZoneMemory[];
  readonly idles: readonly (IdleMemory & { readonly source: string })[];
  readonly unknown: readonly {
    readonly sensor: SensorId;
    readonly zone: ZoneId;
    readonly name: string;
  }[];
  readonly supervisory: readonly SeenMemory[];
  readonly answered: readonly AnswerMemory[];
  /** When it was taken, by a wall clock that could be trusted; null: it could not. */
  readonly wallMs: number | null;
  readonly duty: DutyMemory;
}

/**
 * @param lanesCovered sequence number of the last event per lane that this panel has produced.
 * @param wallMs the wall clock, where it can be trusted: tells later how long nobody was there.
 */
export function toSnapshot(
  panel: Panel,
  nowMs: number,
  lanesCovered: Readonly<Record<Lane, number>>,
  wallMs: number | null = null,
): PanelSnapshot {
  const unknown = panel.zones.filter((zone) => zone.plan.origin === 'unknown');
  const registers = [panel.system, ...panel.zones].map((each) => each.supervisory.active);
  return {
    format: SNAPSHOT_FORMAT,
    lanesCovered,
    zones: panel.zones.map((zone) => rememberZone(zone, nowMs)).filter(isWorthKeeping),
    idles: idlesOf(panel),
    unknown: unknown.flatMap(({ plan, watched }) =>
      watched.map(({ sensor }) => ({ sensor, zone: plan.id, name: plan.name })),
    ),
    supervisory: registers.flat().filter(endsWhenSeen).map(seen),
    answered: panel.commands.answered.map(({ key, asked, outcome, atMs }) => ({
      key,
      asked,
      outcome,
      ageMs: Math.max(0, nowMs - atMs),
    })),
    wallMs,
    duty: rememberDuty(panel.duty, nowMs),
  };
}

function rememberZone(zone: ZoneState, nowMs: number): ZoneMemory {
  const { plan, alarm, disabledUntilMs, test } = zone;
  return {
    id: plan.id,
    name: plan.name,
    alarm: alarm && {
      ageMs: Math.max(0, nowMs - alarm.sinceMs),
      explanation: alarm.explanation,
      callPoints: alarm.callPoints,
    },
    acknowledged: alarm !== null && zone.acknowledged,
    silenced: zone.silenced,
    disabledForMs: disabledUntilMs === null ? null : Math.max(0, disabledUntilMs - nowMs),
    testForMs: test === null ? null : Math.max(0, test.untilMs - nowMs),
  };
}

export function isWorthKeeping(zone: ZoneMemory): boolean {
  return zone.alarm !== null || zone.disabledForMs !== null || zone.testForMs !== null;
}

function idlesOf(panel: Panel): PanelSnapshot['idles'] {
  const memories = new Map(panel.memories);
  for (const { sources } of panel.zones) {
    for (const { plan, runs } of sources) {
      for (const run of runs) {
        const memory = run.remember(plan);
        if (memory !== null) memories.set(memoryKey(plan.sensor, plan.channel), memory);
      }
    }
  }
  return [...memories].map(([source, memory]) => ({ source, ...memory }));
}

function endsWhenSeen(fact: Fact): boolean {
  return fact.restoreAtMs === null && SEEN_IS_ENOUGH.includes(fact.fault);
}

function seen({ fault, subject, zone, detail }: Fact): SeenMemory {
  return { fault, subject, zone, detail };
}
