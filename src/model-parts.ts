/** From the configuration to the model that an appliance, or a command, works with. */
import { join, resolve } from 'node:path';
import type { ModelConfig } from './config-model.ts';
import type { FaultNotice } from './domain/step.ts';
import { ModelClassifier } from './model-classifier.ts';
import { forkModelProcess } from './model-process.ts';
import type { ModelParts } from './model-terms.ts';
import { FEATURE_NAMES, FEATURE_SCHEMA } from './vision/features.ts';
import type { WantedModel } from './vision/model-protocol.ts';

/** Beside the bundle, in the checkout as in an installation. */
const SHIPPED = join('..', 'models', 'region-classifier.onnx');

/** @param programs folder of the bundle. */
export function wantedModel(
  { file, sha256, threads }: Pick<ModelConfig, 'file' | 'sha256' | 'threads'>,
  programs: string,
): WantedModel {
  return {
    file: file === null ? join(programs, SHIPPED) : resolve(file),
    ...{ sha256, threads },
    schema: FEATURE_SCHEMA,
    width: FEATURE_NAMES.length,
  };
}

/** Opens the configured model with what an appliance brings; null: there shall be none. */
export type OpenModel = (parts: Omit<ModelParts, 'start'>) => ModelClassifier | null;

/** Starts the process of the configured model, and waits for nothing; null: it is not enabled. */
export function openModelClassifier(
  config: ModelConfig,
  programs: string,
  parts: Omit<ModelParts, 'start'>,
): ModelClassifier | null {
  if (!config.enabled) return null;
  const classifier = new ModelClassifier(
    { wanted: wantedModel(config, programs), deadlineMs: config.deadlineMs },
    { ...parts, start: forkModelProcess(join(programs, 'inference.js')) },
  );
  void classifier.ready().then((verdict) => {
    const why = verdict.ok ? verdict.facts.unconfined : undefined;
    if (why !== undefined) parts.onFault(unconfined(why));
  });
  return classifier;
}

/** It works, with more rights than it needs: a matter for whoever cares for the machine. */
function unconfined(why: string): FaultNotice {
  const detail = `${why}: use a kernel with CONFIG_SECCOMP_FILTER, or set model.enabled to false`;
  return { fault: 'modelUnconfined', subject: 'model', raised: true, supervisory: true, detail };
}
