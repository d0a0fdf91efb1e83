/** What a trained model can say about a hot region. */

/** In the order of the model's outputs. */
export const SCENE_KINDS = ['fire', 'overheating', 'warmBody', 'hotObject', 'other'] as const;
/**
 * `fire`: burns, or will; `overheating`: a thing that gets hotter than it should, slowly;
 * `warmBody`: people and animals; `hotObject`: hot as it should be, such as a kettle, a radiator or
 * sunlit metal; `other`: everything else, such as a glitch or a door that opens.
 */
export type SceneKind = (typeof SCENE_KINDS)[number];

/** Share of belief in each kind, 0..1, together 1. */
export type Opinion = Readonly<Record<SceneKind, number>>;

/** The kind that is believed most. */
export function likeliest(opinion: Opinion): SceneKind {
  let best: SceneKind = 'other';
  for (const kind of SCENE_KINDS) if (opinion[kind] > opinion[best]) best = kind;
  return best;
}
