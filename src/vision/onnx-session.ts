/**
 * The runtime library, and the only file that imports it. Its inference blocks the event loop for
 * as long as it takes, and ending the process during one on another thread aborts it: hence only
 * the process of the model loads this file.
 */
import type { InferenceSession } from 'onnxruntime-node';

/** An input or output of a model. */
export interface TensorFacts {
  readonly name: string;
  /** `float32`, ...; null for what is no tensor. */
  readonly type: string | null;
  /** A size, or the name of one that is free. */
  readonly dims: readonly (number | string)[];
}

export interface OnnxSession {
  readonly inputs: readonly TensorFacts[];
  readonly outputs: readonly TensorFacts[];
  /**
   * One inference.
   * @param features `rows` x `width` numbers, row after row.
   * @returns the numbers of the named output.
   * @throws Error where the library does, or when the output holds no single-precision numbers.
   */
  run(
    input: string,
    features: Float32Array,
    dims: readonly [rows: number, width: number],
    output: string,
  ): Promise<Float32Array>;
}

/** Warnings of the library about odd but usable models are of no use to anybody. */
const ERRORS_ONLY = 3;
const OPTIONS = {
  executionProviders: ['cpu'],
  executionMode: 'sequential',
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  logSeverityLevel: ERRORS_ONLY,
} as const;

/**
 * Loads the library, for a process that can open nothing afterwards. It looks at the processor's
 * features when it is asked for its first session: an empty one, which it refuses.
 * @throws Error where it does not load here.
 */
export async function loadLibrary(): Promise<void> {
  const { default: ort } = await import('onnxruntime-node');
  await ort.InferenceSession.create(new Uint8Array(0), OPTIONS).then(
    () => undefined,
    () => undefined,
  );
}

/**
 * Opens a model. From its bytes, not its path: what was checked is what runs, and it can name no
 * further files.
 * @throws Error when the library does not load here, or refuses the model.
 */
export async function openOnnxSession(bytes: Uint8Array, threads: number): Promise<OnnxSession> {
  const { default: ort } = await import('onnxruntime-node');
  const options = { ...OPTIONS, intraOpNumThreads: threads };
  const session = await ort.InferenceSession.create(bytes, options);
  return {
    inputs: session.inputMetadata.map(factsOf),
    outputs: session.outputMetadata.map(factsOf),
    async run(input, features, dims, output) {
      const feeds = { [input]: new ort.Tensor('float32', features, [...dims]) };
      const results = await session.run(feeds, [output]);
      const data = results[output]?.data;
      if (data instanceof Float32Array) return data;
      throw new Error(`the output "${output}" holds no single-precision numbers`);
    },
  };
}

function factsOf(metadata: InferenceSession.ValueMetadata): TensorFacts {
  if (!metadata.isTensor) return { name: metadata.name, type: null, dims: [] };
  return { name: metadata.name, type: metadata.type, dims: metadata.shape };
}
