/** The whole uplink against a real broker, spawned here: outages, secrets, commands, backlog. */
import { describe, expect, it } from 'vitest';
import type { LinkState } from '../../src/uplink/link.ts';
import { createMqttLink, DEFAULT_MQTT_OPTIONS } from '../../src/uplink/mqtt-link.ts';
import { DEFAULT_UPLINK_OPTIONS } from '../../src/uplink/uplink.ts';
import { BROKER, ROOT } from './bench.ts';
import { BOOT } from './memory-journal.ts';
import { hasMosquitto, Mosquitto, runTool } from './mosquitto.ts';
import { TcpProxy } from './tcp-proxy.ts';
import { broker, cleanups, clock, FAST, link, Reader, Unit, until } from './unit.ts';
import { seededRandom } from './virtual-clock.ts';

describe.skipIf(!hasMosquitto)('uplink to mosquitto', () => {
  it('keeps retained status and state, and the will when the socket is killed', async () => {
    const server = await broker();
    const wire = new TcpProxy(() => server.port);
    await wire.plug();
    const unit = new Unit(link({ port: wire.port })).start();
    await until(() => unit.uplink.counters.protocol === 'mqtt5');
    const reader = await new Reader(server.port).open();
    await until(() => reader.payloads('state').length > 0);
    expect(reader.payloads('status').at(-1)).toMatchObject({ status: 'online', connection: 1 });
    expect(reader.payloads('state').at(-1)).toMatchObject({ condition: 'normal', bootId: BOOT });
    await wire.unplug();
    await until(() => reader.payloads('status').at(-1)?.['status'] === 'offline');
    expect(reader.payloads('status').at(-1)).toMatchObject({ connection: 1, bootId: BOOT });
    await wire.plug();
    await until(() => reader.payloads('status').at(-1)?.['status'] === 'online');
    await unit.uplink.stop('maintenance', 1000);
    await until(() => reader.payloads('status').at(-1)?.['reason'] === 'maintenance');
    const late = await new Reader(server.port).open();
    await until(() => late.payloads('status').length > 0);
    expect(late.payloads('status')).toMatchObject([{ status: 'offline', reason: 'maintenance' }]);
    expect(late.messages.every(({ retained }) => retained)).toBe(true);
    await wire.unplug();
  });

  it('starts before its broker and delivers through three kills of it', async () => {
    const server = new Mosquitto();
    cleanups.push(() => server.remove());
    const port = await server.reservePort();
    const unit = new Unit(link({ port }), { unreachableAfterMs: 1000 }).start();
    unit.journal.append(unit.make.some('alarm', 20));
    await until(() => unit.faults.length === 1);
    expect(unit.faults[0]).toMatchObject({
      fault: 'brokerUnreachable',
      detail: `connection refused at mqtt://127.0.0.1:${port}`,
    });
    for (let round = 1; round <= 3; round += 1) {
      await server.start();
      unit.journal.append(unit.make.some('alarm', 200));
      await until(() => unit.journal.cursor(BROKER, 'alarm') >= 100 * round);
      await server.kill();
    }
    await server.start();
    await until(() => unit.journal.cursor(BROKER, 'alarm') === 620);
    expect(unit.uplink.counters.quarantined).toBe(0);
    expect(unit.faults.at(-1)).toMatchObject({ raised: false });
  });

  it('repeats what a stopped (half-open) broker did not answer', async () => {
    const server = await broker();
    const unit = new Unit(link({ port: server.port })).start();
    const reader = await new Reader(server.port, { answerTimeoutMs: 60_000 }).open();
    await until(() => unit.uplink.counters.connected);
    server.signal('SIGSTOP');
    unit.journal.append(unit.make.some('alarm', 10));
    await until(() => unit.uplink.counters.timedOut > 0);
    expect(unit.journal.cursor(BROKER, 'alarm')).toBe(0);
    server.signal('SIGCONT');
    await until(() => unit.journal.cursor(BROKER, 'alarm') === 10);
    await until(() => reader.uniqueIds('alarm').length === 10);
    const numbers = reader.uniqueIds('alarm').map((id) => Number(String(id).split('-')[1]));
    expect(numbers).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    await until(() => reader.payloads('status').at(-1)?.['status'] === 'online');
  });

  it('delivers a backlog of 2000 in order, and an alarm in its midst at once', async () => {
    const server = await broker();
    const reader = await new Reader(server.port).open();
    const unit = new Unit(link({ port: server.port }), { backlogPerSecond: Infinity });
    const old = { bootId: 'boot-0', wall: '2020-01-01T00:00:00.000Z' };
    unit.journal.append(unit.make.some('fault', 2000, old));
    unit.start();
    await until(() => unit.journal.cursor(BROKER, 'fault') > 300);
    unit.journal.append([unit.make.make('alarm', { monotonicMs: clock.monotonicMs() })]);
    await until(() => reader.payloads('event/fault').length === 2000);
    const numbers = reader.payloads('event/fault').map(({ seq }) => Number(seq));
    expect(numbers).toEqual(Array.from({ length: 2000 }, (_, index) => index + 1));
    const topics = reader.messages.map(({ topic }) => topic);
    const alarmAt = topics.indexOf(`${ROOT}/event/alarm`);
    expect(alarmAt).toBeGreaterThan(300);
    expect(alarmAt).toBeLessThan(1990);
    expect(reader.payloads('event/fault')[0]).toMatchObject({ historical: true });
  });

  it('answers commands with correlation in 5, and by request id in 3.1.1', async () => {
    const server = await broker();
    const unit = new Unit(link({ port: server.port })).start();
    await until(() => unit.uplink.counters.connected);
    const reader = await new Reader(server.port).open();
    const tool = ['-h', '127.0.0.1', '-p', String(server.port), '-q', '1'];
    const to = (name: string): string[] => ['-t', `${ROOT}/command/${name}`];
    const five = ['-V', 'mqttv5', '-D', 'publish', 'correlation-data', 'abc'];
    runTool('mosquitto_pub', [...tool, ...to('silence'), ...five, '-m', '{}']);
    const body = '{"requestId":"r-311","zone":"kitchen","actor":"desk-2"}';
    runTool('mosquitto_pub', [...tool, ...to('reset'), '-V', 'mqttv311', '-m', body]);
    await until(() => reader.payloads('response').length === 2);
    const [first] = reader.messages.filter(({ topic }) => topic === `${ROOT}/response`);
    expect(Buffer.from(first?.correlation ?? []).toString()).toBe('abc');
    expect(reader.payloads('response')[1]).toMatchObject({ requestId: 'r-311', ok: true });
    expect(unit.submitted).toMatchObject([
      { command: { kind: 'silence' }, origin: 'mqtt:unnamed' },
      { command: { kind: 'reset', zone: 'kitchen' }, origin: 'mqtt:desk-2' },
    ]);
  });

  it('says that the password is wrong, never what it is, and takes a corrected one', async () => {
    const server = new Mosquitto(['allow_anonymous false', 'password_file %d/passwords']);
    cleanups.push(() => server.remove());
    const passwords = server.write('passwords', '');
    runTool('mosquitto_passwd', ['-b', passwords, 'unit', 'right-secret']);
    await server.start();
    const passwordFile = server.write('secret', 'wrong-secret\n');
    const lines: string[] = [];
    const watched = createMqttLink(
      {
        ...DEFAULT_MQTT_OPTIONS,
        ...FAST,
        host: '127.0.0.1',
        port: server.port,
        clientId: 'u',
        username: 'unit',
        passwordFile,
      },
      {
        clock,
        random: seededRandom(1),
        log: (_level, message, fields) => lines.push(`${message} ${JSON.stringify(fields)}`),
      },
    );
    const unit = new Unit(watched).start();
    await until(() => lines.length >= 2);
    expect(lines.join()).toMatch(/bad username or password|not authorised/);
    expect(lines.join()).not.toContain('secret');
    server.write('secret', 'right-secret\n');
    await until(() => unit.uplink.counters.connected);
  });

  it('respects the receive maximum of the broker', async () => {
    const server = await broker(['allow_anonymous true', 'max_inflight_messages 3']);
    const unit = new Unit(link({ port: server.port }), { backlogPerSecond: Infinity }).start();
    unit.journal.append(unit.make.some('alarm', 300));
    await until(() => unit.journal.cursor(BROKER, 'alarm') === 300);
    expect(unit.uplink.counters).toMatchObject({ reconnects: 0, lost: 0, rejected: 0 });
    const states: LinkState[] = [];
    const other = link({ port: server.port });
    cleanups.push(() => other.close(100));
    other.open({
      onState: (state) => states.push(state),
      onMessage: () => undefined,
      will: () => null,
    });
    await until(() => states.length > 0);
    expect(states[0]).toMatchObject({ kind: 'connected', receiveMaximum: 3 });
  });

  it('sets aside what access rules refuse, and holds the lane instead of emptying it', async () => {
    const server = new Mosquitto(['allow_anonymous true', 'acl_file %d/acl']);
    cleanups.push(() => server.remove());
    server.write('acl', `topic readwrite ${ROOT}/status\ntopic write ${ROOT}/state\n`);
    await server.start();
    const limits = { ...DEFAULT_UPLINK_OPTIONS.limits, rejectionRetryMs: 10, heldRetryMs: 50 };
    const unit = new Unit(link({ port: server.port }), { limits }).start();
    unit.journal.append([...unit.make.some('alarm', 30), ...unit.make.some('fault', 30)]);
    await until(() => unit.uplink.counters.held.alarm && unit.uplink.counters.held.fault);
    expect(unit.uplink.counters.quarantined).toBe(3);
    expect(unit.journal.gaps[0]?.reason).toContain('not authorised');
    expect(unit.journal.cursor(BROKER, 'fault')).toBe(3);
    // An alarm is never given up, only passed over for a while.
    expect(unit.journal.cursor(BROKER, 'alarm')).toBe(0);
    expect(unit.uplink.counters.reconnects).toBe(0);
  });
});
