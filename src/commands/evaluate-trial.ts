/** The detector and the panel of one recording, and what came of it. */
import { makePlan } from '../alarm/make-plan.ts';
import type { PanelPlan } from '../alarm/plan.ts';
import type { Panel } from '../alarm/panel.ts';
import { createPanel, stepPanel } from '../alarm/panel.ts';
import { EvidenceBank } from '../domain/evidence-bank.ts';
import { THERMAL_CHANNEL } from '../domain/evidence.ts';
import type { EvidenceWindow } from '../domain/evidence.ts';
import type { DomainEvent } from '../domain/event.ts';
import type { SceneKind } from '../domain/opinion.ts';
import { likeliest } from '../domain/opinion.ts';
import { NO_INPUTS } from '../domain/step.ts';
import type { SensorId } from '../domain/units.ts';
import { sensorId, zoneId } from '../domain/units.ts';
import { ModelDesk } from '../model-desk.ts';
import { featuresOf } from '../vision/features.ts';
import { createThermalDetector, isRejected } from '../vision/thermal.ts';
import type { AreaFinding, ThermalDetector } from '../vision/thermal.ts';
import { LineDecoder, Timeline } from './evaluate-frames.ts';
import type { RecordingLine } from './evaluate-read.ts';
import type { EvaluateOptions, Evaluation, RecordingPolicy } from './evaluate-recording.ts';

const SENSOR = sensorId('recording');
const ZONE = zoneId('recording');
const STEP_MS = 100;

type First = { readonly seconds: number; readonly reason: string } | null;

