/** Mistakes with areas, hours, the model and everything that people may hold off or switch off. */
import type { Panel } from '../../src/alarm/panel.ts';
import type { PanelPlan, SourcePlan, VisionLimits } from '../../src/alarm/plan.ts';
import type { Config } from '../../src/config-schema.ts';
import type { Clock } from '../../src/domain/ports.ts';
import type { PixelMemory } from '../../src/vision/pixel-memory.ts';
import { ForgetfulBank } from './planted-banks.ts';
import type { PlantedBug } from './planted-bugs.ts';
import type { Seams, WriteLine } from './seams.ts';

type Line = Seams['line'];

function everySource(plan: PanelPlan, change: (source: SourcePlan) => SourcePlan): PanelPlan {
  const zones = plan.zones.map((zone) => ({ ...zone, sources: zone.sources.map(change) }));
  return { ...plan, zones };
}

function withVision(over: Partial<VisionLimits>): Seams['plan'] {
  const changed = (source: SourcePlan): SourcePlan => ({
    ...source,
    limits: { ...source.limits, vision: { ...source.limits.vision, ...over } },
    otherHours: source.otherHours && {
      off: changed(source.otherHours.off),
      unknown: changed(source.otherHours.unknown),
    },
  });
  return (plan) => everySource(plan, changed);
}

/** Changes what a start finds of the duties and zones in its snapshot. */
function remembering(change: {
  readonly duty?: (duty: Record<string, unknown>) => object;
  readonly zone?: (zone: Record<string, unknown>) => object;
}): Seams['snapshot'] {
  return (value) => {
    if (value === null || typeof value !== 'object') return value;
    const { duty, zones } = value as { duty: Record<string, unknown>; zones: unknown[] };
    const changed = (zone: unknown): object => {
      const known = zone as Record<string, unknown>;
      return { ...known, ...change.zone?.(known) };
    };
    return { ...value, duty: { ...duty, ...change.duty?.(duty) }, zones: zones.map(changed) };
  };
}

/** Holds lines back that should be energised. */
function holding(
  isHeld: (id: string, panel: Panel, nowMs: number) => boolean,
): (clock: Clock, panel: () => Panel | null) => WriteLine {
  return (clock, panelOf) => (id, active) => {
    const panel = panelOf();
    if (!active || id === 'faultrelay' || panel === null) return 'write';
    return isHeld(id, panel, clock.monotonicMs()) ? 'swallow' : 'write';
  };
}

const forgetsToSound: Line = (clock, panelOf) => {
  let lastLeaseMs = -Infinity;
  const isHeld = (_id: string, { zones }: Panel): boolean =>
    zones.some(({ alarm }) => alarm !== null && alarm.sinceMs < lastLeaseMs);
  const write = holding(isHeld)(clock, panelOf);
  return (id, active) => {
    lastLeaseMs = Math.max(lastLeaseMs, panelOf()?.duty.maintenanceUntilMs ?? -Infinity);
    return write(id, active);
  };
};

function withRegions(
  change: (region: Config['boards'][number]['regions'][number]) => object,
): Seams['config'] {
  return (config) => ({
    ...config,
    boards: config.boards.map((board) => ({
      ...board,
      regions: board.regions.map((region) => ({ ...region, ...change(region) })),
    })),
  });
}

/** Takes whatever it sees for the scene. */
function learnsEverything(memory: PixelMemory): PixelMemory {
  const observe = memory.observe.bind(memory);
  memory.observe = (picture, info) => {
    observe(picture, { ...info, suspect: false, hot: null });
    memory.approve(info.atMs);
  };
  return memory;
}

function savesNothing(memory: PixelMemory): PixelMemory {
  memory.toMemory = () => 'nothing';
  return memory;
}

const NEVER_MS = 3_600_000;
const DELAYED_MS = 40_000;

