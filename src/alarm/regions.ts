/** Looks at the regions of thermal windows in the way that the rules need. */
import type { HotRegion, RegionEvidence, ThermalWindow } from '../domain/evidence.ts';
import type { Span } from './confirmation.ts';
import type { ThermalLimits } from './plan.ts';

const NONE: readonly number[] = [];

/**
 * Tracks of the regions that `matches`, in the newest and in the hottest frame of a window. Only
 * these and the coolest are known; mostly they are one.
 */
export function tracksOf(
  window: ThermalWindow,
  matches: (region: RegionEvidence) => boolean,
): readonly number[] {
  let tracks: number[] | null = null;
  for (const { regions } of framesOf(window)) {
    for (const region of regions) {
      if (!matches(region)) continue;
      tracks ??= [];
      if (!tracks.includes(region.track)) tracks.push(region.track);
    }
  }
  return tracks ?? NONE;
}

/** The first region that `matches`: the newest frame before the hottest, hot before less hot. */
export function firstRegion(
  window: ThermalWindow,
  matches: (region: RegionEvidence) => boolean,
): RegionEvidence | null {
  for (const { regions } of framesOf(window)) {
    for (const region of regions) if (matches(region)) return region;
  }
  return null;
}

function framesOf({ last, worst }: ThermalWindow) {
  return last === worst ? [last] : [last, worst];
}

/**
 * A window as the confirmation sees it, by one value per frame. Only the newest, hottest and
 * coolest frame are known; the first counts as the coolest.
 */
export function spanOf(window: ThermalWindow, valueOf: ValueOf): Span {
  const last = valueOf(window.last);
  const worst = window.worst === window.last ? last : valueOf(window.worst);
  const coolest = window.coolest === window.last ? last : valueOf(window.coolest);
  const min = Math.min(last, worst, coolest);
  return {
    first: min,
    last,
    min,
    max: Math.max(last, worst, coolest),
    count: window.frames,
    firstAtMs: window.firstAtMs,
    lastAtMs: window.last.atMs,
  };
}

type ValueOf = (frame: ThermalWindow['last']) => number;

/** Whether a region climbs or spreads like a fire: robust against any single frame. */
export function isGrowing({ signs }: RegionEvidence, limits: ThermalLimits): boolean {
  const { riseCelsiusPerMinute, growthPixelsPerMinute } = signs;
  return (
    (riseCelsiusPerMinute !== null && riseCelsiusPerMinute >= limits.riseCelsiusPerMinute) ||
    (growthPixelsPerMinute !== null && growthPixelsPerMinute >= limits.growthPixelsPerMinute)
  );
}

/** Where a region is and how large, for people. */
export function placeText({ row, column, areaPixels }: HotRegion): string {
  return `row ${row}, column ${column}, ${areaPixels} ${areaPixels === 1 ? 'pixel' : 'pixels'}`;
}
