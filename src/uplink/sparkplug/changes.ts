/** What a host has to be told of node and zones, one message after the other. */
import type { PanelView } from '../../domain/view.ts';
import type { OutgoingMessage } from '../link.ts';
import { nodeReadings, zoneReadings } from './metrics.ts';
import type { SparkplugSession } from './session.ts';

/**
 * Makers of messages, to be called in this order, each when its turn has come: that numbers it, and
 * events may go in between. Null where the host knows it all.
 */
export function changesDue(
  session: SparkplugSession,
  view: PanelView,
  wallMs: () => number,
): readonly (() => OutgoingMessage | null)[] {
  const zones = new Map(view.zones.map((zone) => [String(zone.id), zone]));
  const gone = session.devices.filter((device) => !zones.has(device));
  return [
    () => session.change('', nodeReadings(view), wallMs()),
    ...gone.map((device) => () => session.deviceDeath(device, wallMs())),
    ...[...zones].map(
      ([id, zone]) =>
        () =>
          session.change(id, zoneReadings(zone, view.sources), wallMs()),
    ),
  ];
}
