import { describe } from 'vitest';
import { type EmbeddedBroker, startEmbeddedBroker } from '../../src/uplink/embedded-broker.ts';
import type { Link } from '../../src/uplink/link.ts';
import { createMqttLink, DEFAULT_MQTT_OPTIONS } from '../../src/uplink/mqtt-link.ts';
import { DEFAULT_LINK_OPTIONS } from '../../src/uplink/reconnecting-link.ts';
import { createSimulatedLink, SimulatedBroker } from '../../src/uplink/simulated-link.ts';
import { hasMosquitto, Mosquitto } from '../uplink/mosquitto.ts';
import { TcpProxy } from '../uplink/tcp-proxy.ts';
import { realClock, seededRandom, VirtualClock } from '../uplink/virtual-clock.ts';
import { type LinkBackend, linkContract, type LinkRig } from './link.ts';

const FAST = { answerTimeoutMs: 400, connectTimeoutMs: 2000, retryMinMs: 20, retryMaxMs: 100 };
const log = (): void => undefined;

const simulated: LinkBackend = {
  name: 'simulated',
  open: async () => {
    const clock = new VirtualClock();
    const broker = new SimulatedBroker(clock);
    const link = (clientId: string): Link =>
      createSimulatedLink(
        broker,
        { clock, random: seededRandom(1), log },
        { ...DEFAULT_LINK_OPTIONS, ...FAST },
        clientId,
      );
    return {
      link: () => link('appliance'),
      observer: () => link('observer'),
      unplug: async () => broker.goDown(),
      plug: async () => broker.comeUp(),
      cut: () => broker.breakConnections('appliance'),
      freeze: () => (broker.faults.halfOpen = true),
      thaw: () => (broker.faults.halfOpen = false),
      until: (condition) => clock.until(condition, 20_000),
      close: async () => undefined,
    };
  },
};

/** A rig around a broker that listens on a port, with a wire in between that can be damaged. */
async function rigAround(port: number, stop: () => Promise<void>): Promise<LinkRig> {
  const proxy = new TcpProxy(() => port);
  await proxy.plug();
  let made = 0;
  const link = (to: number): Link => {
    made += 1;
    const options = { ...DEFAULT_MQTT_OPTIONS, ...FAST, host: '127.0.0.1', port: to };
    return createMqttLink(
      { ...options, clientId: `contract-${made}` },
      { clock: realClock(), random: seededRandom(made), log },
    );
  };
  return {
    link: () => link(proxy.port),
    observer: () => link(port),
    unplug: () => proxy.unplug(),
    plug: () => proxy.plug(),
    cut: () => proxy.cut(),
    freeze: () => proxy.freeze(),
    thaw: () => proxy.thaw(),
    until: async (condition) => {
      while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
    },
    close: async () => {
      await proxy.unplug();
      await stop();
    },
  };
}

const embedded: LinkBackend = {
  name: 'mqtt over the embedded broker',
  open: async () => {
    const broker: EmbeddedBroker = await startEmbeddedBroker();
    return rigAround(broker.port, () => broker.stop());
  },
};

const mosquitto: LinkBackend = {
  name: 'mqtt over mosquitto',
  open: async () => {
    const broker = new Mosquitto();
    await broker.start();
    return rigAround(broker.port, () => broker.remove());
  },
};

linkContract(simulated);
linkContract(embedded);
describe.skipIf(!hasMosquitto)('with the mosquitto binary', () => linkContract(mosquitto));
