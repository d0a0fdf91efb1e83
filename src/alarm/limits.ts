/** Every limit that rules judge by, in true units, and the defaults in one place. */

/** Limits of a thermal array, in true Celsius of the hottest robust region. */
export interface ThermalLimits {
  /** From here a region is a pre-alarm, or an alarm together with something fire-like. */
  readonly limitCelsius: number;
  /** From here a region is an alarm on its own. */
  readonly criticalCelsius: number;
  /** A limit once passed is left this far below it. */
  readonly hysteresisCelsius: number;
  /**
   * From here a rise is fire-like. Recorded slow overheating rises up to 8 C/min, a kettle of 2 kW
   * 20 C/min, pans and heaters mostly 30..90 C/min. What rises less than this needs 40 s and more
   * from 60 to 120 C: it warns at the one and alarms at the other.
   */
  readonly riseCelsiusPerMinute: number;
  /**
   * From here the growth of the hot area is fire-like: a wall that the sun reaches or a radiator
   * that warms up grows by 30..80 pixels a minute.
   */
  readonly growthPixelsPerMinute: number;
  /** From here unrest of the peak is fire-like; array noise in corners reaches 0.94 C. */
  readonly flickerCelsius: number;
  /** A region this far above the learnt background of its place is a pre-alarm ... */
  readonly aboveBackgroundCelsius: number;
  /** ... if it is at least this hot. */
  readonly aboveBackgroundFromCelsius: number;
  /** A smaller region is no pre-alarm; critical counts whatever the size. */
  readonly smallestPixels: number;
}

/** What a trained model's opinion of a region is worth. Shares of belief, 0..1. */
export interface VisionLimits {
  /** From this belief in fire it is a fire sign. */
  readonly fire: number;
  /** At most this belief in fire: sure that it is something else, so an alarm may be held back. */
  readonly harmlessFire: number;
  /** Longest time for which an alarm that rests on fire signs is held back; 0: never. */
  readonly holdBackMs: number;
  /** The same for a region at or above critical; at most `holdBackMs`. */
  readonly holdBackCriticalMs: number;
}

/** Limits of an analog channel, in percent of full scale above its learnt idle. */
export interface AnalogLimits {
  readonly aboveIdlePercent: number;
  readonly hysteresisPercent: number;
  /** Absolute limit while there is no learnt idle; readings at or above it are never learnt. */
  readonly fallbackPercent: number;
  /** A rise this fast is suspect before the limit is reached; Infinity: none is. */
  readonly risePercentPerMinute: number;
}

/** Limits of a gas channel: Rs/R0, where R0 is the learnt clean-air Rs. */
export interface GasLimits {
  /** Below this ratio: alarm. */
  readonly ratio: number;
  readonly hysteresisRatio: number;
  readonly fallbackPercent: number;
  /** In percent of full scale; Infinity: no rise is suspect. */
  readonly risePercentPerMinute: number;
}

/** A concentration, and how long it may last. */
export interface DosePoint {
  readonly ppm: number;
  readonly minutes: number;
}

/** Limits of a channel in ppm of carbon monoxide: what was breathed counts, not the moment. */
export interface CarbonMonoxideLimits {
  /** Rising ppm, falling minutes; below the first nothing is counted. */
  readonly doses: readonly DosePoint[];
  /** From this share of the dose that alarms: pre-alarm. */
  readonly preAlarmPercent: number;
}

/** Limits of a point detector of heat, in Celsius. */
export interface HeatLimits {
  /** From here: alarm. */
  readonly fixedCelsius: number;
  readonly hysteresisCelsius: number;
  /** A rise this fast is suspect ... */
  readonly riseCelsiusPerMinute: number;
  /** ... and an alarm from this temperature on. */
  readonly riseFromCelsius: number;
}

/** How an idle level is learnt and how far it may wander. */
export interface LearningLimits {
  readonly learnMs: number;
  /** Fastest adaptation of a learnt idle, percent of full scale per hour. */
  readonly driftPercentPerHour: number;
  /** Fastest adaptation to air that proves cleaner, percent of full scale per hour. */
  readonly fallPercentPerHour: number;
  /** Farthest that adaptation may go above the cleanest learnt idle, percent of full scale. */
  readonly driftCapPercent: number;
  /** 0 or 100 % held this long is a broken wire or a short circuit. */
  readonly railStuckMs: number;
  /** A jump to full scale that passed no value in between is suspect for this long. */
  readonly railSuspectMs: number;
  /** An idle that would have to go farther for this long is a fault. */
  readonly strainMs: number;
}

export interface Weights {
  readonly thermal: number;
  readonly smoke: number;
  readonly gas: number;
  readonly carbonMonoxide: number;
  readonly heat: number;
  readonly flame: number;
  /** Added when flame and thermal vote together. */
  readonly flameWithThermal: number;
  /** A model that believes in fire. */
  readonly vision: number;
}

export interface Limits {
  readonly thermal: ThermalLimits;
  readonly vision: VisionLimits;
  readonly smoke: AnalogLimits;
  readonly flame: AnalogLimits;
  readonly gas: GasLimits;
  readonly carbonMonoxide: CarbonMonoxideLimits;
  readonly heat: HeatLimits;
  readonly learning: LearningLimits;
  readonly weights: Weights;
}

/** The fusion defaults: see the table in `fusion.ts`. */
export const DEFAULT_LIMITS: Limits = {
  thermal: {
    limitCelsius: 60,
    criticalCelsius: 120,
    hysteresisCelsius: 3,
    riseCelsiusPerMinute: 90,
    growthPixelsPerMinute: 150,
    flickerCelsius: 5,
    aboveBackgroundCelsius: 40,
    aboveBackgroundFromCelsius: 60,
    smallestPixels: 1,
  },
  vision: {
    fire: 0.9,
    harmlessFire: 0.2,
    holdBackMs: 60_000,
    holdBackCriticalMs: 0,
  },
  smoke: {
    aboveIdlePercent: 15,
    hysteresisPercent: 3,
    fallbackPercent: 40,
    risePercentPerMinute: 10,
  },
  // A shadow that moves off a window rises as fast as a flame does.
  flame: {
    aboveIdlePercent: 15,
    hysteresisPercent: 3,
    fallbackPercent: 60,
    risePercentPerMinute: Infinity,
  },
  gas: {
    ratio: 0.4,
    hysteresisRatio: 0.05,
    fallbackPercent: 60,
    risePercentPerMinute: Infinity,
  },
  // Illustrative, and inside of what is published of practice (docs/gas-smoke-flame.md): 70 ppm
  // within 60..240 minutes, 150 ppm within 10..50, 400 ppm within 4..15.
  carbonMonoxide: {
    doses: [
      { ppm: 70, minutes: 120 },
      { ppm: 150, minutes: 30 },
      { ppm: 400, minutes: 8 },
    ],
    preAlarmPercent: 50,
  },
  heat: {
    fixedCelsius: 58,
    hysteresisCelsius: 3,
    riseCelsiusPerMinute: 10,
    riseFromCelsius: 40,
  },
  learning: {
    learnMs: 60_000,
    driftPercentPerHour: 1,
    fallPercentPerHour: 20,
    driftCapPercent: 5,
    railStuckMs: 30_000,
    railSuspectMs: 600_000,
    strainMs: 24 * 3_600_000,
  },
  weights: {
    thermal: 0.4,
    smoke: 0.5,
    gas: 0.5,
    carbonMonoxide: 0.5,
    heat: 0.5,
    flame: 0.3,
    flameWithThermal: 0.3,
    vision: 0.4,
  },
};
