/** The kill proof must be able to fail: each kind of loss is planted once. */
import { describe, expect, it } from 'vitest';
import { type Left, phaseOf } from '../../bench/kill/evidence.ts';
import { readSubscriber } from '../../bench/kill/received.ts';
import { type Account, judge, type Received } from '../../bench/kill/verdict.ts';

const event = (seq: number, more: Partial<Received> = {}): Received => ({
  lane: 'alarm',
  seq,
  id: `id-${seq}`,
  type: 'alarm',
  bootId: 'boot-1',
  content: `content ${seq}`,
  ...more,
});

const sound: Account = {
  decided: new Set(['id-1', 'id-2', 'id-3']),
  acknowledged: new Set(['id-1']),
  received: [event(1), event(2), event(2), event(3, { lane: 'fault', seq: 1 })],
  commandsAnswered: new Set(['ask-1']),
  commandsTold: new Set(['ask-1', 'ask-2']),
  risesWithoutAlarm: [],
};

function violationsOf(change: Partial<Account>): string[] {
  const { violations, ok } = judge({ ...sound, ...change });
  const found = Object.entries(violations).filter(([, list]) => list.length > 0);
  expect(ok).toBe(found.length === 0);
  return found.map(([name]) => name);
}

describe('the verdict of the kill proof', () => {
  it('a sound account has no violations; repetitions are counted', () => {
    expect(violationsOf({})).toEqual([]);
    expect(judge(sound)).toMatchObject({ decided: 3, received: 3, duplicates: 1, alarms: 3 });
  });

  it.each<[string, Partial<Account>]>([
    ['missing', { decided: new Set(['id-1', 'id-2', 'id-3', 'id-4']) }],
    ['missing', { acknowledged: new Set(['id-9']) }],
    ['differingDuplicates', { received: [event(1), event(2), event(2, { content: 'other' })] }],
    ['gaps', { received: [event(1), event(3), event(4, { id: 'id-2' })] }],
    ['numbersUsedTwice', { received: [event(1), event(2), event(2, { id: 'id-3' })] }],
    ['outOfOrder', { received: [event(2), event(1), event(3)] }],
    ['commandsWithoutEvent', { commandsAnswered: new Set(['ask-7']) }],
    ['risesWithoutAlarm', { risesWithoutAlarm: ['kill 3'] }],
  ])('finds planted %s', (name, change) => {
    expect(violationsOf({ decided: new Set(), ...change })).toContain(name);
  });

  it('phases follow from what was left behind', () => {
    const left = (inRing: string[], inJournal: string[]): Left => ({
      inRing,
      inJournal: new Set(inJournal),
      alarmedAtMs: new Map(),
    });
    const acknowledged = new Set(['a']);
    expect(phaseOf(left(['b'], ['a']), acknowledged, true, false)).toBe('outputToCommit');
    expect(phaseOf(left(['b'], ['a', 'b']), acknowledged, true, false)).toBe('commitToPuback');
    expect(phaseOf(left([], ['a', 'b']), acknowledged, false, false)).toBe('brokerAway');
    expect(phaseOf(left([], ['a']), acknowledged, true, true)).toBe('beforeDecision');
    expect(phaseOf(left([], ['a']), acknowledged, true, false)).toBe('afterPuback');
  });

  it('the mark of a late delivery is no difference in content', () => {
    const payload = { id: 'x', lane: 'alarm', seq: 1, type: 'alarm', bootId: 'b' };
    const { received } = readSubscriber([
      `r/event/alarm ${JSON.stringify(payload)}`,
      `r/event/alarm ${JSON.stringify({ ...payload, historical: true })}`,
      `r/response ${JSON.stringify({ requestId: 'ask-1', ok: true })}`,
    ]);
    expect(received).toHaveLength(2);
    expect(received[0]?.content).toBe(received[1]?.content);
  });
});
