/** Fail-over between two real brokers, killed and revived, over links as the configuration makes. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_FAILOVER, FailoverTransport } from '../../src/uplink/failover.ts';
import { DEFAULT_MQTT_OPTIONS, mqttTransport } from '../../src/uplink/mqtt-link.ts';
import { connectProbe, handshakeProbe } from '../../src/uplink/probes.ts';
import { ReconnectingLink } from '../../src/uplink/reconnecting-link.ts';
import { BROKER } from './bench.ts';
import { hasMosquitto, type Mosquitto } from './mosquitto.ts';
import { TcpProxy } from './tcp-proxy.ts';
import { broker, cleanups, clock, FAST, log, Reader, Unit, until } from './unit.ts';
import { seededRandom } from './virtual-clock.ts';

const QUICK = {
  ...DEFAULT_FAILOVER,
  tries: 2,
  steadyMs: 200,
  probeEveryMs: 50,
  quietWithinMs: 100,
};
let made = 0;

function between(ports: readonly number[], probe: 'connect' | 'handshake'): Unit {
  made += 1;
  const addresses = ports.map((port) => {
    const where = { host: '127.0.0.1', port, clientId: `pair-${made}` };
    const options = { ...DEFAULT_MQTT_OPTIONS, ...FAST, ...where };
    const other = mqttTransport({ ...options, clientId: `pair-${made}-probe` }, { clock });
    return {
      transport: mqttTransport(options, { clock }),
      probe:
        probe === 'connect' ? connectProbe(other, clock, 500) : handshakeProbe(options, clock, 500),
    };
  });
  const transport = new FailoverTransport(
    addresses,
    { clock, log },
    { ...QUICK, failBackAfterMs: 300 },
  );
  const deps = { clock, random: seededRandom(made), log };
  const options = { ...DEFAULT_MQTT_OPTIONS, ...FAST };
  return new Unit(new ReconnectingLink(transport, deps, options), { backlogPerSecond: Infinity });
}

const numbers = (reader: Reader): number[] =>
  reader.payloads('event/alarm').map(({ seq }) => Number(seq));

describe.skipIf(!hasMosquitto)('two mosquittos behind one entry', () => {
  it.each(['connect', 'handshake'] as const)(
    'lose nothing through kill -9 and back again, probed by %s',
    async (probe) => {
      const first = await broker();
      const second = await broker();
      const readers = [
        await new Reader(first.port).open(),
        await new Reader(second.port).open(),
      ] as const;
      const unit = between([first.port, second.port], probe).start();
      await until(() => unit.uplink.counters.addressIndex === 0);
      let sent = 0;
      const more = (): void => {
        unit.journal.append(unit.make.some('alarm', 100));
        sent += 100;
      };
      const delivered = (): boolean => unit.journal.cursor(BROKER, 'alarm') === sent;
      for (let round = 1; round <= 2; round += 1) {
        more();
        await first.kill();
        await until(() => unit.uplink.counters.addressIndex === 1);
        more();
        await until(delivered);
        await first.start();
        await readers[0].listening();
        more();
        await until(() => unit.uplink.counters.addressIndex === 0);
        more();
        await until(delivered);
      }
      await until(() => new Set(readers.flatMap(numbers)).size === sent);
      const notices = unit.faults.filter(({ fault }) => fault === 'brokerAlternative');
      expect(notices.map(({ raised }) => raised)).toEqual([true, false, true, false]);
      expect(unit.uplink.counters.addressSwitches).toBe(4);
      expect(readers[0].payloads('status').at(-1)).toMatchObject({ status: 'online' });
      expect(readers[1].payloads('status').at(-1)).toMatchObject({ status: 'offline' });
    },
  );

  it('leave a half-open first one, and do not go back to it while it is', async () => {
    const servers: Mosquitto[] = [await broker(), await broker()];
    const wire = new TcpProxy(() => servers[0]?.port ?? 0);
    await wire.plug();
    cleanups.push(() => wire.unplug());
    const unit = between([wire.port, servers[1]?.port ?? 0], 'connect').start();
    await until(() => unit.uplink.counters.addressIndex === 0);
    wire.freeze();
    unit.journal.append(unit.make.some('alarm', 20));
    await until(() => unit.journal.cursor(BROKER, 'alarm') === 20);
    expect(unit.uplink.counters.addressIndex).toBe(1);
    wire.thaw();
    await until(() => unit.uplink.counters.addressIndex === 0);
  });
});
