/** Stories of disabled sensors and outputs, delays, maintenance and what people may ask for. */
import { describe, expect, it } from 'vitest';
import { makePlan } from '../../src/alarm/make-plan.ts';
import type { PlanInput } from '../../src/alarm/make-plan.ts';
import { conditionOf, outputsOf, viewOf } from '../../src/alarm/panel.ts';
import { ACCESS, ACCESS_LEVELS, COMMAND_KINDS } from '../../src/domain/command.ts';
import type { Command } from '../../src/domain/command.ts';
import { sensorId, zoneId } from '../../src/domain/units.ts';
import { Bench, HALL, heat, noData, STORE } from './make.ts';

const A = sensorId('a');
const B = sensorId('b');
const C = sensorId('c');
const HOUR_MS = 3_600_000;
const OUTPUTS = [
  { id: 'horn', role: 'siren' },
  { id: 'flash', role: 'strobe' },
  { id: 'ok', role: 'faultRelay' },
] as const;

/** Two arrays watch the hall, one the store. */
function plan(more: Partial<PlanInput> = {}) {
  const source = (sensor: typeof A) => ({ sensor, channel: 'thermal', role: 'thermal' }) as const;
  return makePlan({
    zones: [
      { id: HALL, name: 'Hall', confirmations: 1, sources: [source(A), source(B)] },
      { id: STORE, name: 'Store', confirmations: 1, sources: [source(C)] },
    ],
    outputs: OUTPUTS,
    ...more,
  });
}

const DELAYED = { delaysMs: { siren: 30_000, alarmRelay: 60_000 } };
const outputs = (bench: Bench) => outputsOf(bench.panel, bench.nowMs);
const view = (bench: Bench) => viewOf(bench.panel, bench.nowMs);
const fire = (bench: Bench, sensor = A) => bench.hear(10, (now) => heat(now, 130, {}, sensor));
const cool = (bench: Bench, sensor = A) => bench.hear(10, (now) => heat(now, 20, {}, sensor));

/** One of every kind. */
const EXAMPLES: { readonly [K in Command['kind']]: Extract<Command, { kind: K }> } = {
  acknowledge: { kind: 'acknowledge', zone: 'all' },
  silence: { kind: 'silence' },
  reset: { kind: 'reset', zone: 'all' },
  disable: { kind: 'disable', zone: HALL, forMs: 1_000 },
  enable: { kind: 'enable', zone: HALL },
  test: { kind: 'test', zone: HALL, forMs: 1_000 },
  disableSensor: { kind: 'disableSensor', sensor: A, forMs: 1_000 },
  enableSensor: { kind: 'enableSensor', sensor: A },
  disableOutput: { kind: 'disableOutput', output: 'horn', forMs: 1_000 },
  enableOutput: { kind: 'enableOutput', output: 'horn' },
  maintenance: { kind: 'maintenance', forMs: 1_000 },
  endMaintenance: { kind: 'endMaintenance' },
  sound: { kind: 'sound' },
  approveBackground: { kind: 'approveBackground', sensor: A },
  prove: { kind: 'prove', zone: 'all' },
  confirmProof: { kind: 'confirmProof', proof: 'p1' },
};

describe('access levels', () => {
  it.each(COMMAND_KINDS)('%s is refused below its level, and the attempt journalled', (kind) => {
    for (const level of ACCESS_LEVELS) {
      const bench = new Bench(plan());
      const who = { level, origin: 'cli:anna', requestId: `r-${level}` };
      const outcome = bench.command(EXAMPLES[kind], who);
      const allowed = ACCESS_LEVELS.indexOf(level) >= ACCESS_LEVELS.indexOf(ACCESS[kind]);
      expect(!outcome.ok && outcome.error === 'notPermitted', `${kind} by ${level}`).toBe(!allowed);
      if (allowed) continue;
      const { origin, requestId } = who;
      expect(bench.events).toMatchObject([
        { type: 'commandRefused', data: { origin, requestId, command: kind } },
      ]);
    }
  });

  it('every attempt that is allowed leaves its sender in the journal, refused or not', () => {
    for (const kind of COMMAND_KINDS) {
      const bench = new Bench(plan());
      bench.command(EXAMPLES[kind], { origin: 'mqtt:centre' });
      expect(bench.events.length, kind).toBeGreaterThan(0);
      expect(bench.events[0]!.data, kind).toMatchObject({ origin: 'mqtt:centre' });
    }
  });
});

