/**
 * Which pixels are hot, and which of those are real.
 *
 * Typed arrays are read with `as number`: every index is bounded by the loop around it.
 */
import { FRAME_PIXELS } from '../domain/frame.ts';
import { IGNORED } from './areas.ts';
import { ALWAYS_HOT_CELSIUS, CONTRAST_CELSIUS, WARM_CELSIUS } from './thermal-limits.ts';
import { COLD, REJECTED, hotMark } from './thermal-region.ts';
import type { SupportJudge } from './thermal-support.ts';

/** What is known of each pixel of a scene; see `PixelMemory`. */
export interface SceneKnowledge {
  /** Learnt background; NaN while nothing is learnt there. */
  backgroundCelsius(at: number): number;
  /** Standard deviation of its readings; NaN while unknown. */
  noiseCelsius(at: number): number;
}

/** A pixel stands out from its background by the usual contrast, or by this much of its noise. */
const NOISE_MARGIN = 10;
/** What is hot and no further above its background than this is hot as always. */
const EXPLAINED_CELSIUS = CONTRAST_CELSIUS / 2;

/** From where on a pixel is hot in a scene of which nothing else is known. */
export function hotLevel(medianCelsius: number): number {
  return clampLevel(medianCelsius + CONTRAST_CELSIUS);
}

/** From where on one pixel is hot. @param sceneLevel for pixels of which nothing is learnt. */
export function pixelLevel(knowledge: SceneKnowledge, at: number, sceneLevel: number): number {
  const background = knowledge.backgroundCelsius(at);
  if (Number.isNaN(background)) return sceneLevel;
  const ownMargin = NOISE_MARGIN * knowledge.noiseCelsius(at);
  // A comparison with NaN is false: an unknown noise asks for no more than the contrast.
  return clampLevel(background + (ownMargin > CONTRAST_CELSIUS ? ownMargin : CONTRAST_CELSIUS));
}

function clampLevel(celsius: number): number {
  return Math.min(Math.max(celsius, WARM_CELSIUS), ALWAYS_HOT_CELSIUS);
}

export interface HeatScene {
  /** As it was seen, NaN where there is nothing; and without such holes. */
  readonly picture: Float32Array;
  readonly whole: Float32Array;
  /** 1 where `whole` is an estimate; null where nothing is. */
  readonly estimated: Uint8Array | null;
  readonly areaOf: Uint8Array | null;
  readonly knowledge: SceneKnowledge | null;
  readonly medianCelsius: number;
}

export interface Heat {
  /** Whether something real is hotter than its background explains. */
  readonly isSuspect: boolean;
}

/** Marks each pixel as cold, rejected or hot in its area; `judge.begin` comes first. */
export function markHeat(scene: HeatScene, judge: SupportJudge, marks: Uint8Array): Heat {
  const { picture, whole, estimated, areaOf, knowledge } = scene;
  const sceneLevel = hotLevel(scene.medianCelsius);
  let isSuspect = false;
  for (let at = 0; at < FRAME_PIXELS; at++) {
    marks[at] = COLD;
    const celsius = whole[at] as number;
    // False for NaN too: nothing colder than this is hot in any scene.
    if (!(celsius >= WARM_CELSIUS)) continue;
    const area = areaOf === null ? 0 : (areaOf[at] as number);
    if (area === IGNORED) continue;
    const level = knowledge === null ? sceneLevel : pixelLevel(knowledge, at, sceneLevel);
    if (celsius < level) continue;
    if (estimated !== null && estimated[at] !== 0) marks[at] = hotMark(area);
    else if (judge.isReal(picture, at, level)) {
      marks[at] = hotMark(area);
      isSuspect ||= !isExplained(knowledge, at, celsius);
    } else marks[at] = REJECTED;
  }
  return { isSuspect };
}

/** Whether a hot pixel is so always: it was approved, or learnt in a hot scene. */
function isExplained(knowledge: SceneKnowledge | null, at: number, celsius: number): boolean {
  // False while nothing is learnt there: a comparison with NaN.
  return knowledge !== null && celsius < knowledge.backgroundCelsius(at) + EXPLAINED_CELSIUS;
}
