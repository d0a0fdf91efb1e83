/** Rows to learn from: the real detector's tracks, their features, and what is really there. */
import { SCENE_KINDS } from '../src/domain/opinion.ts';
import { FEATURE_NAMES, featuresOf } from '../src/vision/features.ts';
import { PixelMemory } from '../src/vision/pixel-memory.ts';
import {
  DEFAULT_THERMAL_OPTIONS,
  createThermalDetector,
  isRejected,
} from '../src/vision/thermal.ts';
import type { RecordedFrame, Recording } from './recordings.ts';

/** What stands before the features in a row. */
export const ROW_HEAD = [
  'recording',
  /** Index into `SCENE_KINDS`. */
  'kind',
  'seconds',
  'truthCelsius',
  /** Seconds since the truth first reached 60 C; negative before; NaN if it never did. */
  'sinceSixty',
  'peakCelsius',
] as const;

export const ROW_LENGTH = ROW_HEAD.length + FEATURE_NAMES.length;
const SIXTY_CELSIUS = 60;
/** Rows of one recording are at least this far apart: closer ones say the same. */
const SPACING_SECONDS = 0.24;
const NOTHING = 255;
const OTHER = SCENE_KINDS.indexOf('other');

/** Plays a recording through a new detector; one row for each region that can be judged. */
export function rowsOf({ header, frames }: Recording): Float32Array[] {
  const { mount } = DEFAULT_THERMAL_OPTIONS;
  const memory = header.learnt ? new PixelMemory({ array: '', mount }) : null;
  const detector = createThermalDetector({ ...DEFAULT_THERMAL_OPTIONS, memory });
  const sixty = frames.find(({ truthCelsius }) => truthCelsius >= SIXTY_CELSIUS)?.seconds;
  const rows: Float32Array[] = [];
  let nextSeconds = -Infinity;
  for (const frame of frames) {
    const info = { atMs: Math.round(frame.seconds * 1_000), calibrated: true };
    const outcome = detector.detect(frame.celsius, info);
    if (isRejected(outcome) || frame.seconds < nextSeconds) continue;
    nextSeconds = frame.seconds + SPACING_SECONDS;
    for (const finding of outcome) {
      if (isRejected(finding)) continue;
      finding.tracks.forEach((track, i) => {
        const region = finding.evidence.regions[i];
        const features = featuresOf(track);
        if (region === undefined || features === null) return;
        const row = new Float32Array(ROW_LENGTH);
        row.set([
          header.index,
          kindAt(frame, region.row, region.column, detector.columns),
          frame.seconds,
          frame.truthCelsius,
          sixty === undefined ? Number.NaN : frame.seconds - sixty,
          region.peakCelsius,
        ]);
        row.set(features, ROW_HEAD.length);
        rows.push(row);
      });
    }
  }
  return rows;
}

/** What is there: at the peak, else among its neighbours, else damage. */
function kindAt({ owners }: RecordedFrame, row: number, column: number, columns: number): number {
  const own = owners[row * columns + column] ?? NOTHING;
  if (own !== NOTHING) return own;
  for (let r = row - 1; r <= row + 1; r++) {
    for (let c = Math.max(column - 1, 0); c <= Math.min(column + 1, columns - 1); c++) {
      const kind = owners[r * columns + c] ?? NOTHING;
      if (kind !== NOTHING) return kind;
    }
  }
  return OTHER;
}
