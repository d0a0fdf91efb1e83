/** What real brokers grant, refuse and forget: access rules, limits, retained messages, wills. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_UPLINK_OPTIONS } from '../../src/uplink/uplink.ts';
import { BROKER, ROOT } from './bench.ts';
import { BOOT } from './memory-journal.ts';
import { hasMosquitto, Mosquitto } from './mosquitto.ts';
import { TcpProxy } from './tcp-proxy.ts';
import { broker, cleanups, clock, link, Reader, Unit, until } from './unit.ts';
import { startEmbeddedBroker } from '../../src/uplink/embedded-broker.ts';

const EAGER = { echoWithinMs: 150, echoCheckMs: 400 };
const EVERYTHING = `topic readwrite #\n`;

async function ruled(acl: string): Promise<Mosquitto> {
  const server = new Mosquitto(['allow_anonymous true', 'acl_file %d/acl']);
  cleanups.push(() => server.remove());
  server.write('acl', acl);
  await server.start();
  return server;
}

describe.skipIf(!hasMosquitto)('what mosquitto keeps of ours', () => {
  it('is put right when somebody clears it, in 5 and in 3.1.1', async () => {
    const server = await broker();
    const old = await startEmbeddedBroker();
    cleanups.push(() => old.stop());
    for (const { port } of [server, old]) {
      const unit = new Unit(link({ port }), EAGER).start();
      const reader = await new Reader(port).open();
      await until(() => reader.messages.some(({ topic }) => topic === `${ROOT}/state`));
      await reader.link.publish({ topic: `${ROOT}/state`, payload: '', retain: true });
      await until(() => unit.uplink.counters.stateCorrections > 0);
      const late = await new Reader(port).open();
      await until(() => late.payloads('state').length > 0);
      expect(late.payloads('state')[0]).toMatchObject({ condition: 'normal', bootId: BOOT });
      await unit.uplink.stop('done', 200);
    }
  });

  it('is found in place by asking again, time after time', async () => {
    const server = await broker();
    const unit = new Unit(link({ port: server.port }), EAGER).start();
    await until(() => unit.uplink.counters.connected);
    const reader = await new Reader(server.port).open();
    const startedMs = clock.monotonicMs();
    await until(() => clock.monotonicMs() - startedMs > 4 * EAGER.echoCheckMs);
    expect(unit.uplink.counters).toMatchObject({ stateCorrections: 0, statusCorrections: 0 });
    expect(reader.payloads('state')).toHaveLength(1);
    expect(unit.faults).toEqual([]);
  });

  it('is hidden by no will that comes late, from a half-open connection of before', async () => {
    const server = await broker();
    const wire = new TcpProxy(() => server.port);
    await wire.plug();
    cleanups.push(() => wire.unplug());
    // The connection of before, under another client id: the broker does not know that it is over.
    const before = link({ port: wire.port });
    let connected = false;
    const will = { status: 'offline', bootId: BOOT, connection: 1, reason: 'connection lost' };
    before.open({
      onState: ({ kind }) => (connected = kind === 'connected'),
      onMessage: () => undefined,
      will: () => ({ topic: `${ROOT}/status`, payload: JSON.stringify(will) }),
    });
    await until(() => connected);
    const unit = new Unit(link({ port: server.port })).start();
    const reader = await new Reader(server.port).open();
    await until(() => reader.payloads('status').at(-1)?.['status'] === 'online');
    await wire.unplug();
    await until(() => reader.payloads('status').some(({ status }) => status === 'offline'));
    await until(() => reader.payloads('status').at(-1)?.['status'] === 'online');
    expect(unit.uplink.counters.statusCorrections).toBe(1);
    await before.close(50);
  });

  it.each([
    ['5', 'mqtt5'],
    ['3.1.1', 'mqtt3.1.1'],
  ])('is told to be missing where rules forbid it, protocol %s', async (_name, protocol) => {
    const all = `topic readwrite ${ROOT}/status\ntopic write ${ROOT}/event/#\n`;
    const server = await ruled(`${all}topic read ${ROOT}/state\n`);
    const options = { port: server.port };
    const older = protocol === 'mqtt5' ? options : { ...options, firstVersion: 4 as const };
    const unit = new Unit(link(older), { ...EAGER, refusedRetryMs: 100 }).start();
    unit.journal.append(unit.make.some('alarm', 5));
    await until(() => unit.faults.some(({ fault }) => fault === 'stateNotEchoed'));
    expect(unit.uplink.counters.protocol).toBe(protocol);
    const [notice] = unit.faults.filter(({ fault }) => fault === 'stateNotEchoed');
    expect(notice).toMatchObject({ subject: `uplink:${BROKER}:state`, supervisory: true });
    expect(notice?.detail).toContain(protocol === 'mqtt5' ? 'not authorised' : 'does not hand it');
    await until(() => unit.journal.cursor(BROKER, 'alarm') === 5);
    server.write('acl', EVERYTHING);
    server.signal('SIGHUP');
    unit.uplink.stateChanged();
    await until(() => unit.faults.at(-1)?.raised === false);
    expect(unit.uplink.counters.reconnects).toBe(0);
  });
});

describe.skipIf(!hasMosquitto)('the terms of mosquitto', () => {
  it('set aside what is too large for it, and deliver the rest on the same connection', async () => {
    const server = await broker(['allow_anonymous true', 'max_packet_size 4000']);
    const limits = { ...DEFAULT_UPLINK_OPTIONS.limits, rejectionRetryMs: 10 };
    const unit = new Unit(link({ port: server.port }), { limits }).start();
    const [one, ...others] = unit.make.some('fault', 10);
    if (one === undefined) throw new Error('no event was made');
    const large = { ...one, deviceId: 'x'.repeat(8000) } as typeof one;
    unit.journal.append([large, ...others]);
    await until(() => unit.journal.cursor(BROKER, 'fault') === 10);
    expect(unit.journal.gaps).toHaveLength(1);
    expect(unit.journal.gaps[0]?.reason).toMatch(/too large: about 8\d\d\d bytes, .* at most 4000/);
    expect(unit.uplink.counters).toMatchObject({ quarantined: 1, reconnects: 0 });
  });

  it('without retained messages are a fault, and events are delivered all the same', async () => {
    const server = await broker(['allow_anonymous true', 'retain_available false']);
    const unit = new Unit(link({ port: server.port })).start();
    unit.journal.append(unit.make.some('alarm', 5));
    await until(() => unit.journal.cursor(BROKER, 'alarm') === 5);
    expect(unit.faults[0]).toMatchObject({ fault: 'brokerUnsuitable', raised: true });
    expect(unit.faults[0]?.detail).toContain('retain_available true');
    const reader = await new Reader(server.port).open();
    unit.uplink.stateChanged();
    await until(() => reader.payloads('state').length > 0);
  });

  it('without QoS 1 are a fault with a remedy, and the attempts go on', async () => {
    const server = await broker(['allow_anonymous true', 'max_qos 0']);
    const unit = new Unit(link({ port: server.port }), { unreachableAfterMs: 100 }).start();
    unit.journal.append(unit.make.some('alarm', 5));
    await until(() => unit.faults.length >= 2);
    const names = unit.faults.map(({ fault }) => fault);
    expect(names).toContain('brokerUnsuitable');
    expect(names).toContain('brokerUnreachable');
    expect(unit.faults[0]?.detail).toContain('allow QoS 1');
    expect(unit.journal.cursor(BROKER, 'alarm')).toBe(0);
  });

  it('decide the keep-alive, also a shorter one than ours', async () => {
    const server = await broker(['allow_anonymous true', 'max_keepalive 10']);
    const unit = new Unit(link({ port: server.port, keepaliveSeconds: 600 })).start();
    await until(() => unit.uplink.counters.connected);
    const startedMs = clock.monotonicMs();
    // At one and a half times its keep-alive the broker ends a connection that says nothing.
    await until(() => clock.monotonicMs() - startedMs > 16_000);
    expect(unit.uplink.counters.reconnects).toBe(0);
  }, 30_000);
});
