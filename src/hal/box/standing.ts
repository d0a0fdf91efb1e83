/** From looks to faults: what lasts is raised, what has passed for good is restored. */
import type { FaultNotice } from '../../domain/step.ts';
import type { BoxCondition, BoxFault, Verdict } from './report.ts';

/** Looks in a row that make a fault, except where a condition says that one is enough. */
export const RAISE_AFTER = 2;
const RESTORE_AFTER = 2;
/** A weak supply comes and goes with every load: a minute of quiet, or the journal fills. */
const CALM_LOOKS: Readonly<Partial<Record<BoxFault, number>>> = { undervoltage: 6, throttled: 6 };

interface Standing {
  raised: boolean;
  bad: number;
  good: number;
}

/** One judgement of each fault: the worst counts and all details of that verdict are told. */
export function worstOf(conditions: readonly BoxCondition[]): readonly BoxCondition[] {
  const order: Readonly<Record<Verdict, number>> = { bad: 0, between: 1, good: 2 };
  const faults = [...new Set(conditions.map(({ fault }) => fault))];
  return faults.flatMap((fault) => {
    const same = conditions.filter((condition) => condition.fault === fault);
    const [worst] = [...same].sort((a, b) => order[a.verdict] - order[b.verdict]);
    if (worst === undefined) return [];
    const alike = same.filter(({ verdict }) => verdict === worst.verdict);
    const detail = alike.map((one) => one.detail).join('; ');
    return [{ ...worst, detail, immediate: alike.some(({ immediate }) => immediate === true) }];
  });
}

export class StandingFaults {
  readonly #standing = new Map<BoxFault, Standing>();

  /** Takes one look; returns what has changed. What a look does not mention stays as it is. */
  look(conditions: readonly BoxCondition[]): readonly FaultNotice[] {
    return worstOf(conditions).flatMap((condition) => this.#judge(condition));
  }

  #judge({ fault, verdict, detail, immediate }: BoxCondition): readonly FaultNotice[] {
    const now = this.#standing.get(fault) ?? { raised: false, bad: 0, good: 0 };
    this.#standing.set(fault, now);
    now.bad = verdict === 'bad' ? now.bad + 1 : 0;
    now.good = verdict === 'good' ? now.good + 1 : 0;
    const raises = now.bad >= (immediate === true ? 1 : RAISE_AFTER);
    const restores = now.good >= (CALM_LOOKS[fault] ?? RESTORE_AFTER);
    if (now.raised ? !restores : !raises) return [];
    now.raised = !now.raised;
    return [{ fault, subject: 'box', raised: now.raised, detail }];
  }
}
