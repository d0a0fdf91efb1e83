/**
 * A classifier in a process of its own, supervised: started again when it dies, hangs or answers
 * nonsense, doubted when it is late. Only while it is `up` a question gets an opinion; in every
 * other state the rules decide alone, and a fault says so.
 *
 *   waiting ──► opening ──first time──► up ──3 late in a row──► doubted
 *      ▲           │ └──after trouble──► doubted ──3 trial answers in time──► up
 *      └─ refused, died, hung, nonsense: from every state, back after a wait ─┘
 */
import type { Cancel } from './domain/ports.ts';
import { Backoff } from './hal/backoff.ts';
import type { ModelProcess } from './model-process.ts';
import { QuestionQueue } from './model-queue.ts';
import type { ModelCounters, ModelOptions, ModelParts, ModelVerdict } from './model-terms.ts';
import { ModelFaults } from './model-terms.ts';
import type { Classifier, ClassifierAnswer } from './vision/classifier.ts';
import { differenceTo, opinionIn, troubleInRows } from './vision/model-belief.ts';
import type { ModelFacts, ModelRefusal, ModelReply } from './vision/model-protocol.ts';
import {
  MODEL_PROTOCOL_VERSION,
  probeRow,
  readReply,
  refusalText,
} from './vision/model-protocol.ts';

/** An ordinary start takes a tenth of a second, on a small Pi some. */
const OPEN_MS = 30_000;
/** A question takes well below a millisecond: this is no matter of load. */
const HANG_MS = 5_000;
const RETRY = { firstMs: 1_000, longestMs: 60_000 };
/** A file that was refused may be replaced while the appliance runs. */
const RETRY_REFUSED = { firstMs: 10_000, longestMs: 300_000 };
/** A process that lived for so long was good: the next death starts with short waits again. */
const GOOD_AFTER_MS = 300_000;
const LATE_IN_A_ROW = 3;
const GOOD_TRIALS = 3;
const TRIAL_MS = 10_000;
const TRIAL_DOUBTED_MS = 1_000;
/** The same question gets the same answer, but for the last digits of another batch size. */
const TRIAL_TOLERANCE = 1e-3;
const LARGEST_RESIDENT_BYTES = 400_000_000;

type State = 'waiting' | 'opening' | 'doubted' | 'up' | 'closed';

export class ModelClassifier implements Classifier {
  readonly counters: ModelCounters = {
    answered: 0,
    restarts: 0,
    dropped: { busy: 0, late: 0, gone: 0, bad: 0 },
    residentBytes: 0,
  };
  readonly #options: ModelOptions;
  readonly #parts: ModelParts;
  readonly #queue: QuestionQueue;
  readonly #faults: ModelFaults;
  readonly #deaths: Backoff;
  readonly #refusals: Backoff;
  readonly #trial: Float32Array;
  readonly #decided: Promise<ModelVerdict>;
  #decide: (verdict: ModelVerdict) => void = () => undefined;
  #state: State = 'waiting';
  /** Why no question is answered, while none is. */
  #why = 'the model is being loaded';
  #process: ModelProcess | null = null;
  #over: Promise<void> = Promise.resolve();
  #facts: ModelFacts | null = null;
  #starts = 0;
  #openedAtMs = 0;
  #lateInARow = 0;
  #goodTrials = 0;
  #trialAtMs: number | null = null;
  #lateAtMs = -Infinity;
  /** Of the answer, or the opening, that is waited for. */
  #cancelWatch: Cancel = () => undefined;
  /** Of what the state does next. */
  #cancelNext: Cancel = () => undefined;

