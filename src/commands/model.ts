/**
 * `embereye model check [FILE]`: whether a file can be used as the model, asked of the very process
 * that would run it.
 */
import type { Clock, Random } from '../domain/ports.ts';
import { SCENE_KINDS } from '../domain/opinion.ts';
import { ModelClassifier } from '../model-classifier.ts';
import type { StartModelProcess } from '../model-process.ts';
import type { ModelVerdict } from '../model-terms.ts';
import { FEATURES_KEY } from '../vision/model-metadata.ts';
import type { ModelFacts, WantedModel } from '../vision/model-protocol.ts';
import { probeRow } from '../vision/model-protocol.ts';
import type { CommandIo, ExitCode } from './exit-codes.ts';
import { EXIT } from './exit-codes.ts';

export interface ModelCheckDeps {
  readonly io: CommandIo;
  readonly clock: Clock;
  readonly random: Random;
  readonly start: StartModelProcess;
}

/** What `--json` prints. */
export interface ModelReport {
  readonly file: string;
  readonly usable: boolean;
  /** What keeps it from being used, and what mends that. */
  readonly problem: string | null;
  readonly sha256: string | null;
  readonly bytes: number | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
  /** From question to answer of a further trial question, through the process. */
  readonly answer_ms: number | null;
}

/** Long: a check is about the file, not about the load of the machine. */
const ANSWER_MS = 10_000;

/**
 * Prints the verdict. `EXIT.badInput` for a file that was looked at and is refused;
 * `EXIT.unavailable` when the process of the model could not give a verdict.
 */
export async function runModelCheck(
  wanted: WantedModel,
  { json }: { readonly json: boolean },
  deps: ModelCheckDeps,
): Promise<ExitCode> {
  const { io } = deps;
  const { verdict, answerMs } = await checkModel(wanted, deps);
  const report = reportOf(wanted.file, verdict, answerMs);
  if (json) io.out(JSON.stringify(report));
  else {
    for (const line of linesOf(report)) {
      if (report.usable) io.out(line);
      else io.err(line);
    }
  }
  if (report.usable) return EXIT.ok;
  return !verdict.ok && verdict.refusal !== null ? EXIT.badInput : EXIT.unavailable;
}

/** Opens a model in a process of its own, asks it once more, and closes it again. Never rejects. */
export async function checkModel(
  wanted: WantedModel,
  { clock, random, start }: Omit<ModelCheckDeps, 'io'>,
): Promise<{ readonly verdict: ModelVerdict; readonly answerMs: number | null }> {
  const quiet = { clock, random, start, onFault: () => undefined };
  const classifier = new ModelClassifier({ wanted, deadlineMs: ANSWER_MS }, quiet);
  const verdict = await classifier.ready();
  const askedMs = clock.monotonicMs();
  const answer = verdict.ok ? await classifier.classify(probeRow(wanted.width)) : null;
  const answerMs = clock.monotonicMs() - askedMs;
  await classifier.close();
  if (answer?.ok === false) {
    const detail = `${wanted.file}: ${answer.message}`;
    return { verdict: { ok: false, refusal: null, detail }, answerMs: null };
  }
  return { verdict, answerMs: answer === null ? null : answerMs };
}

function reportOf(file: string, verdict: ModelVerdict, answerMs: number | null): ModelReport {
  const facts: Partial<ModelFacts> = verdict.ok ? verdict.facts : {};
  return {
    file,
    usable: verdict.ok,
    problem: verdict.ok ? null : verdict.detail,
    sha256: facts.sha256 ?? null,
    bytes: facts.bytes ?? null,
    metadata: facts.metadata ?? {},
    notes: facts.notes ?? [],
    answer_ms: answerMs === null ? null : Math.round(answerMs * 100) / 100,
  };
}

function linesOf(report: ModelReport): readonly string[] {
  const { file, usable, problem, sha256, bytes, metadata, notes, answer_ms } = report;
  if (!usable) return [problem ?? `${file}: cannot be used`];
  const about = Object.entries(metadata).filter(([key]) => key !== FEATURES_KEY);
  return [
    `${file}: usable: features ${metadata[FEATURES_KEY] ?? ''}, kinds ${SCENE_KINDS.join(', ')}`,
    `${bytes ?? 0} bytes, SHA-256 ${sha256 ?? ''}, answers in ${answer_ms ?? 0} ms`,
    ...about.map(([key, value]) => `${key}: ${value}`),
    ...notes.map((note) => `note: it ${note}`),
  ];
}
