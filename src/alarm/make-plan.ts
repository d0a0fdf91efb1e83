/**
 * Fills in what the configuration left out. Nothing is judged here: refusing a bad configuration is
 * the business of whoever read it, with `timeBudget` for the arithmetic of delays.
 */
import type { Role } from '../domain/evidence.ts';
import { EEPROM_STRETCH_MS } from '../domain/line-protocol/board-profile.ts';
import type { SensorId, ZoneId } from '../domain/units.ts';
import type { OutputRole } from '../domain/view.ts';
import type { ChannelSetup } from './channel-setup.ts';
import { channelSetup, usualWarmUpMs } from './channel-setup.ts';
import { stricterDoses } from './dose.ts';
import type { OutputPlan } from './duty.ts';
import type {
  Limits,
  PanelPlan,
  Pattern,
  Polarity,
  SensorPlan,
  SourcePlan,
  ZonePlan,
} from './plan.ts';
import { BOARD_CADENCE_MS, DEFAULT_BUDGET_MS, DEFAULT_LIMITS } from './plan.ts';

/** Limits of which any part may be left out. */
export type PartialLimits = { readonly [K in keyof Limits]?: Partial<Limits[K]> };

export interface SourceInput {
  readonly sensor: SensorId;
  readonly channel: string;
  readonly role: Role;
  readonly polarity?: Polarity;
  readonly weight?: number;
  readonly freshnessMs?: number;
  readonly confirmations?: number;
  readonly confirmMs?: number;
  readonly warmUpMs?: number;
  readonly setup?: Partial<ChannelSetup>;
  readonly limits?: PartialLimits;
  /** Limits that differ off hours. */
  readonly offHours?: PartialLimits;
}

export interface ZoneInput {
  readonly id: ZoneId;
  readonly name: string;
  readonly sources: readonly SourceInput[];
  readonly limits?: PartialLimits;
  /** Limits that differ off hours. */
  readonly offHours?: PartialLimits;
  readonly minSources?: number;
  readonly confirmations?: number;
  readonly confirmMs?: number;
  readonly verificationMs?: number;
  readonly freshnessMs?: number;
  readonly budgetMs?: number;
}

export interface SensorInput {
  readonly sensor: SensorId;
  readonly cadenceMs?: number;
  readonly cycleStretchMs?: number;
  readonly delayMs?: number;
  readonly silentAfterMs?: number;
}

export interface PlanInput {
  readonly zones: readonly ZoneInput[];
  /** Sensors that a zone uses and this list leaves out get the boards' defaults. */
  readonly sensors?: readonly SensorInput[];
  readonly limits?: PartialLimits;
  readonly patterns?: Partial<Record<OutputRole, Pattern>>;
  readonly unknown?: Partial<Omit<PanelPlan['unknown'], 'limits'>>;
  readonly maxDisableMs?: number;
  readonly maxTestMs?: number;
  readonly buttonTestMs?: number;
  readonly maxMaintenanceMs?: number;
  readonly outputs?: readonly OutputPlan[];
  readonly delaysMs?: Partial<PanelPlan['delaysMs']>;
}

/** `over` wins over `base`, field by field. */
export function mergeLimits(base: Limits, over: PartialLimits | undefined): Limits {
  if (over === undefined) return base;
  return {
    thermal: { ...base.thermal, ...over.thermal },
    vision: { ...base.vision, ...over.vision },
    smoke: { ...base.smoke, ...over.smoke },
    flame: { ...base.flame, ...over.flame },
    gas: { ...base.gas, ...over.gas },
    carbonMonoxide: { ...base.carbonMonoxide, ...over.carbonMonoxide },
    heat: { ...base.heat, ...over.heat },
    learning: { ...base.learning, ...over.learning },
    weights: { ...base.weights, ...over.weights },
  };
}

/** Of each limit the one that alarms earlier; what is no limit is taken from `a`. */
export function stricterOf(a: Limits, b: Limits): Limits {
  return {
    ...a,
    thermal: {
      ...lowest(a.thermal, b.thermal),
      // A wider hysteresis holds on for longer.
      hysteresisCelsius: Math.max(a.thermal.hysteresisCelsius, b.thermal.hysteresisCelsius),
    },
    vision: lowest(a.vision, b.vision),
    smoke: lowest(a.smoke, b.smoke),
    flame: lowest(a.flame, b.flame),
    gas: {
      ...lowest(a.gas, b.gas),
      ratio: Math.max(a.gas.ratio, b.gas.ratio),
      hysteresisRatio: Math.max(a.gas.hysteresisRatio, b.gas.hysteresisRatio),
    },
    carbonMonoxide: {
      ...lowest(a.carbonMonoxide, b.carbonMonoxide),
      doses: stricterDoses(a.carbonMonoxide.doses, b.carbonMonoxide.doses),
    },
    heat: {
      ...lowest(a.heat, b.heat),
      hysteresisCelsius: Math.max(a.heat.hysteresisCelsius, b.heat.hysteresisCelsius),
    },
  };
}

