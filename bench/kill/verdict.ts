/** Judges what an independent subscriber got; pure, so that a test can plant every kind of loss. */

/** One event as the subscriber got it, in order of arrival. */
export interface Received {
  readonly lane: string;
  readonly seq: number;
  readonly id: string;
  readonly type: string;
  readonly bootId: string;
  /** The payload without `historical`, which says how late it was and not what it says. */
  readonly content: string;
}

export interface Account {
  /** Ids found in ring or journal after any kill and at the end. */
  readonly decided: ReadonlySet<string>;
  /** Ids whose PUBACK reached the appliance. */
  readonly acknowledged: ReadonlySet<string>;
  readonly received: readonly Received[];
  /** Commands that were answered with `ok`, and those that an operator event tells of. */
  readonly commandsAnswered: ReadonlySet<string>;
  readonly commandsTold: ReadonlySet<string>;
  /** Kills at which the siren had risen and no alarm of that moment was on record. */
  readonly risesWithoutAlarm: readonly string[];
}

export interface Judgement {
  readonly decided: number;
  readonly acknowledged: number;
  readonly received: number;
  readonly duplicates: number;
  readonly alarms: number;
  readonly commandsAnswered: number;
  /** All of these have to be empty. */
  readonly violations: {
    readonly missing: readonly string[];
    readonly differingDuplicates: readonly string[];
    readonly gaps: readonly string[];
    readonly numbersUsedTwice: readonly string[];
    readonly outOfOrder: readonly string[];
    readonly commandsWithoutEvent: readonly string[];
    readonly risesWithoutAlarm: readonly string[];
  };
  readonly ok: boolean;
}

export function judge(account: Account): Judgement {
  const { decided, acknowledged, commandsAnswered, commandsTold } = account;
  const first = new Map<string, Received>();
  const differingDuplicates: string[] = [];
  for (const event of account.received) {
    const known = first.get(event.id);
    if (known === undefined) first.set(event.id, event);
    else if (known.content !== event.content) differingDuplicates.push(event.id);
  }
  const unique = [...first.values()];
  const expected = new Set([...decided, ...acknowledged]);
  const violations = {
    missing: [...expected].filter((id) => !first.has(id)),
    differingDuplicates,
    ...numbering(unique),
    commandsWithoutEvent: [...commandsAnswered].filter((id) => !commandsTold.has(id)),
    risesWithoutAlarm: account.risesWithoutAlarm,
  };
  return {
    decided: decided.size,
    acknowledged: acknowledged.size,
    received: unique.length,
    duplicates: account.received.length - unique.length,
    alarms: unique.filter(({ type }) => type === 'alarm').length,
    commandsAnswered: commandsAnswered.size,
    violations,
    ok: Object.values(violations).every((found) => found.length === 0),
  };
}

/** Each lane must hold 1, 2, 3, ... once each, in the order of first arrival. */
function numbering(events: readonly Received[]) {
  const gaps: string[] = [];
  const numbersUsedTwice: string[] = [];
  const outOfOrder: string[] = [];
  for (const lane of new Set(events.map((event) => event.lane))) {
    const seqs = events.filter((event) => event.lane === lane).map(({ seq }) => seq);
    const known = new Set<number>();
    let newest = 0;
    for (const seq of seqs) {
      if (known.has(seq)) numbersUsedTwice.push(`${lane} ${seq}`);
      else if (seq < newest) outOfOrder.push(`${lane} ${seq} after ${newest}`);
      known.add(seq);
      newest = Math.max(newest, seq);
    }
    for (let seq = 1; seq <= newest; seq += 1) if (!known.has(seq)) gaps.push(`${lane} ${seq}`);
  }
  return { gaps, numbersUsedTwice, outOfOrder };
}
