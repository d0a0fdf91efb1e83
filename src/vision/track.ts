/** What is remembered of a hot region that is followed from frame to frame. */

/** One region in one frame. Places are rows and columns of the mounted picture. */
export interface RegionSample {
  readonly atMs: number;
  /** Robust peak. */
  readonly peakCelsius: number;
  readonly meanCelsius: number;
  /** Median of the whole picture. */
  readonly medianCelsius: number;
  /** What lies behind: mean learnt background of its pixels, else the picture's median. */
  readonly behindCelsius: number;
  readonly areaPixels: number;
  /** Pixels above the middle between what lies behind and the peak. */
  readonly corePixels: number;
  /**
   * Radiated power above what lies behind, summed over the region: kelvins^4 / 1e8 x pixels. Unlike
   * the peak it does not depend on how the picture falls onto the pixels.
   */
  readonly excess: number;
  /** Centre, weighted with that excess, in fractions of a pixel. */
  readonly row: number;
  readonly column: number;
  /** Standard deviation of that excess around its centre, pixels. */
  readonly spreadRows: number;
  readonly spreadColumns: number;
  readonly touchesEdge: boolean;
}

/** A region over time. */
export interface RegionTrack {
  readonly id: number;
  /** First believable frame in which it was seen. */
  readonly firstAtMs: number;
  /** Believable frames in which it was seen. */
  readonly frames: number;
  /**
   * Newest last, at least 110 ms apart, of the last 33 s, at most 256. Valid until the next frame.
   * Empty when all of its frames were spoilt in part.
   */
  readonly samples: readonly RegionSample[];
}
