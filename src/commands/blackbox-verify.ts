/**
 * Proves a recording: decodes every frame again and compares the temperatures to the bit with those
 * that the appliance judged, then lets `evaluate` judge them under the recorded settings and
 * compares highest temperature and times of alarm with the recorded decisions.
 */
import { configSchema } from '../config-schema.ts';
import type { Config } from '../config-schema.ts';
import type { JournalEvent } from '../domain/event.ts';
import { isThermalChannel } from '../domain/evidence.ts';
import { zonePolicyOf } from '../plan.ts';
import { readIncident } from '../store/black-box/read.ts';
import type { EventRecord, FrameRecord, HeaderRecord } from '../store/black-box/record.ts';
import { isSamePicture, Redecoder } from '../store/black-box/redecode.ts';
import { ROW_COLUMNS } from '../store/black-box/row-memory.ts';
import { evaluateLines } from './blackbox-lines.ts';
import { parseLine } from './evaluate-read.ts';
import type { RecordingLine } from './evaluate-read.ts';
import { DEFAULT_EVALUATE_OPTIONS, evaluateRecording } from './evaluate-recording.ts';
import type { EvaluateOptions, Evaluation } from './evaluate-recording.ts';
import { siteOf } from './evaluate-site.ts';

/** What decodes to the same picture gives the same maximum; a rounding more is a difference. */
const SAME_CELSIUS = 0.005;
/** The appliance steps when frames arrive and each 100 ms, `evaluate` on a grid of 100 ms. */
const SAME_SECONDS = 0.5;

/** Of one thermal array in one recording. */
export interface SensorProof {
  readonly sensor: string;
  readonly frames: number;
  /** Pictures that the appliance judged. */
  readonly pictures: number;
  /** Of those, decoded again to the same bits. */
  readonly same: number;
  /** Of those, whose first half lies before the recording. */
  readonly unprovable: number;
  readonly maxCelsius: number | null;
  readonly differences: readonly string[];
  /** What could not be compared, and why. */
  readonly notes: readonly string[];
}

export interface BoxProof {
  readonly sensors: readonly SensorProof[];
  /** Torn or damaged places. */
  readonly problems: readonly string[];
}

interface Seen {
  frames: number;
  pictures: number;
  same: number;
  unprovable: number;
  firstMs: number;
  /** Highest that the detector believed. */
  maxCelsius: number | null;
  /** A model was asked: `evaluate` here does without it. */
  hasOpinions: boolean;
}

/** @throws NodeJS.ErrnoException when the file cannot be read */
export async function verifyBox(file: string): Promise<BoxProof> {
  const seen = new Map<string, Seen>();
  const events: EventRecord[] = [];
  const problems: string[] = [];
  const redecoder = new Redecoder();
  let header: HeaderRecord | null = null;
  for await (const record of readIncident(file)) {
    if (record.kind === 'header') header = record;
    else if (record.kind === 'event') events.push(record);
    else if (record.kind === 'damage') problems.push(`byte ${record.offset}: ${record.detail}`);
    else if (record.kind === 'frame') noteFrame(seen, record, redecoder);
  }
  for await (const record of readIncident(file)) {
    if (record.kind !== 'evidence' && record.kind !== 'opinion') continue;
    const one = seen.get(record.sensor);
    if (one === undefined) continue;
    if (record.kind === 'opinion') one.hasOpinions = true;
    else for (const row of record.rows) noteEvidence(one, row);
  }
  const sensors: SensorProof[] = [];
  for (const [sensor, one] of seen) {
    sensors.push(await proofOf(file, sensor, one, header, events));
  }
  return { sensors, problems };
}

function noteFrame(all: Map<string, Seen>, frame: FrameRecord, redecoder: Redecoder): void {
  const one = all.get(frame.sensor) ?? {
    ...{ frames: 0, pictures: 0, same: 0, unprovable: 0 },
    firstMs: frame.atMs,
    maxCelsius: null,
    hasOpinions: false,
  };
  all.set(frame.sensor, one);
  one.frames += 1;
  const celsius = redecoder.decode(frame);
  if (frame.outcome !== 'picture') return;
  one.pictures += 1;
  if (celsius !== null && isSamePicture(frame, celsius)) one.same += 1;
  else if (celsius === null && frame.subpage !== null) one.unprovable += 1;
}

const MAX_COLUMN = ROW_COLUMNS.evidence.indexOf('maxCelsius');

