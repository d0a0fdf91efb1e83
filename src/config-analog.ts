/** Gas, smoke, flame and point heat: the fields of their limits and channels. */
import { z } from 'zod';
import { DEFAULT_LIMITS } from './alarm/plan.ts';
import { own } from './config-regions.ts';
import { GASES, USUAL_DIVIDER } from './domain/gas.ts';

const { smoke, flame, gas, carbonMonoxide, heat } = DEFAULT_LIMITS;

/** Limits of analog channels; every one has a documented default. */
export const analogLimitFields = {
  smokePercent: z
    .number()
    .min(0.5)
    .max(100)
    .default(smoke.aboveIdlePercent)
    .describe('percent of full scale above the learnt idle'),
  smokeAbsolutePercent: z
    .number()
    .min(1)
    .max(100)
    .default(smoke.fallbackPercent)
    .describe('percent of full scale that alarms whatever was learnt; caps what may be learnt'),
  smokeRisePercentPerMinute: z
    .number()
    .min(0.5)
    .max(1000)
    .nullable()
    .default(smoke.risePercentPerMinute)
    .describe('a rise this fast, a third of the way to the limit, is suspect; null: none is'),
  flamePercent: z
    .number()
    .min(0.5)
    .max(100)
    .default(flame.aboveIdlePercent)
    .describe('percent of full scale above the learnt idle, signed by polarity'),
  flameAbsolutePercent: z
    .number()
    .min(1)
    .max(100)
    .default(flame.fallbackPercent)
    .describe('percent of full scale that counts whatever was learnt; caps what may be learnt'),
  gasRatio: z
    .number()
    .min(0.01)
    .max(0.95)
    .default(gas.ratio)
    .describe('Rs/R0 below it is an alarm; R0 is the learnt clean-air Rs'),
  gasAbsolutePercent: z
    .number()
    .min(1)
    .max(100)
    .default(gas.fallbackPercent)
    .describe('percent of full scale that alarms whatever was learnt; caps what may be learnt'),
  gasRisePercentPerMinute: z
    .number()
    .min(0.1)
    .max(1000)
    .nullable()
    .default(null)
    .describe('a rise this fast, a third of the way to the limit, is suspect; null: none is'),
  carbonMonoxideDoses: z
    .array(
      z.strictObject({
        ppm: z.number().min(1).max(100_000),
        minutes: z.number().min(0.1).max(10_000).describe('how long it may last'),
      }),
    )
    .min(1)
    .max(16)
    .default([...carbonMonoxide.doses])
    .describe('concentrations and the minutes after which each alarms; less than all adds nothing'),
  carbonMonoxidePreAlarmPercent: z
    .number()
    .min(1)
    .max(100)
    .default(carbonMonoxide.preAlarmPercent)
    .describe('share of the dose that alarms from which it is a pre-alarm'),
  heatCelsius: z
    .number()
    .min(20)
    .max(300)
    .default(heat.fixedCelsius)
    .describe('a point detector of heat at or above it is an alarm'),
  heatRiseCelsiusPerMinute: z
    .number()
    .min(4)
    .max(600)
    .default(heat.riseCelsiusPerMinute)
    .describe('a point detector that rises this fast is suspect'),
  heatRiseFromCelsius: z
    .number()
    .min(0)
    .max(300)
    .default(heat.riseFromCelsius)
    .describe('a point detector that rises so fast and is at least this hot is an alarm'),
} as const;

/** The same for a zone, which names only those in which it differs. */
export const ownAnalogLimits = {
  smokePercent: own(analogLimitFields.smokePercent),
  smokeAbsolutePercent: own(analogLimitFields.smokeAbsolutePercent),
  smokeRisePercentPerMinute: own(analogLimitFields.smokeRisePercentPerMinute),
  flamePercent: own(analogLimitFields.flamePercent),
  flameAbsolutePercent: own(analogLimitFields.flameAbsolutePercent),
  gasRatio: own(analogLimitFields.gasRatio),
  gasAbsolutePercent: own(analogLimitFields.gasAbsolutePercent),
  gasRisePercentPerMinute: own(analogLimitFields.gasRisePercentPerMinute),
  carbonMonoxideDoses: own(analogLimitFields.carbonMonoxideDoses),
  carbonMonoxidePreAlarmPercent: own(analogLimitFields.carbonMonoxidePreAlarmPercent),
  heatCelsius: own(analogLimitFields.heatCelsius),
  heatRiseCelsiusPerMinute: own(analogLimitFields.heatRiseCelsiusPerMinute),
  heatRiseFromCelsius: own(analogLimitFields.heatRiseFromCelsius),
} as const;

/** What an analog channel is besides its role. */
export const analogSourceFields = {
  warmUpSeconds: z
    .number()
    .min(0)
    .max(172_800)
    .nullable()
    .default(null)
    .describe(
      'time after power-on in which it is shown as warming up; null: 180 s for gas, else 0',
    ),
  warmUpAgainSeconds: z
    .number()
    .min(10)
    .max(86_400)
    .default(600)
    .describe('silence after which a sensor that warms up is taken to have been without supply'),
  restsAtRail: z
    .boolean()
    .nullable()
    .default(null)
    .describe('the harmless end of the range is no fault; null: for carbonMonoxide and heat only'),
  loadKiloohm: z
    .number()
    .min(0.1)
    .max(1000)
    .default(USUAL_DIVIDER.loadKiloohm)
    .describe('load resistor of a gas sensor'),
  supplyVolts: z
    .number()
    .min(1)
    .max(24)
    .default(USUAL_DIVIDER.supplyVolts)
    .describe('what a gas sensor and its load resistor hang on'),
  fullScaleVolts: z
    .number()
    .min(0.1)
    .max(24)
    .nullable()
    .default(null)
    .describe('voltage of a gas sensor that is read as 100 percent; null: its supply'),
  gas: z
    .enum(GASES)
    .nullable()
    .default(null)
    .describe('whose concentration is estimated for show, by the curve of an MQ-135'),
  fullScalePpm: z
    .number()
    .min(10)
    .max(1_000_000)
    .nullable()
    .default(null)
    .describe('what 100 percent of a carbonMonoxide channel stands for; 0 percent is 0 ppm'),
  rangeCelsius: z
    .tuple([z.number().min(-100).max(1000), z.number().min(-100).max(1000)])
    .nullable()
    .default(null)
    .describe('what 0 and 100 percent of a heat channel stand for'),
} as const;

export type AnalogSource = z.infer<z.ZodObject<typeof analogSourceFields>>;
/** Those that are there. */
export type AnalogLimitsGiven = z.infer<z.ZodObject<typeof ownAnalogLimits>>;
