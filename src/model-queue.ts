/** Questions that wait for the model, each with its own deadline; they go out in batches. */
import type { Cancel, Clock } from './domain/ports.ts';
import type { Opinion } from './domain/opinion.ts';
import type { ClassifierAnswer } from './vision/classifier.ts';

/** More hot regions at once than a hundred arrays show; the rest is told that it is busy. */
const MOST_WAITING = 128;
/** Rows of one inference: bounds how long one takes. */
const MOST_IN_A_BATCH = 64;

interface Question {
  readonly features: Float32Array;
  readonly askedAtMs: number;
  /** Null once answered. */
  resolve: ((answer: ClassifierAnswer) => void) | null;
  cancel: Cancel;
}

export interface Batch {
  readonly id: number;
  readonly rows: number;
  /** `rows` x `width`. */
  readonly features: Float32Array;
}

export interface QueueParts {
  readonly clock: Clock;
  readonly width: number;
  readonly deadlineMs: number;
  /** A question has passed its deadline. */
  readonly onLate: () => void;
}

export class QuestionQueue {
  readonly #parts: QueueParts;
  #waiting: Question[] = [];
  /** What is being worked at; empty for a trial. */
  #inWork: { readonly id: number; readonly questions: readonly Question[] } | null = null;
  #lastId = 0;

  constructor(parts: QueueParts) {
    this.#parts = parts;
  }

  /** Whether something is being worked at. */
  get isBusy(): boolean {
    return this.#inWork !== null;
  }

  /** Copies the row; resolves within the deadline. */
  ask(features: Float32Array): Promise<ClassifierAnswer> {
    const { clock, width, deadlineMs, onLate } = this.#parts;
    if (features.length !== width) {
      const message = `${features.length} features where the model takes ${width}`;
      return Promise.resolve({ ok: false, kind: 'bad', message });
    }
    if (this.#waiting.length >= MOST_WAITING) {
      const message = `${MOST_WAITING} questions are waiting`;
      return Promise.resolve({ ok: false, kind: 'busy', message });
    }
    return new Promise((resolve) => {
      const question: Question = {
        features: features.slice(),
        askedAtMs: clock.monotonicMs(),
        resolve,
        cancel: clock.after(deadlineMs, () => {
          const message = `no answer within ${deadlineMs} ms`;
          settle(question, { ok: false, kind: 'late', message });
          this.#waiting = this.#waiting.filter((other) => other !== question);
          onLate();
        }),
      };
      this.#waiting.push(question);
    });
  }

  /** The next questions, oldest first; null when none waits. */
  take(): Batch | null {
    const questions = this.#waiting.splice(0, MOST_IN_A_BATCH);
    if (questions.length === 0) return null;
    const { width } = this.#parts;
    const features = new Float32Array(questions.length * width);
    for (const [i, question] of questions.entries()) features.set(question.features, i * width);
    this.#inWork = { id: ++this.#lastId, questions };
    return { id: this.#lastId, rows: questions.length, features };
  }

  /** A row that nobody waits for is being worked at. @returns its number. */
  takeTrial(): number {
    this.#inWork = { id: ++this.#lastId, questions: [] };
    return this.#lastId;
  }

  /** Rows of what is being worked at; null when it has another number. */
  rowsOf(id: number): number | null {
    if (this.#inWork?.id !== id) return null;
    return Math.max(1, this.#inWork.questions.length);
  }

  /**
   * Answers what was being worked at, but for what is late.
   * @returns seconds from question to answer of each.
   */
  answer(opinionOf: (row: number) => Opinion | null): readonly number[] {
    const nowMs = this.#parts.clock.monotonicMs();
    const totals: number[] = [];
    for (const [row, question] of (this.#inWork?.questions ?? []).entries()) {
      const opinion = question.resolve === null ? null : opinionOf(row);
      if (opinion === null) continue;
      settle(question, { ok: true, opinion });
      totals.push((nowMs - question.askedAtMs) / 1000);
    }
    this.#inWork = null;
    return totals;
  }

  /** Tells all who wait that there will be no answer; what is being worked at goes on. */
  refuse(kind: 'late' | 'gone' | 'bad', message: string): void {
    for (const question of [...(this.#inWork?.questions ?? []), ...this.#waiting]) {
      settle(question, { ok: false, kind, message });
    }
    this.#waiting = [];
  }

  /** As `refuse`; and nothing is being worked at any more. */
  drop(kind: 'late' | 'gone' | 'bad', message: string): void {
    this.refuse(kind, message);
    this.#inWork = null;
  }
}

function settle(question: Question, answer: ClassifierAnswer): void {
  question.cancel();
  question.resolve?.(answer);
  question.resolve = null;
}
