/**
 * `embereye tune`: the site's own recorded days under the present configuration and a proposed one,
 * side by side. Nothing of a running appliance is touched.
 */
import { readFileSync } from 'node:fs';
import { panelPlanOf, PLAN_CHECKS } from '../plan.ts';
import type { Config } from '../config-schema.ts';
import { problemText } from '../config-problems.ts';
import { isThermalChannel } from '../domain/evidence.ts';
import type { Classifier } from '../vision/classifier.ts';
import type { Label } from '../tuning/labels.ts';
import { NO_LABELS, parseLabels } from '../tuning/labels.ts';
import { Replay } from '../tuning/replay.ts';
import type { TuneReport } from '../tuning/report.ts';
import { changedSince, reportOf } from '../tuning/report.ts';
import { findStretches } from '../tuning/stretches.ts';
import { suggestionText, textOf } from '../tuning/text.ts';
import type { Environment } from './check-config.ts';
import { readConfig } from './check-config.ts';
import type { CommandIo, ExitCode } from './exit-codes.ts';
import { EXIT } from './exit-codes.ts';

export interface TuneOptions {
  /** A folder of recordings, its folders included, or one file. */
  readonly recordings: string;
  readonly config: string;
  /** Null: the present configuration alone, beside the record. */
  readonly proposed: string | null;
  readonly labels: string | null;
  /** Milliseconds since 1970; -Infinity and Infinity: all. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly sensor: string | null;
  /** Seconds between frames of plain recordings without times. */
  readonly periodSeconds: number;
  /** Where no model answers: whether the opinions of the record have a vote. */
  readonly withOpinions: boolean;
  /** Judges an array once where both configurations see it alike; false only for tests. */
  readonly shareEyes?: boolean;
  readonly suggest: boolean;
  readonly json: boolean;
}

export interface TuneParts {
  readonly io: CommandIo;
  readonly environment: Environment;
  /** Opens the model that shall have a vote; null: opinions of the record alone. */
  readonly openClassifier: (present: Config) => Promise<TuneModel>;
}

export type TuneModel =
  | { readonly ok: true; readonly classifier: (Classifier & { close(): Promise<void> }) | null }
  | { readonly ok: false };

/**
 * `ok`; `failed` when the proposed configuration misses a fire for which the present one alarms;
 * `badInput` for a configuration or labels with problems, or when nothing could be replayed;
 * `unavailable` when the recordings cannot be read.
 */
export async function runTune(options: TuneOptions, parts: TuneParts): Promise<ExitCode> {
  const { io, environment } = parts;
  const present = configOf(options.config, environment, io);
  const proposed = options.proposed === null ? null : configOf(options.proposed, environment, io);
  if (present === null) return EXIT.badInput;
  const labels = labelsOf(options.labels, io);
  if (options.proposed !== null && proposed === null) {
    io.err(`${options.proposed}: is not replayed; the present configuration is, beside the record`);
  }
  const model = await parts.openClassifier(present);
  if (!model.ok) return EXIT.badInput;
  try {
    const report = await replay(options, present, proposed, labels.labels, model.classifier, io);
    if (report === null) return EXIT.badInput;
    print(report, options, proposed !== null, io);
    const isWrong = labels.isWrong || (options.proposed !== null && proposed === null);
    if (isWrong) return EXIT.badInput;
    return report.verdicts.some(({ missed }) => missed > 0) ? EXIT.failed : EXIT.ok;
  } catch (error) {
    io.err(`${options.recordings}: cannot be read: ${messageOf(error)}`);
    return EXIT.unavailable;
  } finally {
    await model.classifier?.close();
  }
}

function configOf(file: string, environment: Environment, io: CommandIo): Config | null {
  const result = readConfig(file, environment, PLAN_CHECKS);
  if (result.ok) return result.config;
  for (const problem of result.problems) io.err(problemText(file, problem));
  const { length } = result.problems;
  io.err(`${file}: ${length} problem${length === 1 ? '' : 's'}`);
  return null;
}

