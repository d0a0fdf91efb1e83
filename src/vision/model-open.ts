/**
 * Opening a model file: everything that must hold before its vote counts, each failure with what is
 * wrong and what mends it. Runs in the process of the model, so that a file which brings the
 * library down brings down nothing else.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { troubleInRows } from './model-belief.ts';
import { FEATURES_KEY, metadataOf } from './model-metadata.ts';
import type { ModelFacts, ModelRefusal, WantedModel } from './model-protocol.ts';
import { KINDS, probeRows } from './model-protocol.ts';
import type { OnnxSession, TensorFacts } from './onnx-session.ts';

/** Names that a model must use. */
export const INPUT_NAME = 'features';
export const OUTPUT_NAME = 'belief';
/** A classifier of some dozen features takes kilobytes; what is larger is something else. */
export const LARGEST_BYTES = 20_000_000;

/** @param features `rows` x `width`. @returns `rows` x `KINDS`. @throws Error of the library. */
export type Judge = (features: Float32Array, rows: number) => Promise<Float32Array>;

export type OpenedModel =
  | { readonly ok: true; readonly facts: ModelFacts; readonly judge: Judge }
  | { readonly ok: false; readonly refusal: ModelRefusal };

/** As `openOnnxSession`. */
export type OpenSession = (bytes: Uint8Array, threads: number) => Promise<OnnxSession>;

type Refused = { readonly ok: false; readonly refusal: ModelRefusal };
type Refuse = (problem: string, remedy: string) => Refused;

const OTHER_FILE = 'name another file as model.file, or remove it for the shipped model';
const RETRAIN = 'train it for this release, or remove model.file for the shipped model';

/** Never rejects. A file that makes the library end the process ends this one. */
export async function openModel(
  wanted: WantedModel,
  openSession: OpenSession,
): Promise<OpenedModel> {
  const refuse: Refuse = (problem, remedy) => ({
    ok: false,
    refusal: { file: wanted.file, problem, remedy },
  });
  const read = await readModel(wanted.file, refuse);
  if (!read.ok) return read;
  const { bytes } = read;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (wanted.sha256 !== null && wanted.sha256.toLowerCase() !== sha256) {
    const problem = `its SHA-256 is ${sha256}, not ${wanted.sha256} as configured`;
    return refuse(problem, 'put the right file there, or correct model.sha256');
  }
  const metadata = metadataOf(bytes);
  if (metadata === null) return refuse('is damaged, or no ONNX file', OTHER_FILE);
  let session: OnnxSession;
  try {
    session = await openSession(bytes, wanted.threads);
  } catch (error) {
    return refuse(`cannot be loaded: ${messageOf(error)}`, OTHER_FILE);
  }
  const problem = schemaProblem(metadata, wanted) ?? signatureProblem(session, wanted);
  if (problem !== null) return refuse(problem, RETRAIN);
  const judge: Judge = (features, rows) =>
    session.run(INPUT_NAME, features, [rows, wanted.width], OUTPUT_NAME);
  return probed(judge, wanted, refuse, {
    ...{ sha256, bytes: bytes.length },
    metadata: Object.fromEntries(metadata),
  });
}

async function readModel(
  file: string,
  refuse: Refuse,
): Promise<{ readonly ok: true; readonly bytes: Uint8Array } | Refused> {
  let handle: FileHandle | null = null;
  try {
    handle = await open(file, 'r');
    const info = await handle.stat();
    if (!info.isFile()) return refuse('is no file', OTHER_FILE);
    if (info.size > LARGEST_BYTES) {
      const problem = `has ${info.size} bytes, at most ${LARGEST_BYTES} are taken`;
      return refuse(problem, OTHER_FILE);
    }
    if (info.size === 0) return refuse('is empty', OTHER_FILE);
    // Not `readFile`: a file that grows meanwhile would be read to its end.
    const bytes = new Uint8Array(info.size);
    const { bytesRead } = await handle.read(bytes, 0, info.size, 0);
    if (bytesRead < info.size) return refuse('shrank while it was read', OTHER_FILE);
    return { ok: true, bytes };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      return refuse('is not there', 'correct model.file; the shipped one comes with installation');
    }
    const remedy = 'let the user of the appliance read it';
    return refuse(`cannot be read: ${messageOf(error)}`, remedy);
  } finally {
    await handle?.close();
  }
}

/** @returns what is wrong with the model's inputs and outputs, or null. */
function signatureProblem({ inputs, outputs }: OnnxSession, { width }: WantedModel): string | null {
  const listed = (list: readonly TensorFacts[]): string => list.map(textOf).join(', ') || 'none';
  const [input] = inputs;
  if (inputs.length !== 1 || input === undefined || !fits(input, INPUT_NAME, width)) {
    return `must have one input ${INPUT_NAME} float32 [rows, ${width}], has ${listed(inputs)}`;
  }
  const output = outputs.find(({ name }) => name === OUTPUT_NAME);
  if (output === undefined || !fits(output, OUTPUT_NAME, KINDS)) {
    return `must have an output ${OUTPUT_NAME} float32 [rows, ${KINDS}], has ${listed(outputs)}`;
  }
  return null;
}

/** The number of rows must be free: several arrays are judged in one run. */
function fits({ name, type, dims }: TensorFacts, wantedName: string, width: number): boolean {
  const [rows, columns] = dims;
  if (name !== wantedName || type !== 'float32' || dims.length !== 2) return false;
  return typeof rows === 'string' && (typeof columns === 'string' || columns === width);
}

function textOf({ name, type, dims }: TensorFacts): string {
  const sizes = dims.map((dim) => (dim === '' ? '?' : dim)).join(', ');
  return type === null ? `${name} (no tensor)` : `${name} ${type} [${sizes}]`;
}

/** @returns in which way the features that it was trained with are not ours, or null. */
function schemaProblem(
  metadata: ReadonlyMap<string, string>,
  { schema }: WantedModel,
): string | null {
  const own = metadata.get(FEATURES_KEY);
  if (own === undefined) {
    return `does not say for which features it was trained: its metadata has no "${FEATURES_KEY}"`;
  }
  if (own === schema) return null;
  return `was trained for the features ${own}, this release computes ${schema}`;
}

/** Asks once what is known to be well within the range of features. */
async function probed(
  judge: Judge,
  { width }: WantedModel,
  refuse: Refuse,
  facts: Omit<ModelFacts, 'probe' | 'notes'>,
): Promise<OpenedModel> {
  const rows = probeRows(width);
  const features = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) features.set(row, i * width);
  let belief: Float32Array;
  try {
    belief = await judge(features, rows.length);
  } catch (error) {
    return refuse(`fails when it is asked: ${messageOf(error)}`, RETRAIN);
  }
  const trouble = troubleInRows(belief, rows.length);
  if (trouble !== null) return refuse(`answers nonsense: ${trouble}`, RETRAIN);
  const isConstant = rows.every((_, row) =>
    belief.subarray(0, KINDS).every((share, i) => share === belief[row * KINDS + i]),
  );
  const notes = isConstant ? ['gives the same answer to every trial question'] : [];
  return { ok: true, judge, facts: { ...facts, probe: belief.slice(0, KINDS), notes } };
}

/** The first line: the library adds where in its own source it failed. */
function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text.split('\n')[0] ?? text).slice(0, 300);
}
