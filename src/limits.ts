/** Limits as people write them -> as the plan has them. */
import type { PartialLimits } from './alarm/make-plan.ts';
import { analogLimitsOf } from './analog-plan.ts';
import type { ZoneConfig } from './config-schema.ts';

/** Only the fields that are there: a zone's limits must not put defaults over the general ones. */
export function limitsOf(limits: ZoneConfig['limits']): PartialLimits {
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
      aboveBackgroundCelsius: limits.aboveBackgroundCelsius,
      aboveBackgroundFromCelsius: limits.aboveBackgroundFromCelsius,
      smallestPixels: limits.smallestPixels,
    }) as NonNullable<PartialLimits['thermal']>,
    vision: given({
      fire: limits.visionConfidence,
      holdBackMs: inMs(limits.holdBackSeconds),
      holdBackCriticalMs: inMs(limits.holdBackCriticalSeconds),
    }) as NonNullable<PartialLimits['vision']>,
    ...analogLimitsOf(limits),
  };
}

function inMs(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000;
}
