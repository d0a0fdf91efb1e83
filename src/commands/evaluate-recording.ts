/**
 * One recording through the real detector and the real panel in virtual time: one array, and its
 * zones. The panel is stepped at each frame, again with what a model thinks of that frame, and,
 * between frames, whenever it has something due, on the 100 ms grid of the running appliance.
 */
import type { ZoneInput } from '../alarm/make-plan.ts';
import type { Hours } from '../domain/step.ts';
import type { SceneKind } from '../domain/opinion.ts';
import type { Classifier } from '../vision/classifier.ts';
import { DEFAULT_THERMAL_OPTIONS } from '../vision/thermal.ts';
import type { ThermalDetectorOptions } from '../vision/thermal.ts';
import { medianPeriod } from './evaluate-frames.ts';
import type { RecordingLine } from './evaluate-read.ts';
import type { RecordingSite } from './evaluate-site.ts';
import { Trial } from './evaluate-trial.ts';

/** So many lines are read ahead to learn the recording's own period. */
const PREVIEW_LINES = 256;

/** How the recording's zone is judged; what is left out takes the panel's defaults. */
export type RecordingPolicy = Pick<
  ZoneInput,
  'limits' | 'confirmations' | 'confirmMs' | 'verificationMs' | 'minSources'
>;

export interface EvaluateOptions {
  /** Seconds between frames that carry no time. */
  readonly periodSeconds: number;
  readonly policy: RecordingPolicy;
  readonly detector: ThermalDetectorOptions;
  /** Asked about each hot region, and waited for; null: the rules decide alone. */
  readonly classifier: Classifier | null;
  /** An array of a configuration, in its zones, instead of `policy` and `detector`; null: none. */
  readonly site: RecordingSite | null;
  /** Frames of others are passed over; null: of the first sensor that the recording names. */
  readonly sensor: string | null;
  /** Of the site, throughout the recording; null: it has none. */
  readonly hours: Hours | null;
}

export const DEFAULT_EVALUATE_OPTIONS: EvaluateOptions = {
  periodSeconds: 4.09,
  policy: {},
  detector: DEFAULT_THERMAL_OPTIONS,
  classifier: null,
  site: null,
  sensor: null,
  hours: null,
};

/** Times are seconds from the first frame; null where it did not happen. */
export interface Evaluation {
  readonly frames: number;
  readonly prealarmSeconds: number | null;
  readonly alarmSeconds: number | null;
  readonly faultSeconds: number | null;
  /** Highest robust temperature; null when no frame could be believed. */
  readonly maxCelsius: number | null;
  /** Why it alarmed, else why it warned, else what failed. */
  readonly reason: string | null;
  /** What the model took the hottest region for when it was hottest; null: it was not asked. */
  readonly kind: SceneKind | null;
  /** Questions that the model did not answer: the rules decided alone. */
  readonly unanswered: number;
  /** Lines that were no frame. */
  readonly badLines: number;
}

/**
 * Runs a recording.
 * @param onBadLine told of each line that is no frame; the rest is evaluated all the same.
 */
export async function evaluateRecording(
  lines: AsyncIterable<RecordingLine>,
  options: EvaluateOptions,
  onBadLine: (line: number, problem: string) => void,
): Promise<Evaluation> {
  const preview: RecordingLine[] = [];
  let trial: Trial | null = null;
  for await (const line of lines) {
    if (trial !== null) await trial.take(line);
    else if (preview.push(line) === PREVIEW_LINES) {
      trial = await startTrial(preview, options, onBadLine);
    }
  }
  return (trial ?? (await startTrial(preview, options, onBadLine))).finish();
}

async function startTrial(
  preview: readonly RecordingLine[],
  options: EvaluateOptions,
  onBadLine: (line: number, problem: string) => void,
): Promise<Trial> {
  const times = preview.flatMap((line) => (isFrame(line) ? [line.seconds] : []));
  const period = medianPeriod(times, options.periodSeconds);
  const trial = new Trial(options, period, onBadLine);
  for (const line of preview) await trial.take(line);
  return trial;
}

function isFrame(line: RecordingLine): line is Extract<RecordingLine, { seconds: unknown }> {
  return line.kind === 'celsius' || line.kind === 'words';
}
