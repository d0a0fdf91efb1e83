/**
 * How a picture becomes evidence:
 *
 *   mount -> survey -> believable, whole or in part? -> hot pixels -> real? -> regions -> tracks
 *
 * Most pictures are quiet: the survey finds nothing hot and nothing odd. Only the others are
 * searched for glitches and regions. A picture that cannot be believed is "no data" with a reason,
 * never a temperature and never "cool".
 *
 * Typed arrays are read with `as number`: every index is bounded by the loop around it.
 */
import { FRAME_PIXELS, mountOrder } from '../domain/frame.ts';
import type { AreaMap } from './areas.ts';
import { layOutAreas } from './areas.ts';
import type { PixelMemory } from './pixel-memory.ts';
import type { Usable } from './pixel-repair.ts';
import { PictureRepair } from './pixel-repair.ts';
import { GapFiller } from './thermal-estimate.ts';
import type { FollowedRegion, FrameFacts } from './thermal-evidence.ts';
import { hotEvidence, quietEvidence } from './thermal-evidence.ts';
import { hotLevel, markHeat } from './thermal-heat.ts';
import { judgeHot } from './thermal-integrity.ts';
import { WARM_CELSIUS } from './thermal-limits.ts';
import { AreaMaxima } from './thermal-quiet.ts';
import type { Region } from './thermal-region.ts';
import { COLD, REJECTED, RegionFinder } from './thermal-region.ts';
import { SupportJudge } from './thermal-support.ts';
import { createSurveyor } from './thermal-survey.ts';
import type { Survey } from './thermal-survey.ts';
import type {
  AreaFinding,
  FrameInfo,
  ThermalDetector,
  ThermalDetectorOptions,
  ThermalOutcome,
} from './thermal.ts';
import { RecentPictures } from './track-before.ts';
import { TrackBook } from './track-book.ts';
import type { TrackRecord } from './track-record.ts';
import type { RegionTrack } from './track.ts';

/** Share of its pixels that must be seen before an area counts as quiet; without a subpage. */
const AREA_SHARE = 0.5;
const SPOILT_AREA_SHARE = 0.25;

const NO_TRACKS: readonly RegionTrack[] = [];
const NO_REGIONS: readonly Region[] = [];

export class Detector implements ThermalDetector {
  readonly columns: number;
  readonly rows: number;
  readonly #areas: AreaMap;
  readonly #order: Uint16Array | null;
  readonly #memory: PixelMemory | null;
  readonly #mounted: Float32Array | null;
  /** A copy without the pixels that have failed at run time. */
  readonly #sound = new Float32Array(FRAME_PIXELS);
  readonly #survey: (picture: Float32Array) => Survey;
  readonly #repair: PictureRepair;
  readonly #judge: SupportJudge;
  readonly #gaps: GapFiller;
  readonly #maxima: AreaMaxima;
  readonly #finder: RegionFinder;
  readonly #recent: RecentPictures;
  readonly #book: TrackBook;
  readonly #marks = new Uint8Array(FRAME_PIXELS);
  readonly #unlearnable = new Uint8Array(FRAME_PIXELS);
  readonly #findings: AreaFinding[] = [];
  readonly #followed: FollowedRegion[] = [];
  readonly #tracks: TrackRecord[][];

  constructor(options: ThermalDetectorOptions) {
    const { columns, rows, order } = mountOrder(options.mount);
    this.columns = columns;
    this.rows = rows;
    this.#order = order;
    this.#mounted = order === null ? null : new Float32Array(FRAME_PIXELS);
    this.#areas = layOutAreas(options.areas, columns, rows);
    this.#memory = options.memory;
    this.#survey = createSurveyor(columns);
    this.#repair = new PictureRepair(columns);
    this.#judge = new SupportJudge(columns, rows);
    this.#gaps = new GapFiller(columns);
    this.#maxima = new AreaMaxima(columns, this.#areas);
    this.#finder = new RegionFinder(columns, this.#areas);
    this.#recent = new RecentPictures(columns);
    this.#book = new TrackBook(columns, this.#recent);
    this.#tracks = this.#areas.channels.map(() => []);
  }

