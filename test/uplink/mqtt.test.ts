/** The real uplink over the real library, against brokers that behave and brokers that do not. */
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startEmbeddedBroker } from '../../src/uplink/embedded-broker.ts';
import type { IncomingMessage, Link, LinkState } from '../../src/uplink/link.ts';
import {
  createMqttLink,
  DEFAULT_MQTT_OPTIONS,
  type MqttLinkOptions,
} from '../../src/uplink/mqtt-link.ts';
import { freePort } from './tcp-proxy.ts';
import { realClock, seededRandom } from './virtual-clock.ts';

const FAST = { answerTimeoutMs: 500, connectTimeoutMs: 1000, retryMinMs: 10, retryMaxMs: 50 };
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

interface Opened {
  readonly link: Link;
  readonly states: LinkState[];
  readonly messages: IncomingMessage[];
}

function open(port: number, options: Partial<MqttLinkOptions> = {}): Opened {
  const states: LinkState[] = [];
  const messages: IncomingMessage[] = [];
  const link = createMqttLink(
    { ...DEFAULT_MQTT_OPTIONS, ...FAST, host: '127.0.0.1', port, clientId: 'unit-1', ...options },
    { clock: realClock(), random: seededRandom(1), log: () => undefined },
  );
  link.open({
    onState: (state) => states.push(state),
    onMessage: (message) => messages.push(message),
    will: () => null,
  });
  cleanups.push(() => link.close(100));
  return { link, states, messages };
}

const reasons = ({ states }: Opened): string[] =>
  states.flatMap((state) => (state.kind === 'disconnected' ? [state.reason] : []));
const protocols = ({ states }: Opened): string[] =>
  states.flatMap((state) => (state.kind === 'connected' ? [state.protocol] : []));

/** A server that answers each connection with the given bytes, or says nothing. */
async function fakeBroker(answer: (connection: number) => Buffer | 'hangUp' | null): Promise<{
  port: number;
  connections: () => number;
}> {
  let connections = 0;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    connections += 1;
    const reply = answer(connections);
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => {
      if (reply === 'hangUp') socket.destroy();
      else if (reply !== null) socket.write(reply);
    });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return { port, connections: () => connections };
}

describe('the embedded broker', () => {
  it('says clearly that its port is in use', async () => {
    const first = await startEmbeddedBroker();
    cleanups.push(() => first.stop());
    await expect(startEmbeddedBroker({ port: first.port })).rejects.toThrow(
      `cannot start the embedded broker at 127.0.0.1:${first.port}: the port is in use`,
    );
  });

  it('stops with clients connected, also silent ones, and frees its port', async () => {
    const broker = await startEmbeddedBroker();
    const silent = net.connect(broker.port, '127.0.0.1');
    silent.on('error', () => undefined);
    const opened = open(broker.port);
    await until(() => protocols(opened).length === 1);
    await broker.stop();
    await broker.stop();
    const again = await startEmbeddedBroker({ port: broker.port });
    cleanups.push(() => again.stop());
    expect(again.port).toBe(broker.port);
  });
});

describe('the protocol version', () => {
  it('falls back to 3.1.1 at once where 5 is refused, and stays there', async () => {
    const broker = await startEmbeddedBroker();
    cleanups.push(() => broker.stop());
    const opened = open(broker.port);
    await until(() => protocols(opened).length === 1);
    expect(protocols(opened)).toEqual(['mqtt3.1.1']);
    expect(reasons(opened)).toHaveLength(1);
    expect(reasons(opened)[0]).toContain('does not speak this protocol version');
    await broker.stop();
    await until(() => reasons(opened).length >= 2);
    const next = await startEmbeddedBroker({ port: broker.port });
    cleanups.push(() => next.stop());
    await until(() => protocols(opened).length === 2);
    const refusals = reasons(opened).filter((reason) => reason.includes('protocol version'));
    expect(refusals).toHaveLength(1);
  });

  it('tries 3.1.1 with a broker that just hangs up', async () => {
    const levels: number[] = [];
    const server = net.createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', (connect) => {
        // Byte 8 of CONNECT is the protocol level (MQTT 3.1.1, 3.1.2.2).
        const level = connect[8] ?? 0;
        levels.push(level);
        if (level === 4) socket.write(Buffer.from([0x20, 2, 0, 0]));
        else socket.end();
      });
    });
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    cleanups.push(() => new Promise((resolve) => server.close(() => resolve())));
    const opened = open(port);
    await until(() => protocols(opened).length === 1);
    expect(levels).toEqual([5, 5, 4]);
    await opened.link.close(100);
  });
});

describe('a broker that refuses', () => {
  it.each([
    [3, 'the broker is not available yet'],
    [4, 'bad username or password'],
    [5, 'not authorised'],
  ])('with 3.1.1 return code %i is tried again and again', async (code, words) => {
    const broker = await fakeBroker((connection) =>
      // The first refuses version 5, the rest refuse us.
      Buffer.from([0x20, 2, 0, connection === 1 ? 1 : code]),
    );
    const opened = open(broker.port, { username: 'u' });
    await until(() => broker.connections() >= 5);
    expect(reasons(opened).at(-1)).toContain(words);
    expect(reasons(opened).at(-1)).toContain(`mqtt://127.0.0.1:${broker.port}`);
  });

  it('by silence is given up after the time limit and tried again', async () => {
    const broker = await fakeBroker(() => null);
    const opened = open(broker.port, { connectTimeoutMs: 50 });
    await until(() => broker.connections() >= 3);
    expect(reasons(opened)[0]).toContain('no answer from mqtt://127.0.0.1');
  });

  it('by rubbish or by hanging up costs only the attempt', async () => {
    const rubbish = Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n');
    const broker = await fakeBroker((connection) => (connection % 2 === 0 ? 'hangUp' : rubbish));
    const opened = open(broker.port, { connectTimeoutMs: 200 });
    await until(() => broker.connections() >= 6);
    expect(protocols(opened)).toEqual([]);
  });

  it('keeps the wait between attempts in its bounds, and spreads it', async () => {
    const opened = open(await freePort());
    await until(() => opened.states.length >= 12);
    const waits = opened.states.flatMap((state) =>
      state.kind === 'disconnected' && state.retryInMs !== null ? [state.retryInMs] : [],
    );
    expect(Math.max(...waits)).toBeLessThanOrEqual(50);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(5);
    expect(new Set(waits).size).toBeGreaterThan(3);
  });
});

describe('a link whose files are missing', () => {
  it('names the file and keeps trying', async () => {
    const broker = await startEmbeddedBroker();
    cleanups.push(() => broker.stop());
    const opened = open(broker.port, { username: 'u', passwordFile: '/nowhere/password' });
    await until(() => opened.states.length >= 3);
    expect(reasons(opened)[0]).toContain('cannot read the password file /nowhere/password: ENOENT');
  });
});
