/** The seam to a trained model: features in, opinion or a reason for its absence out. */
import type { Opinion } from '../domain/opinion.ts';

export type ClassifierAnswer =
  | { readonly ok: true; readonly opinion: Opinion }
  | {
      readonly ok: false;
      /**
       * `busy`: the last question is not answered yet; `late`: no answer within the deadline;
       * `gone`: the process is not there; `bad`: the answer is no share of belief.
       */
      readonly kind: 'busy' | 'late' | 'gone' | 'bad';
      readonly message: string;
    };

/** Never throws, never takes longer than its deadline. */
export interface Classifier {
  /** @param features one row, in the order of `FEATURE_NAMES`; copied before this returns. */
  classify(features: Float32Array): Promise<ClassifierAnswer>;
  close(): Promise<void>;
}
