import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makePlan } from '../../src/alarm/make-plan.ts';
import { outputsOf, restorePanel, toSnapshot, viewOf } from '../../src/alarm/panel.ts';
import type { JournalEvent } from '../../src/domain/event.ts';
import { sensorId } from '../../src/domain/units.ts';
import { Bench, HALL, heat, level, onePlan, SOURCES, Stamper, STORE } from './make.ts';

const NONE = { alarm: 0, fault: 0, operator: 0, system: 0 };
const PLAN = onePlan();

/** What a file holds: only what JSON can carry. */
function written(bench: Bench, covered = NONE): unknown {
  return JSON.parse(JSON.stringify(toSnapshot(bench.panel, bench.nowMs, covered)));
}

/** A panel with a latched, acknowledged, silenced alarm and a learnt idle. */
function busy(): Bench {
  const bench = new Bench(PLAN);
  for (let i = 0; i < 20; i += 1) bench.hear(4_090, (now) => level('ADC1', now, 12));
  bench.hear(0, (now) => heat(now, 130));
  bench.command({ kind: 'acknowledge', zone: HALL });
  bench.command({ kind: 'silence' });
  bench.nowMs += 5_000;
  return bench;
}

describe('restoring a panel', () => {
  it('brings alarms, silence and idles back, and the outputs at once', () => {
    const bench = busy();
    const { panel, restoredAlarms, problems } = restorePanel(PLAN, written(bench), [], 777);
    expect(problems).toEqual([]);
    expect(restoredAlarms).toEqual([HALL]);
    // The fault of the channels that were silent is found anew, at its own deadline.
    const before = { ...outputsOf(bench.panel, bench.nowMs), faultRelay: true, buzzer: false };
    expect(outputsOf(panel, 777)).toEqual(before);
    const zone = viewOf(panel, 777).zones[0]!;
    expect(zone).toMatchObject({ condition: 'alarm', silenced: true, acknowledged: true });
    expect(zone.alarm).toEqual({
      sinceMs: 777 - 5_000,
      explanation: viewOf(bench.panel, bench.nowMs).zones[0]!.alarm!.explanation,
    });
    expect(viewOf(panel, 777).sources[1]!.idle).toBe(12);
  });

  it('is at rest after it: no event is told twice', () => {
    const { panel } = restorePanel(PLAN, written(busy()), [], 0);
    const again = new Bench(PLAN, 0, panel);
    expect(again.wait(1_000)).toEqual([]);
    again.command({ kind: 'reset', zone: HALL });
    expect(again.types()).toEqual(['resetRequested', 'alarmReset']);
  });

  it('goes on with disablement and test for the time left', () => {
    const bench = new Bench(PLAN);
    bench.command({ kind: 'disable', zone: HALL, forMs: 10_000 });
    bench.nowMs = 4_000;
    const { panel } = restorePanel(PLAN, written(bench), [], 0);
    const again = new Bench(PLAN, 0, panel);
    again.wait(5_999);
    expect(viewOf(again.panel, 0).condition).toBe('disabled');
    again.wait(1);
    expect(again.types()).toEqual(['enabled']);
  });

  it('keeps a latched alarm of a zone that is gone until its reset', () => {
    const plan = makePlan({ zones: [{ id: STORE, name: 'Store', sources: [] }] });
    const { panel, restoredAlarms } = restorePanel(plan, written(busy()), [], 0);
    expect(restoredAlarms).toEqual([HALL]);
    const again = new Bench(plan, 0, panel);
    expect(viewOf(again.panel, 0).zones[1]).toMatchObject({ name: 'Hall', condition: 'alarm' });
    expect(outputsOf(again.panel, 0).strobe).toBe(true);
    again.command({ kind: 'reset', zone: HALL });
    expect(again.panel.zones.map((zone) => zone.plan.id)).toEqual([STORE]);
    expect(outputsOf(again.panel, 0).strobe).toBe(false);
  });

  it('does not execute again what was executed before', () => {
    const bench = busy();
    bench.command({ kind: 'silence' }, { requestId: 'once' });
    const { panel } = restorePanel(PLAN, written(bench), [], 0);
    const again = new Bench(PLAN, 0, panel);
    const outcome = again.command({ kind: 'silence' }, { requestId: 'once' });
    expect(outcome.ok).toBe(true);
    expect(again.events).toEqual([]);
  });

  it('knows unknown sensors again, with their idles and whether somebody saw them', () => {
    const sensor = sensorId('new-board');
    const bench = new Bench(makePlan({ zones: [] }));
    for (let i = 0; i < 20; i += 1) bench.hear(4_090, (now) => level('ADC1', now, 12, sensor));
    const unseen = restorePanel(bench.panel.plan, written(bench), [], 0).panel;
    expect(viewOf(unseen, 0).condition).toBe('supervisory');
    bench.command({ kind: 'acknowledge', zone: 'all' });
    const { panel } = restorePanel(bench.panel.plan, written(bench), [], 0);
    const again = new Bench(bench.panel.plan, 0, panel);
    again.wait(100_000);
    expect(again.events).toEqual([]);
    again.hear(1, (now) => level('ADC1', now, 13, sensor));
    expect(again.events).toEqual([]);
    expect(viewOf(again.panel, again.nowMs).sources[0]).toMatchObject({ idle: 12 });
    const faults = again.wait(40_000).map((event) => 'fault' in event.data && event.data.fault);
    // Its zone has nothing else that could vote.
    expect(faults).toEqual(['sensorSilent', 'zoneBlind']);
  });
});

