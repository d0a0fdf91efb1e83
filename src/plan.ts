/** From the configuration to what the panel is told; pure. */
import { makePlan } from './alarm/make-plan.ts';
import type { SensorInput, SourceInput, ZoneInput } from './alarm/make-plan.ts';
import { timeBudget } from './alarm/budget.ts';
import { channelsWithPicture, listedChannels } from './areas.ts';
import type { PanelPlan } from './alarm/plan.ts';
import { channelInput } from './analog-plan.ts';
import { checkDrivers, preparedOf } from './config-drivers.ts';
import type { Finding } from './config-problems.ts';
import type { Config, ZoneConfig } from './config-schema.ts';
import { areaChannel, THERMAL_CHANNEL } from './domain/evidence.ts';
import { sensorId, zoneId } from './domain/units.ts';
import { limitsOf } from './limits.ts';

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
    ...dutyOf(config),
  });
}

/** What people may switch off and for how long, and what waits before it warns. */
function dutyOf({ panel, gpio }: Config) {
  const { delays } = panel;
  return {
    maxDisableMs: panel.maxDisableHours * 3_600_000,
    maxTestMs: panel.maxTestHours * 3_600_000,
    maxMaintenanceMs: panel.maxMaintenanceHours * 3_600_000,
    outputs: gpio.outputs.map(({ id, role }) => ({ id, role })),
    delaysMs: {
      siren: delays.siren.seconds * 1000,
      strobe: delays.strobe.seconds * 1000,
      alarmRelay: delays.alarmRelay.seconds * 1000,
    },
  };
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

function zoneInput(zone: ZoneConfig, config: Config): ZoneInput {
  const { detection, hours } = config;
  return {
    id: zoneId(zone.id),
    name: zone.name ?? zone.id,
    sources: zone.sensors.flatMap((source) => sourceInputs(source, config)),
    limits: limitsOf(zone.limits),
    ...(hours === null ? {} : { offHours: limitsOf(zone.offHours) }),
    minSources: zone.minSources ?? detection.minSources,
    confirmations: zone.confirmations ?? detection.confirmations,
    confirmMs: (zone.confirmSeconds ?? detection.confirmSeconds) * 1000,
    verificationMs: (zone.verificationSeconds ?? detection.verificationSeconds) * 1000,
    budgetMs: detection.budgetSeconds * 1000,
  };
}

type SourceConfig = ZoneConfig['sensors'][number];

/** One source per channel; the picture of an array brings the areas that no zone lists. */
function sourceInputs(source: SourceConfig, config: Config): SourceInput[] {
  const { sensor, channel, role, polarity } = source;
  const common = { sensor: sensorId(sensor), role, polarity, ...channelInput(source) };
  const pictured = [...config.boards, ...config.sensors].find(({ id }) => id === sensor);
  if (role !== 'thermal' || pictured === undefined) return [{ ...common, channel }];
  const channels =
    channel === THERMAL_CHANNEL
      ? channelsWithPicture(pictured, listedChannels(config, sensor))
      : [channel];
  return channels.map((each) => {
    const area = pictured.regions.find(({ id }) => areaChannel(id) === each);
    if (area === undefined) return { ...common, channel: each };
    return {
      ...common,
      channel: each,
      limits: limitsOf(area.limits),
      ...(config.hours === null ? {} : { offHours: limitsOf(area.offHours) }),
      ...(area.confirmSeconds === undefined ? {} : { confirmMs: area.confirmSeconds * 1000 }),
    };
  });
}

/** Zones that cannot keep the time from crossing to output, with the arithmetic. */
export function checkTimeBudgets(config: Config): readonly Finding[] {
  const zoneIds = config.zones.map(({ id }) => id);
  return timeBudget(panelPlanOf(config))
    .filter(({ withinBudget }) => !withinBudget)
    .map((budget) => {
      const zone = zoneIds.indexOf(budget.zone);
      const sources = config.zones[zone]?.sensors ?? [];
      const at = (wanted: string) =>
        sources.findIndex(({ sensor, channel }) => sensor === budget.sensor && channel === wanted);
      // An area that no zone lists comes with its picture.
      const own = at(budget.channel);
      const source = own < 0 ? at(THERMAL_CHANNEL) : own;
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
