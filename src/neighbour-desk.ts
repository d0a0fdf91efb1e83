/** The neighbours of an appliance: from the configuration to words on the network. */
import { readFileSync } from 'node:fs';
import type { Config } from './config-schema.ts';
import type { Core } from './core.ts';
import type { CustodyDesk } from './custody-desk.ts';
import type { Clock, Journal, Log } from './domain/ports.ts';
import type { FaultNotice } from './domain/step.ts';
import type { Undelivered } from './neighbours/carrying.ts';
import type { OpenLan } from './neighbours/lan-port.ts';
import { Neighbours } from './neighbours/neighbours.ts';
import { topicRoot } from './uplinks.ts';

export interface NeighbourParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly bootId: string;
  readonly core: Core;
  readonly custody: Pick<CustodyDesk, 'undelivered' | 'carried'>;
  readonly journal: Pick<Journal, 'readAfter'>;
  readonly openLan: OpenLan;
}

const MIN_KEY_BYTES = 32;

/** Null where there are none, or where a fault says why they cannot be reached. */
export async function openNeighbours(parts: NeighbourParts): Promise<Neighbours | null> {
  const { config, core, openLan } = parts;
  const { enabled, host, port } = config.neighbours;
  if (!enabled) return null;
  const unavailable = (detail: string): null => {
    core.fault({ fault: 'neighboursUnavailable', subject: 'neighbours', raised: true, detail });
    return null;
  };
  const key = readKey(config.neighbours.keyFile ?? '');
  if (typeof key === 'string') return unavailable(key);
  const neighbours = makeNeighbours(parts, key);
  const opened = await openLan(
    { host, port },
    {
      onDatagram: (bytes) => neighbours.heard(bytes),
      onTrouble: (detail) => neighbours.troubled(detail),
    },
  );
  if (!opened.ok) return unavailable(`${opened.error}: choose another neighbours.port or host`);
  neighbours.start(opened.value);
  return neighbours;
}

function makeNeighbours(parts: NeighbourParts, key: Uint8Array): Neighbours {
  const { config, clock, log, bootId, core, custody, journal } = parts;
  const { helloSeconds, silentSeconds, peers } = config.neighbours;
  const connected = () => core.uplinks.find((uplink) => uplink.counters.connected);
  return new Neighbours(
    {
      ...{ deviceId: config.device.id, bootId, root: topicRoot(config), peers },
      helloMs: helloSeconds * 1000,
      silentMs: silentSeconds * 1000,
    },
    {
      ...{ clock, log, key },
      condition: () => core.runtime.view().condition,
      hasUplink: () => connected() !== undefined,
      undelivered: () => textsOf(custody.undelivered, journal),
      onCarried: (id, by) => custody.carried(id, `neighbour:${by}`),
      publish: async (root, json) => {
        const result = await connected()?.publishFor(root, 'alarm', json);
        return result?.kind === 'acknowledged';
      },
      onAlarm: ({ from, id, zone, zoneName }) =>
        core.runtime.record({
          ...{ lane: 'system', type: 'neighbourAlarm' },
          data: { neighbour: from, alarm: id, zone, zoneName },
        }),
      onFault: (notice: FaultNotice) => core.fault(notice),
    },
  );
}

/** The events as they stand in the journal; what is not durable yet is left for the next time. */
async function textsOf(
  alarms: readonly { readonly id: string; readonly seq: number }[],
  journal: Pick<Journal, 'readAfter'>,
): Promise<readonly Undelivered[]> {
  const found: Undelivered[] = [];
  for (const { id, seq } of alarms) {
    const [event] = await journal.readAfter('alarm', seq - 1, 1);
    if (event?.id === id) found.push({ id, json: JSON.stringify(event) });
  }
  return found;
}

/** The key, or what is wrong with its file. */
function readKey(file: string): Uint8Array | string {
  try {
    const key = readFileSync(file);
    if (key.byteLength >= MIN_KEY_BYTES) return key;
    return `${file} has ${key.byteLength} bytes: make it anew with: openssl rand -out ${file} 32`;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return `the key of the neighbours cannot be read: ${why}`;
  }
}
