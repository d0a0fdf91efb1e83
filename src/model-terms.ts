/** What the supervisor of a model is given, and what it tells. */
import type { Clock, Random } from './domain/ports.ts';
import type { FaultNotice } from './domain/step.ts';
import type { StartModelProcess } from './model-process.ts';
import type { ModelFacts, ModelRefusal, WantedModel } from './vision/model-protocol.ts';

export interface ModelOptions {
  readonly wanted: WantedModel;
  /** From question to answer. */
  readonly deadlineMs: number;
}

export interface ModelParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly start: StartModelProcess;
  readonly onFault: (notice: FaultNotice) => void;
  /** Told of each answer in time: from question to answer, and of the inference alone. */
  readonly onAnswered?: (totalSeconds: number, inferenceSeconds: number) => void;
}

/** What became of the questions, as plain numbers; trial questions are not counted. */
export interface ModelCounters {
  answered: number;
  /** Starts of the process after the first. */
  restarts: number;
  readonly dropped: Record<'busy' | 'late' | 'gone' | 'bad', number>;
  residentBytes: number;
}

/** Whether a model answers: what is known of it, or why it does not. */
export type ModelVerdict =
  | { readonly ok: true; readonly facts: ModelFacts }
  | {
      readonly ok: false;
      /** Null: the file was not judged, because the process did not get that far. */
      readonly refusal: ModelRefusal | null;
      readonly detail: string;
    };

/** Nothing usable; died, hung or answered nonsense; too slow. All with the subject `model`. */
export type ModelFault = 'modelUnavailable' | 'modelFailing' | 'modelLate';

/** Raises faults of the model, of which at most one stands. */
export class ModelFaults {
  readonly #tell: (notice: FaultNotice) => void;
  #standing: ModelFault | null = null;

  constructor(tell: (notice: FaultNotice) => void) {
    this.#tell = tell;
  }

  get standing(): ModelFault | null {
    return this.#standing;
  }

  /** Nothing happens while the same one stands. @param next null restores. */
  set(next: ModelFault | null, detail: string): void {
    const before = this.#standing;
    if (before === next) return;
    this.#standing = next;
    const notice = { subject: 'model', detail };
    if (next !== null) this.#tell({ ...notice, fault: next, raised: true });
    if (before !== null) this.#tell({ ...notice, fault: before, raised: false });
  }
}
