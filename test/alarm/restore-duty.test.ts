/** How disablements, delays and maintenance come through a restart. */
import { describe, expect, it } from 'vitest';
import { makePlan } from '../../src/alarm/make-plan.ts';
import { outputsOf, restorePanel, toSnapshot, viewOf } from '../../src/alarm/panel.ts';
import type { JournalEvent } from '../../src/domain/event.ts';
import { sensorId } from '../../src/domain/units.ts';
import { Bench, BOARD, HALL, heat, onePlan, SOURCES, Stamper, STORE } from './make.ts';

const WALL_MS = Date.UTC(2026, 0, 1);
const NONE = { alarm: 0, fault: 0, operator: 0, system: 0 };
const OUTPUTS = [{ id: 'horn', role: 'siren' }] as const;
const PLAN = makePlan({
  zones: [{ id: HALL, name: 'Hall', sources: SOURCES, confirmations: 1 }],
  outputs: OUTPUTS,
  delaysMs: { siren: 60_000 },
});

function written(bench: Bench, wallMs: number | null, covered = NONE): unknown {
  return JSON.parse(JSON.stringify(toSnapshot(bench.panel, bench.nowMs, covered, wallMs)));
}

/** Restarted that long after the snapshot. */
const back = (snapshot: unknown, awayMs: number | null, since: readonly JournalEvent[] = []) =>
  restorePanel(PLAN, snapshot, since, 0, awayMs === null ? null : WALL_MS + awayMs);

describe('maintenance through a restart', () => {
  function inMaintenance(): Bench {
    const bench = new Bench(PLAN);
    bench.command({ kind: 'maintenance', forMs: 60_000 });
    bench.hear(10_000, (now) => heat(now, 130));
    return bench;
  }

  it('goes on for what is left, the time without power included', () => {
    const { panel } = back(written(inMaintenance(), WALL_MS), 30_000);
    expect(outputsOf(panel, 0)).toMatchObject({ siren: false, strobe: false, faultRelay: false });
    expect(viewOf(panel, 0).maintenanceUntilMs).toBe(20_000);
    expect(viewOf(panel, 0).zones[0]!.alarm!.explanation.maintenance).toBe(true);
    const again = new Bench(PLAN, 0, panel);
    again.wait(20_000);
    expect(again.types()).toEqual(['maintenanceEnded']);
    expect(outputsOf(again.panel, again.nowMs)).toMatchObject({ siren: true, strobe: true });
  });

  it.each([
    ['it ended while the power was away', WALL_MS, 50_000],
    ['nobody knows how long the power was away', WALL_MS, null],
    ['the clock was set back', WALL_MS, -1],
    ['the clock of the snapshot was not trusted', null, 1],
  ])('is over at once where %s', (_, wallMs, awayMs) => {
    const { panel } = back(written(inMaintenance(), wallMs), awayMs);
    expect(outputsOf(panel, 0)).toMatchObject({ siren: true, strobe: true, alarmRelay: true });
    const again = new Bench(PLAN, 0, panel);
    again.step();
    expect(again.types()).toEqual(['maintenanceEnded']);
    expect(viewOf(again.panel, 0).maintenanceUntilMs).toBeNull();
  });

  it('no longer than the configuration of now permits', () => {
    const bench = new Bench(PLAN);
    bench.command({ kind: 'maintenance', forMs: 4 * 3_600_000 });
    const plan = makePlan({ zones: [], maxMaintenanceMs: 1_000 });
    const { panel } = restorePanel(plan, written(bench, WALL_MS), [], 0, WALL_MS);
    expect(viewOf(panel, 0).maintenanceUntilMs).toBe(1_000);
  });
});

