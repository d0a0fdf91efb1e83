import { describe, expect, it } from 'vitest';
import type { ZoneView } from '../../src/domain/view.ts';
import { sensorId, zoneId } from '../../src/domain/units.ts';
import type { DisturbView } from '../../src/service/disturb.ts';
import { disturbText, mayBeDisturbed } from '../../src/service/disturb.ts';

const explanation = { rule: 'heat' } as unknown as NonNullable<ZoneView['alarm']>['explanation'];

function zone(id: string, more: Partial<ZoneView> = {}): ZoneView {
  return {
    id: zoneId(id),
    name: id,
    condition: 'normal',
    alarm: null,
    preAlarm: null,
    verifying: false,
    acknowledged: false,
    silenced: false,
    disabledUntilMs: null,
    testUntilMs: null,
    faults: [],
    supervisory: [],
    ...more,
  };
}

function view(more: Partial<DisturbView> = {}): DisturbView {
  return {
    zones: [zone('a')],
    disabledSensors: [],
    disabledOutputs: [],
    maintenanceUntilMs: null,
    ...more,
  };
}

describe('whether an appliance may be disturbed', () => {
  it('a quiet one may, also with faults', () => {
    const fault = { fault: 'sensorSilent', subject: 's', detail: '', sinceMs: 1 };
    const faulty = view({ zones: [zone('a', { faults: [fault], supervisory: [fault] })] });
    expect(mayBeDisturbed(view())).toEqual({ ok: true, reasons: [] });
    expect(mayBeDisturbed(faulty).ok).toBe(true);
  });

  it.each<[string, string, Partial<DisturbView>]>([
    ['alarm', 'zone:a', { zones: [zone('a', { alarm: { sinceMs: 1, explanation } })] }],
    [
      'alarm',
      'zone:a',
      { zones: [zone('a', { alarm: { sinceMs: 1, explanation }, acknowledged: true })] },
    ],
    ['preAlarm', 'zone:a', { zones: [zone('a', { preAlarm: { sinceMs: 1, explanation } })] }],
    ['verifying', 'zone:a', { zones: [zone('a', { verifying: true })] }],
    ['test', 'zone:a', { zones: [zone('a', { testUntilMs: 9 })] }],
    ['disablement', 'zone:a', { zones: [zone('a', { disabledUntilMs: 9 })] }],
    ['disablement', 'sensor:s', { disabledSensors: [{ sensor: sensorId('s'), untilMs: 9 }] }],
    [
      'disablement',
      'output:siren',
      { disabledOutputs: [{ output: 'siren', role: 'siren', untilMs: 9 }] },
    ],
    ['maintenance', 'appliance', { maintenanceUntilMs: 9 }],
  ])('%s of %s stands in the way', (kind, subject, more) => {
    const { ok, reasons } = mayBeDisturbed(view(more));
    expect(ok).toBe(false);
    const timed = ['test', 'disablement', 'maintenance'].includes(kind);
    expect(reasons).toEqual([{ kind, subject, untilMs: timed ? 9 : null }]);
  });

  it('names all reasons, the heaviest first, in words', () => {
    const { reasons } = mayBeDisturbed(
      view({
        maintenanceUntilMs: 5,
        zones: [zone('a', { testUntilMs: 4 }), zone('b', { alarm: { sinceMs: 1, explanation } })],
      }),
    );
    expect(disturbText(reasons)).toBe(
      'alarm in zone:b, walk test in zone:a, maintenance of appliance',
    );
  });
});
