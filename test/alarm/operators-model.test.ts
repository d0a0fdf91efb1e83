/** What must hold of delays, maintenance and disablements after any sequence, and any restart. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makePlan } from '../../src/alarm/make-plan.ts';
import { createPanel, outputsOf, restorePanel, stepPanel } from '../../src/alarm/panel.ts';
import { toSnapshot, viewOf } from '../../src/alarm/panel.ts';
import type { Panel } from '../../src/alarm/panel.ts';
import type { Command } from '../../src/domain/command.ts';
import type { DomainEvent, JournalEvent } from '../../src/domain/event.ts';
import type { StepInputs } from '../../src/domain/step.ts';
import { NO_INPUTS } from '../../src/domain/step.ts';
import { sensorId } from '../../src/domain/units.ts';
import type { PanelView } from '../../src/domain/view.ts';
import { HALL, heat, Stamper, STORE } from './make.ts';

const A = sensorId('a');
const B = sensorId('b');
const DELAYS = { siren: 10_000, strobe: 5_000, alarmRelay: 0 };
const LEASE_MS = 20_000;
const WALL_MS = Date.UTC(2026, 0, 1);

const PLAN = makePlan({
  zones: [
    [HALL, A],
    [STORE, B],
  ].map(([id, sensor]) => ({
    id: id as typeof HALL,
    name: String(id),
    confirmations: 1,
    sources: [{ sensor: sensor as typeof A, channel: 'thermal', role: 'thermal' as const }],
  })),
  outputs: [
    { id: 'horn', role: 'siren' },
    { id: 'ok', role: 'faultRelay' },
  ],
  delaysMs: DELAYS,
});

interface Letter {
  readonly name: string;
  readonly afterMs: number;
  readonly inputs: (nowMs: number) => Partial<StepInputs>;
}

const shows = (name: string, celsius: number, sensor: typeof A): Letter => ({
  name,
  afterMs: 500,
  inputs: (now) => ({ windows: [heat(now, celsius, {}, sensor)] }),
});
let requests = 0;
const orders = (command: Command): Letter => ({
  name: command.kind,
  afterMs: 0,
  inputs: () => {
    requests += 1;
    const requestId = `r${requests}`;
    return { commands: [{ command, requestId, origin: 't', level: 'installer' }] };
  },
});
const point = (active: boolean): Letter => ({
  name: active ? 'press' : 'release',
  afterMs: 0,
  inputs: () => ({ signals: [{ input: 'mcp', role: 'manualCallPoint', zone: STORE, active }] }),
});
const wait = (ms: number): Letter => ({ name: `wait${ms}`, afterMs: ms, inputs: () => ({}) });

const LETTERS: readonly Letter[] = [
  shows('fireA', 130, A),
  shows('coolA', 20, A),
  shows('warmA', 80, A),
  shows('fireB', 130, B),
  shows('coolB', 20, B),
  orders({ kind: 'silence' }),
  orders({ kind: 'acknowledge', zone: 'all' }),
  orders({ kind: 'reset', zone: 'all' }),
  orders({ kind: 'reset', zone: HALL }),
  orders({ kind: 'sound' }),
  orders({ kind: 'maintenance', forMs: LEASE_MS }),
  orders({ kind: 'endMaintenance' }),
  orders({ kind: 'disableSensor', sensor: A, forMs: 15_000 }),
  orders({ kind: 'enableSensor', sensor: A }),
  orders({ kind: 'disableOutput', output: 'horn', forMs: 15_000 }),
  orders({ kind: 'enableOutput', output: 'horn' }),
  orders({ kind: 'disableOutput', output: 'ok', forMs: 15_000 }),
  orders({ kind: 'disable', zone: STORE, forMs: 15_000 }),
  orders({ kind: 'enable', zone: STORE }),
  point(true),
  point(false),
  wait(100),
  wait(4_000),
  wait(12_000),
];

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`broken: ${what}`);
}

const exercised = { newAlarm: 0, lease: 0, held: 0, override: 0, muted: 0, restarts: 0 };

/** What the journal alone says about the outputs: the model that the panel is held against. */
class Reader {
  leaseEndsMs = -Infinity;
  waitsSinceMs: number | null = null;

