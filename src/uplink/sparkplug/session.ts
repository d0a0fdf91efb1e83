/**
 * Which certificates and data are due, and with which number: the state machine of one edge node,
 * without network and time.
 *
 * ```
 * will (NDEATH with bdSeq n) -> connected -> NBIRTH seq 0, bdSeq n -> DBIRTH of each zone -> data
 *                                  ^                                                         |
 *                                  +--------- rebirth: asked for, or a number was lost ------+
 * ```
 */
import type { OutgoingMessage, Will } from '../link.ts';
import { encodeSparkplug, type SparkMetric } from './encode.ts';
import { BD_SEQ, type Reading } from './metrics.ts';

export interface SessionOptions {
  readonly group: string;
  readonly node: string;
}

/** Numbers count from 0 to 255, and from 0 again. */
const NUMBERS = 256;

export function nextNumber(number: number): number {
  return (number + 1) % NUMBERS;
}

export type MessageType = 'NBIRTH' | 'NDEATH' | 'NDATA' | 'NCMD' | 'DBIRTH' | 'DDATA' | 'DDEATH';

export function sparkplugTopic(
  { group, node }: SessionOptions,
  type: MessageType,
  device?: string,
): string {
  const topic = `spBv1.0/${group}/${type}/${node}`;
  return device === undefined ? topic : `${topic}/${device}`;
}

export class SparkplugSession {
  readonly #options: SessionOptions;
  #bdSeq: number;
  #seq = 0;
  /** By zone and metric, what the host knows; the node itself is ''. */
  readonly #known = new Map<string, Map<string, string>>();

  /** @param bdSeq of the last session in an earlier life; -1: there was none. */
  constructor(options: SessionOptions, bdSeq: number) {
    this.#options = options;
    this.#bdSeq = bdSeq;
  }

  /** Number of the session: the will of one attempt and its births carry the same. */
  get bdSeq(): number {
    return this.#bdSeq;
  }

  /** Zones that the host believes alive. */
  get devices(): readonly string[] {
    return [...this.#known.keys()].filter((device) => device !== '');
  }

  /** Before each attempt to connect: a late will of another attempt must not look like ours. */
  nextWill(atMs: number): Will {
    this.#bdSeq = nextNumber(this.#bdSeq);
    const { topic, payload } = this.death(atMs);
    return { topic, payload, retain: false };
  }

  death(atMs: number): OutgoingMessage {
    const metrics = [{ ...this.#bdSeqMetric(), timestamp: atMs }];
    const payload = encodeSparkplug({ timestamp: atMs, metrics });
    return { topic: sparkplugTopic(this.#options, 'NDEATH'), payload, retain: false };
  }

  /** Everything that is known of the devices ends with it: births of all of them follow. */
  nodeBirth(readings: readonly Reading[], atMs: number): OutgoingMessage {
    this.#seq = NUMBERS - 1;
    this.#known.clear();
    this.#learn('', readings);
    return this.#message('NBIRTH', undefined, [this.#bdSeqMetric(), ...readings], atMs);
  }

  deviceBirth(device: string, readings: readonly Reading[], atMs: number): OutgoingMessage {
    this.#known.delete(device);
    this.#learn(device, readings);
    return this.#message('DBIRTH', device, readings, atMs);
  }

  deviceDeath(device: string, atMs: number): OutgoingMessage {
    this.#known.delete(device);
    return this.#message('DDEATH', device, [], atMs);
  }

  /**
   * What of these readings the host does not know yet; null when it knows them all.
   * @param device '' for the node itself. A device with other metrics than before is born again.
   */
  change(device: string, readings: readonly Reading[], atMs: number): OutgoingMessage | null {
    const known = this.#known.get(device);
    const fits = known !== undefined && readings.every(({ name }) => known.has(name));
    if (device !== '' && (!fits || known.size !== readings.length)) {
      return this.deviceBirth(device, readings, atMs);
    }
    const changed = readings.filter((one) => known?.get(one.name) !== textOf(one));
    if (changed.length === 0) return null;
    this.#learn(device, changed);
    return device === ''
      ? this.#message('NDATA', undefined, changed, atMs)
      : this.#message('DDATA', device, changed, atMs);
  }

  /** Data of the node that carry their own time: events. */
  data(metrics: readonly SparkMetric[], atMs: number): OutgoingMessage {
    return this.#send('NDATA', undefined, metrics, atMs);
  }

  #bdSeqMetric(): Reading {
    return { name: BD_SEQ, type: 'Int64', value: this.#bdSeq };
  }

  #learn(device: string, readings: readonly Reading[]): void {
    const known = this.#known.get(device) ?? new Map<string, string>();
    for (const one of readings) known.set(one.name, textOf(one));
    this.#known.set(device, known);
  }

  #message(
    type: MessageType,
    device: string | undefined,
    readings: readonly Reading[],
    atMs: number,
  ): OutgoingMessage {
    const metrics = readings.map((one) => ({ ...one, timestamp: atMs }));
    return this.#send(type, device, metrics, atMs);
  }

  #send(
    type: MessageType,
    device: string | undefined,
    metrics: readonly SparkMetric[],
    atMs: number,
  ): OutgoingMessage {
    this.#seq = nextNumber(this.#seq);
    const payload = encodeSparkplug({ timestamp: atMs, seq: this.#seq, metrics });
    return { topic: sparkplugTopic(this.#options, type, device), payload, retain: false };
  }
}

function textOf({ value, properties }: Reading): string {
  return JSON.stringify([value, properties]);
}
