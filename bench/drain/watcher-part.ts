/** An independent subscriber to alarms, which notes when each arrives. */
import { connectAsync } from 'mqtt';
import { monotonicMs } from '../line-file.ts';
import { ROOT } from './backlog.ts';
import type { Setting, Sightings } from './talk.ts';

export async function watcherPart(setting: Setting): Promise<() => Promise<Sightings>> {
  const client = await connectAsync(`mqtt://127.0.0.1:${setting.port}`, {
    protocolVersion: 5,
    clientId: 'watcher',
    properties: { receiveMaximum: 1000 },
  });
  const seen = new Map<number, number>();
  client.on('message', (_topic, payload) => {
    const atMs = monotonicMs();
    // The number stands last in an event as it is stamped.
    const seq = Number(/"seq":(\d+)/.exec(payload.subarray(-60).toString())?.[1]);
    if (!seen.has(seq)) seen.set(seq, atMs);
  });
  await client.subscribeAsync(`${ROOT}/event/alarm`, { qos: 1 });
  return () => Promise.resolve([...seen]);
}