  read(events: readonly DomainEvent[], nowMs: number): void {
    for (const event of events) {
      if (event.type === 'maintenanceStarted') this.leaseEndsMs = nowMs + event.data.forMs;
      if (event.type === 'maintenanceEnded') this.leaseEndsMs = -Infinity;
      if (event.type === 'outputsDelayed') this.waitsSinceMs = nowMs;
      if (event.type !== 'outputDelayEnded') continue;
      if (event.data.waiting.length === 0) this.waitsSinceMs = null;
    }
  }

  mayBeHeld(role: keyof typeof DELAYS, nowMs: number): boolean {
    if (nowMs < this.leaseEndsMs) return true;
    return this.waitsSinceMs !== null && nowMs < this.waitsSinceMs + DELAYS[role];
  }
}

interface Run {
  panel: Panel;
  nowMs: number;
  readonly reader: Reader;
}

function play(run: Run, letter: Letter): readonly DomainEvent[] {
  run.nowMs += letter.afterMs;
  const { nowMs, reader } = run;
  const before = run.panel;
  const inputs = { ...NO_INPUTS, ...letter.inputs(nowMs) };
  const { panel, events } = stepPanel(before, inputs, nowMs);
  run.panel = panel;
  reader.read(events, nowMs);
  const view = viewOf(panel, nowMs);
  check(view, events, reader, nowMs);
  if (letter.name === 'sound' && view.zones.some(({ alarm }) => alarm !== null)) {
    exercised.override += 1;
    const { siren, strobe, alarmRelay } = view.outputs;
    const all = siren && strobe && alarmRelay;
    must(all || nowMs < reader.leaseEndsMs, 'an override always sounds');
  }
  return events;
}

function check(
  view: PanelView,
  events: readonly DomainEvent[],
  reader: Reader,
  nowMs: number,
): void {
  const { outputs } = view;
  const inAlarm = view.zones.filter(({ alarm }) => alarm !== null);
  for (const event of events) {
    if (event.type !== 'alarm') continue;
    exercised.newAlarm += 1;
    must(outputs.siren || reader.mayBeHeld('siren', nowMs), 'silence never hides a new alarm');
    must(!view.zones.some(({ silenced }) => silenced), 'a new alarm lifts every silence');
    const marked = event.data.explanation.maintenance === true;
    must(marked === nowMs < reader.leaseEndsMs, 'what maintenance holds off is marked');
  }
  for (const role of ['strobe', 'alarmRelay'] as const) {
    if (inAlarm.length === 0) must(!outputs[role], 'nothing warns without an alarm');
    else if (!outputs[role]) {
      exercised.held += 1;
      must(reader.mayBeHeld(role, nowMs), 'an alarm is held back by a lease or its delay alone');
    }
  }
  const sounding = inAlarm.some(({ silenced }) => !silenced);
  must(outputs.siren || !sounding || reader.mayBeHeld('siren', nowMs), 'the siren sounds');
  const inLease = nowMs < reader.leaseEndsMs;
  if (inLease) exercised.lease += 1;
  must((view.maintenanceUntilMs !== null) === inLease, 'a lease never outlives its time');
  must(!inLease || !outputs.faultRelay, 'whoever is in maintenance is not ready');
  must(!inLease || !(outputs.siren || outputs.strobe || outputs.alarmRelay), 'nothing sounds');
  must(!view.disabledOutputs.some(({ role }) => role === 'faultRelay'), 'not the fault relay');
  must(view.delayed.length === 0 || inAlarm.length === 1, 'only the first alarm waits');
  if (view.disabledSensors.length > 0) exercised.muted += 1;
  for (const { untilMs } of [...view.disabledSensors, ...view.disabledOutputs]) {
    must(untilMs > nowMs, 'what is disabled ends by itself');
  }
}

const begin = (): Run => ({ panel: createPanel(PLAN, 0), nowMs: 0, reader: new Reader() });