describe('a disabled sensor', () => {
  it('does not vote, is named in explanations and view, and ends by itself', () => {
    const bench = new Bench(plan());
    bench.command({ kind: 'disableSensor', sensor: A, forMs: 20_000 });
    fire(bench);
    expect(conditionOf(bench.panel)).toBe('disabled');
    expect(view(bench).disabledSensors).toEqual([{ sensor: A, untilMs: 20_000 }]);
    expect(view(bench).zones.map((zone) => zone.condition)).toEqual(['disabled', 'normal']);
    expect(view(bench).sources[0]).toMatchObject({ disabledUntilMs: 20_000, value: 130 });
    fire(bench, B);
    const { explanation } = view(bench).zones[0]!.alarm!;
    expect(explanation.disabled).toEqual([{ sensor: A, channel: 'thermal' }]);
    expect(explanation.votes.map(({ sensor }) => sensor)).toEqual([B]);
    cool(bench, B);
    bench.command({ kind: 'reset', zone: HALL });
    expect(view(bench).zones[0]!.alarm).toBeNull();
    bench.hear(20_000, (now) => heat(now, 130, {}, A));
    expect(bench.types().slice(-2)).toEqual(['sensorEnabled', 'alarm']);
    expect(bench.events.at(-2)!.data).toEqual({ sensor: A, origin: 'timeout' });
  });

  it('evidence that is still fresh alarms at once when it is enabled again', () => {
    const bench = new Bench(plan());
    bench.command({ kind: 'disableSensor', sensor: A, forMs: HOUR_MS });
    fire(bench);
    expect(view(bench).zones[0]!).toMatchObject({ alarm: null, preAlarm: null });
    bench.command({ kind: 'enableSensor', sensor: A }, { origin: 'cli:bo' });
    expect(bench.types().slice(-2)).toEqual(['sensorEnabled', 'alarm']);
    expect(view(bench).disabledSensors).toEqual([]);
  });

  it('leaves what is latched, and its faults stand', () => {
    const bench = new Bench(plan());
    fire(bench);
    bench.command({ kind: 'disableSensor', sensor: A, forMs: HOUR_MS });
    expect(outputs(bench).siren).toBe(true);
    for (let i = 0; i < 4; i += 1) bench.hear(5_000, (now) => noData(now, 'frozen', 'thermal', A));
    expect(view(bench).zones[0]!.faults).toMatchObject([{ fault: 'noData', subject: 'a/thermal' }]);
    expect(outputs(bench).faultRelay).toBe(false);
  });

  it('is not taken for an activation in a walk test', () => {
    const bench = new Bench(plan());
    bench.command({ kind: 'test', zone: HALL, forMs: HOUR_MS });
    bench.command({ kind: 'disableSensor', sensor: A, forMs: HOUR_MS });
    fire(bench);
    expect(bench.types()).toEqual(['testStarted', 'sensorDisabled']);
  });

  it('verifies nothing', () => {
    const source = { sensor: A, channel: 'thermal', role: 'thermal' } as const;
    const zones = [{ id: HALL, name: 'Hall', confirmations: 3, sources: [source] }];
    const bench = new Bench(makePlan({ zones }));
    fire(bench);
    expect(view(bench).zones[0]!.verifying).toBe(true);
    bench.command({ kind: 'disableSensor', sensor: A, forMs: HOUR_MS });
    expect(view(bench).zones[0]!.verifying).toBe(false);
  });

  it('must be known, and for a time that makes sense', () => {
    const bench = new Bench(plan());
    const nobody = sensorId('nobody');
    const forMs = 1_000;
    for (const command of [
      { kind: 'disableSensor', sensor: nobody, forMs },
      { kind: 'enableSensor', sensor: nobody },
      { kind: 'approveBackground', sensor: nobody },
    ] as const) {
      expect(bench.command(command)).toMatchObject({ ok: false, error: 'unknownSensor' });
    }
    const never = { kind: 'enableSensor', sensor: A } as const;
    expect(bench.command(never)).toMatchObject({ ok: false, error: 'notApplicable' });
    for (const bad of [0, -1, NaN, Infinity, 25 * HOUR_MS]) {
      const outcome = bench.command({ kind: 'disableSensor', sensor: A, forMs: bad });
      expect(outcome).toMatchObject({ ok: false, error: 'badArgument' });
    }
  });
});

