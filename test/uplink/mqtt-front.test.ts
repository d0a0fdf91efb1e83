/** What brokers are asked for by name, and brokers that answer in ways of their own. */
import net from 'node:net';
import tls from 'node:tls';
import { describe, expect, it } from 'vitest';
import type { MqttLinkOptions } from '../../src/uplink/mqtt-link.ts';
import { Authority, hasOpenssl } from './authority.ts';
import { BROKER } from './bench.ts';
import { hasMosquitto } from './mosquitto.ts';
import { freePort } from './tcp-proxy.ts';
import { broker, cleanups, link, Unit, until } from './unit.ts';

async function listening(server: net.Server, sockets: Set<net.Socket>): Promise<number> {
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return port;
}

interface Asked {
  readonly name: string | false;
  readonly protocol: string | false;
}

describe.skipIf(!hasMosquitto || !hasOpenssl)('a port that serves several protocols', () => {
  async function front(alpn: readonly string[]) {
    const ca = new Authority();
    cleanups.push(() => ca.remove());
    const own = ca.make('front', 'DNS:mqtt.example.test');
    const behind = await broker();
    const asked: Asked[] = [];
    const sockets = new Set<net.Socket>();
    const files = { cert: ca.read(own.cert), key: ca.read(own.key) };
    const server = tls.createServer({ ...files, ALPNProtocols: [...alpn] }, (near) => {
      asked.push({ name: near.servername ?? false, protocol: near.alpnProtocol ?? false });
      const far = net.connect(behind.port, '127.0.0.1');
      for (const socket of [near, far]) {
        sockets.add(socket);
        socket.on('error', () => undefined);
      }
      near.pipe(far).pipe(near);
    });
    const port = await listening(server, sockets);
    const options = (offered: readonly string[]): MqttLinkOptions['tls'] => ({
      ...{ caFile: ca.caFile, certFile: null, keyFile: null, verify: true },
      ...{ serverName: 'mqtt.example.test', alpn: offered },
    });
    return { port, asked, options };
  }

  it('is asked for the name and the protocol of the configuration', async () => {
    const { port, asked, options } = await front(['http/1.1', 'x-amzn-mqtt-ca']);
    const unit = new Unit(link({ port, tls: options(['mqtt', 'x-amzn-mqtt-ca']) })).start();
    unit.journal.append(unit.make.some('alarm', 3));
    await until(() => unit.journal.cursor(BROKER, 'alarm') === 3);
    expect(asked).toEqual([{ name: 'mqtt.example.test', protocol: 'x-amzn-mqtt-ca' }]);
  });

  it('that knows none of the offered protocols is named so', async () => {
    const { port, options } = await front(['http/1.1']);
    const unit = new Unit(link({ port, tls: options(['mqtt']) }), { unreachableAfterMs: 100 });
    unit.start();
    await until(() => unit.faults.length > 0);
    expect(unit.faults[0]?.detail).toContain('takes none of the protocols offered (alpn: mqtt)');
  });
});

describe('a broker that answers in a way of its own', () => {
  /** Answers each CONNECT with these bytes, and nothing else ever. */
  async function raw(answer: Buffer): Promise<number> {
    const sockets = new Set<net.Socket>();
    const server = net.createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('data', () => socket.write(answer));
    });
    return listening(server, sockets);
  }

  /** CONNACK of version 5: flags, reason code, properties. */
  const connack = (code: number, properties: readonly number[] = []): Buffer =>
    Buffer.from([0x20, 3 + properties.length, 0, code, properties.length, ...properties]);

  it('by taking the connection and acknowledging nothing is unreachable all the same', async () => {
    const port = await raw(connack(0));
    const unit = new Unit(link({ port, answerTimeoutMs: 60 }), { unreachableAfterMs: 500 }).start();
    unit.journal.append(unit.make.some('alarm', 3));
    await until(() => unit.faults.length > 0);
    expect(unit.faults[0]).toMatchObject({ fault: 'brokerUnreachable', raised: true });
    expect(unit.faults[0]?.detail).toContain('which had taken the connection');
    expect(unit.journal.cursor(BROKER, 'alarm')).toBe(0);
    expect(unit.faults).toHaveLength(1);
  });

  it.each([
    [0x9c, 'asks to use another server: it is not followed'],
    [0x9d, 'has moved: it is not followed'],
  ])(
    'by sending us elsewhere (0x%s) is named with the place, and not followed',
    async (...given) => {
      const [code, words] = given;
      const place = [...Buffer.from('other.example:1883')];
      const port = await raw(connack(code, [0x1c, 0, place.length, ...place]));
      const unit = new Unit(link({ port }), { unreachableAfterMs: 50 }).start();
      await until(() => unit.faults.length > 0);
      expect(unit.faults[0]?.detail).toContain(words);
      expect(unit.faults[0]?.detail).toContain('(other.example:1883)');
    },
  );

  it('by taking no subscription with wildcards is a fault, and is used', async () => {
    const port = await raw(connack(0, [0x28, 0]));
    const unit = new Unit(link({ port })).start();
    await until(() => unit.faults.length > 0);
    expect(unit.faults[0]).toMatchObject({ fault: 'brokerUnsuitable', raised: true });
    expect(unit.faults[0]?.detail).toContain('commands cannot reach this appliance');
    expect(unit.uplink.counters.connected).toBe(true);
  });
});
