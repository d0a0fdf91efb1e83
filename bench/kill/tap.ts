/**
 * A wire between appliance and broker that changes nothing and knows which events the broker has
 * acknowledged: it pairs each PUBLISH at QoS 1 with its PUBACK (MQTT 5.0, 2.1, 3.3 and 3.4).
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { monotonicMs } from '../line-file.ts';

const PUBLISH = 3;
const PUBACK = 4;
const MQTT_5 = 5;
const CONNECT = 1;

export class Tap {
  /** Ids of events whose PUBACK has passed on its way to the appliance. */
  readonly acknowledged = new Set<string>();
  /** When it passed for the first time, on CLOCK_MONOTONIC. */
  readonly acknowledgedAtMs = new Map<string, number>();
  readonly #brokerPort: number;
  readonly #server: Server;
  readonly #joined = new Set<Socket>();
  #held = false;

  constructor(brokerPort: number) {
    this.#brokerPort = brokerPort;
    this.#server = createServer({ noDelay: true }, (near) => this.#join(near));
  }

  /** While it is held nobody gets through: connections end, and new ones with them. */
  hold(held: boolean): void {
    this.#held = held;
    if (held) for (const socket of this.#joined) socket.destroy();
  }

  /** Listens; gives the port that stands in for the broker's. */
  open(host = '127.0.0.1'): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, host, () => {
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#joined) socket.destroy();
  }

  #join(near: Socket): void {
    if (this.#held) {
      near.destroy();
      return;
    }
    this.#joined.add(near);
    near.once('close', () => this.#joined.delete(near));
    const far = connect({
      port: this.#brokerPort,
      host: '127.0.0.1',
      noDelay: true,
    });
    const underWay = new Map<number, string>();
    let version = 4;
    const outward = new PacketCutter((type, body, flags) => {
      if (type === CONNECT) version = body[6] ?? version;
      if (type !== PUBLISH || (flags & 0b110) === 0) return;
      const [packetId, eventId] = publishOf(body, version);
      if (eventId !== null) underWay.set(packetId, eventId);
    });
    const inward = new PacketCutter((type, body) => {
      if (type !== PUBACK) return;
      const packetId = body.readUInt16BE(0);
      const eventId = underWay.get(packetId);
      underWay.delete(packetId);
      if (eventId === undefined || this.acknowledged.has(eventId)) return;
      this.acknowledged.add(eventId);
      this.acknowledgedAtMs.set(eventId, monotonicMs());
    });
    pipe(near, far, outward);
    pipe(far, near, inward);
  }
}

/** Bytes go on first: looking at them must not hold them up. */
function pipe(from: Socket, to: Socket, cutter: PacketCutter): void {
  from.on('data', (bytes) => {
    to.write(bytes);
    cutter.take(bytes);
  });
  from.on('error', () => undefined);
  from.on('close', () => to.destroy());
}

/** Cuts a stream into control packets. */
class PacketCutter {
  readonly #packet: (type: number, body: Buffer, flags: number) => void;
  #rest = Buffer.alloc(0);

  constructor(packet: (type: number, body: Buffer, flags: number) => void) {
    this.#packet = packet;
  }

  take(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    for (;;) {
      const head = this.#rest[0];
      const length = variableLength(this.#rest, 1);
      if (head === undefined || length === null) return;
      const end = length.next + length.value;
      if (this.#rest.length < end) return;
      this.#packet(head >> 4, this.#rest.subarray(length.next, end), head & 0x0f);
      this.#rest = this.#rest.subarray(end);
    }
  }
}

/** A variable byte integer (MQTT 5.0, 1.5.5); null while it is not whole. */
function variableLength(bytes: Buffer, from: number): { value: number; next: number } | null {
  let value = 0;
  for (let i = 0; i < 4; i += 1) {
    const byte = bytes[from + i];
    if (byte === undefined) return null;
    value += (byte & 0x7f) * 128 ** i;
    if (byte < 0x80) return { value, next: from + i + 1 };
  }
  return null;
}

/** Packet id, and the id of the event where the message is one. */
function publishOf(body: Buffer, version: number): [number, string | null] {
  const topicEnd = 2 + body.readUInt16BE(0);
  const topic = body.toString('utf8', 2, topicEnd);
  const packetId = body.readUInt16BE(topicEnd);
  let payload = topicEnd + 2;
  if (version >= MQTT_5) {
    const properties = variableLength(body, payload);
    if (properties === null) return [packetId, null];
    payload = properties.next + properties.value;
  }
  if (!topic.includes('/event/')) return [packetId, null];
  const { id } = JSON.parse(body.toString('utf8', payload)) as { id: string };
  return [packetId, id];
}
