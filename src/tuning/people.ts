/** What people did when it was recorded, as commands to the panels of the replay. */
import type { Command } from '../domain/command.ts';
import type { JournalEvent } from '../domain/event.ts';
import type { SensorNotice } from '../domain/step.ts';

/** What ends by itself ends in the replay by itself as well. */
const TIMEOUT = 'timeout';

/**
 * Commands behind an event of the record: those that change what a zone decides. Outputs are not
 * replayed, so silence, delays and maintenance are left out.
 */
export function commandsOf(event: JournalEvent): readonly Command[] {
  switch (event.type) {
    case 'resetRequested':
      return event.data.zones.map((zone) => ({ kind: 'reset', zone }));
    case 'disabled':
      return [{ kind: 'disable', zone: event.data.zone, forMs: event.data.forMs }];
    case 'testStarted':
      return [{ kind: 'test', zone: event.data.zone, forMs: event.data.forMs }];
    case 'enabled':
    case 'testEnded':
      return event.data.origin === TIMEOUT ? [] : [{ kind: 'enable', zone: event.data.zone }];
    case 'sensorDisabled': {
      const { sensor, forMs } = event.data;
      return [{ kind: 'disableSensor', sensor, forMs }];
    }
    case 'sensorEnabled': {
      const { sensor, origin } = event.data;
      return origin === TIMEOUT ? [] : [{ kind: 'enableSensor', sensor }];
    }
    case 'backgroundApproved':
      return [{ kind: 'approveBackground', sensor: event.data.sensor }];
    default:
      return [];
  }
}

/** Sensors that announced themselves. */
export function noticesOf(event: JournalEvent): readonly SensorNotice[] {
  if (event.type !== 'sensorAppeared') return [];
  const { sensor, address, announced } = event.data;
  return [{ kind: 'appeared', sensor, address, announced }];
}
