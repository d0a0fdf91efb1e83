/** Moments, latencies, damage: what the chaos proof measures with. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DAMAGES, damage, PAGE_BYTES, survives } from '../../bench/chaos/damage.ts';
import { distributionOf, outcomeOf } from '../../bench/chaos/latency.ts';
import { Ledger } from '../../bench/chaos/ledger.ts';
import { histogramOf, type Life, momentOf } from '../../bench/chaos/moment.ts';
import type { Crossed } from '../../bench/chaos/probe.ts';
import { seededRandom } from '../../src/simulator/random.ts';

describe('the moment of a fault', () => {
  const life: Life = { roseMs: 100, faultMs: 101, ackedMs: null, committed: null };

  it.each<[string, Partial<Life>]>([
    ['beforeOutput', { faultMs: 99 }],
    ['beforeOutput', { roseMs: null }],
    ['outputToCommit', { committed: false }],
    ['commitToAck', { committed: true }],
    ['commitToAck', { committed: true, ackedMs: 102 }],
    ['outputToAck', { ackedMs: 102 }],
    ['outputToAck', {}],
    ['afterAck', { ackedMs: 100.5, committed: true }],
  ])('is %s with %j', (phase, change) => {
    expect(momentOf({ ...life, ...change }).phase).toBe(phase);
  });

  it('the histogram counts each fault once, and the share between output and end', () => {
    const moments = [
      momentOf({ ...life, committed: false }),
      momentOf({ ...life, faultMs: 90 }),
      momentOf({ ...life, roseMs: null }),
      momentOf({ ...life, faultMs: 900, ackedMs: 103 }),
    ];
    const { betweenShare, bins, phases } = histogramOf(moments);
    expect(betweenShare).toBe(0.25);
    expect(phases).toMatchObject({ beforeOutput: 2, outputToCommit: 1, afterAck: 1 });
    expect(bins.map(({ label, count }) => [label, count])).toEqual([
      ['-30 to -10 ms', 1],
      ['0 to 1 ms', 1],
      ['over 100 ms', 1],
      ['no output', 1],
    ]);
  });
});

describe('the time of an output', () => {
  const crossed = (roseMs: number | null, more: Partial<Crossed> = {}): Crossed => {
    return { sentMs: 0, roseMs, blewMs: null, blindMs: 0, waitedMs: 0, refused: null, ...more };
  };

  it.each([
    ['inTime', crossed(100)],
    ['late', crossed(101)],
    ['late', crossed(250, { waitedMs: 100, blindMs: 20 })],
    ['excused', crossed(250, { waitedMs: 130, blindMs: 20 })],
    ['never', crossed(null)],
  ])('is %s', (outcome, one) => {
    expect(outcomeOf(one)).toBe(outcome);
  });

  it('the distribution is of those that rose', () => {
    const times = [4, 1, 3, 2, 300].map((ms) => crossed(ms, { waitedMs: ms === 300 ? 290 : 0 }));
    const { count, p50Ms, worstMs, excused } = distributionOf([...times, crossed(null)]);
    expect({ count, p50Ms, worstMs, excused }).toEqual({
      ...{ count: 5, p50Ms: 3, worstMs: 300, excused: 1 },
    });
  });
});

describe('damage', () => {
  const text = '{"an":"event"}';
  let folder = '';
  let file = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'embereye-damage-'));
    file = join(folder, 'file');
    writeFileSync(file, Buffer.alloc(8 * PAGE_BYTES, 1));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it.each(DAMAGES)('%s changes a file, and the same way with the same seed', (how) => {
    const whole = readFileSync(file);
    expect(damage(file, how, seededRandom('a'))).toBe(true);
    const first = readFileSync(file);
    expect(first.equals(whole)).toBe(false);
    writeFileSync(file, whole);
    damage(file, how, seededRandom('a'));
    expect(readFileSync(file).equals(first)).toBe(true);
  });

  it('a text survives while its page or its surroundings do', () => {
    const before = Buffer.alloc(3 * PAGE_BYTES, 1);
    before.write(text, PAGE_BYTES + 500);
    const elsewhere = Buffer.from(before).fill(0, 0, PAGE_BYTES);
    const inPage = Buffer.from(before).fill(0, PAGE_BYTES, PAGE_BYTES + 8);
    const justBefore = Buffer.from(before).fill(0, PAGE_BYTES + 490, PAGE_BYTES + 500);
    const cut = before.subarray(0, PAGE_BYTES + 505);
    expect(survives(before, elsewhere, text, true)).toBe(true);
    expect(survives(before, inPage, text, true)).toBe(false);
    expect(survives(before, inPage, text, false)).toBe(true);
    expect(survives(before, justBefore, text, false)).toBe(false);
    expect(survives(before, cut, text, false)).toBe(false);
    expect(survives(before, before, 'not there', false)).toBe(false);
  });
});

describe('the ledger', () => {
  const alarm = (seq: number, more: object = {}) =>
    JSON.stringify({
      ...{ lane: 'alarm', seq, id: `id-${seq}`, type: 'alarm', bootId: 'b', data: { zone: 'z1' } },
      ...more,
    });

  it('reads events, gaps and marks of late delivery from the lines of the subscriber', () => {
    const ledger = new Ledger();
    ledger.hear([
      `r/event/alarm ${alarm(3)}`,
      `r/event/alarm ${alarm(5, { historical: true })}`,
      'r/gap {"lane":"alarm","firstSeq":1,"lastSeq":2,"reason":"pruned"}',
    ]);
    expect(ledger.newestAlarm).toBe(5);
    expect(ledger.alarmOf('z1', 3)).toMatchObject({ id: 'id-5' });
    expect(ledger.alarmOf('z1', 5)).toBeNull();
    expect(ledger.alarmOf('z2', 0)).toBeNull();
    expect(ledger.wasHistorical('id-5')).toBe(true);
    expect(ledger.wasHistorical('id-3')).toBe(false);
    expect(ledger.gapReasons).toEqual({ pruned: 1 });
    expect(ledger.account(new Set()).received.map(({ seq }) => seq)).toEqual([3, 5]);
  });
});
