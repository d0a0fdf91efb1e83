/** Events as an appliance makes them. */
import { EVENT_SCHEMA, type JournalEvent, type Lane, LANES } from '../../src/domain/event.ts';
import { deviceId } from '../../src/domain/units.ts';
import { EventMaker } from '../uplink/memory-journal.ts';

export const UUID = '0198c0de-7f00-7a12-8f3e-2b1c5d6e7f80';

/** The same device, lane and number give the same event. */
export function event(device: string, lane: Lane, seq: number): JournalEvent {
  const [made] = new EventMaker().some(lane, 1);
  if (made === undefined) throw new Error('no event was made');
  const tail = `${seq}${LANES.indexOf(lane)}${device.length}`.padStart(12, '0');
  return {
    ...made,
    schema: EVENT_SCHEMA,
    id: `0198c0de-7f00-7a12-8f3e-${tail}`,
    deviceId: deviceId(device),
    seq,
  };
}
