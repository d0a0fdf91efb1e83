/** What the regions of one area become for the panel. */
import type { HotRegion, RegionEvidence, ThermalEvidence } from '../domain/evidence.ts';
import { EVIDENCE_REGIONS } from '../domain/evidence.ts';
import type { Region } from './thermal-region.ts';
import { NO_SIGNS } from './thermal-signs.ts';
import type { TrackRecord } from './track-record.ts';

/** A region with the track that it is now part of. */
export interface FollowedRegion {
  readonly region: Region;
  readonly track: TrackRecord;
}

/** What a frame says of all areas alike. */
export interface FrameFacts {
  readonly atMs: number;
  readonly medianCelsius: number;
  readonly calibrated: boolean;
  readonly rejectedPixels: number;
}

const NO_REGIONS: readonly RegionEvidence[] = [];

/** Evidence of an area in which no region stands out. */
export function quietEvidence(facts: FrameFacts, maxCelsius: number): ThermalEvidence {
  return {
    atMs: facts.atMs,
    medianCelsius: facts.medianCelsius,
    maxCelsius,
    hottest: null,
    signs: NO_SIGNS,
    regions: NO_REGIONS,
    calibrated: facts.calibrated,
    rejectedPixels: facts.rejectedPixels,
  };
}

/**
 * Evidence of an area with regions. The panel gets at most `EVIDENCE_REGIONS` of them.
 * @param found hottest first, at least one.
 * @param tracks filled with the tracks of the regions that the evidence names, in their order.
 */
export function hotEvidence(
  facts: FrameFacts,
  found: readonly FollowedRegion[],
  columns: number,
  tracks: TrackRecord[],
): ThermalEvidence {
  tracks.length = 0;
  const regions: RegionEvidence[] = [];
  const all = found.map(({ region, track }) => regionEvidence(facts.atMs, region, track, columns));
  const chosen = all.length <= EVIDENCE_REGIONS ? null : mostTelling(all);
  all.forEach((evidence, i) => {
    const track = found[i]?.track;
    if (track === undefined || (chosen !== null && !chosen.has(i))) return;
    regions.push(evidence);
    tracks.push(track);
  });
  const hottest: HotRegion | null = regions[0] ?? null;
  return {
    atMs: facts.atMs,
    medianCelsius: facts.medianCelsius,
    maxCelsius: regions[0]?.peakCelsius ?? facts.medianCelsius,
    hottest,
    signs: regions[0]?.signs ?? NO_SIGNS,
    regions,
    calibrated: facts.calibrated,
    rejectedPixels: facts.rejectedPixels,
  };
}

function regionEvidence(
  atMs: number,
  region: Region,
  track: TrackRecord,
  columns: number,
): RegionEvidence {
  return {
    peakCelsius: region.peakCelsius,
    meanCelsius: region.meanCelsius,
    areaPixels: region.areaPixels,
    row: (region.peakAt / columns) | 0,
    column: region.peakAt % columns,
    track: track.id,
    trackedFrames: track.frames,
    trackedMs: atMs - track.firstAtMs,
    aboveBackgroundCelsius: region.aboveBackgroundCelsius,
    signs: track.signs(),
    movingPixelsPerSecond: track.speed(),
  };
}

/**
 * The hottest, the one that rises fastest, that grows fastest and that flickers most: whichever
 * sign a zone goes by, the region that has most of it is among them. The next hottest fill up.
 */
function mostTelling(all: readonly RegionEvidence[]): ReadonlySet<number> {
  const chosen = new Set([0]);
  for (const sign of SIGNS) {
    let most = 0;
    let best = -1;
    all.forEach(({ signs }, i) => {
      const value = signs[sign];
      if (value === null || value <= most) return;
      most = value;
      best = i;
    });
    if (best >= 0) chosen.add(best);
  }
  for (let i = 1; chosen.size < EVIDENCE_REGIONS && i < all.length; i++) chosen.add(i);
  return chosen;
}

const SIGNS = ['riseCelsiusPerMinute', 'growthPixelsPerMinute', 'flickerCelsius'] as const;
