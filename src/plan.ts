/** From the configuration to what the panel is told; pure. */
import { makePlan } from './alarm/make-plan.ts';
import type { PartialLimits, SensorInput, ZoneInput } from './alarm/make-plan.ts';
import { timeBudget } from './alarm/budget.ts';
import type { PanelPlan } from './alarm/plan.ts';
import { checkDrivers, preparedOf } from './config-drivers.ts';
import type { Finding } from './config-problems.ts';
import type { Config, ZoneConfig } from './config-schema.ts';
import { sensorId, zoneId } from './domain/units.ts';

/** The panel's plan of a valid configuration. */
export function panelPlanOf(config: Config): PanelPlan {
  const { detection } = config;
  return makePlan({
    zones: config.zones.map((zone) => zoneInput(zone, config)),
    sensors: [
      ...config.boards.map((board) => sensorInput(board.id, cadenceSeconds(board))),
      ...config.sensors.map(wiredInput),
    ],
    limits: limitsOf(config.limits),
    patterns: Object.fromEntries(config.gpio.outputs.map(({ role, pattern }) => [role, pattern])),
    unknown: {
      minSources: detection.minSources,
      confirmations: detection.confirmations,
      confirmMs: detection.confirmSeconds * 1000,
      verificationMs: detection.verificationSeconds * 1000,
      cadenceMs: 1000 * cadenceSeconds(config.ingest.unknownBoards),
    },
  });
}

/** How a zone without settings of its own is judged. */
export function zonePolicyOf({ detection, limits }: Config) {
  return {
    limits: limitsOf(limits),
    minSources: detection.minSources,
    confirmations: detection.confirmations,
    confirmMs: detection.confirmSeconds * 1000,
    verificationMs: detection.verificationSeconds * 1000,
  };
}

function sensorInput(id: string, seconds: number): SensorInput {
  return { sensor: sensorId(id), cadenceMs: seconds * 1000 };
}

/** A wired sensor's timing follows from its driver's options. */
function wiredInput(sensor: Config['sensors'][number]): SensorInput {
  const prepared = preparedOf(sensor);
  if (prepared?.ok !== true) return { sensor: sensorId(sensor.id) };
  const { cadenceMs, delayMs, cycleStretchMs = 0 } = prepared.timing;
  return { sensor: sensorId(sensor.id), cadenceMs, delayMs, cycleStretchMs };
}

function cadenceSeconds(board: Config['ingest']['unknownBoards']): number {
  return board.mode === 'onDemand' ? board.pollSeconds : board.cadenceSeconds;
}

function zoneInput(zone: ZoneConfig, { detection }: Config): ZoneInput {
  return {
    id: zoneId(zone.id),
    name: zone.name ?? zone.id,
    sources: zone.sensors.map(({ sensor, channel, role, polarity, warmUpSeconds }) => ({
      sensor: sensorId(sensor),
      channel,
      role,
      polarity,
      warmUpMs: warmUpSeconds * 1000,
    })),
    limits: limitsOf(zone.limits),
    minSources: zone.minSources ?? detection.minSources,
    confirmations: zone.confirmations ?? detection.confirmations,
    confirmMs: (zone.confirmSeconds ?? detection.confirmSeconds) * 1000,
    verificationMs: (zone.verificationSeconds ?? detection.verificationSeconds) * 1000,
    budgetMs: detection.budgetSeconds * 1000,
  };
}

/** Only the fields that are there: a zone's limits must not put defaults over the general ones. */
function limitsOf(limits: ZoneConfig['limits']): PartialLimits {
  const given = <T extends object>(fields: T): Partial<T> =>
    Object.fromEntries(
      Object.entries(fields).filter(([, value]) => value !== undefined),
    ) as Partial<T>;
  return {
    thermal: given({
      limitCelsius: limits.thermalCelsius,
      criticalCelsius: limits.criticalCelsius,
      hysteresisCelsius: limits.hysteresisCelsius,
      riseCelsiusPerMinute: limits.riseCelsiusPerMinute,
      growthPixelsPerMinute: limits.growthPixelsPerMinute,
      flickerCelsius: limits.flickerCelsius,
    }) as NonNullable<PartialLimits['thermal']>,
    smoke: given({ aboveIdlePercent: limits.smokePercent }) as NonNullable<PartialLimits['smoke']>,
    flame: given({ aboveIdlePercent: limits.flamePercent }) as NonNullable<PartialLimits['flame']>,
    gas: given({ ratio: limits.gasRatio }) as NonNullable<PartialLimits['gas']>,
  };
}

/** Zones that cannot keep the time from crossing to output, with the arithmetic. */
export function checkTimeBudgets(config: Config): readonly Finding[] {
  const zoneIds = config.zones.map(({ id }) => id);
  return timeBudget(panelPlanOf(config))
    .filter(({ withinBudget }) => !withinBudget)
    .map((budget) => {
      const zone = zoneIds.indexOf(budget.zone);
      const sources = config.zones[zone]?.sensors ?? [];
      const source = sources.findIndex(
        ({ sensor, channel }) => sensor === budget.sensor && channel === budget.channel,
      );
      return {
        path: ['zones', zone, 'sensors', source],
        problem: `too slow: ${budget.text}`,
        remedy:
          'lower confirmations, verificationSeconds, cadence or filters, or raise budgetSeconds',
      };
    });
}

/** Everything that the schema and the references do not see. */
export const PLAN_CHECKS = [checkTimeBudgets, checkDrivers] as const;
