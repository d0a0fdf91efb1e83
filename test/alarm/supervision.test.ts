import { describe, expect, it } from 'vitest';
import { makePlan } from '../../src/alarm/make-plan.ts';
import { conditionOf, outputsOf, viewOf } from '../../src/alarm/panel.ts';
import { sensorId } from '../../src/domain/units.ts';
import { Bench, BOARD, HALL, heat, level, noData, onePlan, OTHERS } from './make.ts';

const outputs = (bench: Bench) => outputsOf(bench.panel, bench.nowMs);
const condition = (bench: Bench) => conditionOf(bench.panel);
const zone = (bench: Bench, index = 0) => viewOf(bench.panel, bench.nowMs).zones[index]!;

describe('supervision', () => {
  const all = (now: number) => [...OTHERS(now), level('DIO', now, 0)];

  it('finds a sensor that was never there, at its deadline', () => {
    const bench = new Bench(onePlan());
    bench.wait(29_999);
    expect(bench.events).toEqual([]);
    bench.wait(1);
    expect(bench.events).toEqual([
      {
        lane: 'fault',
        type: 'faultRaised',
        data: {
          fault: 'sensorSilent',
          subject: BOARD,
          zone: HALL,
          detail: 'not heard within 30 s of the start',
        },
      },
      {
        lane: 'fault',
        type: 'faultRaised',
        data: {
          fault: 'zoneBlind',
          subject: HALL,
          zone: HALL,
          detail: 'none of its sources can vote: nothing watches this zone until one is repaired',
        },
      },
    ]);
    bench.hear(5_000, all);
    expect(bench.events.slice(2)).toMatchObject([
      { type: 'faultRestored', data: { fault: 'sensorSilent', afterMs: 5_000 } },
      { type: 'faultRestored', data: { fault: 'zoneBlind', afterMs: 5_000 } },
    ]);
    expect(condition(bench)).toBe('normal');
  });

  it('a zone of which no source can vote is blind; one that is disabled is not in fault', () => {
    const other = sensorId('board-2');
    const of = (sensor: typeof BOARD) => ({ sensor, channel: 'thermal', role: 'thermal' }) as const;
    const bench = new Bench(onePlan({ sources: [of(BOARD), of(other)] }));
    const blind = () =>
      viewOf(bench.panel, bench.nowMs).zones[0]!.faults.filter(
        ({ fault }) => fault === 'zoneBlind',
      );
    bench.wait(20_000);
    bench.hear(0, (now) => heat(now, 22, {}, other));
    bench.wait(20_000);
    // One board is silent, the other one speaks.
    expect(blind()).toEqual([]);
    bench.command({ kind: 'disableSensor', sensor: other, forMs: 600_000 });
    bench.hear(10_000, (now) => heat(now, 22, {}, other));
    bench.wait(0);
    expect(blind()).toHaveLength(1);
    bench.hear(1_000, (now) => heat(now, 22));
    bench.wait(20_000);
    expect(blind()).toEqual([]);
    bench.command({ kind: 'disableSensor', sensor: BOARD, forMs: 600_000 });
    bench.wait(1_000);
    // Everything disabled is shown as that: nothing is broken.
    expect(blind()).toEqual([]);
  });

  it('finds a channel that is silent while its sensor speaks', () => {
    const bench = new Bench(onePlan());
    for (let i = 0; i < 8; i += 1) bench.hear(4_090, OTHERS);
    expect(bench.events).toMatchObject([
      { type: 'faultRaised', data: { fault: 'sourceSilent', subject: 'board-1/DIO' } },
    ]);
  });

  it('takes unbelievable reports for a fault, not for silence, and a glitch for nothing', () => {
    const bench = new Bench(onePlan());
    bench.hear(0, all);
    bench.hear(4_000, (now) => [...all(now).slice(1), noData(now, 'glitch')]);
    expect(viewOf(bench.panel, bench.nowMs).sources[0]!.quality).toBe('glitch');
    bench.hear(4_000, all);
    expect(bench.events).toEqual([]);
    for (let i = 0; i < 4; i += 1) {
      bench.hear(4_000, (now) => [...all(now).slice(1), noData(now)]);
    }
    expect(bench.events).toMatchObject([
      {
        type: 'faultRaised',
        data: {
          fault: 'noData',
          subject: 'board-1/thermal',
          detail: 'implausibleVdd: test',
        },
      },
    ]);
    bench.hear(4_000, all);
    expect(bench.types()).toEqual(['faultRaised', 'faultRestored']);
  });

  it('a single unbelievable report after which nothing comes is a fault in time', () => {
    const bench = new Bench(onePlan());
    bench.hear(0, all);
    bench.hear(1_000, (now) => noData(now));
    bench.hear(24_000, (now) => all(now).slice(1));
    expect(bench.types()).toEqual([]);
    bench.wait(1_000);
    expect(bench.types()).toEqual(['faultRaised']);
  });

  it('a latched alarm stays when its sensor fails, and the sensor does not vote', () => {
    const bench = new Bench(onePlan({ freshnessMs: 60_000 }));
    bench.hear(0, (now) => heat(now, 130));
    for (let i = 0; i < 4; i += 1) bench.hear(4_000, (now) => noData(now, 'frozen'));
    expect(zone(bench)).toMatchObject({ condition: 'alarm' });
    expect(zone(bench).faults[0]).toMatchObject({ fault: 'noData' });
    bench.command({ kind: 'reset', zone: HALL });
    expect(condition(bench)).toBe('fault');
  });

  // A jump to full scale without a value in between may be a short circuit: a pre-alarm and a
  // fault for ten minutes, then a fault. What rose there stays an alarm (rail.test.ts).
  it('a channel that jumped to a rail and sticks there is a fault and ends up without a vote', () => {
    const bench = new Bench(onePlan());
    const stick = (readings: number) => {
      for (let i = 0; i < readings; i += 1) {
        bench.hear(4_000, (now) => [...all(now).slice(0, 1), level('ADC1', now, 100)]);
      }
    };
    stick(9);
    expect(condition(bench)).toBe('preAlarm');
    stick(160);
    expect(condition(bench)).toBe('fault');
    expect(bench.events.map((event) => event.type)).toContain('faultRaised');
    bench.command({ kind: 'reset', zone: HALL });
    expect(condition(bench)).toBe('fault');
  });

  it('takes faults of the appliance from its adapters, each once', () => {
    const bench = new Bench(onePlan());
    const fault = { fault: 'outputFailed', subject: 'output:siren', raised: true, detail: 'x' };
    bench.step({ faults: [fault, fault] });
    bench.step({ faults: [{ ...fault, detail: 'y' }] });
    expect(viewOf(bench.panel, 0).faults).toMatchObject([{ detail: 'y' }]);
    expect(outputs(bench).faultRelay).toBe(false);
    bench.step({ faults: [{ ...fault, raised: false }] });
    expect(bench.types()).toEqual(['faultRaised', 'faultRestored']);
    expect(outputs(bench).faultRelay).toBe(true);
  });

  it('limits a fault that chatters', () => {
    const bench = new Bench(onePlan());
    const fault = { fault: 'brokerUnreachable', subject: 'uplink:a', detail: '' };
    for (let s = 0; s < 3_600; s += 1) {
      bench.nowMs += 1_000;
      bench.step({ windows: all(bench.nowMs), faults: [{ ...fault, raised: s % 2 === 0 }] });
    }
    expect(bench.events.length).toBeGreaterThan(2);
    expect(bench.events.length).toBeLessThanOrEqual(22);
  });
});

