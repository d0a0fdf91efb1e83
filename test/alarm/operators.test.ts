import { describe, expect, it } from 'vitest';
import { makePlan } from '../../src/alarm/make-plan.ts';
import { conditionOf, outputsOf, viewOf } from '../../src/alarm/panel.ts';
import { sensorId } from '../../src/domain/units.ts';
import { Bench, HALL, heat, onePlan, STORE } from './make.ts';

const outputs = (bench: Bench) => outputsOf(bench.panel, bench.nowMs);
const condition = (bench: Bench) => conditionOf(bench.panel);
const zone = (bench: Bench, index = 0) => viewOf(bench.panel, bench.nowMs).zones[index]!;

/** Two zones, each with an array and a smoke channel. */
const twoZones = makePlan({
  zones: [HALL, STORE].map((id) => ({
    id,
    name: id,
    confirmations: 1,
    sources: [
      { sensor: sensorId(`${id}-b`), channel: 'thermal', role: 'thermal' as const },
      { sensor: sensorId(`${id}-b`), channel: 'ADC1', role: 'smoke' as const },
    ],
  })),
});

describe('acknowledge, silence, reset', () => {
  it('acknowledge quiets the buzzer only', () => {
    const bench = new Bench(onePlan());
    bench.hear(0, (now) => heat(now, 130));
    bench.command({ kind: 'acknowledge', zone: 'all' }, { level: 'operator' });
    expect(outputs(bench)).toMatchObject({ siren: true, strobe: true, buzzer: false });
    expect(zone(bench).acknowledged).toBe(true);
  });

  it('an alarm after an acknowledged pre-alarm wants a new one', () => {
    const bench = new Bench(onePlan());
    bench.hear(0, (now) => heat(now, 80));
    bench.command({ kind: 'acknowledge', zone: HALL });
    expect(outputs(bench).buzzer).toBe(false);
    bench.hear(0, (now) => heat(now, 130));
    expect(outputs(bench).buzzer).toBe(true);
  });

  it('silence stops the siren and not the strobe; an alarm in another zone lifts it', () => {
    const bench = new Bench(twoZones);
    bench.hear(0, (now) => heat(now, 130, {}, sensorId('hall-b')));
    bench.command({ kind: 'silence' }, { level: 'operator' });
    expect(outputs(bench)).toMatchObject({ siren: false, strobe: true, alarmRelay: true });
    bench.hear(10, (now) => heat(now, 130, {}, sensorId('store-b')));
    expect(outputs(bench).siren).toBe(true);
    expect(zone(bench).silenced).toBe(false);
  });

  it('a silence in the step of a new alarm does not cover it', () => {
    const bench = new Bench(twoZones);
    bench.step({
      commands: [{ command: { kind: 'silence' }, requestId: '1', origin: 'x', level: 'operator' }],
      windows: [heat(0, 130, {}, sensorId('hall-b'))],
    });
    expect(outputs(bench).siren).toBe(true);
  });

  it('reset returns to normal when the cause is gone', () => {
    const bench = new Bench(onePlan());
    bench.hear(0, (now) => heat(now, 130));
    bench.hear(1_000, (now) => heat(now, 22));
    expect(bench.command({ kind: 'reset', zone: 'all' }).detail).toBe('reset hall');
    expect(condition(bench)).toBe('normal');
    expect(bench.types()).toEqual(['alarm', 'resetRequested', 'alarmReset']);
    expect(outputs(bench)).toMatchObject({ siren: false, strobe: false, buzzer: false });
  });

  it('reset alarms again at once while the cause is there', () => {
    const bench = new Bench(onePlan());
    bench.hear(0, (now) => heat(now, 130));
    bench.command({ kind: 'silence' });
    bench.command({ kind: 'reset', zone: HALL });
    expect(bench.types().slice(-3)).toEqual(['resetRequested', 'alarmReset', 'alarm']);
    expect(outputs(bench).siren).toBe(true);
  });

  it('resets are limited, and refused on the safe side', () => {
    const bench = new Bench(onePlan());
    bench.hear(0, (now) => heat(now, 130));
    const many = Array.from({ length: 30 }, () => bench.command({ kind: 'reset', zone: HALL }).ok);
    expect(many.filter(Boolean)).toHaveLength(10);
    expect(condition(bench)).toBe('alarm');
    bench.nowMs += 1_000;
    expect(bench.command({ kind: 'reset', zone: HALL }).ok).toBe(true);
  });

  it('a fault after the acknowledgement wants a new one', () => {
    const bench = new Bench(onePlan());
    bench.hear(0, (now) => heat(now, 130));
    bench.command({ kind: 'acknowledge', zone: HALL });
    bench.wait(30_000);
    expect(outputs(bench).buzzer).toBe(true);
  });
});

