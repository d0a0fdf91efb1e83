/** The trained model of the simulated site: its troubles and lies outlive the appliance's process. */
import type { Clock, Random } from '../../src/domain/ports.ts';
import type { Opinion, SceneKind } from '../../src/domain/opinion.ts';
import type { FaultNotice } from '../../src/domain/step.ts';
import { ModelClassifier } from '../../src/model-classifier.ts';
import { alwaysSure, SimulatedModel } from '../../src/model-simulated.ts';
import { FEATURE_NAMES, FEATURE_SCHEMA } from '../../src/vision/features.ts';
import { probeRow } from '../../src/vision/model-protocol.ts';

const UNDECIDED = { fire: 0.4, overheating: 0.2, warmBody: 0.1, hotObject: 0.2, other: 0.1 };
const DEADLINE_MS = 500;

export class SiteModel {
  /** What it says of every region, surely; null: it cannot decide. */
  lie: SceneKind | null = null;
  readonly process = new SimulatedModel({
    answerMs: 1,
    lateMs: 800,
    judge: (row) => this.#judge(row),
  });
  readonly #trial = probeRow(FEATURE_NAMES.length);

  /** The classifier of one process of the appliance, supervised as a real one is. */
  open(clock: Clock, random: Random, onFault: (notice: FaultNotice) => void): ModelClassifier {
    const wanted = {
      ...{ file: 'simulated.onnx', sha256: null, threads: 1 },
      ...{ schema: FEATURE_SCHEMA, width: FEATURE_NAMES.length },
    };
    const start = this.process.startOn(clock);
    return new ModelClassifier(
      { wanted, deadlineMs: DEADLINE_MS },
      { clock, random, onFault, start },
    );
  }

  /** A liar that is found out by its trial question would be no test of what a liar can do. */
  #judge(row: Float32Array): Opinion {
    const isTrial = row.every((value, i) => value === this.#trial[i]);
    return this.lie === null || isTrial ? UNDECIDED : alwaysSure(this.lie)();
  }
}
