/**
 * What the configuration says to the panel, already validated: every default filled in, every limit
 * in true units. `makePlan` (make-plan.ts) fills in defaults.
 */
import type { Role } from '../domain/evidence.ts';
import type { ChannelSetup } from './channel-setup.ts';
import type { Hours } from '../domain/step.ts';
import type { SensorId, ZoneId } from '../domain/units.ts';
import type { OutputRole } from '../domain/view.ts';
import type { DutyPlan } from './duty.ts';
import type { Limits, Weights } from './limits.ts';

export type {
  AnalogLimits,
  CarbonMonoxideLimits,
  DosePoint,
  GasLimits,
  HeatLimits,
  LearningLimits,
  Limits,
  ThermalLimits,
  VisionLimits,
  Weights,
} from './limits.ts';
export { DEFAULT_LIMITS } from './limits.ts';

/** Whether danger makes an analog reading rise or fall. */
export type Polarity = 'rising' | 'falling';

/** One physical channel and how it is judged. */
export interface SourcePlan {
  readonly sensor: SensorId;
  readonly channel: string;
  readonly role: Role;
  readonly polarity: Polarity;
  /** Share of the shown confidence; null takes the role's weight. */
  readonly weight: number | null;
  /** Nothing older votes. */
  readonly freshnessMs: number;
  /** Consecutive readings at or above a limit before they count, at least 1. */
  readonly confirmations: number;
  /** Shortest time from the first to the last of those readings. */
  readonly confirmMs: number;
  /** A heated sensor's first minutes: shown, not learnt from, pre-alarm at most. */
  readonly warmUpMs: number;
  readonly setup: ChannelSetup;
  readonly limits: Limits;
  /** How it is judged at other times than working hours; null: always the same. */
  readonly otherHours: OtherHours | null;
}

/** A source's plan with the limits of other hours in their places. */
export interface OtherHours {
  readonly off: SourcePlan;
  /** The stricter of both limits, while the clock cannot be trusted. */
  readonly unknown: SourcePlan;
}

/** How a source is judged at this time; without hours of the site, as in working hours. */
export function planAt(plan: SourcePlan, hours: Hours | null): SourcePlan {
  if (plan.otherHours === null || hours === null || hours === 'working') return plan;
  return hours === 'off' ? plan.otherHours.off : plan.otherHours.unknown;
}

/** Where a zone comes from; only configured ones survive a restart by themselves. */
export type ZoneOrigin = 'configured' | 'unknown' | 'orphan' | 'appliance';

export interface ZonePlan {
  readonly id: ZoneId;
  readonly name: string;
  readonly origin: ZoneOrigin;
  readonly sources: readonly SourcePlan[];
  /** Sources that must agree where two kinds of sub-alarm evidence make an alarm; at least 2. */
  readonly minSources: number;
  /** Alarm evidence must last this long; 0 alarms at once. */
  readonly verificationMs: number;
  readonly weights: Weights;
  /** Longest permitted time from crossing to output. */
  readonly budgetMs: number;
}

export interface SensorPlan {
  readonly sensor: SensorId;
  /** Time between two readings of one channel. */
  readonly cadenceMs: number;
  /** How much longer one cycle may get when the board answers a request in between. */
  readonly cycleStretchMs: number;
  /** How much later than the world its readings are at most: filters, the age of a picture. */
  readonly delayMs: number;
  /** Silence of this length is a fault, seen before or not. */
  readonly silentAfterMs: number;
}

export type Pattern = 'steady' | 'pulsed' | 'temporalThree';

export interface PanelPlan extends DutyPlan {
  readonly zones: readonly ZonePlan[];
  readonly sensors: readonly SensorPlan[];
  readonly patterns: Readonly<Record<OutputRole, Pattern>>;
  /** How sensors are treated that the configuration does not name. */
  readonly unknown: {
    readonly limits: Limits;
    readonly minSources: number;
    readonly confirmations: number;
    readonly confirmMs: number;
    readonly verificationMs: number;
    readonly cadenceMs: number;
    /** Zones made for unknown sensors; more are refused with a fault. */
    readonly maxSensors: number;
  };
  readonly maxDisableMs: number;
  readonly maxTestMs: number;
  /** How long a test button starts a walk test for. */
  readonly buttonTestMs: number;
}

/** The cadence of the known boards in continuous mode. */
export const BOARD_CADENCE_MS = 4_090;
export const DEFAULT_BUDGET_MS = 10_000;
