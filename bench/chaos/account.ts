/**
 * Judges what was decided against what an independent subscriber got; pure, so that a test can plant
 * every kind of loss.
 */
import type { Received } from '../kill/verdict.ts';

/** One event as ring, journal or wire knew it. */
export interface Known {
  readonly lane: string;
  readonly seq: number;
  readonly id: string;
  /** As `Received.content`. */
  readonly content: string;
}

/** Numbers of a lane that the appliance has said are lost. */
export interface DeclaredGap {
  readonly lane: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly reason: string;
}

export interface Account {
  /** In order of arrival. */
  readonly received: readonly Received[];
  readonly gaps: readonly DeclaredGap[];
  /** Found in ring or journal after any kill. */
  readonly decided: readonly Known[];
  /** Ids whose PUBACK reached the appliance. */
  readonly acknowledged: ReadonlySet<string>;
  /** Ids whose every copy the fault has hit: a declared gap excuses their loss, and only that. */
  readonly destroyed: ReadonlySet<string>;
  /** Acknowledged by a broker that was killed, and still in the appliance's journal. */
  readonly lostByBroker: ReadonlySet<string>;
}

export const FINDINGS = [
  'lost',
  'undeclared',
  'differing',
  'clash',
  'outOfOrder',
  'idsDescend',
] as const;
export type Finding = (typeof FINDINGS)[number];

export interface Judged {
  /** Each names what it is about; all must be empty. */
  readonly findings: Readonly<Record<Finding, readonly string[]>>;
  /** Repetitions with the same content: at least once, as promised. */
  readonly repeated: number;
  readonly received: number;
  /** Ids that were lost and told: only those that the fault had destroyed. */
  readonly declaredLost: number;
}

export function judgeAccount(account: Account): Judged {
  const { received, decided, acknowledged, destroyed, lostByBroker } = account;
  const findings: Record<Finding, string[]> = {
    ...{ lost: [], undeclared: [], differing: [], clash: [], outOfOrder: [], idsDescend: [] },
  };
  const first = new Map<string, Received>();
  for (const event of received) {
    const known = first.get(event.id);
    if (known === undefined) first.set(event.id, event);
    else if (known.content !== event.content) findings.differing.push(event.id);
  }
  const isDeclared = declared(account.gaps);
  let declaredLost = 0;
  for (const { id, lane, seq, content } of decided) {
    const got = first.get(id);
    if (got !== undefined && got.content !== content) findings.differing.push(id);
    if (got !== undefined || lostByBroker.has(id)) continue;
    if (!destroyed.has(id)) findings.lost.push(`${lane} ${seq} ${id}`);
    else if (isDeclared(lane, seq)) declaredLost += 1;
    else findings.undeclared.push(`${lane} ${seq} ${id}`);
  }
  const known = new Set(decided.map(({ id }) => id));
  for (const id of acknowledged) {
    if (first.has(id) || known.has(id) || lostByBroker.has(id)) continue;
    findings.lost.push(`acknowledged ${id}`);
  }
  const unique = [...first.values()];
  clashes([...unique, ...decided], findings.clash);
  const excused = new Set(decided.filter(({ id }) => lostByBroker.has(id)).map(numberOf));
  for (const lane of new Set(unique.map((event) => event.lane))) {
    const events = unique.filter((event) => event.lane === lane);
    const covers = (seq: number) => isDeclared(lane, seq) || excused.has(`${lane} ${seq}`);
    numbering(lane, events, covers, findings);
  }
  const repeated = received.length - unique.length;
  return { findings, repeated, received: unique.length, declaredLost };
}

const numberOf = ({ lane, seq }: { lane: string; seq: number }): string => `${lane} ${seq}`;

function declared(gaps: readonly DeclaredGap[]): (lane: string, seq: number) => boolean {
  return (lane, seq) =>
    gaps.some((gap) => gap.lane === lane && gap.firstSeq <= seq && seq <= gap.lastSeq);
}

/** Two events with one number. */
function clashes(events: readonly Omit<Known, 'content'>[], found: string[]): void {
  const holders = new Map<string, string>();
  for (const event of events) {
    const number = numberOf(event);
    const holder = holders.get(number) ?? event.id;
    holders.set(number, holder);
    if (holder !== event.id) found.push(`${number}: ${holder} and ${event.id}`);
  }
}

/** A lane must arrive in order, with ascending ids, and with no number missing that nobody told. */
function numbering(
  lane: string,
  events: readonly Received[],
  covers: (seq: number) => boolean,
  findings: Record<Finding, string[]>,
): void {
  let newest = 0;
  for (const { seq } of events) {
    if (seq < newest) findings.outOfOrder.push(`${lane} ${seq} after ${newest}`);
    newest = Math.max(newest, seq);
  }
  const sorted = [...events].sort((a, b) => a.seq - b.seq);
  let before = { seq: 0, id: '' };
  for (const event of sorted) {
    const { seq, id } = event;
    if (id <= before.id) findings.idsDescend.push(`${lane} ${seq}: ${id} after ${before.id}`);
    const [from, to] = [before.seq + 1, seq - 1];
    before = event;
    if (from > to) continue;
    const hole = firstUncovered(from, to, covers);
    if (hole !== null) findings.undeclared.push(`${lane} ${hole} is missing before ${seq}`);
  }
}

/** A jump to the seconds since 1970 is covered as a whole or not: its ends and samples tell. */
const MOST_LOOKED_AT = 2000;

function firstUncovered(from: number, to: number, covers: (seq: number) => boolean): number | null {
  const step = Math.max(1, Math.ceil((to - from + 1) / MOST_LOOKED_AT));
  for (let seq = from; seq <= to; seq += step) if (!covers(seq)) return seq;
  return covers(to) ? null : to;
}
