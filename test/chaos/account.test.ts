/** The chaos proof must be able to fail: each kind of loss is planted once. */
import { describe, expect, it } from 'vitest';
import {
  type Account,
  type Finding,
  FINDINGS,
  judgeAccount,
  type Known,
} from '../../bench/chaos/account.ts';
import type { Received } from '../../bench/kill/verdict.ts';

const event = (seq: number, more: Partial<Received> = {}): Received => ({
  ...{ lane: 'alarm', seq, id: `id-${seq}`, type: 'alarm', bootId: 'boot-1' },
  content: `content ${seq}`,
  ...more,
});

const known = (seq: number, more: Partial<Known> = {}): Known => {
  return { lane: 'alarm', seq, id: `id-${seq}`, content: `content ${seq}`, ...more };
};

const sound: Account = {
  received: [event(1), event(2), event(2), event(3), event(1, { lane: 'fault', id: 'fault-1' })],
  gaps: [],
  decided: [known(1), known(2), known(3)],
  acknowledged: new Set(['id-1', 'id-2']),
  destroyed: new Set(),
  lostByBroker: new Set(),
};

/** What is found once `change` is planted. */
function foundIn(change: Partial<Account>): Finding[] {
  const { findings } = judgeAccount({ ...sound, ...change });
  return FINDINGS.filter((name) => findings[name].length > 0);
}

const gap = (firstSeq: number, lastSeq: number, lane = 'alarm') => {
  return { lane, firstSeq, lastSeq, reason: 'storeSetAside' };
};

describe('the account of the chaos proof', () => {
  it('a sound one has no findings; repetitions are counted', () => {
    expect(foundIn({})).toEqual([]);
    expect(judgeAccount(sound)).toMatchObject({ received: 4, repeated: 1, declaredLost: 0 });
  });

  it.each<[Finding, string, Partial<Account>]>([
    ['lost', 'decided and never received', { decided: [...sound.decided, known(4)] }],
    ['lost', 'acknowledged and never received', { acknowledged: new Set(['id-9']) }],
    [
      'lost',
      'decided, not destroyed, and a gap declared over it',
      { decided: [...sound.decided, known(4)], gaps: [gap(1, 9)] },
    ],
    [
      'undeclared',
      'destroyed, and no gap tells of it',
      { decided: [...sound.decided, known(4)], destroyed: new Set(['id-4']) },
    ],
    ['undeclared', 'a number that nobody knows', { received: [event(1), event(4)], decided: [] }],
    [
      'undeclared',
      'a gap of another lane',
      { received: [event(1), event(4)], decided: [], gaps: [gap(2, 3, 'fault')] },
    ],
    [
      'undeclared',
      'a gap that ends too soon',
      { received: [event(1), event(4)], decided: [], gaps: [gap(2, 2)] },
    ],
    [
      'differing',
      'told twice in different words',
      { received: [event(1), event(1, { content: 'x' })] },
    ],
    ['differing', 'told in other words than recorded', { decided: [known(1, { content: 'x' })] }],
    ['clash', 'two ids with one number', { received: [event(1), event(1, { id: 'id-1b' })] }],
    ['clash', 'a recorded id and a received one', { decided: [known(1, { id: 'id-0' })] }],
    ['outOfOrder', 'a late one', { received: [event(2), event(1), event(3)] }],
    [
      'idsDescend',
      'an id below the one before',
      { received: [event(1), event(2, { id: 'id-0' })] },
    ],
  ])('finds planted %s: %s', (finding, _title, change) => {
    expect(foundIn({ decided: [], acknowledged: new Set(), ...change })).toContain(finding);
  });

  it('what the fault destroyed may be lost once it is told', () => {
    const destroyed = {
      received: [event(1), event(4)],
      decided: [known(1), known(2), known(3), known(4)],
      destroyed: new Set(['id-2', 'id-3']),
      acknowledged: new Set<string>(),
      gaps: [gap(2, 3)],
    };
    expect(foundIn(destroyed)).toEqual([]);
    expect(judgeAccount({ ...sound, ...destroyed }).declaredLost).toBe(2);
  });

  it('what a killed broker took with it is not held against the appliance', () => {
    const taken = { received: [event(1), event(3)], lostByBroker: new Set(['id-2']) };
    expect(foundIn(taken)).toEqual([]);
  });

  it('a jump to the seconds since 1970 is looked at without counting to it', () => {
    const far = 1_795_000_000;
    const received = [event(1), event(far, { id: 'id-2' })];
    expect(foundIn({ received, decided: [], acknowledged: new Set() })).toEqual(['undeclared']);
    const gaps = [gap(1, far - 1)];
    expect(foundIn({ received, decided: [], acknowledged: new Set(), gaps })).toEqual([]);
  });
});