describe('commands', () => {
  it('need their access level, and a refusal is journalled', () => {
    const kinds = [
      [{ kind: 'acknowledge', zone: 'all' }, 'operator'],
      [{ kind: 'silence' }, 'operator'],
      [{ kind: 'reset', zone: 'all' }, 'operator'],
      [{ kind: 'disable', zone: HALL, forMs: 1_000 }, 'installer'],
      [{ kind: 'enable', zone: HALL }, 'installer'],
      [{ kind: 'test', zone: HALL, forMs: 1_000 }, 'installer'],
    ] as const;
    const rank = ['viewer', 'operator', 'installer'] as const;
    for (const [command, needed] of kinds) {
      for (const given of rank) {
        const bench = new Bench(onePlan());
        const outcome = bench.command(command, { level: given });
        const allowed = rank.indexOf(given) >= rank.indexOf(needed);
        const refused = !outcome.ok && outcome.error === 'notPermitted';
        expect(refused, `${command.kind} by ${given}`).toBe(!allowed);
        if (refused) expect(bench.types()).toEqual(['commandRefused']);
      }
    }
  });

  it('are executed once per origin and request, and answered every time', () => {
    const bench = new Bench(onePlan());
    bench.hear(0, (now) => heat(now, 130));
    const first = bench.command({ kind: 'reset', zone: HALL }, { requestId: 'same' });
    const events = bench.events.length;
    expect(bench.command({ kind: 'reset', zone: HALL }, { requestId: 'same' })).toEqual(first);
    expect(bench.events).toHaveLength(events);
    bench.nowMs += 600_000;
    bench.command({ kind: 'reset', zone: HALL }, { requestId: 'same' });
    const again = bench.events.length;
    expect(again).toBeGreaterThan(events);
    bench.command({ kind: 'reset', zone: HALL }, { requestId: 'same', origin: 'other' });
    expect(bench.events.length).toBeGreaterThan(again);
  });

  it('an id that comes again with another command is refused: it would not be carried out', () => {
    const bench = new Bench(onePlan());
    bench.hear(0, (now) => heat(now, 130));
    const id = { requestId: '1' };
    expect(bench.command({ kind: 'silence' }, id).ok).toBe(true);
    expect(bench.command({ kind: 'reset', zone: HALL }, id)).toMatchObject({
      ...{ ok: false, error: 'badArgument' },
      detail: expect.stringContaining('used for another command') as string,
    });
    expect(bench.types().at(-1)).toBe('commandRefused');
    expect(bench.command({ kind: 'silence' }, id).ok).toBe(true);
    bench.command({ kind: 'reset', zone: HALL }, { requestId: '2' });
    expect(bench.types()).toContain('alarmReset');
  });

  it('say so when only a fault of the appliance itself is acknowledged', () => {
    const bench = new Bench(onePlan());
    const fault = { fault: 'storeSlow', subject: 'store', raised: true, detail: 'slow' };
    bench.step({ faults: [fault] });
    expect(outputs(bench).buzzer).toBe(true);
    const seen = bench.command({ kind: 'acknowledge', zone: 'all' });
    expect(seen.detail).toBe('acknowledged the appliance itself');
    expect(outputs(bench).buzzer).toBe(false);
    const again = bench.command({ kind: 'acknowledge', zone: 'all' });
    expect(again.detail).toBe('nothing to acknowledge');
  });

  it('remember a bounded number of requests', () => {
    const bench = new Bench(onePlan());
    for (let i = 0; i < 600; i += 1) bench.command({ kind: 'silence' });
    expect(bench.panel.commands.answered).toHaveLength(256);
  });

  it('refuse zones and times that make no sense', () => {
    const bench = new Bench(onePlan());
    expect(bench.command({ kind: 'reset', zone: STORE })).toMatchObject({ error: 'unknownZone' });
    for (const forMs of [0, -1, NaN, Infinity, 25 * 3_600_000]) {
      const outcome = bench.command({ kind: 'disable', zone: HALL, forMs });
      expect(outcome).toMatchObject({ ok: false, error: 'badArgument' });
    }
    expect(bench.command({ kind: 'enable', zone: HALL })).toMatchObject({
      error: 'notApplicable',
    });
  });

  it('come from buttons too, with the button as origin', () => {
    const bench = new Bench(onePlan());
    bench.hear(0, (now) => heat(now, 130));
    bench.hear(10, (now) => heat(now, 22));
    bench.signal({ role: 'silence', active: true, input: 'key' });
    expect(outputs(bench).siren).toBe(false);
    bench.signal({ role: 'reset', active: true, input: 'key' });
    bench.signal({ role: 'reset', active: false, input: 'key' });
    expect(condition(bench)).toBe('normal');
    const reset = bench.events.find((event) => event.type === 'resetRequested');
    expect(reset?.data).toMatchObject({ origin: 'input:key', zones: [HALL] });
    bench.signal({ role: 'test', active: true, input: 'key' });
    expect(condition(bench)).toBe('test');
  });
});

