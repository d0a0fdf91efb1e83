/** What an appliance raises in a storm: events of every lane, most of them of the alarm lane. */
import type { DomainEvent } from '../../src/domain/event.ts';
import { zoneId } from '../../src/domain/units.ts';

const zone = zoneId('kitchen');
const inZone = { zone, zoneName: 'Kitchen' } as const;

/** The event number `n` of a storm. */
export function stormEvent(n: number): DomainEvent {
  switch (n % 10) {
    case 0:
      return {
        lane: 'fault',
        type: 'faultRaised',
        data: { fault: 'sensorSilent', subject: `s-${n}`, zone, detail: 'no data for 10 s' },
      };
    case 1:
      return {
        lane: 'operator',
        type: 'silenced',
        data: { origin: 'mqtt:central', requestId: `r-${n}`, zones: [zone] },
      };
    case 2:
      return { lane: 'system', type: 'stopped', data: { reason: `storm ${n}` } };
    default:
      return { lane: 'alarm', type: 'alarmReset', data: { ...inZone, latchedForMs: n } };
  }
}