describe('a disabled output', () => {
  it('is shown, logged and enabled again by its time; roles decide as before', () => {
    const bench = new Bench(plan());
    bench.command({ kind: 'disableOutput', output: 'horn', forMs: 20_000 }, { origin: 'cli:bo' });
    expect(conditionOf(bench.panel)).toBe('disabled');
    expect(view(bench).disabledOutputs).toEqual([
      { output: 'horn', role: 'siren', untilMs: 20_000 },
    ]);
    fire(bench);
    expect(outputs(bench).siren).toBe(true);
    bench.wait(20_000);
    expect(bench.types()).toEqual(['outputDisabled', 'alarm', 'outputEnabled']);
    expect(bench.events[2]!.data).toEqual({ output: 'horn', role: 'siren', origin: 'timeout' });
  });

  it('is never the fault relay, and must be wired', () => {
    const bench = new Bench(plan());
    const relay = bench.command({ kind: 'disableOutput', output: 'ok', forMs: 1_000 });
    expect(relay).toMatchObject({ ok: false, error: 'notApplicable' });
    const none = bench.command({ kind: 'disableOutput', output: 'bell', forMs: 1_000 });
    expect(none).toMatchObject({ ok: false, error: 'unknownOutput' });
    expect(none.detail).toContain('horn, flash, ok');
    const on = bench.command({ kind: 'enableOutput', output: 'horn' });
    expect(on).toMatchObject({ ok: false, error: 'notApplicable' });
    const gone = bench.command({ kind: 'enableOutput', output: 'bell' });
    expect(gone).toMatchObject({ ok: false, error: 'unknownOutput' });
    expect(outputs(bench).faultRelay).toBe(true);
  });
});

describe('delayed outputs', () => {
  it('wait for their own time after an automatic alarm, the others do not', () => {
    const bench = new Bench(plan(DELAYED));
    fire(bench);
    expect(outputs(bench)).toMatchObject({
      siren: false,
      strobe: true,
      alarmRelay: false,
      buzzer: true,
      escalation: false,
    });
    const waits = [
      { role: 'siren', soundsAtMs: 30_010 },
      { role: 'alarmRelay', soundsAtMs: 60_010 },
    ];
    expect(view(bench).delayed).toEqual(waits);
    bench.wait(29_999);
    expect(outputs(bench).siren).toBe(false);
    bench.wait(1);
    expect(outputs(bench)).toMatchObject({ siren: true, alarmRelay: false });
    bench.wait(30_000);
    expect(outputs(bench).alarmRelay).toBe(true);
    expect(view(bench).delayed).toEqual([]);
    expect(bench.types()).toEqual(expect.arrayContaining(['outputsDelayed', 'outputDelayEnded']));
    const ends = bench.events.filter(({ type }) => type === 'outputDelayEnded');
    expect(ends.map(({ data }) => data)).toEqual([
      { reason: 'timeout', roles: ['siren'], waiting: ['alarmRelay'], afterMs: 30_000 },
      { reason: 'timeout', roles: ['alarmRelay'], waiting: [], afterMs: 60_000 },
    ]);
  });

  it.each([
    ['a call point', 'callPoint', (b: Bench) => press(b, HALL)],
    ['a call point elsewhere', 'callPoint', (b: Bench) => press(b, STORE)],
    ['a second zone', 'secondZone', (b: Bench) => fire(b, C)],
    ['the command', 'command', (b: Bench) => b.command({ kind: 'sound' }, { level: 'operator' })],
    ['a reset that finds the fire', 'alarmAgain', (b: Bench) => b.command(EXAMPLES.reset)],
  ])('%s ends the wait at once', (_, reason, act) => {
    const bench = new Bench(plan(DELAYED));
    fire(bench);
    bench.nowMs += 1_000;
    act(bench);
    expect(outputs(bench)).toMatchObject({ siren: true, alarmRelay: true });
    const end = bench.events.find(({ type }) => type === 'outputDelayEnded');
    expect(end?.data).toMatchObject({ reason });
  });

  it('acknowledge and silence do not touch the wait, and silence does not reach beyond it', () => {
    const bench = new Bench(plan(DELAYED));
    fire(bench);
    bench.command(EXAMPLES.acknowledge);
    expect(bench.command(EXAMPLES.silence).detail).toContain('nothing sounds yet');
    expect(outputs(bench)).toMatchObject({ siren: false, buzzer: false });
    bench.wait(30_000);
    expect(outputs(bench).siren).toBe(true);
    bench.command(EXAMPLES.silence);
    expect(outputs(bench).siren).toBe(false);
  });

  it('a reset whose cause is gone cancels them; the next alarm waits anew', () => {
    const bench = new Bench(plan(DELAYED));
    fire(bench);
    cool(bench);
    bench.command(EXAMPLES.reset);
    expect(bench.events.at(-1)).toMatchObject({ data: { reason: 'reset' } });
    expect(outputs(bench).siren).toBe(false);
    bench.nowMs += 61_000;
    fire(bench);
    expect(view(bench).delayed).toHaveLength(2);
  });

  it('a fire that comes back within a minute of its reset does not wait again', () => {
    const bench = new Bench(plan(DELAYED));
    fire(bench);
    cool(bench);
    bench.command(EXAMPLES.reset);
    fire(bench);
    expect(outputs(bench)).toMatchObject({ siren: true, alarmRelay: true });
  });

  it('a call point sounds at once, and so does what alarms after it', () => {
    const bench = new Bench(plan(DELAYED));
    press(bench, HALL);
    fire(bench, C);
    expect(outputs(bench)).toMatchObject({ siren: true, alarmRelay: true });
    expect(bench.types()).not.toContain('outputsDelayed');
  });

  it('an alarm that sounds goes on, whatever comes and goes within a step', () => {
    const bench = new Bench(plan(DELAYED));
    fire(bench);
    bench.wait(60_000);
    const point = { input: 'in-1', role: 'manualCallPoint', zone: STORE } as const;
    bench.step({
      signals: [
        { ...point, active: true },
        { ...point, active: false },
      ],
      commands: [
        {
          ...{ requestId: 'r', origin: 'x', level: 'operator' },
          command: { kind: 'reset', zone: STORE },
        },
      ],
    });
    expect(bench.types().slice(-3)).toEqual(['alarm', 'resetRequested', 'alarmReset']);
    expect(outputs(bench)).toMatchObject({ siren: true, alarmRelay: true });
  });

  it('two zones in one step do not wait', () => {
    const bench = new Bench(plan(DELAYED));
    bench.hear(10, (now) => [heat(now, 130, {}, A), heat(now, 130, {}, C)]);
    expect(outputs(bench).siren).toBe(true);
  });
});