describe('unknown sensors', () => {
  const NEW = sensorId('new-board');
  const appear = {
    kind: 'appeared',
    sensor: NEW,
    address: '10.0.0.7',
    announced: 'Attic',
  } as const;

  it('get a zone with defaults and a supervisory condition until they are acknowledged', () => {
    const bench = new Bench(makePlan({ zones: [] }));
    bench.step({ notices: [appear, appear], windows: [level('ADC1', 0, 10, NEW)] });
    expect(bench.types()).toEqual(['sensorAppeared', 'supervisoryRaised']);
    expect(zone(bench)).toMatchObject({ id: 'new-board', name: 'Attic', condition: 'supervisory' });
    bench.command({ kind: 'acknowledge', zone: 'all' });
    expect(condition(bench)).toBe('normal');
    expect(bench.types().slice(-2)).toEqual(['acknowledged', 'supervisoryRestored']);
  });

  it('alarm with the default limits', () => {
    const bench = new Bench(makePlan({ zones: [] }));
    bench.step({ notices: [appear] });
    bench.hear(0, (now) => heat(now, 130, {}, NEW));
    bench.hear(4_090, (now) => heat(now, 130, {}, NEW));
    expect(condition(bench)).toBe('alarm');
  });

  it('are heard even when nobody announced them', () => {
    const bench = new Bench(makePlan({ zones: [] }));
    bench.hear(0, (now) => [heat(now, 130, {}, NEW), level('ADC3', now, 5, NEW)]);
    bench.hear(4_090, (now) => heat(now, 130, {}, NEW));
    expect(condition(bench)).toBe('alarm');
    expect(viewOf(bench.panel, 0).sources).toHaveLength(1);
  });

  it('are bounded, with a fault', () => {
    const bench = new Bench(makePlan({ zones: [], unknown: { maxSensors: 3 } }));
    for (let i = 0; i < 10; i += 1) {
      bench.step({ windows: [level('ADC1', 0, 10, sensorId(`b${i}`))] });
    }
    expect(bench.panel.zones).toHaveLength(3);
    expect(viewOf(bench.panel, 0).faults).toMatchObject([{ fault: 'tooManyUnknownSensors' }]);
  });

  it('do not take the name of a configured zone', () => {
    const bench = new Bench(onePlan());
    bench.step({ windows: [level('ADC1', 0, 10, sensorId('hall'))] });
    expect(bench.panel.zones.map((each) => each.plan.id)).toEqual(['hall', 'hall-2']);
  });

  it('a swapped array is supervisory until somebody has seen it', () => {
    const bench = new Bench(onePlan());
    bench.step({ notices: [{ kind: 'arraySwapped', sensor: BOARD, was: 'a', is: 'b' }] });
    expect(zone(bench).condition).toBe('supervisory');
    bench.command({ kind: 'acknowledge', zone: HALL });
    expect(condition(bench)).toBe('normal');
  });
});