describe('what happened after the snapshot', () => {
  it('is applied from the journal, in the order of ids, whatever order it comes in', () => {
    const stamper = new Stamper();
    const bench = new Bench(PLAN);
    bench.hear(0, (now) => heat(now, 130));
    bench.command({ kind: 'silence' });
    bench.hear(10, (now) => heat(now, 20));
    bench.command({ kind: 'reset', zone: HALL });
    bench.hear(10, (now) => heat(now, 140));
    const events = stamper.stamp(bench.events);
    for (const order of [events, [...events].reverse()]) {
      const { panel } = restorePanel(PLAN, null, order, 0);
      expect(outputsOf(panel, 0)).toMatchObject({ siren: true, strobe: true });
      expect(viewOf(panel, 0).zones[0]!.alarm!.explanation.votes[0]!.value).toBe(140);
    }
    const half = restorePanel(PLAN, null, events.slice(0, 4), 0).panel;
    expect(outputsOf(half, 0)).toMatchObject({ siren: false, strobe: false });
  });

  it('lifts silence everywhere for an alarm that the snapshot does not know', () => {
    const sensor = sensorId('board-2');
    const source = { sensor, channel: 'thermal', role: 'thermal' } as const;
    const plan = makePlan({
      zones: [
        { id: HALL, name: 'Hall', sources: SOURCES, confirmations: 1 },
        { id: STORE, name: 'Store', sources: [source], confirmations: 1 },
      ],
    });
    const stamper = new Stamper();
    const bench = new Bench(plan);
    bench.hear(0, (now) => heat(now, 130));
    bench.command({ kind: 'silence' });
    const snapshot = written(bench);
    const since = bench.hear(10, (now) => heat(now, 130, {}, sensor));
    const { panel } = restorePanel(plan, snapshot, stamper.stamp(since), 0);
    expect(viewOf(panel, 0).zones.map((zone) => zone.silenced)).toEqual([false, false]);
    expect(viewOf(panel, 0).zones.map((zone) => zone.condition)).toEqual(['alarm', 'alarm']);
  });

  it('is not applied twice when the snapshot covers it', () => {
    const stamper = new Stamper();
    const bench = new Bench(PLAN);
    bench.hear(0, (now) => heat(now, 130));
    bench.hear(10, (now) => heat(now, 20));
    bench.command({ kind: 'reset', zone: HALL });
    const events = stamper.stamp(bench.events);
    const alarmOnly = events.filter((event) => event.type === 'alarm');
    const { restoredAlarms } = restorePanel(PLAN, written(bench, stamper.seq), alarmOnly, 0);
    expect(restoredAlarms).toEqual([]);
  });

  /** Kill after any step, with a snapshot from any earlier step: outputs and latches agree. */
  it('loses nothing wherever the kill falls', () => {
    const action = fc.constantFrom('fire', 'cool', 'ack', 'silence', 'reset', 'disable', 'enable');
    fc.assert(
      fc.property(fc.array(action, { maxLength: 14 }), fc.nat(14), (actions, at) => {
        const stamper = new Stamper();
        const bench = new Bench(PLAN);
        let snapshot: unknown = null;
        const journal: JournalEvent[] = [];
        actions.forEach((what, i) => {
          if (i === at) snapshot = written(bench, { ...stamper.seq });
          const before = bench.events.length;
          act(bench, what);
          journal.push(...stamper.stamp(bench.events.slice(before)));
        });
        const { panel } = restorePanel(PLAN, snapshot, journal, bench.nowMs);
        const was = viewOf(bench.panel, bench.nowMs);
        const is = viewOf(panel, bench.nowMs);
        expect(is.zones[0]!.alarm === null).toBe(was.zones[0]!.alarm === null);
        expect(is.zones[0]!.silenced).toBe(was.zones[0]!.silenced);
        expect(is.zones[0]!.disabledUntilMs === null).toBe(was.zones[0]!.disabledUntilMs === null);
        expect(is.outputs).toEqual(was.outputs);
      }),
      { numRuns: 300 },
    );
  });

  function act(bench: Bench, what: string): void {
    switch (what) {
      case 'fire':
        bench.hear(10, (now) => heat(now, 130));
        break;
      case 'cool':
        bench.hear(10, (now) => heat(now, 20));
        break;
      case 'ack':
        bench.command({ kind: 'acknowledge', zone: 'all' });
        break;
      case 'silence':
        bench.command({ kind: 'silence' });
        break;
      case 'reset':
        bench.command({ kind: 'reset', zone: 'all' });
        break;
      case 'disable':
        bench.command({ kind: 'disable', zone: HALL, forMs: 3_600_000 });
        break;
      default:
        bench.command({ kind: 'enable', zone: HALL });
    }
  }

  it('an event that cannot be read is a problem, and an alarm is one all the same', () => {
    const stamper = new Stamper();
    const bench = new Bench(PLAN);
    bench.hear(0, (now) => heat(now, 130));
    const [alarm] = stamper.stamp(bench.events);
    const torn = JSON.parse(
      JSON.stringify({ ...alarm, data: { zone: HALL, zoneName: 'Hall', explanation: 7 } }),
    ) as JournalEvent;
    const empty = JSON.parse(JSON.stringify({ ...alarm, id: 'x', data: null })) as JournalEvent;
    const { restoredAlarms, problems } = restorePanel(PLAN, null, [torn, empty], 0);
    expect(restoredAlarms).toEqual([HALL]);
    expect(problems).toHaveLength(2);
  });
});

