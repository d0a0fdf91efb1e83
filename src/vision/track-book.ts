/**
 * Follows the regions of one array from frame to frame.
 *
 * A region is the track whose pixels it covers. Where several would do, heat decides: of a region
 * that splits the hottest part keeps the track, of regions that merge the hottest one goes on. A
 * region that covers no track is the nearest one that it can have moved from. A track outlives
 * frames in which it is not seen, or that cannot be believed, for a bounded time.
 *
 * Typed arrays are read with `as number`: indices are pixels and slots that were written before.
 */
import { FRAME_PIXELS } from '../domain/frame.ts';
import { AREA_REGIONS } from './thermal-region.ts';
import type { Region } from './thermal-region.ts';
import type { RecentPictures } from './track-before.ts';
import { TrackRecord } from './track-record.ts';

/** A track outlives this, or two cadences of a slower array, ... */
const KEEP_MS = 10_000;
const KEEP_CADENCES = 2;
/** ... but never more: what is seen then is something else. */
const MOST_KEEP_MS = 15_000;
/** Share of the newest gap between frames in the learnt cadence. */
const CADENCE_SHARE = 0.25;

/** Tracks of one array, seen and awaited; slots fit into a byte. */
const SLOTS = 96;
const NOBODY = 0;

/** From this share of common pixels on, of the smaller one, a region is where the track was. */
const SAME_PLACE_SHARE = 0.5;
/** Otherwise it may have moved by this much, its own size and that much each second, ... */
const REACH_PIXELS = 1.5;
const REACH_PIXELS_PER_SECOND = 1;
/** ... but not across half the picture. */
const MOST_REACH_PIXELS = 8;

/** Scores of the three ways to match, each above all of the next; 0 is no match. */
const SAME_PLACE = 10_000;
const OVERLAP = 1_000;
const NEAR = 1;

/** What of a frame concerns its tracks. */
export interface TrackedFrame {
  readonly atMs: number;
  readonly medianCelsius: number;
  /** False when a part of the picture was spoilt: its peaks may be lower than the true ones. */
  readonly isWhole: boolean;
}

/** So many spoilt frames in a row leave a gap in the history; what lasts longer is as it is. */
const MOST_SPOILT_FRAMES = 3;

export class TrackBook {
  readonly #columns: number;
  readonly #before: RecentPictures;
  readonly #slots: TrackRecord[] = [];
  /** Slot + 1 of the track that was last seen on a pixel, else `NOBODY`. */
  #owner = new Uint8Array(FRAME_PIXELS);
  #nextOwner = new Uint8Array(FRAME_PIXELS);
  readonly #common = new Uint16Array(AREA_REGIONS * SLOTS);
  readonly #scores = new Float64Array(AREA_REGIONS * SLOTS);
  /** Slot of each region of the newest frame. */
  readonly #slotOf: number[] = [];
  readonly #isTaken = new Uint8Array(SLOTS);
  #alive = 0;
  #lastId = 0;
  #lastMs: number | null = null;
  #cadenceMs = 0;
  /** Frames in a row of which a part was lost. */
  #spoiltFrames = 0;

  /** @param before what places showed before regions appeared there. */
  constructor(columns: number, before: RecentPictures) {
    this.#columns = columns;
    this.#before = before;
  }

