/**
 * What a central server knew before each cut, and what it knows in the end. Committed is what a
 * published head of the hash chain covers; published is what arrived. Both must be there, once.
 */
import { genesisHash, linkHash } from '../../src/store/chain.ts';
import type { Lane } from '../../src/domain/event.ts';
import { LANES } from '../../src/domain/event.ts';

export interface Arrived {
  readonly topic: string;
  readonly text: string;
}

interface Known {
  readonly id: string;
  /** The event as it was journalled. */
  readonly json: string;
}

interface DeclaredGap {
  readonly lane: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly reason: string;
}

/** Reasons of gaps that say: this is not in the journal. Others say: it may not come any more. */
const LOST: ReadonlySet<string> = new Set(['storeBehind', 'storeDamaged', 'storeSetAside']);

export interface Head {
  readonly seq: number;
  readonly hash: string;
}

export class Ledger {
  readonly problems: string[] = [];
  duplicates = 0;
  events = 0;
  readonly #lanes = new Map<Lane, Map<number, Known>>(LANES.map((lane) => [lane, new Map()]));
  readonly #ids = new Map<string, string>();
  /** Every head that was ever published: each must stay true. */
  readonly #heads = new Map<Lane, Map<number, string>>(LANES.map((lane) => [lane, new Map()]));
  readonly #gaps: DeclaredGap[] = [];

  take({ topic, text }: Arrived): void {
    if (topic.endsWith('/state')) this.#takeState(text);
    else if (topic.endsWith('/gap')) this.#gaps.push(JSON.parse(text) as DeclaredGap);
    else if (topic.includes('/event/')) this.#takeEvent(text);
  }

  /** Highest number that a head has covered. */
  committed(lane: Lane): number {
    return Math.max(0, ...(this.#heads.get(lane)?.keys() ?? []));
  }

  /** What has arrived of a lane, in order of numbers. */
  lane(lane: Lane): readonly { readonly seq: number; readonly type: string }[] {
    const events = [...(this.#lanes.get(lane)?.values() ?? [])];
    return events
      .map(({ json }) => JSON.parse(json) as { readonly seq: number; readonly type: string })
      .sort((a, b) => a.seq - b.seq);
  }

  /** The newest published head of each lane is proven by what has arrived: nothing is missing. */
  isComplete(): boolean {
    return LANES.every((lane) => {
      const last = this.committed(lane);
      const said = this.#heads.get(lane)?.get(last);
      return said === undefined || this.#chain(lane).get(last) === said;
    });
  }

  /** What of the newest heads is not proven yet, for people. */
  missing(): readonly string[] {
    return LANES.flatMap((lane) => {
      const last = this.committed(lane);
      const said = this.#heads.get(lane)?.get(last);
      const chain = this.#chain(lane);
      if (said === undefined || chain.get(last) === said) return [];
      const seqs = [...chain.keys()].slice(-8).join(' ');
      return [`${lane}: head ${last} is not proven; arrived last: ${seqs}`];
    });
  }

  /** To be asked once all should have arrived. */
  finish(): readonly string[] {
    return [...this.problems, ...LANES.flatMap((lane) => this.#chainProblems(lane))];
  }

  /** Ranges of events that the appliance said it has lost, with its reasons. */
  get declared(): readonly string[] {
    return this.#gaps
      .filter(({ lane }) => lane !== 'telemetry')
      .map(({ lane, firstSeq, lastSeq, reason }) => `${lane} ${firstSeq}..${lastSeq} ${reason}`);
  }

  get headsChecked(): number {
    return [...this.#heads.values()].reduce((sum, heads) => sum + heads.size, 0);
  }

  /**
   * Every head that was ever published must be that of the events which arrived: one that is
   * missing or differs changes all heads behind it.
   */
  #chainProblems(lane: Lane): readonly string[] {
    const chain = this.#chain(lane);
    for (const [seq, said] of [...(this.#heads.get(lane) ?? [])].sort(([a], [b]) => a - b)) {
      if (chain.get(seq) === said) continue;
      const has = chain.has(seq) ? `the chain gives ${chain.get(seq) ?? ''}` : 'it never arrived';
      return [`${lane} ${seq} was committed with hash ${said}: ${has}`];
    }
    return [];
  }

  /** Told as lost from the journal, though it had been published from memory: nobody lacks it. */
  #isOutOfJournal(lane: Lane, seq: number): boolean {
    return this.#gaps.some(
      (gap) =>
        gap.lane === lane && LOST.has(gap.reason) && gap.firstSeq <= seq && seq <= gap.lastSeq,
    );
  }

  /** The hash of each event that arrived. Numbers may jump: the chain goes from event to event. */
  #chain(lane: Lane): ReadonlyMap<number, string> {
    const hashes = new Map<number, string>();
    let hash = genesisHash(lane);
    const events = [...(this.#lanes.get(lane) ?? [])].sort(([a], [b]) => a - b);
    for (const [seq, { json }] of events) {
      if (this.#isOutOfJournal(lane, seq)) continue;
      hash = linkHash(hash, json);
      hashes.set(seq, hash);
    }
    return hashes;
  }

  #takeState(text: string): void {
    const { journal = {} } = JSON.parse(text) as { journal?: Partial<Record<Lane, Head>> };
    for (const [lane, head] of Object.entries(journal) as [Lane, Head][]) {
      const heads = this.#heads.get(lane);
      const before = heads?.get(head.seq);
      if (before !== undefined && before !== head.hash) {
        this.problems.push(`${lane} ${head.seq} was published with two hashes`);
      }
      heads?.set(head.seq, head.hash);
    }
  }

  #takeEvent(text: string): void {
    // What is old is marked at the very end; the journal has it without the mark.
    const json = text.replace(/,"historical":true\}$/, '}');
    const { lane, seq, id } = JSON.parse(json) as { lane: Lane; seq: number; id: string };
    this.events += 1;
    const known = this.#lanes.get(lane)?.get(seq);
    if (known === undefined) {
      if (this.#ids.has(id)) this.problems.push(`id ${id} stands for two events`);
      this.#ids.set(id, json);
      this.#lanes.get(lane)?.set(seq, { id, json });
      return;
    }
    this.duplicates += 1;
    if (known.json !== json) this.problems.push(`${lane} ${seq} arrived with two contents`);
  }
}