describe('a snapshot that is damaged', () => {
  it('never throws, and a wrong one is refused with its reason', () => {
    for (const raw of [1, 'x', [], {}, { format: 2 }, { format: 1 }, { format: 1, zones: 3 }]) {
      const { panel, problems } = restorePanel(PLAN, raw, [], 0);
      expect(problems.length).toBeGreaterThan(0);
      expect(panel.zones).toHaveLength(1);
    }
    expect(restorePanel(PLAN, null, [], 0).problems).toEqual([]);
  });

  it('keeps what can be read', () => {
    const raw = written(busy()) as { zones: unknown[]; idles: unknown };
    raw.zones.push({ id: 'bad id' });
    raw.idles = 'gone';
    const { restoredAlarms, problems } = restorePanel(PLAN, raw, [], 0);
    expect(restoredAlarms).toEqual([HALL]);
    expect(problems).toHaveLength(2);
  });

  it('with any value anywhere, the panel starts', () => {
    const sound = JSON.stringify(written(busy()));
    const paths = leaves(JSON.parse(sound));
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue(), (path, value) => {
        const raw: unknown = JSON.parse(sound);
        replace(raw, path, value);
        const { panel } = restorePanel(PLAN, raw, [], 0);
        const bench = new Bench(PLAN, 0, panel);
        bench.wait(60_000);
        bench.hear(0, (now) => heat(now, 130));
        expect(viewOf(bench.panel, bench.nowMs).condition).toBe('alarm');
      }),
      { numRuns: 500 },
    );
  });

  function leaves(value: unknown, path: readonly string[] = []): (readonly string[])[] {
    if (typeof value !== 'object' || value === null) return [path];
    const inner = Object.entries(value).flatMap(([key, each]) => leaves(each, [...path, key]));
    return path.length === 0 ? inner : [path, ...inner];
  }

  function replace(raw: unknown, path: readonly string[], value: unknown): void {
    let at = raw as Record<string, unknown>;
    for (const key of path.slice(0, -1)) at = at[key] as Record<string, unknown>;
    at[path.at(-1)!] = value;
  }
});

describe('a fault after an acknowledgement', () => {
  it('wants a new one also after a restart from an older snapshot', () => {
    const bench = new Bench(onePlan());
    bench.hear(0, (now) => heat(now, 130));
    bench.command({ kind: 'acknowledge', zone: 'all' });
    const old = toSnapshot(bench.panel, bench.nowMs, {
      alarm: 0,
      fault: 0,
      operator: 0,
      system: 0,
    });
    const told = bench.signal({ role: 'tamper', active: true, zone: HALL });
    expect(viewOf(bench.panel, bench.nowMs).zones[0]!.acknowledged).toBe(false);
    const events = new Stamper().stamp(told);
    const { panel } = restorePanel(bench.panel.plan, old, events, bench.nowMs);
    expect(viewOf(panel, bench.nowMs).zones[0]!).toMatchObject({ acknowledged: false });
    expect(viewOf(panel, bench.nowMs).zones[0]!.alarm).not.toBeNull();
  });
});