  /**
   * Takes note of a frame, believed or not: tracks that have not been seen for too long end here,
   * and all of them when time goes back.
   */
  tick(atMs: number): void {
    const sinceMs = this.#lastMs === null ? 0 : atMs - this.#lastMs;
    this.#lastMs = atMs;
    if (sinceMs > 0) {
      const share = this.#cadenceMs === 0 ? 1 : CADENCE_SHARE;
      this.#cadenceMs += share * (sinceMs - this.#cadenceMs);
    }
    if (this.#alive === 0) return;
    const keepMs = Math.min(MOST_KEEP_MS, Math.max(KEEP_MS, KEEP_CADENCES * this.#cadenceMs));
    for (const track of this.#slots) {
      if (track.alive && (sinceMs < 0 || atMs - track.lastSeenMs > keepMs)) this.#end(track);
    }
  }

  /**
   * Follows the regions of a believed frame; `tick` comes first.
   * @param regions grouped by area, the hottest first in each.
   * @param members pixels of the regions, see `Region.first`.
   */
  follow(regions: readonly Region[], members: Uint16Array, frame: TrackedFrame): void {
    const { atMs } = frame;
    this.#spoiltFrames = frame.isWhole ? 0 : this.#spoiltFrames + 1;
    this.#slotOf.length = 0;
    if (regions.length === 0) return;
    this.#isTaken.fill(0);
    for (let from = 0; from < regions.length;) {
      let to = from;
      while (to < regions.length && regions[to]?.area === regions[from]?.area) to += 1;
      this.#match(regions, from, to, members, atMs);
      from = to;
    }
    regions.forEach((region, i) => {
      const slot = this.#slotOf[i] as number;
      const track = this.#slots[slot] as TrackRecord;
      track.see(region, atMs);
      if (this.#spoiltFrames <= MOST_SPOILT_FRAMES && !frame.isWhole) return;
      track.remember(region, atMs, frame.medianCelsius);
    });
    this.#claim(regions, members);
  }

  /** Track of region number `index` of the newest frame. */
  trackOf(index: number): TrackRecord {
    const track = this.#slots[this.#slotOf[index] ?? -1];
    if (track === undefined) throw new RangeError(`no region ${index} in the newest frame`);
    return track;
  }

  /** Finds the tracks of the regions of one area, best matches first; the rest are new. */
  #match(
    regions: readonly Region[],
    from: number,
    to: number,
    members: Uint16Array,
    atMs: number,
  ): void {
    const count = to - from;
    for (let i = 0; i < count; i++) {
      this.#slotOf[from + i] = -1;
      this.#score(i, regions[from + i] as Region, members, atMs);
    }
    for (let matched = 0; matched < count; matched++) {
      let best = 0;
      let bestRegion = -1;
      let bestSlot = -1;
      for (let i = 0; i < count; i++) {
        if (this.#slotOf[from + i] !== -1) continue;
        for (let slot = 0; slot < this.#slots.length; slot++) {
          const score = this.#scores[i * SLOTS + slot] as number;
          if (score <= best || this.#isTaken[slot] !== 0) continue;
          best = score;
          bestRegion = i;
          bestSlot = slot;
        }
      }
      if (bestSlot < 0) break;
      this.#slotOf[from + bestRegion] = bestSlot;
      this.#isTaken[bestSlot] = 1;
    }
    for (let i = from; i < to; i++) {
      if (this.#slotOf[i] === -1) this.#slotOf[i] = this.#begin(regions[i] as Region, atMs);
    }
  }

  /** Scores one region against all tracks of its area. */
  #score(index: number, region: Region, members: Uint16Array, atMs: number): void {
    const slots = this.#slots.length;
    const offset = index * SLOTS;
    this.#common.fill(0, offset, offset + slots);
    for (let i = region.first; i < region.end; i++) {
      const owner = this.#owner[members[i] as number] as number;
      if (owner === NOBODY) continue;
      this.#common[offset + owner - 1] = (this.#common[offset + owner - 1] as number) + 1;
    }
    for (let slot = 0; slot < slots; slot++) {
      const track = this.#slots[slot] as TrackRecord;
      const common = this.#common[offset + slot] as number;
      this.#scores[offset + slot] =
        track.alive && track.area === region.area ? scoreOf(track, region, common, atMs) : 0;
    }
  }

  #begin(region: Region, atMs: number): number {
    const slot = this.#freeSlot();
    const track = this.#slots[slot] as TrackRecord;
    this.#lastId += 1;
    this.#alive += 1;
    this.#isTaken[slot] = 1;
    track.begin(this.#lastId, region, atMs);
    return slot;
  }

  /** A slot without a track; when all have one, that of the track not seen for longest. */
  #freeSlot(): number {
    let oldest = -1;
    for (let slot = 0; slot < this.#slots.length; slot++) {
      const track = this.#slots[slot] as TrackRecord;
      if (!track.alive) return slot;
      if (this.#isTaken[slot] !== 0) continue;
      const than = this.#slots[oldest];
      if (than === undefined || track.lastSeenMs < than.lastSeenMs) oldest = slot;
    }
    if (this.#slots.length < SLOTS)
      return this.#slots.push(new TrackRecord(this.#columns, this.#before)) - 1;
    if (oldest < 0) throw new RangeError(`more than ${SLOTS} regions in one frame`);
    this.#end(this.#slots[oldest] as TrackRecord);
    return oldest;
  }

  #end(track: TrackRecord): void {
    track.alive = false;
    this.#alive -= 1;
  }

  /** Writes down whose pixels are whose; those of tracks not seen now stay theirs. */
  #claim(regions: readonly Region[], members: Uint16Array): void {
    const next = this.#nextOwner;
    next.fill(NOBODY);
    regions.forEach((region, i) => {
      const owner = (this.#slotOf[i] as number) + 1;
      for (let m = region.first; m < region.end; m++) next[members[m] as number] = owner;
    });
    if (this.#alive > regions.length) {
      for (let at = 0; at < FRAME_PIXELS; at++) {
        const owner = this.#owner[at] as number;
        if (owner === NOBODY || next[at] !== NOBODY || this.#isTaken[owner - 1] !== 0) continue;
        if (this.#slots[owner - 1]?.alive === true) next[at] = owner;
      }
    }
    this.#nextOwner = this.#owner;
    this.#owner = next;
  }
}

function scoreOf(track: TrackRecord, region: Region, common: number, atMs: number): number {
  const share = common / Math.min(region.areaPixels, track.areaPixels);
  if (share >= SAME_PLACE_SHARE) {
    return SAME_PLACE + region.peakCelsius + track.peakCelsius;
  }
  if (common > 0) return OVERLAP + 100 * share;
  const seconds = (atMs - track.lastSeenMs) / 1_000;
  const sizes = region.spreadRows + region.spreadColumns + track.spread;
  const reach = Math.min(
    MOST_REACH_PIXELS,
    REACH_PIXELS + sizes + REACH_PIXELS_PER_SECOND * seconds,
  );
  const rows = region.row - track.row;
  const columns = region.column - track.column;
  const distance = Math.sqrt(rows * rows + columns * columns);
  return distance < reach ? NEAR + 100 * (1 - distance / reach) : 0;
}
