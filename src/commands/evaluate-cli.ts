/** `embereye evaluate` with what its command line names: configuration, array, model. */
import type { Config } from '../config-schema.ts';
import { problemText } from '../config-problems.ts';
import type { Clock, Random } from '../domain/ports.ts';
import type { Hours } from '../domain/step.ts';
import { ModelClassifier } from '../model-classifier.ts';
import { wantedModel } from '../model-parts.ts';
import type { StartModelProcess } from '../model-process.ts';
import { PLAN_CHECKS, zonePolicyOf } from '../plan.ts';
import type { Environment } from './check-config.ts';
import { readConfig } from './check-config.ts';
import type { EvaluateOptions } from './evaluate-recording.ts';
import { DEFAULT_EVALUATE_OPTIONS } from './evaluate-recording.ts';
import { siteOf } from './evaluate-site.ts';
import { runEvaluate } from './evaluate.ts';
import type { CommandIo, ExitCode } from './exit-codes.ts';
import { EXIT } from './exit-codes.ts';

/** As the command line gives them. */
export interface EvaluateArguments {
  readonly config?: string;
  readonly sensor?: string;
  readonly hours?: Hours;
  readonly period: number;
  /** A file, or false for none; true: the configured one, else the shipped one. */
  readonly model: string | boolean;
  readonly json: boolean;
}

export interface EvaluateSurroundings {
  readonly io: CommandIo;
  readonly clock: Clock;
  readonly random: Random;
  readonly environment: Environment;
  /** Where the bundled programs lie: dist. */
  readonly programs: string;
  readonly startModel: StartModelProcess;
}

/** The result must not depend on how busy the machine is. */
const ANSWER_MS = 30_000;

/**
 * As `runEvaluate`; `EXIT.badInput` also for a configuration, a sensor or a model that was named
 * and cannot be used. Without a usable model of its own accord it goes on, and says so.
 */
export async function evaluateHere(
  paths: readonly string[],
  options: EvaluateArguments,
  surroundings: EvaluateSurroundings,
): Promise<ExitCode> {
  const { io, environment } = surroundings;
  const read =
    options.config === undefined ? null : readConfig(options.config, environment, PLAN_CHECKS);
  if (read?.ok === false) {
    for (const problem of read.problems) io.err(problemText(options.config ?? '', problem));
    return EXIT.badInput;
  }
  const config = read?.config ?? null;
  const chosen = chosenArray(config, options.sensor ?? null);
  if (!chosen.ok) {
    io.err(chosen.problem);
    return EXIT.badInput;
  }
  const model = await openModel(config, options, surroundings);
  if (!model.ok) return EXIT.badInput;
  const { classifier } = model;
  const { json, period, hours = null } = options;
  const common = { ...DEFAULT_EVALUATE_OPTIONS, ...chosen.options, periodSeconds: period };
  const exit = await runEvaluate(paths, { ...common, json, hours, classifier }, io);
  await classifier?.close();
  return exit;
}

type Chosen =
  | {
      readonly ok: true;
      readonly options: Partial<Pick<EvaluateOptions, 'policy' | 'site' | 'sensor'>>;
    }
  | { readonly ok: false; readonly problem: string };

function chosenArray(config: Config | null, sensor: string | null): Chosen {
  if (config === null) return { ok: true, options: { sensor } };
  const policy = zonePolicyOf(config);
  if (sensor === null) return { ok: true, options: { policy } };
  const found = siteOf(config, sensor);
  return found.ok ? { ok: true, options: { policy, sensor, site: found.site } } : found;
}

type Model =
  /** Null: none is wanted, or the one that comes by itself cannot be used. */
  { readonly ok: true; readonly classifier: ModelClassifier | null } | { readonly ok: false };

async function openModel(
  config: Config | null,
  { model }: EvaluateArguments,
  { io, clock, random, programs, startModel }: EvaluateSurroundings,
): Promise<Model> {
  const none: Model = { ok: true, classifier: null };
  if (model === false || (model === true && config?.model.enabled === false)) return none;
  const file = model === true ? (config?.model.file ?? null) : model;
  const sha256 = model === true ? (config?.model.sha256 ?? null) : null;
  const wanted = wantedModel({ file, sha256, threads: 1 }, programs);
  const classifier = new ModelClassifier(
    { wanted, deadlineMs: ANSWER_MS },
    { clock, random, start: startModel, onFault: ({ detail }) => io.err(detail) },
  );
  const verdict = await classifier.ready();
  if (verdict.ok) return { ok: true, classifier };
  await classifier.close();
  return model === true ? none : { ok: false };
}