  get channels(): readonly string[] {
    return this.#areas.channels;
  }

  detect(celsius: Float32Array, info: FrameInfo): ThermalOutcome {
    this.#book.tick(info.atMs);
    if (celsius.length < FRAME_PIXELS) {
      return { noData: 'missingWords', detail: `${celsius.length} of ${FRAME_PIXELS} pixels` };
    }
    const mounted = this.#mount(celsius);
    const picture = this.#withoutBad(mounted);
    const { previous, wasHot } = this.#judge;
    const usable = this.#repair.inspect(picture, this.#survey(picture), previous, wasHot);
    if ('noData' in usable) return usable;
    const { maxCelsius, medianCelsius } = usable.survey;
    const level = this.#memory === null ? hotLevel(medianCelsius) : WARM_CELSIUS;
    if (maxCelsius < level) return this.#quiet(usable, mounted, info);
    return this.#hot(usable, mounted, info);
  }

  #mount(celsius: Float32Array): Float32Array {
    const order = this.#order;
    const mounted = this.#mounted;
    if (order === null || mounted === null) return celsius;
    for (let i = 0; i < FRAME_PIXELS; i++) mounted[i] = celsius[order[i] as number] as number;
    return mounted;
  }

  /** The picture without the pixels that have failed at run time. */
  #withoutBad(mounted: Float32Array): Float32Array {
    const bad = this.#memory?.badPixels;
    if (bad === undefined || bad.length === 0) return mounted;
    this.#sound.set(mounted.subarray(0, FRAME_PIXELS));
    for (const at of bad) this.#sound[at] = Number.NaN;
    return this.#sound;
  }

  #quiet(usable: Usable, mounted: Float32Array, info: FrameInfo): ThermalOutcome {
    const { picture, survey, spoiltPixels, doubt } = usable;
    if (doubt !== null) return doubt;
    const { medianCelsius, maxCelsius, maxAt, badPixels } = survey;
    this.#believe(usable, info.atMs);
    if (spoiltPixels === 0) {
      this.#memory?.observe(mounted, { atMs: info.atMs, suspect: false, hot: null });
    }
    if (this.#areas.areaOf === null) {
      this.#maxima.takeWhole(maxCelsius, maxAt, FRAME_PIXELS - badPixels);
    } else this.#maxima.take(picture, null);
    const { atMs, calibrated } = info;
    const facts = { atMs, calibrated, medianCelsius, rejectedPixels: badPixels };
    return this.#report(usable, facts, NO_REGIONS);
  }

  #hot(usable: Usable, mounted: Float32Array, info: FrameInfo): ThermalOutcome {
    const { picture, survey, spoiltPixels, doubt } = usable;
    const { medianCelsius, badPixels } = survey;
    const marks = this.#marks;
    const knowledge = this.#memory;
    const hasGaps = badPixels > 0;
    if (hasGaps) this.#gaps.fill(picture);
    const whole = hasGaps ? this.#gaps.picture : picture;
    const estimated = hasGaps ? this.#gaps.estimated : null;
    const { areaOf } = this.#areas;
    this.#judge.begin(medianCelsius);
    const scene = { picture, whole, estimated, areaOf, knowledge, medianCelsius };
    const { isSuspect } = markHeat(scene, this.#judge, marks);
    const lost = spoiltPixels > 0 ? 0 : badPixels;
    const untrusted = judgeHot(marks, estimated, this.columns, lost);
    if (untrusted !== null) return untrusted;
    const { real, rejected } = this.#count(estimated);
    // Where the hottest pixel may be among the spoilt ones, less heat means nothing.
    if (doubt !== null && (real === 0 || this.#judge.isCooler)) return doubt;
    const { atMs, calibrated } = info;
    // With a region in the only area nobody asks for the maximum beside it.
    if (real === 0 || areaOf !== null) this.#maxima.take(picture, marks);
    this.#believe(usable, atMs);
    const isWhole = spoiltPixels === 0;
    if (isWhole) this.#learn(mounted, atMs, isSuspect);
    const regions = this.#finder.find(whole, marks, estimated, { medianCelsius, knowledge });
    this.#book.follow(regions, this.#finder.members, { atMs, medianCelsius, isWhole });
    const rejectedPixels = badPixels + rejected;
    const facts = { atMs, calibrated, medianCelsius, rejectedPixels };
    return this.#report(usable, facts, regions);
  }

  /** Hot pixels that are real, and those that are not, after the last judgement. */
  #count(estimated: Uint8Array | null): { readonly real: number; readonly rejected: number } {
    let real = 0;
    let rejected = 0;
    for (let i = 0; i < FRAME_PIXELS; i++) {
      const mark = this.#marks[i] as number;
      if (mark === REJECTED) rejected += 1;
      else if (mark !== COLD && (estimated === null || estimated[i] === 0)) real += 1;
    }
    return { real, rejected };
  }

  /** Makes a picture what later ones are compared with. */
  #believe({ picture, spoiltPixels }: Usable, atMs: number): void {
    this.#judge.accept(picture);
    if (spoiltPixels === 0) this.#recent.keep(picture, atMs);
  }

  /** Lets the memory learn of the picture; of pixels that have failed too, which may recover. */
  #learn(mounted: Float32Array, atMs: number, suspect: boolean): void {
    if (this.#memory === null) return;
    // While anything is suspect nothing is learnt: no need to say of which pixels.
    const hot = suspect ? null : this.#unlearnable;
    if (hot !== null) {
      for (let i = 0; i < FRAME_PIXELS; i++) hot[i] = this.#marks[i] === COLD ? 0 : 1;
    }
    this.#memory.observe(mounted, { atMs, suspect, hot });
  }

  /** @param regions of all areas, grouped by area, hottest first in each. */
  #report(usable: Usable, facts: FrameFacts, regions: readonly Region[]): ThermalOutcome {
    const { channels } = this.#areas;
    const followed = this.#followed;
    let next = 0;
    for (let area = 0; area < channels.length; area++) {
      const channel = channels[area] as string;
      followed.length = 0;
      for (let region = regions[next]; region?.area === area; region = regions[++next]) {
        followed.push({ region, track: this.#book.trackOf(next) });
      }
      this.#findings[area] =
        followed.length > 0
          ? this.#hotFinding(channel, area, facts, followed)
          : this.#quietFinding(channel, area, facts, usable);
    }
    return this.#findings;
  }

  #hotFinding(
    channel: string,
    area: number,
    facts: FrameFacts,
    followed: readonly FollowedRegion[],
  ): AreaFinding {
    const tracks = this.#tracks[area] ?? [];
    const evidence = hotEvidence(facts, followed, this.columns, tracks);
    return { channel, evidence, track: tracks[0] ?? null, tracks };
  }

  #quietFinding(
    channel: string,
    area: number,
    facts: FrameFacts,
    { picture, doubt, spoiltPixels }: Usable,
  ): AreaFinding {
    if (doubt !== null) return { channel, ...doubt };
    const pixels = this.#areas.pixels[area] as number;
    const usable = this.#maxima.usablePixels(area);
    // A picture that is good as a whole may have most of its holes in one small area. Of one that
    // is good enough without a subpage about half is left everywhere.
    const needed = pixels * (spoiltPixels > 0 ? SPOILT_AREA_SHARE : AREA_SHARE);
    if (usable === 0 || usable < needed) {
      const detail = `only ${usable} of ${pixels} pixels of the area have a possible temperature`;
      return { channel, noData: 'tooManyBadPixels', detail };
    }
    const evidence = quietEvidence(facts, this.#maxima.maxCelsius(picture, area));
    return { channel, evidence, track: null, tracks: NO_TRACKS };
  }
}
