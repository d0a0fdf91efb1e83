import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { zoneId, sensorId } from '../../src/domain/units.ts';
import type { PanelView, SourceView, ZoneView } from '../../src/domain/view.ts';
import { baselineOf, CONFIG_FAULTS, illnesses, whyNotNow } from '../../src/remote-config/health.ts';
import type { Look } from '../../src/remote-config/health.ts';
import { watchProbation } from '../../src/remote-config/probation.ts';
import { ManualClock } from '../hal/manual-clock.ts';
import { SNAPSHOT } from '../uplink/bench.ts';

const source = (sensor: string, quality: SourceView['quality'] = 'good'): SourceView => ({
  ...{ sensor: sensorId(sensor), channel: 'thermal', zone: zoneId('hall'), role: 'thermal' },
  ...{ value: 20, unit: 'C', idle: null, estimate: null, warmUpLeftMs: null },
  ...{ learningPercent: null, dosePercent: null, ageMs: 100, quality, disabledUntilMs: null },
});
const zone = (more: Partial<ZoneView> = {}): ZoneView => ({
  ...{ id: zoneId('hall'), name: 'Hall', condition: 'normal', alarm: null, preAlarm: null },
  ...{ verifying: false, acknowledged: false, silenced: false, disabledUntilMs: null },
  ...{ testUntilMs: null, faults: [], supervisory: [], ...more },
});
const fault = (name: string, subject: string) => ({
  ...{ fault: name, subject, detail: 'why', sinceMs: 0 },
});
const view = (more: Partial<PanelView> = {}): PanelView => ({
  ...SNAPSHOT,
  ...{ zones: [zone()], sources: [source('a'), source('b')], ...more },
});
const look = (more: Partial<PanelView> = {}, rest: Partial<Look> = {}): Look => ({
  ...{ view: view(more), steps: true, brokers: ['central', 'spare'], connected: ['central'] },
  ...rest,
});
const ALARM = { sinceMs: 0, explanation: {} } as unknown as ZoneView['alarm'];

describe('how a configuration is measured', () => {
  const before = baselineOf(look({ faults: [fault('ingestUnavailable', 'ingest')] }));

  it.each([
    ['as it was', look(), []],
    ['a fault that stood before', look({ faults: [fault('ingestUnavailable', 'ingest')] }), []],
    ['a fault of the box', look({ faults: [fault('boxHot', 'box')] }), []],
    [
      'a new sensor that is not mounted',
      look({ sources: [source('a'), source('b'), source('c', 'neverSeen')] }),
      [],
    ],
    ['a sensor taken out', look({ sources: [source('a')] }), []],
    ['still learning', look({ sources: [source('a', 'learning'), source('b', 'warmingUp')] }), []],
    [
      'a fault of a sensor',
      look({ faults: [fault('sensorNotStarted', 'x')] }),
      ['sensorNotStarted x'],
    ],
    [
      'a fault of a zone',
      look({ zones: [zone({ faults: [fault('adcUnavailable', 'x')] })] }),
      ['adcUnavailable x'],
    ],
    [
      'a sensor that went',
      look({ sources: [source('a'), source('b', 'stale')] }),
      ['b/thermal reported before'],
    ],
    ['no steps', look({}, { steps: false }), ['no steps']],
    ['no broker', look({}, { connected: ['spare'] }), ['broker central']],
  ])('%s', (_, now, words) => {
    const found = illnesses(before, now, 'central');
    expect(found).toHaveLength(words.length);
    for (const [i, word] of words.entries()) expect(found[i]).toContain(word);
  });

  it('from the machine itself brokers may be taken out, not lost', () => {
    expect(illnesses(before, look({}, { connected: [] }), null)).toHaveLength(1);
    expect(illnesses(before, look({}, { connected: [], brokers: ['spare'] }), null)).toEqual([]);
  });

  it('every fault of the list is one of the product', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8');
    expect([...CONFIG_FAULTS].filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  it.each([
    [view(), null],
    [view({ maintenanceUntilMs: 5 }), 'maintenance'],
    [view({ zones: [zone({ alarm: ALARM })] }), 'in alarm'],
    [view({ zones: [zone({ preAlarm: ALARM })] }), 'in pre-alarm'],
    [view({ zones: [zone({ verifying: true })] }), 'possible fire'],
    [view({ zones: [zone({ testUntilMs: 5 })] }), 'under test'],
  ])('a restart on purpose: %#', (now, word) => {
    const why = whyNotNow(now);
    if (word === null) expect(why).toBeNull();
    else expect(why).toContain(word);
  });
});

class Watch {
  readonly clock = new ManualClock();
  readonly verdicts: string[] = [];
  now = look({}, { connected: [] });
  confirmed = false;
  readonly stop: () => void;

  constructor(mustBeConfirmed = false) {
    this.stop = watchProbation({
      ...{ clock: this.clock, probationMs: 60_000, steadyMs: 10_000, broker: 'central' },
      ...{ baseline: baselineOf(look()), mustBeConfirmed },
      isConfirmed: () => this.confirmed,
      look: () => this.now,
      onVerdict: (verdict, reason) => this.verdicts.push(`${verdict}: ${reason}`),
    });
  }
}

describe('a probation', () => {
  it('is passed by being well for long enough without a break', () => {
    const watch = new Watch();
    watch.clock.advance(20_000);
    watch.now = look();
    watch.clock.advance(9_000);
    watch.now = look({}, { connected: [] });
    watch.clock.advance(2_000);
    watch.now = look();
    watch.clock.advance(9_000);
    expect(watch.verdicts).toEqual([]);
    watch.clock.advance(2_000);
    expect(watch.verdicts).toEqual(['kept: well for 10 s']);
    watch.clock.advance(200_000);
    expect(watch.verdicts).toHaveLength(1);
  });

  it('ends with its time, and says what was wrong', () => {
    const watch = new Watch();
    watch.clock.advance(59_000);
    expect(watch.verdicts).toEqual([]);
    watch.clock.advance(2_000);
    expect(watch.verdicts).toEqual(['reverted: broker central is not connected']);
  });

  it('waits for the central server where it must', () => {
    const silent = new Watch(true);
    silent.now = look();
    silent.clock.advance(61_000);
    expect(silent.verdicts).toEqual(['reverted: the central server did not confirm it in time']);
    const heard = new Watch(true);
    heard.now = look();
    heard.clock.advance(30_000);
    heard.confirmed = true;
    heard.clock.advance(1_000);
    expect(heard.verdicts).toEqual(['kept: well for 10 s and confirmed']);
  });

  it('is not ended by a restart while there may be a fire', () => {
    const watch = new Watch();
    watch.now = look({ zones: [zone({ alarm: ALARM })] }, { connected: [] });
    watch.clock.advance(300_000);
    expect(watch.verdicts).toEqual([]);
    watch.now = look({}, { connected: [] });
    watch.clock.advance(1_000);
    expect(watch.verdicts).toHaveLength(1);
  });

  it('ends with the run', () => {
    const watch = new Watch();
    watch.stop();
    watch.clock.advance(300_000);
    expect(watch.verdicts).toEqual([]);
    expect(watch.clock.pending).toBe(0);
  });
});
