/** Alarm events as the journal has them, for tests of custody. */
import { deviceId, zoneId } from '../../src/domain/units.ts';
import type { JournalEvent } from '../../src/domain/event.ts';

export const BOOT = '00000000000000aa';

export function idOf(seq: number): string {
  return `019ab000-0000-7000-8000-${seq.toString(16).padStart(12, '0')}`;
}

export function alarmEvent(
  seq: number,
  zone = 'a',
  monotonicMs = 1000,
  bootId = BOOT,
): JournalEvent & { readonly type: 'alarm' } {
  return {
    schema: 1,
    id: idOf(seq),
    deviceId: deviceId('unit'),
    lane: 'alarm',
    seq,
    bootId,
    monotonicMs,
    wall: '2026-01-01T00:00:00.000Z',
    clockQuality: 'synchronised',
    type: 'alarm',
    data: {
      zone: zoneId(zone),
      zoneName: zone.toUpperCase(),
      explanation: {
        summary: 'hot',
        votes: [],
        stale: [],
        faulty: [],
        disabled: [],
        uncalibrated: [],
        confidence: 1,
      },
    },
  };
}
