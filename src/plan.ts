/** From the configuration to what the panel is told; pure. */
import { makePlan } from './alarm/make-plan.ts';
import type { PartialLimits, SensorInput, ZoneInput } from './alarm/make-plan.ts';
import { timeBudget } from './alarm/budget.ts';
import type { PanelPlan } from './alarm/plan.ts';
import { nearest } from './config-problems.ts';
import type { Finding } from './config-problems.ts';
import type { Config, ZoneConfig } from './config-schema.ts';
import { sensorId, zoneId } from './domain/units.ts';
import { sensorDriver, sensorDrivers } from './hal/drivers/index.ts';

/** The panel's plan of a valid configuration. */
export function panelPlanOf(config: Config): PanelPlan {
  const { detection } = config;
  return makePlan({
    zones: config.zones.map((zone) => zoneInput(zone, config)),
    sensors: [
      ...config.boards.map((board) => sensorInput(board.id, cadenceSeconds(board))),
      ...config.sensors.map((sensor) => sensorInput(sensor.id, sensor.cadenceSeconds)),
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
        remedy: 'lower confirmations, verificationSeconds or the cadence, or raise budgetSeconds',
      };
    });
}

/** Options of sensor drivers, and drivers that do not exist. */
export function checkDrivers(config: Config): readonly Finding[] {
  return config.sensors.flatMap(({ driver: kind, options }, i): readonly Finding[] => {
    const driver = sensorDriver(kind);
    if (driver === undefined) {
      const kinds = sensorDrivers.map((one) => one.kind);
      const near = nearest(kind, kinds);
      const remedy = near === null ? `use one of: ${kinds.join(', ')}` : `did you mean "${near}"?`;
      return [{ path: ['sensors', i, 'driver'], problem: 'no such driver', remedy }];
    }
    const prepared = driver.prepare(options);
    if (prepared.ok) return [];
    return prepared.problems.map(({ key, problem, remedy }) => ({
      path: ['sensors', i, 'options', ...(key === '' ? [] : [key])],
      problem,
      remedy,
    }));
  });
}

/** Everything that the schema and the references do not see. */
export const PLAN_CHECKS = [checkTimeBudgets, checkDrivers] as const;