export class Trial {
  readonly #bank = new EvidenceBank();
  readonly #decoder = new LineDecoder();
  readonly #detector: ThermalDetector;
  readonly #timeline: Timeline;
  readonly #options: EvaluateOptions;
  readonly #onBadLine: (line: number, problem: string) => void;
  readonly #sensor: SensorId;
  readonly #desk: ModelDesk | null;
  /** Whose frames they are, where the recording says so and nobody chose. */
  #owner: string | null = null;
  #panel: Panel;
  #nowMs = 0;
  #frames = 0;
  #badLines = 0;
  #maxCelsius: number | null = null;
  #kind: SceneKind | null = null;
  #kindCelsius = -Infinity;
  readonly #first: { preAlarm: First; alarm: First; fault: First } = {
    preAlarm: null,
    alarm: null,
    fault: null,
  };

  /** @param periodSeconds of the recording, for supervision. */
  constructor(
    options: EvaluateOptions,
    periodSeconds: number,
    onBadLine: (line: number, problem: string) => void,
  ) {
    const { classifier, site } = options;
    this.#options = options;
    this.#sensor = site?.sensor ?? SENSOR;
    this.#detector = createThermalDetector(site?.detector ?? options.detector);
    const { channels } = this.#detector;
    this.#bank.declareAreas(
      this.#sensor,
      channels.filter((channel) => channel !== THERMAL_CHANNEL),
    );
    this.#timeline = new Timeline(periodSeconds);
    this.#onBadLine = onBadLine;
    this.#panel = createPanel(
      site?.plan(periodSeconds * 1_000) ?? planOf(options.policy, channels, periodSeconds * 1_000),
      0,
    );
    // What it finds out is drained right away: no step needs to be asked for.
    const parts = { bank: this.#bank, features: featuresOf, requestStep: () => undefined };
    this.#desk = classifier === null ? null : new ModelDesk({ ...parts, classifier });
  }

  async take(line: RecordingLine): Promise<void> {
    if (line.kind === 'other' || (line.kind !== 'bad' && !this.#isMine(line))) return;
    const frame = line.kind === 'bad' ? line : this.#decoder.decode(line);
    if (line.kind === 'bad' || frame.kind === 'bad') {
      this.#bad(line.line, frame.kind === 'bad' ? frame.problem : '');
      return;
    }
    this.#frames += 1;
    const atMs = this.#timeline.next(line.seconds) * 1_000;
    this.#idleUntil(atMs);
    if (frame.kind === 'noData') {
      this.#bank.noData(this.#sensor, THERMAL_CHANNEL, frame.reason, frame.detail, atMs);
    } else {
      const outcome = this.#detector.detect(frame.celsius, { atMs, calibrated: true });
      if (isRejected(outcome)) {
        this.#bank.noData(this.#sensor, THERMAL_CHANNEL, outcome.noData, outcome.detail, atMs);
      } else for (const finding of outcome) this.#believe(finding, atMs);
    }
    this.#step(this.#bank.drain(), atMs);
    if (this.#desk === null) return;
    await this.#desk.settled();
    if (!this.#bank.isEmpty) this.#step(this.#bank.drain(), atMs);
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
      kind: this.#kind,
      unanswered: this.#desk?.unanswered ?? 0,
      badLines: this.#badLines,
    };
  }

  /** Two arrays in one file are two recordings: frames of another one are not mixed in. */
  #isMine({ line, sensor }: Exclude<RecordingLine, { kind: 'bad' | 'other' }>): boolean {
    if (sensor === null || sensor === undefined) return true;
    const { sensor: chosen } = this.#options;
    if (chosen !== null) return sensor === chosen;
    this.#owner ??= sensor;
    if (sensor === this.#owner) return true;
    const what = `a frame of "${sensor}" among those of "${this.#owner}"`;
    this.#bad(line, `${what}: choose one of them with --sensor`);
    return false;
  }

  #bad(line: number, problem: string): void {
    this.#badLines += 1;
    this.#onBadLine(line, problem);
  }

  #believe(finding: AreaFinding, atMs: number): void {
    const { channel } = finding;
    if (isRejected(finding)) {
      this.#bank.noDataOf(this.#sensor, channel, finding.noData, finding.detail, atMs);
      return;
    }
    const { evidence, track } = finding;
    this.#bank.thermal(this.#sensor, channel).add(evidence);
    this.#maxCelsius = Math.max(this.#maxCelsius ?? -Infinity, evidence.maxCelsius);
    if (track !== null) this.#desk?.onTrack(this.#sensor, channel, track, atMs);
  }

  /** Steps the panel at what it has due before the next frame. */
  #idleUntil(atMs: number): void {
    for (;;) {
      const gridMs = Math.ceil(this.#panel.nextDueMs / STEP_MS) * STEP_MS;
      const dueMs = Math.max(gridMs, (Math.floor(this.#nowMs / STEP_MS) + 1) * STEP_MS);
      if (!(dueMs < atMs)) return;
      this.#step([], dueMs);
    }
  }

  #step(windows: readonly EvidenceWindow[], nowMs: number): void {
    this.#nowMs = nowMs;
    for (const window of windows) this.#noteKind(window);
    const inputs = { ...NO_INPUTS, windows, hours: this.#options.hours };
    const { panel, events } = stepPanel(this.#panel, inputs, nowMs);
    this.#panel = panel;
    for (const event of events) this.#note(event, nowMs);
  }

  #noteKind(window: EvidenceWindow): void {
    if (window.kind !== 'opinion' || this.#maxCelsius === null) return;
    if (this.#maxCelsius < this.#kindCelsius) return;
    this.#kindCelsius = this.#maxCelsius;
    this.#kind = likeliest(window.opinion);
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

/** One zone that listens to the whole picture. */
function planOf(
  policy: RecordingPolicy,
  channels: readonly string[],
  cadenceMs: number,
): PanelPlan {
  return makePlan({
    zones: [
      {
        ...policy,
        id: ZONE,
        name: 'Recording',
        sources: channels.map((channel) => ({ sensor: SENSOR, channel, role: 'thermal' as const })),
      },
    ],
    sensors: [{ sensor: SENSOR, cadenceMs }],
  });
}