function labelsOf(
  file: string | null,
  io: CommandIo,
): { readonly labels: readonly Label[]; readonly isWrong: boolean } {
  if (file === null) return { labels: NO_LABELS, isWrong: false };
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    io.err(`${file}: cannot be read: ${messageOf(error)}: replayed without labels`);
    return { labels: NO_LABELS, isWrong: true };
  }
  const { labels, problems } = parseLabels(text);
  for (const problem of problems) io.err(`${file}: ${problem}`);
  return { labels, isWrong: problems.length > 0 };
}

/** Null where there was nothing to replay. */
async function replay(
  options: TuneOptions,
  present: Config,
  proposed: Config | null,
  labels: readonly Label[],
  classifier: Classifier | null,
  io: CommandIo,
): Promise<TuneReport | null> {
  const told = new Set<string>();
  const tell = (note: string): void => {
    if (told.has(note)) return;
    told.add(note);
    io.err(note);
  };
  const { fromMs, toMs, sensor, periodSeconds, withOpinions } = options;
  const period = { fromMs, toMs };
  const arrays = new Set([present, proposed ?? present].flatMap(arraysOf));
  const found = await findStretches(
    {
      ...{ path: options.recordings, period, sensor, periodSeconds },
      onlyArray: arrays.size === 1 ? ([...arrays][0] ?? null) : null,
      onHeader: (header, file) => {
        const changed = changedSince(header, present);
        if (changed.length === 0) return;
        tell(`${file}: recorded with another configuration (${changed.join(', ')} differ)`);
      },
    },
    tell,
  );
  if (found.length === 0) {
    const what = 'hours or incidents of an appliance (.ebx), or *.ndjson of frames';
    io.err(`${options.recordings}: holds no recording of that time: there should be ${what}`);
    return null;
  }
  const run = new Replay({
    ...{ present, proposed, classifier, withOpinions, labels, period, tell },
    shareEyes: options.shareEyes ?? true,
  });
  for (const stretch of found) await run.run(stretch);
  tellSensors(run.sensors, present, proposed, tell);
  if (run.late > 0) tell(`${run.late} items came out of order and were judged when they came`);
  return reportOf(run, labels);
}

/** Sensors whose array some zone listens to. */
function arraysOf(config: Config): string[] {
  return panelPlanOf(config).zones.flatMap(({ sources }) =>
    sources.filter(({ channel }) => isThermalChannel(channel)).map(({ sensor }) => sensor),
  );
}

/** Names sensors that only one side, or only the recordings, know. */
function tellSensors(
  recorded: ReadonlySet<string>,
  present: Config,
  proposed: Config | null,
  tell: (note: string) => void,
): void {
  const named = ({ boards, sensors }: Config) => [...boards, ...sensors].map(({ id }) => id);
  const [mine, theirs] = [new Set(named(present)), new Set(named(proposed ?? present))];
  for (const id of [...new Set([...recorded, ...mine, ...theirs])].sort()) {
    const whose =
      mine.has(id) && theirs.has(id)
        ? ''
        : mine.has(id)
          ? 'only the present configuration names it'
          : theirs.has(id)
            ? 'only the proposed configuration names it'
            : 'no configuration names it';
    const isRecorded = recorded.has(id);
    if (whose !== '') {
      const rest = isRecorded
        ? 'elsewhere it is judged as an unknown board'
        : 'and nothing of it is recorded';
      tell(`sensor "${id}": ${whose}; ${rest}`);
    } else if (!isRecorded) {
      tell(`sensor "${id}": nothing of it is recorded: its zones are judged without it`);
    }
  }
}

function print(
  report: TuneReport,
  { json, suggest }: TuneOptions,
  hasProposed: boolean,
  io: CommandIo,
): void {
  const { suggestions, ...rest } = report;
  if (json) {
    io.out(JSON.stringify(suggest ? { ...rest, suggestions } : rest));
    return;
  }
  for (const line of textOf(report, hasProposed)) io.out(line);
  if (!suggest) return;
  io.out('');
  for (const line of suggestionText(suggestions)) io.out(line);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