function lowest<T extends object>(a: T, b: T): T {
  const other = b as Readonly<Record<string, unknown>>;
  const least = Object.entries(a).map(([key, mine]: [string, unknown]) => {
    const theirs = other[key];
    const both = typeof mine === 'number' && typeof theirs === 'number';
    return [key, both ? Math.min(mine, theirs) : mine];
  });
  return Object.fromEntries(least) as T;
}

/** Silence that is a fault: three missed cycles, and never less than 30 s. */
export function silentAfter(cadenceMs: number): number {
  return Math.max(30_000, 3 * cadenceMs);
}

/** Age at which evidence stops voting: three cycles, and never less than 10 s. */
export function freshnessOf(cadenceMs: number): number {
  return Math.max(10_000, 3 * cadenceMs);
}

/** Fills in what the configuration left out. A source's values win over its zone's. */
export function makePlan(input: PlanInput): PanelPlan {
  const limits = mergeLimits(DEFAULT_LIMITS, input.limits);
  const sensors = new Map<SensorId, SensorPlan>();
  for (const sensor of input.sensors ?? []) sensors.set(sensor.sensor, sensorPlan(sensor));
  for (const zone of input.zones) {
    for (const { sensor } of zone.sources) {
      if (!sensors.has(sensor)) sensors.set(sensor, sensorPlan({ sensor }));
    }
  }
  const cadenceOf = (sensor: SensorId) => sensors.get(sensor)?.cadenceMs ?? BOARD_CADENCE_MS;
  return {
    zones: input.zones.map((zone) => zonePlan(zone, limits, cadenceOf)),
    sensors: [...sensors.values()],
    patterns: {
      siren: 'temporalThree',
      strobe: 'pulsed',
      alarmRelay: 'steady',
      faultRelay: 'steady',
      buzzer: 'pulsed',
      escalation: 'steady',
      ...input.patterns,
    },
    unknown: {
      minSources: 2,
      confirmations: 2,
      confirmMs: 0,
      verificationMs: 0,
      cadenceMs: BOARD_CADENCE_MS,
      maxSensors: 256,
      ...input.unknown,
      limits,
    },
    maxDisableMs: input.maxDisableMs ?? 24 * 3_600_000,
    maxTestMs: input.maxTestMs ?? 4 * 3_600_000,
    buttonTestMs: input.buttonTestMs ?? 15 * 60_000,
    maxMaintenanceMs: input.maxMaintenanceMs ?? 4 * 3_600_000,
    outputs: input.outputs ?? [],
    delaysMs: { siren: 0, strobe: 0, alarmRelay: 0, ...input.delaysMs },
  };
}

/** Fills in a sensor's defaults. */
export function sensorPlan(input: SensorInput): SensorPlan {
  const cadenceMs = input.cadenceMs ?? BOARD_CADENCE_MS;
  return {
    sensor: input.sensor,
    cadenceMs,
    cycleStretchMs: input.cycleStretchMs ?? EEPROM_STRETCH_MS,
    delayMs: input.delayMs ?? 0,
    silentAfterMs: input.silentAfterMs ?? silentAfter(cadenceMs),
  };
}

function zonePlan(
  zone: ZoneInput,
  base: Limits,
  cadenceOf: (sensor: SensorId) => number,
): ZonePlan {
  const limits = mergeLimits(base, zone.limits);
  return {
    id: zone.id,
    name: zone.name,
    origin: 'configured',
    sources: zone.sources.map((source) => sourcePlan(source, zone, limits, cadenceOf)),
    minSources: zone.minSources ?? 2,
    verificationMs: zone.verificationMs ?? 0,
    weights: limits.weights,
    budgetMs: zone.budgetMs ?? DEFAULT_BUDGET_MS,
  };
}

function sourcePlan(
  source: SourceInput,
  zone: Omit<ZoneInput, 'sources'>,
  limits: Limits,
  cadenceOf: (sensor: SensorId) => number,
): SourcePlan {
  const own = mergeLimits(limits, source.limits);
  const plan: SourcePlan = {
    sensor: source.sensor,
    channel: source.channel,
    role: source.role,
    polarity: source.polarity ?? 'rising',
    weight: source.weight ?? null,
    freshnessMs: source.freshnessMs ?? zone.freshnessMs ?? freshnessOf(cadenceOf(source.sensor)),
    confirmations: source.confirmations ?? zone.confirmations ?? 2,
    confirmMs: source.confirmMs ?? zone.confirmMs ?? 0,
    warmUpMs: source.warmUpMs ?? usualWarmUpMs(source.role),
    setup: channelSetup(source.role, source.setup),
    limits: own,
    otherHours: null,
  };
  if (isEmpty(zone.offHours) && isEmpty(source.offHours)) return plan;
  // What a zone says of all its sources must not loosen what one of them has of its own.
  const zoneOff = stricterOf(own, mergeLimits(own, zone.offHours));
  const off = mergeLimits(zoneOff, source.offHours);
  const otherHours = {
    off: { ...plan, limits: off },
    unknown: { ...plan, limits: stricterOf(own, off) },
  };
  return { ...plan, otherHours };
}

function isEmpty(limits: PartialLimits | undefined): boolean {
  return Object.values(limits ?? {}).every((part) => Object.keys(part).length === 0);
}
