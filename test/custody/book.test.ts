/** The chain of custody as a book: what each news adds, when it is due, when it is closed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CustodyBook, MAX_OPEN } from '../../src/custody-book.ts';
import { readOpenAlarm } from '../../src/custody-record.ts';
import { CUSTODY_STAGES } from '../../src/domain/custody.ts';
import { zoneId } from '../../src/domain/units.ts';
import { alarmEvent, BOOT, idOf } from './alarms.ts';

const at = (nowMs: number) => ({ nowMs, wall: `wall ${nowMs}` });
const book = (withinMs: number | null = 60_000, hasBroker = true) =>
  new CustodyBook({ bootId: BOOT, withinMs, hasBroker });

describe('the custody of an alarm', () => {
  it('names everybody who has had it, with the time after the decision', () => {
    const custody = book();
    custody.begin(alarmEvent(1), at(1002));
    custody.stored(1, at(1010));
    custody.broker(1, 'main', at(1030));
    custody.central([idOf(1)], 'centre-1', at(1500));
    const { closed } = custody.operator([zoneId('a')], 'socket:anna', at(9000));
    expect(closed).toHaveLength(1);
    expect(closed[0]!.stages.map(({ stage, afterMs, by }) => [stage, afterMs, by])).toEqual([
      ['detected', 0, undefined],
      ['output', 2, undefined],
      ['stored', 10, undefined],
      ['broker', 30, 'main'],
      ['central', 500, 'centre-1'],
      ['operator', 8000, 'socket:anna'],
    ]);
    expect(custody.isComplete(closed[0]!)).toBe(true);
    expect(custody.open).toEqual([]);
  });

  it('waits for nobody who does not exist', () => {
    const alone = book(null, false);
    alone.begin(alarmEvent(1), at(1000));
    expect(alone.nextDueMs).toBeNull();
    alone.operator([zoneId('a')], 'button', at(1001));
    expect(alone.stored(1, at(1002)).closed).toHaveLength(1);
  });

  it('is escalated when its time is over, and asked for again after longer and longer pauses', () => {
    const custody = book();
    custody.begin(alarmEvent(1), at(1000));
    expect(custody.due(30_999)).toEqual([]);
    expect(custody.due(31_000)).toHaveLength(1);
    expect(custody.escalated).toEqual([]);
    expect(custody.due(60_999)).toEqual([]);
    const [first] = custody.due(61_000);
    expect([first?.id, first?.asked, first?.escalated]).toEqual([idOf(1), true, false]);
    expect(custody.escalated.map(({ id }) => id)).toEqual([idOf(1)]);
    expect(custody.nextDueMs).toBe(61_000 + 60_000);
    const [again] = custody.due(121_000);
    expect(again?.escalated).toBe(true);
    for (let round = 0; round < 20; round += 1) custody.due(custody.nextDueMs ?? 0);
    const before = custody.nextDueMs ?? 0;
    custody.due(before);
    expect((custody.nextDueMs ?? 0) - before).toBe(3_600_000);
  });

  it('ends its escalation when somebody here takes it, but still asks the centre', () => {
    const custody = book();
    custody.begin(alarmEvent(1), at(1000));
    custody.due(31_000);
    custody.due(61_000);
    expect(custody.escalated).toHaveLength(1);
    custody.operator([zoneId('a')], 'button', at(70_000));
    expect(custody.escalated).toEqual([]);
    expect(custody.nextDueMs).not.toBeNull();
    custody.central([idOf(1)], 'centre-1', at(80_000));
    expect(custody.nextDueMs).toBeNull();
  });

  it('concerns only the zones and numbers that were named', () => {
    const custody = book();
    custody.begin(alarmEvent(1, 'a'), at(1000));
    custody.begin(alarmEvent(2, 'b'), at(1000));
    expect(custody.operator([zoneId('b')], 'x', at(1001)).changed.map(({ seq }) => seq)).toEqual([
      2,
    ]);
    expect(custody.broker(1, 'main', at(1002)).changed.map(({ seq }) => seq)).toEqual([1]);
    expect(custody.stored(1, at(1003)).changed.map(({ seq }) => seq)).toEqual([1]);
    expect(custody.stored(2, at(1004)).changed.map(({ seq }) => seq)).toEqual([2]);
    expect(custody.central(['unknown'], 'x', at(1005)).changed).toEqual([]);
  });

  it('survives a restart: waiting starts anew, times that nobody can tell are null', () => {
    const custody = book();
    custody.begin(alarmEvent(1), at(1000));
    const { changed } = custody.stored(1, at(1010));
    const stored = readOpenAlarm(JSON.stringify(changed[0]));
    const next = new CustodyBook({ bootId: 'bb', withinMs: 60_000, hasBroker: true });
    next.restore(stored!, 500);
    expect(next.nextDueMs).toBe(30_500);
    next.begin(alarmEvent(1), at(501));
    const { changed: reached } = next.broker(1, 'main', at(600));
    expect(reached[0]!.stages.at(-1)).toEqual({
      stage: 'broker',
      afterMs: null,
      wall: 'wall 600',
      by: 'main',
    });
  });

  it('gives the oldest up for a new one when too many are open', () => {
    const custody = book();
    for (let seq = 1; seq <= MAX_OPEN; seq += 1) custody.begin(alarmEvent(seq), at(1000));
    const { closed } = custody.begin(alarmEvent(MAX_OPEN + 1), at(1000));
    expect(closed.map(({ seq }) => seq)).toEqual([1]);
    expect(custody.isComplete(closed[0]!)).toBe(false);
    expect(custody.open).toHaveLength(MAX_OPEN);
  });

  it('has each stage at most once and closes exactly when all have had it, in any order', () => {
    const steps = fc.array(
      fc.record({ what: fc.integer({ min: 0, max: 4 }), seq: fc.integer({ min: 1, max: 3 }) }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(steps, fc.option(fc.constant(60_000)), fc.boolean(), (list, within, broker) => {
        const custody = book(within, broker);
        const begun = new Set<number>();
        const closed = new Set<number>();
        list.forEach(({ what, seq }, i) => {
          const now = at(1000 + i);
          const zone = `z${seq}`;
          if (what === 0 && begun.has(seq)) return;
          if (what === 0) begun.add(seq);
          const changes =
            what === 0
              ? custody.begin(alarmEvent(seq, zone), now)
              : what === 1
                ? custody.stored(seq, now)
                : what === 2
                  ? custody.broker(seq, 'main', now)
                  : what === 3
                    ? custody.central([idOf(seq)], 'c', now)
                    : custody.operator([zoneId(zone)], 'o', now);
          for (const alarm of changes.closed) {
            expect(custody.isComplete(alarm)).toBe(true);
            expect(closed.has(alarm.seq)).toBe(false);
            closed.add(alarm.seq);
          }
        });
        for (const alarm of custody.open) {
          expect(custody.isComplete(alarm)).toBe(false);
          const stages = alarm.stages.map(({ stage }) => stage);
          expect(new Set(stages).size).toBe(stages.length);
          expect(readOpenAlarm(JSON.stringify(alarm))).toEqual({ ...alarm, dueMs: null });
        }
        expect(custody.open.length + closed.size).toBe(begun.size);
      }),
    );
  });
});

describe('a stored custody', () => {
  it('that is damaged is not taken for one', () => {
    const custody = book();
    const { changed } = custody.begin(alarmEvent(1), at(1000));
    const whole = JSON.stringify(changed[0]);
    expect(readOpenAlarm(whole)).not.toBeNull();
    for (const part of ['"zone":"a"', '"seq":1', '"escalated":false', '"stage":"output"']) {
      expect(whole).toContain(part);
      expect(readOpenAlarm(whole.replace(part, '"x":0')), part).toBeNull();
    }
    expect(readOpenAlarm(whole.slice(0, -3))).toBeNull();
    expect(CUSTODY_STAGES).toHaveLength(6);
  });
});
