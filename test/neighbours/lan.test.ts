/** The simulated network keeps the same promises as UDP on this machine. */
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../src/clock.ts';
import type { LanPort, OpenLan } from '../../src/neighbours/lan-port.ts';
import { SimulatedLan } from '../../src/neighbours/simulated-lan.ts';
import { openUdp } from '../../src/neighbours/udp.ts';
import { eventually } from '../e2e/processes.ts';

const KINDS: [string, () => OpenLan][] = [
  ['UDP', () => openUdp],
  ['the simulated network', () => new SimulatedLan(systemClock(), systemRandom()).open],
];

describe.each(KINDS)('%s', (_, make) => {
  const ports: LanPort[] = [];
  const open = async (lan: OpenLan, onDatagram: (bytes: Uint8Array) => void, port = 0) => {
    const opened = await lan(
      { host: '127.0.0.1', port },
      { onDatagram, onTrouble: () => undefined },
    );
    if (opened.ok) ports.push(opened.value);
    return opened;
  };
  afterEach(async () => {
    for (const port of ports.splice(0)) await port.close();
  });

  it('carries a datagram from one port to another, whole', async () => {
    const lan = make();
    const heard: string[] = [];
    const to = await open(lan, (bytes) => heard.push(Buffer.from(bytes).toString()));
    const from = await open(lan, () => undefined);
    if (!to.ok || !from.ok) throw new Error('a port did not open');
    expect(to.value.port).toBeGreaterThan(0);
    from.value.send(Buffer.from('word'), { host: '127.0.0.1', port: to.value.port });
    await eventually('it is heard', () => heard.length > 0);
    expect(heard).toEqual(['word']);
  });

  it('says that a port is taken', async () => {
    const lan = make();
    const first = await open(lan, () => undefined);
    if (!first.ok) throw new Error(first.error);
    const second = await open(lan, () => undefined, first.value.port);
    expect(second.ok ? '' : second.error).toMatch(/in use/i);
  });

  it('sends nothing to nobody without a word, and nothing after its end', async () => {
    const lan = make();
    const one = await open(lan, () => undefined);
    if (!one.ok) throw new Error(one.error);
    one.value.send(Buffer.from('x'), { host: '127.0.0.1', port: 9 });
    await one.value.close();
    one.value.send(Buffer.from('x'), { host: '127.0.0.1', port: 9 });
    await one.value.close();
  });
});
