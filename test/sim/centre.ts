/** The central server: takes what the broker took, once per id, and knows what is missing. */
import type { JournalEvent, Lane } from '../../src/domain/event.ts';
import { LANES } from '../../src/domain/event.ts';
import type { SimulatedBroker } from '../../src/uplink/simulated-link.ts';
import type { Scoreboard } from './invariants.ts';
import { ROOT } from './site.ts';

interface Range {
  readonly firstSeq: number;
  readonly lastSeq: number;
}

export interface Answer {
  readonly ok: boolean;
  readonly detail: string;
}

export class Centre {
  /** By id, the first copy that came. */
  readonly events = new Map<string, JournalEvent>();
  readonly answers = new Map<string, Answer>();
  duplicates = 0;
  readonly #broker: SimulatedBroker;
  readonly #score: Scoreboard;
  readonly #onEvent: (id: string) => void;
  readonly #idOf = new Map<string, string>();
  readonly #textOf = new Map<string, string>();
  readonly #last: Record<Lane, number> = {
    alarm: 0,
    fault: 0,
    operator: 0,
    system: 0,
  };
  readonly #missing: Record<Lane, Range[]> = {
    alarm: [],
    fault: [],
    operator: [],
    system: [],
  };
  readonly #gaps: (Range & { readonly lane: string })[] = [];
  #read = 0;

  constructor(broker: SimulatedBroker, score: Scoreboard, onEvent: (id: string) => void) {
    this.#broker = broker;
    this.#score = score;
    this.#onEvent = onEvent;
  }

  /** Takes what has come since the last call. */
  read(): void {
    const { accepted } = this.#broker;
    for (; this.#read < accepted.length; this.#read++) {
      const { topic, payload } = accepted[this.#read]!;
      if (topic.startsWith(`${ROOT}/event/`)) this.#take(payload);
      else if (topic === `${ROOT}/gap`) this.#gaps.push(JSON.parse(payload) as never);
      else if (topic === `${ROOT}/response`) {
        const answer = JSON.parse(payload) as Answer & { requestId: string };
        this.answers.set(answer.requestId, answer);
      }
    }
  }

  /** Ranges that never came and that no gap record explains. */
  unexplained(): readonly string[] {
    return LANES.flatMap((lane) =>
      this.#missing[lane]
        .filter(({ firstSeq, lastSeq }) => !this.#isExplained(lane, firstSeq, lastSeq))
        .map(({ firstSeq, lastSeq }) => `${lane} ${firstSeq}..${lastSeq}`),
    );
  }

  #isExplained(lane: Lane, firstSeq: number, lastSeq: number): boolean {
    const gaps = this.#gaps
      .filter((gap) => gap.lane === lane)
      .sort((a, b) => a.firstSeq - b.firstSeq);
    let next = firstSeq;
    for (const gap of gaps) if (gap.firstSeq <= next) next = Math.max(next, gap.lastSeq + 1);
    return next > lastSeq;
  }

  #take(payload: string): void {
    const event = JSON.parse(payload) as JournalEvent & { historical?: true };
    delete event.historical;
    const text = JSON.stringify(event);
    const { id, lane, seq } = event;
    const number = `${lane}/${seq}`;
    const known = this.#textOf.get(id);
    if (known !== undefined) {
      this.duplicates += 1;
      const same = (): string => `id ${id} stands for two contents`;
      this.#score.expect('oneNumberOneEvent', known === text, same);
      return;
    }
    const holder = this.#idOf.get(number);
    const two = (): string => `${number} stands for ${holder} and ${id} (${event.type})`;
    this.#score.expect('oneNumberOneEvent', holder === undefined, two);
    this.#idOf.set(number, id);
    this.#textOf.set(id, text);
    this.events.set(id, event);
    const last = this.#last[lane];
    const late = (): string => `${number} came after ${lane}/${last}`;
    this.#score.expect('deliveredInOrder', seq > last, late);
    if (seq > last + 1) this.#missing[lane].push({ firstSeq: last + 1, lastSeq: seq - 1 });
    this.#last[lane] = Math.max(last, seq);
    this.#onEvent(id);
  }
}