describe('a wait through a restart', () => {
  it('is never longer than it was', () => {
    const bench = new Bench(PLAN);
    bench.hear(0, (now) => heat(now, 130));
    bench.nowMs += 10_000;
    const { panel } = back(written(bench, WALL_MS), 20_000);
    expect(viewOf(panel, 0).delayed).toEqual([{ role: 'siren', soundsAtMs: 30_000 }]);
    const over = back(written(bench, WALL_MS), 50_000).panel;
    expect(outputsOf(over, 0).siren).toBe(true);
    const unknown = back(written(bench, WALL_MS), null).panel;
    expect(outputsOf(unknown, 0).siren).toBe(true);
  });

  it('goes on for the roles that still wait when others have had their time', () => {
    const plan = makePlan({
      zones: [{ id: HALL, name: 'Hall', sources: SOURCES, confirmations: 1 }],
      delaysMs: { siren: 60_000, strobe: 5_000 },
    });
    const bench = new Bench(plan);
    bench.hear(0, (now) => heat(now, 130));
    bench.wait(5_000);
    expect(bench.events.at(-1)).toMatchObject({ data: { roles: ['strobe'], waiting: ['siren'] } });
    const wall = new Date(WALL_MS).toISOString();
    const since = new Stamper().stamp(bench.events).map((event) => ({ ...event, wall }));
    const { panel } = restorePanel(plan, null, since, 0, WALL_MS + 5_000);
    expect(viewOf(panel, 0).delayed).toEqual([{ role: 'siren', soundsAtMs: 55_000 }]);
    const again = new Bench(plan, 0, panel);
    again.wait(55_000);
    const data = { reason: 'timeout', roles: ['siren'], waiting: [], afterMs: 60_000 };
    expect(again.events.filter(({ lane }) => lane === 'system')).toMatchObject([{ data }]);
  });

  it('an alarm whose events broke off in the middle sounds', () => {
    const bench = new Bench(PLAN);
    bench.hear(0, (now) => heat(now, 130));
    const [alarm] = new Stamper().stamp(bench.events);
    expect(alarm?.type).toBe('alarm');
    const { panel } = back(null, 0, alarm === undefined ? [] : [alarm]);
    expect(outputsOf(panel, 0).siren).toBe(true);
  });
});

describe('what lifts silence, told by the journal alone', () => {
  const END = { kind: 'endMaintenance' } as const;

  it.each([
    ['sound', [{ kind: 'sound' }]],
    ['the end of maintenance', [{ kind: 'maintenance', forMs: 1_000 }, END]],
  ] as const)('%s', (_, commands) => {
    const bench = new Bench(onePlan());
    bench.hear(0, (now) => heat(now, 130));
    bench.command({ kind: 'silence' });
    const before = bench.events.length;
    const snapshot = written(bench, WALL_MS);
    for (const command of commands) bench.command(command);
    const since = new Stamper().stamp(bench.events.slice(before));
    expect(outputsOf(back(snapshot, 0).panel, 0).siren).toBe(false);
    expect(outputsOf(back(snapshot, 0, since).panel, 0).siren).toBe(true);
  });

  it.each([
    ['a second alarm', 'alarm'],
    ['maintenance', 'maintenanceStarted'],
    ['sound', 'soundRequested'],
  ])('%s ends a wait even where the event that says so was lost', (what, type) => {
    const second = { sensor: sensorId('b2'), channel: 'thermal', role: 'thermal' } as const;
    const plan = makePlan({
      zones: [
        { id: HALL, name: 'Hall', sources: SOURCES, confirmations: 1 },
        { id: STORE, name: 'Store', sources: [second], confirmations: 1 },
      ],
      delaysMs: { siren: 60_000 },
    });
    const bench = new Bench(plan);
    bench.hear(0, (now) => heat(now, 130));
    const snapshot = written(bench, WALL_MS);
    const before = bench.events.length;
    if (what === 'a second alarm') bench.hear(10, (now) => heat(now, 130, {}, second.sensor));
    else if (what === 'sound') bench.command({ kind: 'sound' });
    else bench.command({ kind: 'maintenance', forMs: 1_000 });
    const events = bench.events.slice(before).filter((event) => event.type === type);
    expect(events).toHaveLength(1);
    const wall = new Date(WALL_MS).toISOString();
    const since = new Stamper().stamp(events).map((event) => ({ ...event, wall }));
    const { panel } = restorePanel(plan, snapshot, since, 0, WALL_MS + 2_000);
    expect(viewOf(panel, 0).delayed).toEqual([]);
    expect(outputsOf(panel, 0).siren).toBe(true);
  });
});