/** What must be the same before and after a restart. */
function essence(panel: Panel, nowMs: number): unknown {
  const view = viewOf(panel, nowMs);
  const { siren, strobe, alarmRelay } = outputsOf(panel, nowMs);
  return {
    levels: { siren, strobe, alarmRelay },
    maintenanceUntilMs: view.maintenanceUntilMs,
    delayed: view.delayed,
    sensors: view.disabledSensors,
    outputs: view.disabledOutputs,
    muted: view.sources.map(({ disabledUntilMs }) => disabledUntilMs),
    zones: view.zones.map(({ id, alarm, silenced, disabledUntilMs }) => ({
      ...{ id, silenced, disabledUntilMs },
      sinceMs: alarm?.sinceMs ?? null,
      marked: alarm?.explanation.maintenance ?? false,
    })),
  };
}

const letters = fc.array(fc.constantFrom(...LETTERS), { maxLength: 40 });

describe('after any sequence of commands and inputs', () => {
  it('an alarm is held back by a lease or a delay alone, and for no longer than they last', () => {
    fc.assert(
      fc.property(letters, (sequence) => {
        const run = begin();
        for (const letter of sequence) play(run, letter);
      }),
      { numRuns: 1_500 },
    );
  });

  it('a restart at any moment, with a snapshot of any moment before, changes nothing', () => {
    fc.assert(
      fc.property(letters, fc.nat(40), (sequence, at) => {
        const run = begin();
        const stamper = new Stamper();
        const journal: JournalEvent[] = [];
        let snapshot: unknown = null;
        sequence.forEach((letter, i) => {
          if (i === at) snapshot = saved(run, stamper);
          const wall = new Date(WALL_MS + run.nowMs + letter.afterMs).toISOString();
          const events = play(run, letter);
          journal.push(...stamper.stamp(events).map((event) => ({ ...event, wall })));
        });
        exercised.restarts += 1;
        // Another process has another zero of time.
        const shiftMs = 7_000_000;
        const startMs = run.nowMs + shiftMs;
        const restored = restorePanel(PLAN, snapshot, journal, startMs, WALL_MS + run.nowMs);
        expect(restored.problems).toEqual([]);
        const back = JSON.parse(
          JSON.stringify(essence(restored.panel, startMs), (key, value: unknown) =>
            key.endsWith('Ms') && typeof value === 'number' ? value - shiftMs : value,
          ),
        ) as { muted: (number | null)[] };
        back.muted = back.muted.map((untilMs) => (untilMs === null ? null : untilMs - shiftMs));
        expect(back).toEqual(essence(run.panel, run.nowMs));
      }),
      { numRuns: 1_000 },
    );
  });

  it('a restart without a clock to trust never lengthens a wait or a lease', () => {
    fc.assert(
      fc.property(letters, fc.nat(40), (sequence, at) => {
        const run = begin();
        const stamper = new Stamper();
        const journal: JournalEvent[] = [];
        let snapshot: unknown = null;
        sequence.forEach((letter, i) => {
          if (i === at) snapshot = saved(run, stamper);
          journal.push(...stamper.stamp(play(run, letter)));
        });
        const { panel } = restorePanel(PLAN, snapshot, journal, 0, null);
        const view = viewOf(panel, 0);
        expect(view.delayed).toEqual([]);
        const latched = view.zones.some(({ alarm }) => alarm !== null);
        expect(view.outputs).toMatchObject({ strobe: latched, alarmRelay: latched });
        // What is over is told in the first step.
        const first = stepPanel(panel, NO_INPUTS, 0);
        expect(viewOf(first.panel, 0).maintenanceUntilMs).toBeNull();
      }),
      { numRuns: 500 },
    );
  });

  it('exercised every invariant', () => {
    for (const [name, times] of Object.entries(exercised)) {
      expect(times, name).toBeGreaterThan(100);
    }
  });
});

function saved(run: Run, stamper: Stamper): unknown {
  const snapshot = toSnapshot(run.panel, run.nowMs, { ...stamper.seq }, WALL_MS + run.nowMs);
  return JSON.parse(JSON.stringify(snapshot));
}