describe('disable and walk test', () => {
  it('a disabled zone decides nothing until its time is over', () => {
    const bench = new Bench(onePlan({ freshnessMs: 60_000 }));
    bench.command({ kind: 'disable', zone: HALL, forMs: 20_000 });
    bench.hear(10, (now) => heat(now, 300));
    expect(condition(bench)).toBe('disabled');
    bench.wait(19_989);
    expect(condition(bench)).toBe('disabled');
    bench.wait(1);
    expect(bench.types()).toEqual(['disabled', 'enabled', 'alarm']);
    expect(bench.events[1]!.data).toMatchObject({ origin: 'timeout' });
  });

  it('disabling leaves what is latched, and lets it be reset', () => {
    const bench = new Bench(onePlan());
    bench.hear(0, (now) => heat(now, 300));
    bench.command({ kind: 'disable', zone: HALL, forMs: 20_000 });
    expect(condition(bench)).toBe('alarm');
    bench.command({ kind: 'reset', zone: HALL });
    expect(condition(bench)).toBe('disabled');
    expect(outputs(bench).siren).toBe(false);
  });

  it('a walk test tells activations and drives nothing; a fire at its end alarms', () => {
    const bench = new Bench(onePlan());
    bench.command({ kind: 'test', zone: HALL, forMs: 20_000 });
    bench.hear(10, (now) => heat(now, 300));
    bench.hear(4_000, (now) => heat(now, 300));
    expect(bench.types()).toEqual(['testStarted', 'verifying', 'verifyingEnded']);
    expect(bench.events[1]!.data).toMatchObject({
      explanation: { summary: expect.stringContaining('walk test') as string },
    });
    expect(outputs(bench).siren).toBe(false);
    bench.hear(15_000, (now) => heat(now, 300));
    bench.hear(1_000, (now) => heat(now, 300));
    expect(bench.types().slice(-2)).toEqual(['testEnded', 'alarm']);
  });

  it('a zone in alarm cannot be put under test', () => {
    const bench = new Bench(onePlan());
    bench.hear(0, (now) => heat(now, 300));
    const outcome = bench.command({ kind: 'test', zone: HALL, forMs: 20_000 });
    expect(outcome).toMatchObject({ ok: false, error: 'notApplicable' });
  });

  it('enable ends both early', () => {
    const bench = new Bench(onePlan());
    bench.command({ kind: 'disable', zone: HALL, forMs: 20_000 });
    bench.command({ kind: 'test', zone: HALL, forMs: 20_000 });
    bench.command({ kind: 'enable', zone: HALL }, { origin: 'me' });
    expect(bench.types().slice(-2)).toEqual(['enabled', 'testEnded']);
    expect(condition(bench)).toBe('normal');
  });
});

