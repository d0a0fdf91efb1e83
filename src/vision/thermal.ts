/**
 * The thermal detector: pictures of one array in true Celsius -> what the zone may believe.
 * How it works is in thermal-detector.ts; docs/regions.md explains its numbers.
 */
import type { ThermalEvidence } from '../domain/evidence.ts';
import type { Mount } from '../domain/frame.ts';
import type { AreaSpec } from './areas.ts';
import type { PixelMemory } from './pixel-memory.ts';
import { Detector } from './thermal-detector.ts';
import type { RejectedFrame } from './thermal-integrity.ts';
import type { RegionTrack } from './track.ts';

export interface ThermalDetectorOptions {
  readonly mount: Mount;
  /** Areas of the mounted picture; a pixel belongs to the first that holds it, else to the rest. */
  readonly areas: readonly AreaSpec[];
  /** What is learnt of the scene, fed with every believed picture; null: nothing is kept. */
  readonly memory: PixelMemory | null;
}

export const DEFAULT_THERMAL_OPTIONS: ThermalDetectorOptions = {
  mount: { rotate: 0, mirror: false },
  areas: [],
  memory: null,
};

export interface FrameInfo {
  /** Monotonic time of the frame; may be irregular. */
  readonly atMs: number;
  readonly calibrated: boolean;
}

export type { RejectedFrame };

/** What a picture says of one area. */
export interface AreaEvidence {
  readonly channel: string;
  /** Belongs to the caller: never written to again. */
  readonly evidence: ThermalEvidence;
  /** Track of the hottest region; null where none stands out. Valid until the next frame. */
  readonly track: RegionTrack | null;
  /** Tracks of `evidence.regions`, in their order. Valid until the next frame. */
  readonly tracks: readonly RegionTrack[];
}

/** An area of which too little can be seen, in a picture that is good as a whole. */
export interface AreaRejection extends RejectedFrame {
  readonly channel: string;
}

export type AreaFinding = AreaEvidence | AreaRejection;

/** One finding for each area that is not ignored; the list is reused by the next frame. */
export type ThermalOutcome = readonly AreaFinding[] | RejectedFrame;

/** Tells whether a picture, or an area of one, cannot be believed. */
export function isRejected<T extends object>(
  outcome: T | RejectedFrame,
): outcome is Extract<T, RejectedFrame> | RejectedFrame {
  return 'noData' in outcome;
}

export interface ThermalDetector {
  readonly columns: number;
  readonly rows: number;
  /** Channels of the areas that report. */
  readonly channels: readonly string[];
  /**
   * Judges the next frame of the array.
   *
   * @param celsius 768 temperatures, row-major as in RAM, NaN where there is none; only read, and
   *   not kept: the caller may reuse it.
   */
  detect(celsius: Float32Array, info: FrameInfo): ThermalOutcome;
}

/**
 * Makes the detector of one array; it remembers that array's recent frames.
 * @throws RangeError when an area does not lie in the picture.
 */
export function createThermalDetector(
  options: ThermalDetectorOptions = DEFAULT_THERMAL_OPTIONS,
): ThermalDetector {
  return new Detector(options);
}