  /** Starts the process at once and waits for nothing. */
  constructor(options: ModelOptions, parts: ModelParts) {
    this.#options = options;
    this.#parts = parts;
    this.#queue = new QuestionQueue({
      clock: parts.clock,
      width: options.wanted.width,
      deadlineMs: options.deadlineMs,
      onLate: () => this.#late(),
    });
    this.#faults = new ModelFaults(parts.onFault);
    this.#deaths = new Backoff(RETRY, parts.random);
    this.#refusals = new Backoff(RETRY_REFUSED, parts.random);
    this.#trial = probeRow(options.wanted.width);
    this.#decided = new Promise((resolve) => {
      this.#decide = resolve;
    });
    this.#start();
  }

  /** How the first attempt to open the model ended. */
  ready(): Promise<ModelVerdict> {
    return this.#decided;
  }

  async classify(features: Float32Array): Promise<ClassifierAnswer> {
    const answer = await this.#ask(features);
    if (answer.ok) this.counters.answered += 1;
    else this.counters.dropped[answer.kind] += 1;
    return answer;
  }

  /** Ends the process; resolves when it is gone. */
  close(): Promise<void> {
    if (this.#state !== 'closed') {
      this.#leave('closed', 'the model is closed');
      this.#decide({ ok: false, refusal: null, detail: this.#why });
      this.#end('gone');
    }
    return this.#over;
  }

  #ask(features: Float32Array): Promise<ClassifierAnswer> {
    if (this.#state !== 'up') {
      const kind = this.#faults.standing === 'modelLate' ? 'late' : 'gone';
      return Promise.resolve({ ok: false, kind, message: this.#why });
    }
    const asked = this.#queue.ask(features);
    this.#pump();
    return asked;
  }

  #start(): void {
    this.#leave('opening', this.#why);
    if (this.#starts > 0) this.counters.restarts += 1;
    this.#starts += 1;
    this.#over = new Promise((resolve) => {
      const started = this.#parts.start({
        reply: (value) => {
          if (this.#process === started) this.#reply(value);
        },
        ended: (why) => {
          resolve();
          if (this.#process === started) this.#failed('gone', `its process is gone: ${why}`);
        },
      });
      this.#process = started;
      started.send({ v: MODEL_PROTOCOL_VERSION, kind: 'open', wanted: this.#options.wanted });
    });
    this.#cancelWatch = this.#parts.clock.after(OPEN_MS, () =>
      this.#failed('gone', `it did not load within ${OPEN_MS / 1000} s`),
    );
  }

  /** @param why no question is answered in the new state. */
  #leave(next: State, why: string): void {
    this.#cancelNext();
    this.#state = next;
    this.#why = why;
  }

  /** Ends the process; who waits for its answer hears why there is none. */
  #end(kind: 'gone' | 'late' | 'bad'): void {
    const process = this.#process;
    this.#process = null;
    process?.kill();
    this.#cancelWatch();
    this.#trialAtMs = null;
    this.#queue.drop(kind, this.#why);
  }

  #reply(value: unknown): void {
    const reply = readReply(value);
    if (this.#state === 'closed') return;
    if (reply === null) {
      this.#failed('bad', 'its process speaks another version: install the appliance again');
    } else if (reply.kind === 'opened') this.#opened(reply.facts);
    else if (reply.kind === 'refused') this.#refused(reply.refusal);
    else if (reply.kind === 'failed') this.#failed('bad', `it failed: ${reply.message}`);
    else this.#believed(reply);
  }

  #opened(facts: ModelFacts): void {
    this.#cancelWatch();
    this.#facts = facts;
    this.#openedAtMs = this.#parts.clock.monotonicMs();
    this.#refusals.reset();
    this.#decide({ ok: true, facts });
    if (this.#faults.standing === null) this.#trust();
    else this.#doubt(this.#why);
  }

  #trust(): void {
    this.#leave('up', '');
    this.#lateInARow = 0;
    this.#faults.set(null, 'answers again');
    this.#cancelNext = this.#parts.clock.after(TRIAL_MS, () => this.#try());
  }

  /** The process stays and is tried once a second until it has proved itself. */
  #doubt(why: string): void {
    this.#leave('doubted', why);
    this.#goodTrials = 0;
    this.#cancelNext = this.#parts.clock.after(TRIAL_DOUBTED_MS, () => this.#try());
  }

  #try(): void {
    const nextMs = this.#state === 'up' ? TRIAL_MS : TRIAL_DOUBTED_MS;
    this.#cancelNext = this.#parts.clock.after(nextMs, () => this.#try());
    if (this.#parts.clock.monotonicMs() - this.#openedAtMs >= GOOD_AFTER_MS) this.#deaths.reset();
    if (this.#queue.isBusy) return;
    this.#trialAtMs = this.#parts.clock.monotonicMs();
    this.#send(this.#queue.takeTrial(), 1, this.#trial);
  }

  #pump(): void {
    const batch = this.#queue.isBusy ? null : this.#queue.take();
    if (batch !== null) this.#send(batch.id, batch.rows, batch.features);
  }

  #send(id: number, rows: number, features: Float32Array): void {
    this.#process?.send({ v: MODEL_PROTOCOL_VERSION, kind: 'judge', id, rows, features });
    this.#cancelWatch = this.#parts.clock.after(HANG_MS, () =>
      this.#failed('late', `it did not answer within ${HANG_MS / 1000} s`),
    );
  }

  #believed({ id, belief, seconds, residentBytes }: ModelReply & { kind: 'belief' }): void {
    this.counters.residentBytes = residentBytes;
    this.#cancelWatch();
    const rows = this.#queue.rowsOf(id);
    const trouble = rows === null ? 'an answer to no question' : troubleInRows(belief, rows);
    if (trouble !== null) {
      this.#failed('bad', `it answers nonsense: ${trouble}`);
      return;
    }
    if (residentBytes > LARGEST_RESIDENT_BYTES) {
      this.#failed('gone', `its process holds ${Math.round(residentBytes / 1e6)} MB`);
      return;
    }
    if (this.#trialAtMs !== null) this.#tried(belief, this.#trialAtMs);
    else {
      const totals = this.#queue.answer((row) => opinionIn(belief, row));
      if (totals.length > 0) this.#lateInARow = 0;
      for (const total of totals) this.#parts.onAnswered?.(total, seconds);
    }
    if (this.#state === 'up') this.#pump();
  }

  #tried(belief: Float32Array, askedAtMs: number): void {
    this.#trialAtMs = null;
    this.#queue.answer(() => null);
    const expected = this.#facts?.probe ?? belief;
    if (differenceTo(expected, belief, 0) > TRIAL_TOLERANCE) {
      this.#failed('bad', 'it answers a known question otherwise than when it was loaded');
      return;
    }
    if (this.#parts.clock.monotonicMs() - askedAtMs > this.#options.deadlineMs) this.#late();
    else if (this.#state === 'up') this.#lateInARow = 0;
    else if (++this.#goodTrials >= GOOD_TRIALS) this.#trust();
  }

  #late(): void {
    const { deadlineMs } = this.#options;
    const nowMs = this.#parts.clock.monotonicMs();
    this.#goodTrials = 0;
    // Many questions that wait for one slow answer are late once.
    if (nowMs - this.#lateAtMs < deadlineMs) return;
    this.#lateAtMs = nowMs;
    this.#lateInARow += 1;
    if (this.#state !== 'up' || this.#lateInARow < LATE_IN_A_ROW) return;
    const detail =
      `${LATE_IN_A_ROW} answers in a row took longer than ${deadlineMs} ms: the machine is ` +
      'overloaded: look at its load, or raise model.deadlineMs';
    this.#doubt(detail);
    this.#queue.refuse('late', detail);
    this.#faults.set('modelLate', `${detail}; the rules decide alone`);
  }

  #refused(refusal: ModelRefusal): void {
    const detail = refusalText(refusal);
    this.#decide({ ok: false, refusal, detail });
    this.#giveUp('gone', detail, this.#refusals);
    this.#faults.set('modelUnavailable', `${detail}; the rules decide alone`);
  }

  #failed(kind: 'gone' | 'late' | 'bad', what: string): void {
    if (this.#state === 'closed' || this.#state === 'waiting') return;
    const { file } = this.#options.wanted;
    const detail = `${file}: ${what}: if that goes on, try embereye model check ${file}`;
    this.#decide({ ok: false, refusal: null, detail });
    this.#giveUp(kind, detail, this.#deaths);
    this.#faults.set('modelFailing', `${detail}; the rules decide alone`);
  }

  #giveUp(kind: 'gone' | 'late' | 'bad', detail: string, waits: Backoff): void {
    this.#leave('waiting', detail);
    this.#end(kind);
    this.#cancelNext = this.#parts.clock.after(waits.nextMs(), () => this.#start());
  }
}
