/**
 * What the main process and the process of the model say to one another. Both come from the same
 * installation, yet each looks at what it gets: a mix of two versions shall be named, not guessed.
 *
 *   open  ──► opened | refused        once, first
 *   judge ──► belief | failed         one at a time, answered in order
 */
import { SCENE_KINDS } from '../domain/opinion.ts';

export const MODEL_PROTOCOL_VERSION = 1;

/** Columns of a model's answer: one share per kind. */
export const KINDS = SCENE_KINDS.length;

/** What a model must be to be used. */
export interface WantedModel {
  /** Path of the ONNX file. */
  readonly file: string;
  /** Digest of the file in hex; null: any. */
  readonly sha256: string | null;
  /** Set of features that this program computes: `FEATURE_SCHEMA`. */
  readonly schema: string;
  /** Features in a row. */
  readonly width: number;
  /** Threads that one inference may use, 1..4. */
  readonly threads: number;
}

/** What is known of a model that was opened. */
export interface ModelFacts {
  readonly sha256: string;
  readonly bytes: number;
  /** Entries of the file's own metadata, such as its name, data and date of training. */
  readonly metadata: Readonly<Record<string, string>>;
  /** What it answered to `probeRow`, one share per kind; it must answer the same ever after. */
  readonly probe: Float32Array;
  /** Things that a person should know and that do not keep the model from being used. */
  readonly notes: readonly string[];
  /** Why its process has more rights than it needs; left out: it gave them up. */
  readonly unconfined?: string;
}

/** Why a file is not used as a model: what is wrong with it, and what mends it. */
export interface ModelRefusal {
  readonly file: string;
  readonly problem: string;
  readonly remedy: string;
}

export type ModelRequest =
  | { readonly v: number; readonly kind: 'open'; readonly wanted: WantedModel }
  | {
      readonly v: number;
      readonly kind: 'judge';
      readonly id: number;
      readonly rows: number;
      /** `rows` x `width`, row after row. */
      readonly features: Float32Array;
    };

export type ModelReply =
  | { readonly v: number; readonly kind: 'opened'; readonly facts: ModelFacts }
  | { readonly v: number; readonly kind: 'refused'; readonly refusal: ModelRefusal }
  | {
      readonly v: number;
      readonly kind: 'belief';
      readonly id: number;
      /** `rows` x `KINDS`, row after row, as the model gave them. */
      readonly belief: Float32Array;
      /** Of the inference alone. */
      readonly seconds: number;
      /** Memory of the model's process. */
      readonly residentBytes: number;
    }
  | { readonly v: number; readonly kind: 'failed'; readonly id: number; readonly message: string };

/** Text of a refusal: which file, what is wrong, what to do. */
export function refusalText({ file, problem, remedy }: ModelRefusal): string {
  return `${file}: ${problem}: ${remedy}`;
}

/**
 * Numbers to try a model with, in the range of features (-4..4): nothing, a rising row, the ends of
 * the range in turn.
 */
export function probeRows(width: number): readonly Float32Array[] {
  const middle = Math.max(1, width - 1) / 2;
  return [
    probeRow(width),
    new Float32Array(width),
    Float32Array.from({ length: width }, (_, i) => (i % 2 === 0 ? -4 : 4)),
    Float32Array.from({ length: width }, (_, i) => (4 * (middle - i)) / middle),
  ];
}

/** The row that is asked again and again while the model runs: -2..2 in equal steps. */
export function probeRow(width: number): Float32Array {
  const steps = Math.max(1, width - 1);
  return Float32Array.from({ length: width }, (_, i) => (4 * i) / steps - 2);
}

/** @returns null for what is no request of this version. */
export function readRequest(value: unknown): ModelRequest | null {
  if (!isRecord(value) || value['v'] !== MODEL_PROTOCOL_VERSION) return null;
  if (value['kind'] === 'open') return isRecord(value['wanted']) ? (value as ModelRequest) : null;
  if (value['kind'] !== 'judge' || typeof value['id'] !== 'number') return null;
  if (!(value['features'] instanceof Float32Array)) return null;
  return typeof value['rows'] === 'number' ? (value as ModelRequest) : null;
}

/** @returns null for what is no reply of this version. */
export function readReply(value: unknown): ModelReply | null {
  if (!isRecord(value) || value['v'] !== MODEL_PROTOCOL_VERSION) return null;
  return isReply(value) ? (value as unknown as ModelReply) : null;
}

type Fields = Readonly<Record<string, unknown>>;

function isReply({ kind, id, facts, refusal, belief, residentBytes, message }: Fields): boolean {
  switch (kind) {
    case 'opened':
      return isRecord(facts) && facts['probe'] instanceof Float32Array;
    case 'refused':
      return isRecord(refusal) && typeof refusal['problem'] === 'string';
    case 'belief':
      return (
        typeof id === 'number' &&
        belief instanceof Float32Array &&
        typeof residentBytes === 'number'
      );
    case 'failed':
      return typeof id === 'number' && typeof message === 'string';
    default:
      return false;
  }
}

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}