export const PLANTED_DUTY_BUGS: readonly PlantedBug[] = [
  {
    name: 'a hold-back has no end',
    seams: { plan: withVision({ holdBackMs: NEVER_MS }) },
    episodes: ['heldBack'],
    caughtBy: 'heldBackInBound',
  },
  {
    name: 'a model holds back what is critical',
    seams: { plan: withVision({ holdBackMs: NEVER_MS, holdBackCriticalMs: NEVER_MS }) },
    episodes: ['heldBackCritical', 'heldBackCritical'],
    caughtBy: 'criticalNotHeld',
  },
  {
    name: 'the end of maintenance forgets to sound',
    seams: { line: forgetsToSound },
    episodes: ['maintained'],
    caughtBy: 'maintenanceEnds',
  },
  {
    name: 'a restart begins the lease anew',
    seams: {
      snapshot: remembering({
        duty: ({ maintenanceForMs: ms }) => (ms === null ? {} : { maintenanceForMs: 300_000 }),
      }),
    },
    episodes: ['maintainedWhileDown'],
    caughtBy: 'maintenanceEnds',
  },
  {
    name: 'a restart forgets the lease',
    seams: { snapshot: remembering({ duty: () => ({ maintenanceForMs: null }) }) },
    episodes: ['maintainedKilled'],
    caughtBy: 'maintenanceHolds',
  },
  {
    name: 'the override does not reach the alarm relay',
    seams: {
      line: holding((id, { zones }, nowMs) => {
        const isEarly = zones.some(({ alarm }) => nowMs < (alarm?.sinceMs ?? nowMs) + DELAYED_MS);
        return id === 'alarmrelay' && isEarly;
      }),
    },
    episodes: ['delayedOverride'],
    caughtBy: 'overrideSounds',
  },
  {
    name: 'a call point waits as an automatic alarm does',
    seams: {
      line: holding((id, { zones }, nowMs) =>
        zones.some(
          ({ alarm }) =>
            id === 'siren' &&
            alarm !== null &&
            alarm.callPoints.length > 0 &&
            nowMs < alarm.sinceMs + DELAYED_MS,
        ),
      ),
    },
    episodes: ['callPoint'],
    caughtBy: 'callPointSounds',
  },
  {
    name: 'a disabled output is driven after a restart',
    seams: { snapshot: remembering({ duty: () => ({ outputs: [] }) }) },
    episodes: ['outputDisabledKilled'],
    caughtBy: 'disabledRests',
  },
  {
    name: 'a disabled sensor votes after a restart',
    seams: { snapshot: remembering({ duty: () => ({ sensors: [] }) }) },
    episodes: ['sensorDisabledKilled'],
    caughtBy: 'disabledRests',
  },
  {
    name: 'a restart ends a walk test',
    seams: { snapshot: remembering({ zone: () => ({ testForMs: null }) }) },
    episodes: ['walkTestKilled'],
    caughtBy: 'walkTestTells',
  },
  {
    name: 'a restart begins the walk test anew',
    seams: {
      snapshot: remembering({
        zone: ({ testForMs: ms }) => (ms === null ? {} : { testForMs: NEVER_MS }),
      }),
    },
    episodes: ['walkTestKilled'],
    caughtBy: 'backInService',
  },
  {
    name: 'a write that fails counts as done',
    seams: { line: () => (id) => (id === 'siren' ? 'swallow' : 'write') },
    episodes: ['sirenFails'],
    caughtBy: 'lineFaultTold',
  },
  {
    name: 'a mask is looked at',
    seams: { config: withRegions(() => ({ ignore: false })) },
    episodes: ['harmless', 'hotInAreas'],
    caughtBy: 'areasJudged',
  },
  {
    name: 'an area is judged by the limits of its zone',
    seams: { config: withRegions(() => ({ limits: {} })) },
    episodes: ['hotInAreas'],
    caughtBy: 'areasJudged',
  },
  {
    name: 'no data of a picture is none of its areas',
    seams: { bank: () => new ForgetfulBank() },
    episodes: ['frozenAreas'],
    caughtBy: 'areasShareFaults',
  },
  {
    name: 'an untrusted clock counts as working hours',
    seams: {
      plan: (plan) =>
        everySource(plan, (source) => ({
          ...source,
          otherHours: source.otherHours && { ...source.otherHours, unknown: source },
        })),
    },
    episodes: ['offHours'],
    caughtBy: 'offHoursJudged',
  },
  {
    name: 'the background is learnt while a fire burns',
    seams: { memory: learnsEverything },
    episodes: ['harmless', 'twoFires'],
    caughtBy: 'fireNotLearnt',
  },
  {
    name: 'what was learnt is not saved at a stop',
    seams: { memory: savesNothing },
    episodes: ['harmless', 'stopped'],
    caughtBy: 'backgroundKept',
  },
];