describe('disablements through a restart', () => {
  function disabled(): Bench {
    const bench = new Bench(PLAN);
    bench.command({ kind: 'disableSensor', sensor: BOARD, forMs: 60_000 });
    bench.command({ kind: 'disableOutput', output: 'horn', forMs: 60_000 });
    bench.command({ kind: 'disable', zone: HALL, forMs: 60_000 });
    return bench;
  }

  it('go on for what is left', () => {
    const { panel } = back(written(disabled(), WALL_MS), 20_000);
    const view = viewOf(panel, 0);
    expect(view.disabledSensors).toEqual([{ sensor: BOARD, untilMs: 40_000 }]);
    expect(view.disabledOutputs).toEqual([{ output: 'horn', role: 'siren', untilMs: 40_000 }]);
    expect(view.zones[0]).toMatchObject({ disabledUntilMs: 40_000 });
    const again = new Bench(PLAN, 0, panel);
    again.wait(40_000);
    const told = again.events.filter(({ lane }) => lane === 'operator').map(({ type }) => type);
    expect(told.sort()).toEqual(['enabled', 'outputEnabled', 'sensorEnabled']);
  });

  it('without a clock to trust, for all that was left when it was last saved', () => {
    const view = viewOf(back(written(disabled(), WALL_MS), null).panel, 0);
    expect(view.disabledSensors).toEqual([{ sensor: BOARD, untilMs: 60_000 }]);
  });

  it('of a line that is gone, or is the fault relay by now, are forgotten', () => {
    for (const outputs of [[], [{ id: 'horn', role: 'faultRelay' as const }]]) {
      const plan = makePlan({ zones: [], outputs });
      const { panel } = restorePanel(plan, written(disabled(), WALL_MS), [], 0, WALL_MS);
      expect(viewOf(panel, 0).disabledOutputs).toEqual([]);
    }
  });

  it('of an unknown sensor keep it without a vote', () => {
    const sensor = sensorId('new-board');
    const bench = new Bench(makePlan({ zones: [] }));
    bench.hear(10, (now) => heat(now, 20, {}, sensor));
    bench.command({ kind: 'disableSensor', sensor, forMs: 600_000 });
    const snapshot = written(bench, WALL_MS);
    const { panel } = restorePanel(bench.panel.plan, snapshot, [], 0, WALL_MS);
    const again = new Bench(bench.panel.plan, 0, panel);
    again.hear(10, (now) => heat(now, 300, {}, sensor));
    again.hear(10, (now) => heat(now, 300, {}, sensor));
    expect(again.types()).not.toContain('alarm');
  });

  it('that cannot be read are named, and cost no alarm', () => {
    const bench = new Bench(onePlan());
    bench.hear(0, (now) => heat(now, 130));
    const raw = written(bench, WALL_MS) as { duty: unknown };
    for (const duty of [7, null, {}, { maintenanceForMs: -1 }, { sensors: [{ sensor: 'A B' }] }]) {
      const { problems, restoredAlarms } = back({ ...raw, duty }, 0);
      expect(problems).toEqual(['panel snapshot: duty cannot be read']);
      expect(restoredAlarms).toEqual([HALL]);
    }
    const stamper = new Stamper();
    const odd = stamper
      .stamp([
        {
          ...{ lane: 'operator', type: 'maintenanceStarted' },
          data: { origin: 'x', requestId: 'r', forMs: NaN },
        },
        {
          ...{ lane: 'operator', type: 'sensorDisabled' },
          data: { origin: 'x', requestId: 'r', sensor: BOARD, forMs: Infinity },
        },
      ])
      .map((event) => ({ ...event, wall: 'yesterday' }));
    const after = new Bench(PLAN, 0, back(null, 0, odd).panel);
    after.step();
    expect(viewOf(after.panel, 0)).toMatchObject({ disabledSensors: [], maintenanceUntilMs: null });
    // A snapshot of the version before has none.
    const old: Record<string, unknown> = { ...raw };
    delete old['duty'];
    expect(back(old, 0).problems).toEqual([]);
  });
});

describe('answers through a restart', () => {
  it('a request of every new kind is not executed again', () => {
    const stamper = new Stamper();
    const bench = new Bench(PLAN);
    bench.command({ kind: 'disableSensor', sensor: BOARD, forMs: 1_000 }, { requestId: 'once' });
    const { panel } = back(null, null, stamper.stamp(bench.events));
    const again = new Bench(PLAN, 0, panel);
    const outcome = again.command(
      { kind: 'disableSensor', sensor: BOARD, forMs: 1_000 },
      { requestId: 'once' },
    );
    expect(outcome).toMatchObject({ ok: true, detail: 'executed before the restart' });
    expect(again.types()).toEqual([]);
    const nowhere = again.command({ kind: 'reset', zone: STORE });
    expect(nowhere).toMatchObject({ error: 'unknownZone' });
  });
});
