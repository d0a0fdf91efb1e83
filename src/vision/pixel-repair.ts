/**
 * Pictures of which a part is spoilt: the part is taken out and the rest is used. At one picture
 * every 4 s, a picture refused for one bad subpage costs a fire half of its ten seconds.
 *
 * A picture without its spoilt part may show a fire. It may show that there is none only if there
 * was none in the picture before, a few times in a row, and only if the good pixels lie all around
 * the others: heat between them may be greater than they show. What cannot be told apart is
 * refused.
 */
import { FRAME_PIXELS } from '../domain/frame.ts';
import { HalfWatch } from './pixel-frozen.ts';
import { SpoiltPixels, blankMarked } from './pixel-spoilt.ts';
import { doubtAbout, isNeverRead, judgeMissing } from './thermal-integrity.ts';
import type { RejectedFrame } from './thermal-integrity.ts';
import {
  CHECKER_HINT_CELSIUS,
  FROZEN_FRAMES,
  MAX_BAD_PIXELS,
  MAX_LOST_SHARE,
  MAX_OFF_SHARE,
  SPOILT_FRAMES,
  WARM_CELSIUS,
} from './thermal-limits.ts';
import { createSurveyor } from './thermal-survey.ts';
import type { Survey } from './thermal-survey.ts';

/** Half of the pixels may be spoilt, and some of the others. */
const MOST_SPOILT_SHARE = 0.6;

/** A picture that may be looked at. Reused: it is another one after the next call. */
export interface Usable {
  /** The given picture, or a copy whose spoilt pixels are NaN. */
  picture: Float32Array;
  /** Of `picture`. */
  survey: Survey;
  /** Pixels that were taken out; 0: the picture is as it was given. */
  spoiltPixels: number;
  /** What to say instead of "quiet", should nothing hot be in it; null: that may be said. */
  doubt: RejectedFrame | null;
}

/** Looks at the pictures of one array, one after the other. Allocates nothing for a good one. */
export class PictureRepair {
  readonly #columns: number;
  readonly #spoilt: SpoiltPixels;
  readonly #watch: HalfWatch;
  readonly #surveyRest: (picture: Float32Array) => Survey;
  readonly #rest = new Float32Array(FRAME_PIXELS);
  readonly #usable: Usable;
  /** Spoilt pictures in a row. */
  #spoiltFrames = 0;

  constructor(columns: number) {
    this.#columns = columns;
    this.#spoilt = new SpoiltPixels(columns);
    this.#watch = new HalfWatch(columns);
    this.#surveyRest = createSurveyor(columns);
    const survey = this.#surveyRest(this.#rest);
    this.#usable = { picture: this.#rest, survey, spoiltPixels: 0, doubt: null };
  }

  /**
   * The picture as far as it can be believed, or why it cannot.
   *
   * @param picture as mounted; NaN where a pixel is known to be bad.
   * @param previous the last believed picture, null before the first.
   * @param wasHot whether something hot was in that one.
   */
  inspect(
    picture: Float32Array,
    survey: Survey,
    previous: Float32Array | null,
    wasHot: boolean,
  ): Usable | RejectedFrame {
    const frozenHalf = this.#watch.frozenHalf(picture);
    const unchanged = this.#watch.unchangedFrames;
    if (unchanged >= FROZEN_FRAMES) {
      return { noData: 'frozen', detail: `unchanged for ${unchanged} frames` };
    }
    const usable = this.#usable;
    usable.picture = picture;
    usable.survey = survey;
    usable.spoiltPixels = 0;
    usable.doubt = null;
    const odd =
      survey.badPixels > MAX_BAD_PIXELS ||
      survey.minCelsius <= 0 ||
      survey.maxCelsius >= WARM_CELSIUS ||
      Math.abs(survey.subpageDifferenceCelsius) > CHECKER_HINT_CELSIUS ||
      survey.minCelsius === survey.maxCelsius;
    if (odd || frozenHalf >= 0) return this.#look(picture, survey, previous, wasHot, frozenHalf);
    this.#spoiltFrames = 0;
    return usable;
  }

  #look(
    picture: Float32Array,
    survey: Survey,
    previous: Float32Array | null,
    wasHot: boolean,
    frozenHalf: number,
  ): Usable | RejectedFrame {
    const spoilt = this.#spoilt;
    const hasUnread = survey.minCelsius <= 0 && isNeverRead(picture);
    spoilt.find(picture, previous, hasUnread);
    const refusal = judgeMissing(survey.badPixels) ?? doubtAbout(picture, survey, this.#columns);
    if (refusal !== null && !this.#isApart(refusal, previous)) {
      this.#spoiltFrames += 1;
      return refusal;
    }
    if (frozenHalf >= 0) spoilt.markHalf(frozenHalf >> 1, frozenHalf & 1);
    // Holes that leave the picture good as a whole are filled by whoever looks at its regions.
    if (refusal === null && spoilt.count === spoilt.impossible) {
      this.#spoiltFrames = 0;
      return this.#usable;
    }
    const doubt = refusal ?? this.#doubt(frozenHalf);
    // One half frozen and the other one off: nothing is left.
    if (spoilt.count > MOST_SPOILT_SHARE * FRAME_PIXELS) return doubt;
    return this.#takeOut(picture, doubt, previous === null || wasHot);
  }

  /** Whether the spoilt part is told apart from the rest, and the rest can be believed. */
  #isApart({ noData }: RejectedFrame, previous: Float32Array | null): boolean {
    const { half, impossible, off } = this.#spoilt;
    if (half !== null) return true;
    const countsPixels = noData === 'tooManyBadPixels' || noData === 'missingWords';
    if (!countsPixels || previous === null) return false;
    const rest = FRAME_PIXELS - impossible;
    return impossible <= MAX_LOST_SHARE * FRAME_PIXELS && off <= MAX_OFF_SHARE * rest;
  }

  #doubt(frozenHalf: number): RejectedFrame {
    const { half, count } = this.#spoilt;
    if (half === null) {
      const detail = `${count} pixels are off that their neighbours know nothing of`;
      return { noData: 'glitch', detail };
    }
    if (frozenHalf < 0) {
      const detail = `every second pixel (${half}) is far off, the others are as they were`;
      return { noData: 'subpageMismatch', detail };
    }
    const detail = `every second pixel (${half}) unchanged for ${FROZEN_FRAMES} frames or more`;
    return { noData: 'frozen', detail };
  }

  #takeOut(picture: Float32Array, doubt: RejectedFrame, mayHide: boolean): Usable {
    const usable = this.#usable;
    const { marks, count } = this.#spoilt;
    this.#rest.set(picture.subarray(0, FRAME_PIXELS));
    const lost = blankMarked(this.#rest, marks, this.#columns);
    usable.picture = this.#rest;
    usable.survey = this.#surveyRest(this.#rest);
    usable.spoiltPixels = count;
    this.#spoiltFrames += 1;
    const isQuietEnough = !mayHide && lost <= MAX_BAD_PIXELS && this.#spoiltFrames <= SPOILT_FRAMES;
    usable.doubt = isQuietEnough ? null : doubt;
    return usable;
  }
}