describe('sound', () => {
  it('lifts silence, and needs an alarm', () => {
    const bench = new Bench(plan());
    expect(bench.command(EXAMPLES.sound)).toMatchObject({ error: 'notApplicable' });
    fire(bench);
    bench.command(EXAMPLES.silence);
    bench.command(EXAMPLES.sound, { level: 'operator', origin: 'mqtt:centre' });
    expect(outputs(bench).siren).toBe(true);
    const data = { origin: 'mqtt:centre', zones: [HALL] };
    expect(bench.events.at(-1)).toMatchObject({ type: 'soundRequested', data });
  });
});

describe('maintenance', () => {
  it('holds the outputs off and hides nothing; at its end everything sounds', () => {
    const bench = new Bench(plan());
    const outcome = bench.command({ kind: 'maintenance', forMs: 60_000 });
    expect(outcome.detail).toContain('60 s');
    expect(view(bench)).toMatchObject({ condition: 'disabled', maintenanceUntilMs: 60_000 });
    expect(outputs(bench).faultRelay).toBe(false);
    fire(bench);
    expect(outputs(bench)).toEqual({
      siren: false,
      strobe: false,
      alarmRelay: false,
      faultRelay: false,
      buzzer: true,
      escalation: false,
    });
    const alarm = bench.events.find(({ type }) => type === 'alarm');
    expect(alarm?.data).toMatchObject({ explanation: { maintenance: true } });
    expect(view(bench).zones[0]!.alarm!.explanation.maintenance).toBe(true);
    bench.command(EXAMPLES.silence);
    bench.wait(59_990);
    expect(outputs(bench)).toMatchObject({ siren: true, strobe: true, alarmRelay: true });
    const end = bench.events.find(({ type }) => type === 'maintenanceEnded');
    expect(end?.data).toEqual({ origin: 'timeout', zones: [HALL] });
    expect(view(bench).maintenanceUntilMs).toBeNull();
  });

  it('ends by command, and lifts the silence of before', () => {
    const bench = new Bench(plan());
    fire(bench);
    bench.command(EXAMPLES.silence);
    bench.command({ kind: 'maintenance', forMs: 60_000 });
    expect(view(bench).zones[0]!.alarm!.explanation.maintenance).toBeUndefined();
    bench.command({ kind: 'endMaintenance' }, { origin: 'cli:bo' });
    expect(outputs(bench)).toMatchObject({ siren: true, strobe: true });
    expect(bench.events.at(-1)!.data).toEqual({ origin: 'cli:bo', zones: [HALL] });
    const again = bench.command({ kind: 'endMaintenance' });
    expect(again).toMatchObject({ ok: false, error: 'notApplicable' });
  });

  it('marks pre-alarms and call points too', () => {
    const bench = new Bench(plan());
    bench.command({ kind: 'maintenance', forMs: 60_000 });
    bench.hear(10, (now) => heat(now, 80, {}, A));
    press(bench, STORE);
    for (const type of ['preAlarm', 'alarm']) {
      const event = bench.events.find((each) => each.type === type);
      expect(event?.data, type).toMatchObject({ explanation: { maintenance: true } });
    }
    expect(outputs(bench).siren).toBe(false);
  });

  it('is renewed by asking again, for no longer than its limit', () => {
    const bench = new Bench(plan({ maxMaintenanceMs: HOUR_MS }));
    const long = bench.command({ kind: 'maintenance', forMs: HOUR_MS + 1 });
    expect(long).toMatchObject({ ok: false, error: 'badArgument' });
    bench.command({ kind: 'maintenance', forMs: 60_000 });
    bench.wait(50_000);
    bench.command({ kind: 'maintenance', forMs: 60_000 });
    bench.wait(59_999);
    expect(view(bench).maintenanceUntilMs).toBe(110_000);
    bench.wait(1);
    expect(view(bench).maintenanceUntilMs).toBeNull();
    expect(bench.types().filter((type) => type === 'maintenanceEnded')).toHaveLength(1);
  });

  it('is over by the time alone, however late the step', () => {
    const bench = new Bench(plan());
    bench.command({ kind: 'maintenance', forMs: 60_000 });
    fire(bench);
    expect(outputsOf(bench.panel, 59_999).siren).toBe(false);
    expect(outputsOf(bench.panel, 60_000)).toMatchObject({ siren: true, strobe: true });
  });

  it('ends a wait: at its end nothing waits any longer', () => {
    const bench = new Bench(plan(DELAYED));
    fire(bench);
    bench.command({ kind: 'maintenance', forMs: 10_000 });
    expect(view(bench).delayed).toEqual([]);
    bench.wait(10_000);
    expect(outputs(bench)).toMatchObject({ siren: true, alarmRelay: true });
  });

  it('an alarm within it does not wait at its end', () => {
    const bench = new Bench(plan(DELAYED));
    bench.command({ kind: 'maintenance', forMs: 10_000 });
    fire(bench);
    bench.command({ kind: 'endMaintenance' });
    expect(outputs(bench)).toMatchObject({ siren: true, alarmRelay: true });
  });

  it('an alarm in the step of its end is not marked, and sounds', () => {
    const bench = new Bench(plan());
    bench.command({ kind: 'maintenance', forMs: 10_000 });
    bench.hear(10_000, (now) => heat(now, 130, {}, A));
    const alarm = bench.events.find(({ type }) => type === 'alarm');
    expect(alarm?.data).not.toHaveProperty('explanation.maintenance');
    expect(outputs(bench).siren).toBe(true);
  });
});

