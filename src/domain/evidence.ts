/**
 * What sensors have said since the last step. Values cross this border in field units: percent of
 * full scale for analog channels, 0 or 1 for digital ones, true Celsius for thermal arrays.
 *
 * Between two steps a channel keeps first, last, min, max and count, so that a crossing in any
 * single packet reaches the step however many packets arrive.
 */
import type { Opinion } from './opinion.ts';
import type { SensorId } from './units.ts';

/** What a channel means to its zone; decides which rule judges it. */
export const ROLES = [
  'thermal',
  'smoke',
  'gas',
  'flame',
  'flameDigital',
  'carbonMonoxide',
  'heat',
] as const;
export type Role = (typeof ROLES)[number];

/** One physical channel of one sensor: one source of evidence. */
export interface SourceRef {
  readonly sensor: SensorId;
  readonly channel: string;
}

/** Name of the channel on which a sensor's thermal array reports. */
export const THERMAL_CHANNEL = 'thermal';

/** What the channels of named areas of a picture begin with; the rest is `THERMAL_CHANNEL`. */
const AREA_PREFIX = 'thermal_';

/** Channel on which a named area of a sensor's picture reports, `thermal_<area>`. */
export function areaChannel(area: string): string {
  return `${AREA_PREFIX}${area}`;
}

/** The named area whose channel this is; null for any other channel. */
export function areaOf(channel: string): string | null {
  return channel.startsWith(AREA_PREFIX) ? channel.slice(AREA_PREFIX.length) : null;
}

/** Whether a channel reports temperatures of a picture, or of a named area of one. */
export function isThermalChannel(channel: string): boolean {
  return channel === THERMAL_CHANNEL || channel.startsWith(AREA_PREFIX);
}

/** An analog (percent of full scale, 0..100) or digital (0 or 1) channel between two steps. */
export interface LevelWindow extends SourceRef {
  readonly kind: 'level';
  readonly first: number;
  readonly last: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

/** A connected group of pixels that stands out, after glitches have been rejected in space. */
export interface HotRegion {
  /** Robust peak: the highest pixel that its neighbours support. */
  readonly peakCelsius: number;
  readonly meanCelsius: number;
  readonly areaPixels: number;
  /** Position of the peak in the mounted picture. */
  readonly row: number;
  readonly column: number;
  /** Number that the region keeps from frame to frame for as long as it is followed. */
  readonly track: number;
  /** Believable frames in which the region has been seen, this one included; at least 1. */
  readonly trackedFrames: number;
  /** Time from the first of those frames to this one. */
  readonly trackedMs: number;
  /** Peak above the learnt background at its place; null while nothing is learnt there. */
  readonly aboveBackgroundCelsius: number | null;
}

/** Signs, besides its temperature, that a region burns rather than just being warm. */
export interface FireSigns {
  /** Rise of the robust peak; null until enough time has been seen. */
  readonly riseCelsiusPerMinute: number | null;
  /** Growth of the hot area; null until enough time has been seen. */
  readonly growthPixelsPerMinute: number | null;
  /** Standard deviation of the peak around its own trend; null until enough time has been seen. */
  readonly flickerCelsius: number | null;
}

/** A hot region together with what it has done since it has been followed. */
export interface RegionEvidence extends HotRegion {
  readonly signs: FireSigns;
  /** Speed of its centre in the picture; null until enough time has been seen. */
  readonly movingPixelsPerSecond: number | null;
}

/** How many regions the evidence of one frame holds at most. */
export const EVIDENCE_REGIONS = 4;

/** What one thermal frame says. */
export interface ThermalEvidence {
  readonly atMs: number;
  /** Median of the picture: the scene's background. */
  readonly medianCelsius: number;
  /** Highest robust temperature of the picture, also when no region stands out. */
  readonly maxCelsius: number;
  readonly hottest: HotRegion | null;
  /** Signs of the hottest region. */
  readonly signs: FireSigns;
  /**
   * The regions that matter most, hottest first: at most `EVIDENCE_REGIONS`. The first is
   * `hottest`; a region that behaves like a fire keeps its place among them beside hotter ones.
   */
  readonly regions: readonly RegionEvidence[];
  /** False when the temperatures rest on a stored calibration of an unconfirmed array, or none. */
  readonly calibrated: boolean;
  /** Pixels left out as broken or as glitches. */
  readonly rejectedPixels: number;
}

/** A thermal array between two steps: the newest frame, and the one with the hottest region. */
export interface ThermalWindow extends SourceRef {
  readonly kind: 'thermal';
  readonly frames: number;
  readonly firstAtMs: number;
  readonly last: ThermalEvidence;
  readonly worst: ThermalEvidence;
  /** Lowest robust maximum among the frames: tells whether the heat was there all the time. */
  readonly coolest: ThermalEvidence;
}

/** Why a source has nothing to say. Closed, so that every reason is explained somewhere. */
export type NoDataReason =
  | 'noCalibration'
  | 'badCalibration'
  | 'implausibleVdd'
  | 'implausibleTa'
  | 'implausibleGain'
  | 'subpageMismatch'
  | 'missingWords'
  | 'frozen'
  | 'tooManyBadPixels'
  | 'glitch'
  | 'corrupt'
  | 'railStuck'
  /** The sensor's own memory changed while it was read, or readings were missed: bus too slow. */
  | 'overrun'
  /** A current loop outside NAMUR NE43's measuring range: broken wire, short circuit, failed. */
  | 'loopFault'
  /** A converter at the end of its range, or a register outside of what it may hold. */
  | 'outOfRange'
  /** The value with which a device says that it has none. */
  | 'sentinel'
  | 'hardware';

/** A source reported something that cannot be believed: never a temperature, never "cool". */
export interface NoDataWindow extends SourceRef {
  readonly kind: 'noData';
  readonly reason: NoDataReason;
  /** For people: the measured value and the limit it broke. */
  readonly detail: string;
  readonly count: number;
  readonly lastAtMs: number;
}

/** What a trained model thinks a region is: one vote, never the only one. */
export interface OpinionWindow extends SourceRef {
  readonly kind: 'opinion';
  /** Time of the frame that was judged. */
  readonly atMs: number;
  /** Region that was judged: `HotRegion.track`. */
  readonly track: number;
  readonly opinion: Opinion;
}

export type EvidenceWindow = LevelWindow | ThermalWindow | NoDataWindow | OpinionWindow;