function noteEvidence(one: Seen, row: readonly (number | null)[]): void {
  const [atMs, max] = [row[0] ?? null, row[MAX_COLUMN] ?? null];
  if (atMs === null || max === null || atMs < one.firstMs) return;
  one.maxCelsius = Math.max(one.maxCelsius ?? -Infinity, max);
}

async function proofOf(
  file: string,
  sensor: string,
  seen: Seen,
  header: HeaderRecord | null,
  events: readonly EventRecord[],
): Promise<SensorProof> {
  const { frames, pictures, same, unprovable } = seen;
  const differences: string[] = [];
  const notes: string[] = [];
  const different = pictures - same - unprovable;
  if (different > 0) differences.push(`${different} of ${pictures} pictures decode to other bits`);
  if (unprovable > 0) notes.push(`${unprovable} pictures began before the recording`);
  const config = configOf(header);
  if (config === null) notes.push('no settings of this release are recorded: not judged again');
  else {
    const evaluation = await evaluateRecording(
      linesOf(file, sensor),
      optionsOf(config, sensor),
      (line, problem) => differences.push(`frame ${line}: ${problem}`),
    );
    if (seen.hasOpinions) notes.push('a model had a vote and has none here: times may differ');
    compareMax(seen.maxCelsius, evaluation, differences, notes);
    for (const type of ['preAlarm', 'alarm'] as const) {
      const told = seen.hasOpinions ? notes : differences;
      compareTime(type, sensor, seen.firstMs, events, evaluation, told, notes);
    }
  }
  const { maxCelsius } = seen;
  return { sensor, frames, pictures, same, unprovable, maxCelsius, differences, notes };
}

async function* linesOf(file: string, sensor: string): AsyncGenerator<RecordingLine> {
  let line = 0;
  for await (const text of evaluateLines(file, sensor, {})) {
    line += 1;
    yield parseLine(text, line);
  }
}

function configOf(header: HeaderRecord | null): Config | null {
  const parsed = configSchema.safeParse(header?.config);
  return parsed.success ? parsed.data : null;
}

/** As its zones judged it; an array that no zone of the configuration names, as all are judged. */
function optionsOf(config: Config, sensor: string): EvaluateOptions {
  const found = siteOf(config, sensor);
  if (found.ok) return { ...DEFAULT_EVALUATE_OPTIONS, site: found.site };
  const { mount } = config.ingest.unknownBoards;
  return {
    ...DEFAULT_EVALUATE_OPTIONS,
    policy: zonePolicyOf(config),
    detector: { ...DEFAULT_EVALUATE_OPTIONS.detector, mount },
  };
}

function compareMax(
  recorded: number | null,
  { maxCelsius }: Evaluation,
  differences: string[],
  notes: string[],
): void {
  if (recorded === null) {
    notes.push('no evidence is recorded: highest temperature not compared');
  } else if (maxCelsius === null || Math.abs(maxCelsius - recorded) > SAME_CELSIUS) {
    const now = maxCelsius === null ? 'none' : `${maxCelsius.toFixed(3)} C`;
    differences.push(`highest temperature ${recorded.toFixed(3)} C was seen, now it is ${now}`);
  }
}

function compareTime(
  type: 'alarm' | 'preAlarm',
  sensor: string,
  firstMs: number,
  events: readonly EventRecord[],
  evaluation: Evaluation,
  differences: string[],
  notes: string[],
): void {
  const seconds = type === 'alarm' ? evaluation.alarmSeconds : evaluation.prealarmSeconds;
  const now = seconds === null ? 'never' : `at ${seconds.toFixed(2)} s`;
  const found = events.find(
    ({ atMs, event }) => event.type === type && atMs >= firstMs && isOfAlone(event, sensor),
  );
  if (found === undefined) {
    if (seconds !== null) notes.push(`${type} ${now} by this array alone; none is recorded so`);
    return;
  }
  const recorded = (found.atMs - firstMs) / 1000;
  if (seconds !== null && Math.abs(seconds - recorded) <= SAME_SECONDS) return;
  differences.push(`${type} at ${recorded.toFixed(2)} s was raised, now it would be ${now}`);
}

/** Whether this array alone brought the event about: `evaluate` knows no other sensor. */
function isOfAlone(event: JournalEvent, sensor: string): boolean {
  if (event.type !== 'alarm' && event.type !== 'preAlarm') return false;
  const { votes } = event.data.explanation;
  return votes.every((vote) => vote.sensor === sensor && isThermalChannel(vote.channel));
}
