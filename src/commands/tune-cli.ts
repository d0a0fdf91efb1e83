/** `embereye tune` with what its command line names: recordings, configurations, a model. */
import type { Config } from '../config-schema.ts';
import { ModelClassifier } from '../model-classifier.ts';
import { wantedModel } from '../model-parts.ts';
import type { EvaluateSurroundings } from './evaluate-cli.ts';
import type { ExitCode } from './exit-codes.ts';
import type { TuneModel } from './tune.ts';
import { runTune } from './tune.ts';

/** As the command line gives them. */
export interface TuneArguments {
  readonly recordings: string;
  readonly config: string;
  readonly proposed?: string;
  readonly labels?: string;
  readonly from?: number;
  readonly to?: number;
  readonly sensor?: string;
  readonly period: number;
  /** A file; `recorded`; false: none; true: the configured one, else the shipped one. */
  readonly model: string | boolean;
  readonly suggest: boolean;
  readonly json: boolean;
}

/** The result must not depend on how busy the machine is. */
const ANSWER_MS = 30_000;
/** Asks for the opinions of the record. */
const RECORDED = 'recorded';

/** Milliseconds since 1970 of a time such as `2026-05-04T06:00:00Z`; of a day its midnight. */
export function instant(text: string): number {
  const atMs = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isFinite(atMs)) throw new RangeError('write a time such as 2026-05-04T06:00:00Z');
  return atMs;
}

/** As `runTune`; `EXIT.badInput` also for a model that was named and cannot be used. */
export function tuneHere(
  options: TuneArguments,
  surroundings: EvaluateSurroundings,
): Promise<ExitCode> {
  const { recordings, config, period, suggest, json } = options;
  return runTune(
    {
      ...{ recordings, config, suggest, json, periodSeconds: period },
      proposed: options.proposed ?? null,
      labels: options.labels ?? null,
      fromMs: options.from ?? -Infinity,
      toMs: options.to ?? Infinity,
      sensor: options.sensor ?? null,
      withOpinions: options.model !== false,
    },
    {
      io: surroundings.io,
      environment: surroundings.environment,
      openClassifier: (present) => openModel(present, options.model, surroundings),
    },
  );
}

async function openModel(
  { model: settings }: Config,
  wish: string | boolean,
  { io, clock, random, programs, startModel }: EvaluateSurroundings,
): Promise<TuneModel> {
  if (wish === false || wish === RECORDED) return { ok: true, classifier: null };
  const file = wish === true ? settings.file : wish;
  const sha256 = wish === true ? settings.sha256 : null;
  const wanted = wantedModel({ file, sha256, threads: 1 }, programs);
  const classifier = new ModelClassifier(
    { wanted, deadlineMs: ANSWER_MS },
    { clock, random, start: startModel, onFault: ({ detail }) => io.err(detail) },
  );
  if ((await classifier.ready()).ok) return { ok: true, classifier };
  await classifier.close();
  if (wish !== true) return { ok: false };
  io.err('without a model of its own the replay takes the opinions that were recorded');
  return { ok: true, classifier: null };
}
