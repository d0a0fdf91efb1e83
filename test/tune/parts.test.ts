import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { zoneId } from '../../src/domain/units.ts';
import type { DomainEvent } from '../../src/domain/event.ts';
import { inOrder } from '../../src/tuning/items.ts';
import type { SiteItem } from '../../src/tuning/items.ts';
import { parseLabels } from '../../src/tuning/labels.ts';
import { Ledger } from '../../src/tuning/ledger.ts';
import { occasionsOf, verdictsOf } from '../../src/tuning/occasions.ts';

const ZONE = zoneId('hall');

describe('items of a recording', () => {
  const clock = (atMs: number): SiteItem => ({ kind: 'clock', atMs, wallMs: null });

  it('come in the order of time when they are out of it by no more than the buffer holds', async () => {
    const steps = fc.array(fc.tuple(fc.nat(300), fc.nat(900)), { maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(steps, async (moves) => {
        let nowMs = 0;
        const items = moves.map(([step, back]) => {
          nowMs += step;
          return clock(nowMs - back);
        });
        const source = async function* (): AsyncGenerator<SiteItem> {
          await Promise.resolve();
          yield* items;
        };
        const times: number[] = [];
        for await (const { atMs } of inOrder(source(), 1000)) times.push(atMs);
        expect(times).toEqual(items.map(({ atMs }) => atMs).sort((a, b) => a - b));
      }),
    );
  });
});

describe('labels', () => {
  it('never throw, and keep what is right among what is wrong', () => {
    const right = { zone: 'hall', from: '2026-05-04', to: '2026-05-05', kind: 'fire' };
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), (others) => {
        const wrong = others.filter(
          (other) => parseLabels(JSON.stringify([other])).labels.length === 0,
        );
        const { labels, problems } = parseLabels(JSON.stringify([...wrong, right]));
        expect(labels).toHaveLength(1);
        expect(problems).toHaveLength(wrong.length);
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => void parseLabels(text)));
    expect(parseLabels(JSON.stringify([{ ...right, to: '2026-05-03' }])).problems).toEqual([
      'entry 1: "to" must be later than "from"',
    ]);
  });
});

describe('the ledger', () => {
  const explanation = {
    ...{ summary: 'hot', votes: [], stale: [], faulty: [], disabled: [] },
    ...{ uncalibrated: [], confidence: 1 },
  };
  const data = { zone: ZONE, zoneName: 'Hall' };
  const alarm: DomainEvent = { lane: 'alarm', type: 'alarm', data: { ...data, explanation } };
  const reset: DomainEvent = {
    ...{ lane: 'alarm', type: 'alarmReset', data: { ...data, latchedForMs: 0 } },
  };
  const ledger = () =>
    new Ledger({ dayAt: () => 'day', wallAt: (nowMs) => nowMs, isRecorded: () => true });

  it('counts an alarm that goes on behind a reset once, and a later one again', () => {
    const one = ledger();
    one.note(alarm, 1000);
    one.note(reset, 600_000);
    one.note(alarm, 600_000);
    one.note(reset, 1_200_000);
    one.note(alarm, 3_000_000);
    one.close(3_100_000);
    expect(one.episodes).toMatchObject([
      { startMs: 1000, endMs: 1_200_000 },
      { startMs: 3_000_000, endMs: 3_100_000 },
    ]);
    expect(one.tallies.get('hall')?.get('day')?.alarms).toBe(2);
  });
});

describe('occasions', () => {
  const episode = (startMs: number, endMs: number) => ({
    zone: 'hall',
    startMs,
    endMs,
    reason: '',
  });
  const none = { present: [], proposed: [], recorded: [], labels: [] };

  it('of the same configuration twice never show a difference', () => {
    const episodes = fc.array(
      fc.tuple(fc.nat(1e8), fc.nat(1e7)).map(([at, length]) => episode(at, at + length)),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(episodes, (same) => {
        for (const verdict of verdictsOf(occasionsOf({ ...none, present: same, proposed: same }))) {
          expect(verdict).toMatchObject({ missed: 0, won: 0, added: 0, avoided: 0 });
          expect(verdict.latestSeconds).toBe(0);
        }
      }),
    );
  });

  it('include a labelled fire for which nobody alarms', () => {
    const labels = [{ zone: 'hall', fromMs: 0, toMs: 60_000, kind: 'fire' as const }];
    expect(verdictsOf(occasionsOf({ ...none, labels }))).toMatchObject([
      { missedByBoth: 1, missed: 0 },
    ]);
    const later = occasionsOf({ ...none, labels, present: [episode(5000, 9000)] });
    expect(verdictsOf(later)).toMatchObject([{ missed: 1, missedByBoth: 0 }]);
  });
});