describe('inputs', () => {
  it('a call point alarms at once, even when released in the same step', () => {
    const bench = new Bench(onePlan());
    const base = { input: 'mcp', role: 'manualCallPoint', zone: HALL } as const;
    bench.step({
      signals: [
        { ...base, active: true },
        { ...base, active: false },
      ],
    });
    expect(condition(bench)).toBe('alarm');
    bench.command({ kind: 'reset', zone: HALL });
    expect(condition(bench)).toBe('normal');
  });

  it('a call point that stays pressed alarms again after a reset', () => {
    const bench = new Bench(onePlan());
    bench.signal({ role: 'manualCallPoint', active: true, zone: HALL });
    bench.command({ kind: 'reset', zone: HALL });
    expect(bench.types()).toEqual(['alarm', 'resetRequested', 'alarmReset', 'alarm']);
  });

  it('a second call point in a silenced zone sounds again', () => {
    const bench = new Bench(onePlan());
    bench.signal({ role: 'manualCallPoint', active: true, zone: HALL, input: 'a' });
    bench.command({ kind: 'silence' });
    bench.signal({ role: 'manualCallPoint', active: true, zone: HALL, input: 'a' });
    expect(outputs(bench).siren).toBe(false);
    bench.signal({ role: 'manualCallPoint', active: true, zone: HALL, input: 'b' });
    expect(outputs(bench).siren).toBe(true);
    expect(zone(bench).alarm?.explanation.summary).toBe('manual call point a, b');
  });

  it("a call point of no zone has the appliance's own zone", () => {
    const bench = new Bench(onePlan());
    bench.signal({ role: 'manualCallPoint', active: true });
    expect(zone(bench, 1)).toMatchObject({ id: 'appliance', condition: 'alarm' });
    expect(outputs(bench).siren).toBe(true);
  });

  it('a charger that reports its battery is a fault while it does', () => {
    const bench = new Bench(onePlan());
    bench.signal({ role: 'batteryFail', active: true, input: 'psu' });
    expect(condition(bench)).toBe('fault');
    expect(outputs(bench)).toMatchObject({ faultRelay: false });
    bench.signal({ role: 'batteryFail', active: false, input: 'psu' });
    expect(condition(bench)).toBe('normal');
    expect(bench.types()).toEqual(['faultRaised', 'faultRestored']);
  });

  it('tamper is supervisory and missing mains a fault, each while it lasts', () => {
    const bench = new Bench(onePlan());
    bench.signal({ role: 'mainsFail', active: true, input: 'm' });
    expect(condition(bench)).toBe('fault');
    expect(outputs(bench)).toMatchObject({ faultRelay: false, buzzer: true });
    bench.signal({ role: 'tamper', active: true, input: 't', zone: HALL });
    expect(condition(bench)).toBe('supervisory');
    bench.signal({ role: 'tamper', active: false, input: 't', zone: HALL });
    bench.signal({ role: 'mainsFail', active: false, input: 'm' });
    expect(condition(bench)).toBe('normal');
    expect(bench.types()).toEqual([
      'faultRaised',
      'supervisoryRaised',
      'supervisoryRestored',
      'faultRestored',
    ]);
  });
});
