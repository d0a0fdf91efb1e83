/** What a trained model's opinion of a region counts for. */
import type { OpinionWindow } from '../domain/evidence.ts';
import type { Opinion, SceneKind } from '../domain/opinion.ts';
import { SCENE_KINDS } from '../domain/opinion.ts';
import type { VisionLimits } from './plan.ts';

/** Whether every share is one and together they are all: anything else is no opinion. */
export function isSound({ opinion, atMs, track }: OpinionWindow): boolean {
  let sum = 0;
  for (const kind of SCENE_KINDS) {
    const share = opinion[kind];
    if (!(share >= 0 && share <= 1)) return false;
    sum += share;
  }
  return Math.abs(sum - 1) < 0.01 && Number.isFinite(atMs) && Number.isFinite(track);
}

/** Whether the model is sure that a region does not burn: all shares together are 1. */
export function isHarmless(opinion: Opinion, limits: VisionLimits): boolean {
  return opinion.fire <= limits.harmlessFire;
}

/** Nothing older has a say. */
export function isFresh(window: OpinionWindow, nowMs: number, freshnessMs: number): boolean {
  return nowMs - window.atMs <= freshnessMs;
}

/** For people: "a hot object (96 %)". */
export function opinionText(opinion: Opinion, kind: SceneKind): string {
  return `${WORDS[kind]} (${Math.round(opinion[kind] * 100)} %)`;
}

const WORDS: Readonly<Record<SceneKind, string>> = {
  fire: 'a fire',
  overheating: 'something that overheats',
  warmBody: 'a person or an animal',
  hotObject: 'a hot object',
  other: 'neither fire nor heat',
};