describe('requests that others carry out', () => {
  it('a background is approved only while a change of it waits', () => {
    const bench = new Bench(plan());
    const approve = { kind: 'approveBackground', sensor: A } as const;
    expect(bench.command(approve)).toMatchObject({ ok: false, error: 'notApplicable' });
    const changed = { kind: 'backgroundChanged', sensor: A, raised: true, detail: 'new' } as const;
    bench.step({ notices: [changed] });
    expect(conditionOf(bench.panel)).toBe('supervisory');
    expect(bench.command(approve, { origin: 'cli:bo' }).ok).toBe(true);
    const data = { origin: 'cli:bo', sensor: A };
    expect(bench.events.at(-1)).toMatchObject({ type: 'backgroundApproved', data });
  });

  it('a proof is asked for in one zone or all', () => {
    const bench = new Bench(plan());
    expect(bench.command({ kind: 'prove', zone: HALL }, { level: 'operator' }).ok).toBe(true);
    expect(bench.events).toMatchObject([{ type: 'proofRequested', data: { zone: HALL } }]);
    const nowhere = bench.command({ kind: 'prove', zone: zoneId('nowhere') });
    expect(nowhere).toMatchObject({ ok: false, error: 'unknownZone' });
  });
});

function press(bench: Bench, zone: typeof HALL): void {
  bench.signal({ role: 'manualCallPoint', active: true, zone });
}
