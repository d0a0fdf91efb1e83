/** The numbers of the pixel memory, each with its reason. */

/** Faster frames are thinned: nothing that is learnt here changes within a second. */
export const LEAST_SPACING_MS = 1_000;

/** A gap between pictures counts as at most this long, whatever the clock did. */
export const LONGEST_STEP_MS = 10_000;

/** After something suspect nothing is learnt for this long: smoke and embers outlast a flame. */
export const CALM_AGAIN_MS = 60_000;

/** First learning: calm time that it takes, and pictures that it keeps of that time. */
export const LEARN_MS = 180_000;
export const LEARN_SAMPLES = 15;
/** A pixel with fewer usable samples stays unknown. */
export const LEARN_SAMPLES_NEEDED = 8;

/** Time constant of the adaptation: a morning's sun moves the background, a smoulder hardly. */
export const ADAPT_MS = 30 * 60_000;
/** What differs by more is something in front of the background, not the background. */
export const ADAPT_GATE_CELSIUS = 3;
/** The furthest that adaptation goes from what was first learnt or approved. */
export const DRIFT_CAP_CELSIUS = 2.5;

/** A room, or an array that has just been switched on, warms no faster than this as a whole. */
export const AMBIENT_CELSIUS_PER_MINUTE = 2;
/** A pixel's say in where the scene as a whole has gone: makes the mean as deaf as a median. */
export const AMBIENT_CLIP_CELSIUS = 0.5;

/** Share by which the noise estimate moves a picture, while it is new and later. */
export const NOISE_STEPS = [0.25, 0.05, 0.01] as const;
export const NOISE_STEP_UPDATES = [20, 100] as const;
/** Median of |N(0,1)|, times the deviation of a difference of two independent samples. */
export const NOISE_SCALE = 0.6745 * Math.SQRT2;
/** Below this the estimate is the resolution of the numbers, not noise. */
export const LEAST_NOISE_CELSIUS = 0.01;

/** Time constant of the present scene, for lasting changes and for approval. */
export const PRESENT_MS = 120_000;
/** The present scene is known after this much of it. */
export const PRESENT_KNOWN_MS = 30_000;
/** A present scene older than this is none. */
export const PRESENT_STALE_MS = 60_000;

/** A change is looked for this often. */
export const CHANGE_EVERY_MS = 30_000;
/** Warmer or colder than learnt by this much is a change: windows get cold at night, ... */
export const CHANGE_WARMER_CELSIUS = 5;
export const CHANGE_COLDER_CELSIUS = 8;
/** ... and people sit still for an hour. */
export const CHANGE_AFTER_MS = 2 * 3_600_000;
/** At or above this it is no background: the lowest limit at which a zone warns by default. */
export const NO_BACKGROUND_CELSIUS = 60;
/** Without a calm picture for this long a person is asked. */
export const NO_CALM_MS = 30 * 60_000;
/** What was left unknown is learnt after having been unremarkable for this long. */
export const UNREMARKABLE_MS = 10 * 60_000;

/** Pixels are inspected this often, and compared with their neighbours' moves every sixth time. */
export const INSPECT_MS = 10_000;
export const FOLLOW_EVERY = 6;
/** For so long a pixel must have been dead, stuck or too noisy before it is taken for bad. */
export const BAD_AFTER_MS = 10 * 60_000;
/** A pixel that moves makes up for so much of the time in which it did not. */
export const REVIVAL = 4;
/** No more pixels than this are taken for bad: beyond, something else is wrong. */
export const MAX_RUNTIME_BAD = 16;
/** Neighbours on all sides that move by this much must take a pixel along by this share: ... */
export const FOLLOW_CELSIUS = 2;
/** ... a lens as sharp as 0.3 pixels gives a pixel a fifth of its light from its neighbours. */
export const FOLLOW_SHARE = 0.15;
/** So often it must have stayed behind; one time that it followed takes away three. */
export const FOLLOW_MISSES = 12;
export const FOLLOW_HIT = 3;
/** Noisier than its neighbours by this factor, and by this much at least. */
export const NOISY_FACTOR = 4;
export const NOISY_CELSIUS = 1.5;
/**
 * A bad pixel strays to both sides. What burns or smoulders is never colder than what surrounds it:
 * this share of its strays must be downwards.
 */
export const STRAY_CELSIUS = 1.5;
export const STRAY_SHARE = 0.25;
