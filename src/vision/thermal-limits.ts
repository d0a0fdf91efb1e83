/**
 * The numbers of the thermal detector, each with its reason. They describe the sensor and the
 * optics, not the fire policy of a zone: alarm limits live in the zone's configuration.
 */

/** Colder than this is no reading: the array is specified from -40 C. */
export const LOWEST_CELSIUS = -60;

/**
 * Hotter than this is no reading. The array is specified to 300 C and its 16-bit counts end near
 * 500..800 C; diffusion flames burn at 900..1200 C and, being partly transparent, look colder.
 * Damaged transfers produce 1400..2300 C.
 */
export const HIGHEST_CELSIUS = 1200;

/** A region stands out when it is this much above the picture's median ... */
export const CONTRAST_CELSIUS = 10;
/** ... and at least this warm, so that skin (up to 37 C) and noise are no regions, ... */
export const WARM_CELSIUS = 40;
/** ... but anything this hot is looked at, however warm the rest of the picture is. */
export const ALWAYS_HOT_CELSIUS = 55;

/**
 * Share of a pixel's radiance excess that its best neighbour along each axis must show.
 *
 * Light of a source inside one pixel spreads: for a Gaussian spread of sigma pixels, integrated
 * over square pixels, a side neighbour gets 2.4 % (sigma 0.25), 5.3 % (0.3), 13 % (0.4), 23 %
 * (0.5) of what the centre gets; off-centre sources give one neighbour per axis more, never less.
 * The lens of the array is blurrier than 0.3. A glitch pixel gives its neighbours nothing: to pass,
 * one of 914 C would need neighbours of 215 C.
 *
 * In a chess pattern all four side neighbours belong to the other subpage, in an interleaved
 * pattern two do: asking for one supporter per axis therefore always asks the other subpage.
 */
export const WEAK_SUPPORT = 0.025;

/**
 * A pixel that stands no more than this above its best neighbour along each axis needs no support:
 * noise reaches 0.94 C, and an error of this size decides nothing.
 */
export const PLAIN_CELSIUS = 6;

/** From this share on the neighbours are hot themselves, whatever the scene behind them. */
export const STRONG_SUPPORT = 0.3;

/**
 * A weakly supported pixel must also stand in a spot that fades outwards: share by which a
 * neighbour must exceed the pixel behind it. Rejects glitches inside a warm body.
 */
export const FADING_SUPPORT = 0.02;

/** A pixel that was cold and rose by this much since the last frame has "appeared". */
export const APPEARED_CELSIUS = 15;
/** What appeared must have warmed its neighbours by this share of its own radiance step. */
export const APPEARED_SUPPORT = 0.02;
/** For how many frames a pixel may be rejected for that reason alone: bursts last up to 3. */
export const APPEARED_FRAMES = 3;

/** A tenth of the picture: with more pixels unusable a fire could hide among them. */
export const MAX_BAD_PIXELS = 77;

/** Subpages disagree when neighbours of opposite subpages differ by this much, one way ... */
export const CHECKER_CELSIUS = 8;
/** ... in this share of all pairs. Moving edges and small offsets stay far below. */
export const CHECKER_SHARE = 0.6;
/** Mean difference of the subpages from which the pairs are compared at all. */
export const CHECKER_HINT_CELSIUS = 3;

/** More pixels of exactly 0.00 were never read, unless even more are merely close to 0. */
export const MAX_ZERO_PIXELS = 8;

/** In a quiet picture, a lone pixel this much above its neighbours is not the maximum. */
export const LONE_PIXEL_CELSIUS = 4;
/** How many lone pixels a quiet picture is searched past. */
export const LONE_PIXELS = 4;

/** Unchanged for this many new frames is frozen: sensor noise alone changes most pixels. */
export const FROZEN_FRAMES = 3;

/** A pixel this far from what it was in the last believed picture is off: ... */
export const OFF_CELSIUS = 8;
/** ... a subpage is spoilt when this share of it is ... */
export const OFF_SHARE = 0.6;
/** ... and no more than this share of the other one, which a growing fire or a person may be. */
export const SOUND_SHARE = 0.25;
/** A line is spoilt when this share of it has jumped this far, and the lines beside it have not. */
export const LINE_SHARE = 0.75;
export const LINE_CELSIUS = 50;
/** Of rows, and of columns; more of them are no lines. */
export const MAX_SPOILT_LINES = 2;
/** With more scattered pixels lost than this share, what is left is no picture. */
export const MAX_LOST_SHARE = 0.5;
/** ... nor if more than this share of what is left is off: then it is damaged too. */
export const MAX_OFF_SHARE = 0.15;
/** Spoilt pictures in a row that may be taken for quiet: real bursts last up to 3. */
export const SPOILT_FRAMES = 3;
/**
 * Without a reading on either side of an axis: share that pixels on both diagonals must show. They
 * get the product of what two sides get: 2.6 % at a spread of 0.43 pixels, 5.3 % at 0.5.
 */
export const SPREAD_SUPPORT = 0.02;

/** Flames flicker: colder by no more than this, or this share of their height, is not colder. */
export const COOLER_CELSIUS = 5;
export const COOLER_SHARE = 0.15;
