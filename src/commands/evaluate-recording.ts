/**
 * One recording through the real detector and the real panel in virtual time: one zone, one array.
 * The panel is stepped at each frame and, between frames, whenever it has something due, on the
 * 100 ms grid of the running appliance.
 */
import { makePlan } from '../alarm/make-plan.ts';
import type { ZoneInput } from '../alarm/make-plan.ts';
import type { Panel } from '../alarm/panel.ts';
import { createPanel, stepPanel } from '../alarm/panel.ts';
import { EvidenceBank } from '../domain/evidence-bank.ts';
import { THERMAL_CHANNEL } from '../domain/evidence.ts';
import type { DomainEvent } from '../domain/event.ts';
import type { StepInputs } from '../domain/step.ts';
import { NO_INPUTS } from '../domain/step.ts';
import { sensorId, zoneId } from '../domain/units.ts';
import { createThermalDetector, DEFAULT_THERMAL_OPTIONS, isRejected } from '../vision/thermal.ts';
import type { ThermalDetectorOptions } from '../vision/thermal.ts';
import { LineDecoder, medianPeriod, Timeline } from './evaluate-frames.ts';
import type { RecordingLine } from './evaluate-read.ts';

const SENSOR = sensorId('recording');
const ZONE = zoneId('recording');
const STEP_MS = 100;
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
}

export const DEFAULT_EVALUATE_OPTIONS: EvaluateOptions = {
  periodSeconds: 4.09,
  policy: {},
  detector: DEFAULT_THERMAL_OPTIONS,
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
    if (trial !== null) trial.take(line);
    else if (preview.push(line) === PREVIEW_LINES) trial = startTrial(preview, options, onBadLine);
  }
  return (trial ?? startTrial(preview, options, onBadLine)).finish();
}

function startTrial(
  preview: readonly RecordingLine[],
  options: EvaluateOptions,
  onBadLine: (line: number, problem: string) => void,
): Trial {
  const times = preview.flatMap((line) => (line.kind === 'bad' ? [] : [line.seconds]));
  const period = medianPeriod(times, options.periodSeconds);
  const trial = new Trial(options, period, onBadLine);
  for (const line of preview) trial.take(line);
  return trial;
}

class Trial {
  readonly #bank = new EvidenceBank();
  readonly #decoder = new LineDecoder();
  readonly #detector;
  readonly #timeline: Timeline;
  readonly #onBadLine: (line: number, problem: string) => void;
  #panel: Panel;
  #nowMs = 0;
  #frames = 0;
  #badLines = 0;
  #maxCelsius: number | null = null;
  readonly #first: { preAlarm: First; alarm: First; fault: First } = {
    preAlarm: null,
    alarm: null,
    fault: null,
  };

  constructor(
    options: EvaluateOptions,
    periodSeconds: number,
    onBadLine: (line: number, problem: string) => void,
  ) {
    this.#detector = createThermalDetector(options.detector);
    this.#timeline = new Timeline(options.periodSeconds);
    this.#onBadLine = onBadLine;
    const plan = makePlan({
      zones: [
        {
          ...options.policy,
          id: ZONE,
          name: 'Recording',
          sources: [{ sensor: SENSOR, channel: THERMAL_CHANNEL, role: 'thermal' }],
        },
      ],
      sensors: [{ sensor: SENSOR, cadenceMs: periodSeconds * 1_000 }],
    });
    this.#panel = createPanel(plan, 0);
  }

  take(line: RecordingLine): void {
    const frame = line.kind === 'bad' ? line : this.#decoder.decode(line);
    if (line.kind === 'bad' || frame.kind === 'bad') {
      this.#badLines += 1;
      this.#onBadLine(line.line, frame.kind === 'bad' ? frame.problem : '');
      return;
    }
    this.#frames += 1;
    const atMs = this.#timeline.next(line.seconds) * 1_000;
    this.#idleUntil(atMs);
    if (frame.kind === 'noData') {
      this.#bank.noData(SENSOR, THERMAL_CHANNEL, frame.reason, frame.detail, atMs);
    } else {
      const outcome = this.#detector.detect(frame.celsius, { atMs, calibrated: true });
      if (isRejected(outcome)) {
        this.#bank.noData(SENSOR, THERMAL_CHANNEL, outcome.noData, outcome.detail, atMs);
      } else {
        this.#bank.thermal(SENSOR).add(outcome);
        this.#maxCelsius = Math.max(this.#maxCelsius ?? -Infinity, outcome.maxCelsius);
      }
    }
    this.#step({ ...NO_INPUTS, windows: this.#bank.drain() }, atMs);
  }

  finish(): Evaluation {
    const { preAlarm, alarm, fault } = this.#first;
    return {
      frames: this.#frames,
      prealarmSeconds: preAlarm?.seconds ?? null,
      alarmSeconds: alarm?.seconds ?? null,
      faultSeconds: fault?.seconds ?? null,
      maxCelsius: this.#maxCelsius,
      reason: (alarm ?? preAlarm ?? fault)?.reason ?? null,
      badLines: this.#badLines,
    };
  }

  /** Steps the panel at what it has due before the next frame. */
  #idleUntil(atMs: number): void {
    for (;;) {
      const gridMs = Math.ceil(this.#panel.nextDueMs / STEP_MS) * STEP_MS;
      const dueMs = Math.max(gridMs, (Math.floor(this.#nowMs / STEP_MS) + 1) * STEP_MS);
      if (!(dueMs < atMs)) return;
      this.#step(NO_INPUTS, dueMs);
    }
  }

  #step(inputs: StepInputs, nowMs: number): void {
    this.#nowMs = nowMs;
    const { panel, events } = stepPanel(this.#panel, inputs, nowMs);
    this.#panel = panel;
    for (const event of events) this.#note(event, nowMs);
  }

  #note(event: DomainEvent, nowMs: number): void {
    const seconds = Math.round(nowMs) / 1_000;
    if (event.type === 'alarm') {
      this.#first.alarm ??= { seconds, reason: event.data.explanation.summary };
    } else if (event.type === 'preAlarm') {
      this.#first.preAlarm ??= { seconds, reason: event.data.explanation.summary };
    } else if (event.type === 'faultRaised') {
      const { fault, subject, detail } = event.data;
      this.#first.fault ??= { seconds, reason: `${fault} ${subject}: ${detail}` };
    }
  }
}

type First = { readonly seconds: number; readonly reason: string } | null;
