/**
 * `embereye evaluate PATH...`: recordings through the real detector and panel, one zone each, in
 * virtual time. Says what would have happened, and why.
 */
import type { CommandIo, ExitCode } from './exit-codes.ts';
import { EXIT } from './exit-codes.ts';
import { findRecordings, readRecording } from './evaluate-read.ts';
import type { EvaluateOptions, Evaluation } from './evaluate-recording.ts';
import { evaluateRecording } from './evaluate-recording.ts';

/** Bad lines of one file that are told one by one; the rest is only counted. */
const BAD_LINES_TOLD = 10;

/** One line of output per recording. */
export interface EvaluationLine {
  readonly file: string;
  readonly frames: number;
  readonly prealarm_s: number | null;
  readonly alarm_s: number | null;
  readonly fault_s: number | null;
  readonly max_c: number | null;
  readonly reason: string | null;
  /** What the model took the hottest region for; null where it was not asked. */
  readonly kind: string | null;
  readonly bad_lines: number;
}

/**
 * Evaluates files and folders (searched for `*.ndjson` and `*.ndjson.gz`), in the order given.
 *
 * @returns `ok` when all were read; `badInput` when a line or file held no frame; `unavailable`
 *   when a path could not be read (the others are evaluated all the same).
 */
export async function runEvaluate(
  paths: readonly string[],
  options: EvaluateOptions & { readonly json: boolean },
  io: CommandIo,
): Promise<ExitCode> {
  let exit: ExitCode = EXIT.ok;
  for (const path of paths) {
    let files: readonly string[];
    try {
      files = await findRecordings(path);
    } catch (error) {
      io.err(`${path}: cannot be read: ${messageOf(error)}`);
      exit = EXIT.unavailable;
      continue;
    }
    if (files.length === 0) {
      io.err(`${path}: holds no recording: name files, or a folder with *.ndjson or *.ndjson.gz`);
      if (exit === EXIT.ok) exit = EXIT.badInput;
    }
    for (const file of files) {
      const problem = await evaluateFile(file, options, io);
      if (problem !== EXIT.ok && exit !== EXIT.unavailable) exit = problem;
    }
  }
  return exit;
}

async function evaluateFile(
  file: string,
  options: EvaluateOptions & { readonly json: boolean },
  io: CommandIo,
): Promise<ExitCode> {
  let told = 0;
  let evaluation: Evaluation;
  try {
    evaluation = await evaluateRecording(readRecording(file), options, (line, problem) => {
      told += 1;
      if (told <= BAD_LINES_TOLD) io.err(`${file}:${line}: ${problem}`);
    });
  } catch (error) {
    io.err(`${file}: cannot be read: ${messageOf(error)}`);
    return EXIT.unavailable;
  }
  if (told > BAD_LINES_TOLD) io.err(`${file}: ${told - BAD_LINES_TOLD} more lines like these`);
  const line = lineOf(file, evaluation);
  io.out(options.json ? JSON.stringify(line) : textOf(line));
  if (evaluation.frames === 0) io.err(`${file}: holds no frame`);
  if (evaluation.unanswered > 0) {
    const { unanswered } = evaluation;
    io.err(`${file}: the model left ${unanswered} questions unanswered: there rules decided alone`);
  }
  return evaluation.badLines > 0 || evaluation.frames === 0 ? EXIT.badInput : EXIT.ok;
}

function lineOf(file: string, evaluation: Evaluation): EvaluationLine {
  const { maxCelsius } = evaluation;
  return {
    file,
    frames: evaluation.frames,
    prealarm_s: evaluation.prealarmSeconds,
    alarm_s: evaluation.alarmSeconds,
    fault_s: evaluation.faultSeconds,
    max_c: maxCelsius === null ? null : Math.round(maxCelsius * 100) / 100,
    reason: evaluation.reason,
    kind: evaluation.kind,
    bad_lines: evaluation.badLines,
  };
}

function textOf(line: EvaluationLine): string {
  const at = (what: string, seconds: number | null): string =>
    seconds === null ? '' : `, ${what} at ${seconds.toFixed(1)} s`;
  const max = line.max_c === null ? 'nothing believable' : `at most ${line.max_c.toFixed(1)} C`;
  const happened =
    at('pre-alarm', line.prealarm_s) + at('alarm', line.alarm_s) + at('fault', line.fault_s);
  const reason = line.reason === null ? '' : ` (${line.reason})`;
  const kind = line.kind === null ? '' : `, looked like ${line.kind}`;
  const bad = line.bad_lines === 0 ? '' : `, ${line.bad_lines} bad lines`;
  const events = happened === '' ? ', nothing happened' : happened;
  return `${line.file}: ${line.frames} frames, ${max}${events}${reason}${kind}${bad}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
