/**
 * A process of a model that is none: answers by the given clock, and fails on command in each of
 * the ways in which a real one can. For the simulation and for tests.
 */
import type { Cancel, Clock } from './domain/ports.ts';
import type { Opinion } from './domain/opinion.ts';
import { SCENE_KINDS } from './domain/opinion.ts';
import type { ModelProcess, ModelProcessListener, StartModelProcess } from './model-process.ts';
import type { ModelReply, ModelRequest } from './vision/model-protocol.ts';
import { KINDS, MODEL_PROTOCOL_VERSION, probeRow } from './vision/model-protocol.ts';

/** What the process does from now on. */
export type SimulatedModelTrouble =
  /** Answers in `answerMs`. */
  | 'none'
  /** Answers in `lateMs`. */
  | 'late'
  /** Ends when it is asked, and at each start. */
  | 'dies'
  /** Takes questions and answers none. */
  | 'hangs'
  /** Shares that are NaN. */
  | 'nan'
  /** Shares that add up to 3. */
  | 'nonsense'
  /** Refuses the file. */
  | 'refuses';

export interface SimulatedModelOptions {
  readonly answerMs: number;
  readonly lateMs: number;
  /** The opinion about one row. */
  readonly judge: (features: Float32Array) => Opinion;
}

/** Sure of one kind, whatever it is asked. */
export function alwaysSure(kind: keyof Opinion): () => Opinion {
  const opinion = { fire: 0, overheating: 0, warmBody: 0, hotObject: 0, other: 0, [kind]: 1 };
  return () => opinion;
}

export class SimulatedModel {
  trouble: SimulatedModelTrouble = 'none';
  /** How often a process was started, and how many questions it was asked. */
  starts = 0;
  /** Memory that the process says it has. */
  residentBytes = 50_000_000;
  asked = 0;
  readonly #options: SimulatedModelOptions;

  constructor(options: SimulatedModelOptions) {
    this.#options = options;
  }

  /** For a `ModelClassifier` that lives by the same clock. */
  startOn(clock: Clock): StartModelProcess {
    return (listener) => {
      this.starts += 1;
      return new SimulatedProcess(this, { ...this.#options, clock }, listener);
    };
  }
}

type ProcessOptions = SimulatedModelOptions & { readonly clock: Clock };

class SimulatedProcess implements ModelProcess {
  readonly #model: SimulatedModel;
  readonly #options: ProcessOptions;
  readonly #listener: ModelProcessListener;
  #over = false;
  #width = 1;
  #cancel: Cancel = () => undefined;

  constructor(model: SimulatedModel, options: ProcessOptions, listener: ModelProcessListener) {
    this.#model = model;
    this.#options = options;
    this.#listener = listener;
  }

  send(request: ModelRequest): void {
    const { clock, answerMs, lateMs } = this.#options;
    if (request.kind === 'judge') this.#model.asked += 1;
    const delayMs = this.#model.trouble === 'late' ? lateMs : answerMs;
    this.#cancel = clock.after(delayMs, () => this.#take(request));
  }

  kill(): void {
    this.#end('it was ended by SIGKILL');
  }

  #end(why: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancel();
    this.#options.clock.soon(() => this.#listener.ended(why));
  }

  #take(request: ModelRequest): void {
    const { trouble } = this.#model;
    if (this.#over || trouble === 'hangs') return;
    if (trouble === 'dies') this.#end('it was ended by SIGSEGV');
    else if (request.kind === 'open') this.#open(request.wanted.file, request.wanted.width);
    else this.#judge(request);
  }

  #open(file: string, width: number): void {
    if (this.#model.trouble === 'refuses') {
      const refusal = { file, problem: 'is not there', remedy: 'put it there' };
      this.#reply({ v: MODEL_PROTOCOL_VERSION, kind: 'refused', refusal });
      return;
    }
    this.#width = width;
    const probe = this.#beliefOf([probeRow(width)]);
    const facts = { sha256: 'simulated', bytes: 0, metadata: {}, probe, notes: [] };
    this.#reply({ v: MODEL_PROTOCOL_VERSION, kind: 'opened', facts });
  }

  #judge({ id, rows, features }: ModelRequest & { readonly kind: 'judge' }): void {
    const each = Array.from({ length: rows }, (_, i) =>
      features.subarray(i * this.#width, (i + 1) * this.#width),
    );
    const belief = this.#beliefOf(each);
    if (this.#model.trouble === 'nan') belief.fill(Number.NaN);
    if (this.#model.trouble === 'nonsense') belief.fill(3 / KINDS);
    const cost = { seconds: 0.0001, residentBytes: this.#model.residentBytes };
    this.#reply({ v: MODEL_PROTOCOL_VERSION, kind: 'belief', id, belief, ...cost });
  }

  #beliefOf(rows: readonly Float32Array[]): Float32Array {
    return Float32Array.from(
      rows.flatMap((row) => {
        const opinion = this.#options.judge(row);
        return SCENE_KINDS.map((kind) => opinion[kind]);
      }),
    );
  }

  #reply(reply: ModelReply): void {
    this.#listener.reply(reply);
  }
}
