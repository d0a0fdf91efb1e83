/**
 * What the configuration says to the panel, already validated: every default filled in, every limit
 * in true units. `makePlan` (make-plan.ts) fills in defaults.
 */
import type { Role } from '../domain/evidence.ts';
import type { SensorId, ZoneId } from '../domain/units.ts';
import type { OutputRole } from '../domain/view.ts';

/** Limits of a thermal array, in true Celsius of the hottest robust region. */
export interface ThermalLimits {
  /** From here a region is a pre-alarm, or an alarm together with something fire-like. */
  readonly limitCelsius: number;
  /** From here a region is an alarm on its own. */
  readonly criticalCelsius: number;
  /** A limit once passed is left this far below it. */
  readonly hysteresisCelsius: number;
  /**
   * From here a rise is fire-like. Recorded slow overheating (25 to 65..93 C in ten minutes) rises
   * up to 8 C/min and a 2 kW kettle 20 C/min, so neither is; a fire that needs two minutes from 60
   * to 120 C is.
   */
  readonly riseCelsiusPerMinute: number;
  /** From here the growth of the hot area is fire-like. */
  readonly growthPixelsPerMinute: number;
  /** From here unrest of the peak is fire-like; array noise in corners reaches 0.94 C. */
  readonly flickerCelsius: number;
}

/** Limits of an analog channel, in percent of full scale above its learnt idle. */
export interface AnalogLimits {
  readonly aboveIdlePercent: number;
  readonly hysteresisPercent: number;
  /** Absolute limit while there is no learnt idle; readings at or above it are never learnt. */
  readonly fallbackPercent: number;
}

/** Limits of a gas channel: Rs/R0, where R0 is the learnt clean-air Rs. */
export interface GasLimits {
  /** Below this ratio: alarm. */
  readonly ratio: number;
  readonly hysteresisRatio: number;
  readonly fallbackPercent: number;
}

/** How an idle level is learnt and how far it may wander. */
export interface LearningLimits {
  readonly learnMs: number;
  /** Fastest adaptation of a learnt idle, percent of full scale per hour. */
  readonly driftPercentPerHour: number;
  /** Farthest that adaptation may ever go from the first learnt idle, percent of full scale. */
  readonly driftCapPercent: number;
  /** 0 or 100 % held this long is a broken wire or a short circuit. */
  readonly railStuckMs: number;
}

export interface Weights {
  readonly thermal: number;
  readonly smoke: number;
  readonly gas: number;
  readonly flame: number;
  /** Added when flame and thermal vote together. */
  readonly flameWithThermal: number;
}

export interface Limits {
  readonly thermal: ThermalLimits;
  readonly smoke: AnalogLimits;
  readonly flame: AnalogLimits;
  readonly gas: GasLimits;
  readonly learning: LearningLimits;
  readonly weights: Weights;
}

/** The fusion defaults: see the table in `fusion.ts`. */
export const DEFAULT_LIMITS: Limits = {
  thermal: {
    limitCelsius: 60,
    criticalCelsius: 120,
    hysteresisCelsius: 3,
    riseCelsiusPerMinute: 30,
    growthPixelsPerMinute: 15,
    flickerCelsius: 5,
  },
  smoke: { aboveIdlePercent: 15, hysteresisPercent: 3, fallbackPercent: 40 },
  flame: { aboveIdlePercent: 15, hysteresisPercent: 3, fallbackPercent: 60 },
  gas: { ratio: 0.4, hysteresisRatio: 0.05, fallbackPercent: 60 },
  learning: {
    learnMs: 60_000,
    driftPercentPerHour: 1,
    driftCapPercent: 5,
    railStuckMs: 30_000,
  },
  weights: { thermal: 0.4, smoke: 0.5, gas: 0.5, flame: 0.3, flameWithThermal: 0.3 },
};

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
  readonly limits: Limits;
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

export interface PanelPlan {
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
