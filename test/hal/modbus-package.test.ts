/**
 * What the package modbus-serial does by itself: the reasons why turns, timeouts and the cutting of
 * the stream are ours (docs/decisions/0009-modbus.md). A release in which one of these fails may
 * take work off `modbus-wire.ts`.
 */
import Modbus from 'modbus-serial';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ModbusRig } from './modbus-rigs.ts';
import { ptyRig, tcpRig, wordOf } from './modbus-rigs.ts';
import { hasSocat } from './pty.ts';

const TIMEOUT_MS = 300;
type Client = InstanceType<typeof Modbus.default>;

async function said(read: Promise<{ data: number[] }>): Promise<number[] | string> {
  return read.then(
    ({ data }) => data,
    (error: unknown) => (error as Error).message,
  );
}

/** Of a connection that was lost it never tells that it is closed. */
function close(client: Client): Promise<void> {
  if (!client.isOpen) return Promise.resolve();
  return new Promise((resolve) => client.close(() => resolve()));
}

describe('the package modbus-serial over TCP', () => {
  let rig: ModbusRig;
  let client: Client;
  beforeEach(async () => {
    rig = await tcpRig();
    client = new Modbus.default();
    if (rig.address.kind !== 'tcp') throw new Error('not TCP');
    await client.connectTCP(rig.address.host, { port: rig.address.port });
    client.setTimeout(TIMEOUT_MS);
  });
  afterEach(async () => {
    await close(client);
    await rig.close();
  });

  it('asks the wrong unit when two callers take turns with setID', async () => {
    const readAs = async (unit: number): Promise<number[] | string> => {
      client.setID(unit);
      await Promise.resolve();
      return said(client.readHoldingRegisters(0, 1));
    };
    const both = await Promise.all([readAs(1), readAs(2)]);
    expect(both).toEqual([[wordOf(2, 'holding', 0)], [wordOf(2, 'holding', 0)]]);
  });

  it('takes a wrong transaction number for silence', async () => {
    rig.units!.mischief = () => ({ kind: 'wrongTransaction', add: 1 });
    client.setID(1);
    expect(await said(client.readHoldingRegisters(0, 1))).toBe('Timed out');
  });

  it('believes an answer that counts its bytes wrong', async () => {
    rig.units!.mischief = () => ({ kind: 'miscount', byteCount: 2 });
    client.setID(1);
    const got = await said(client.readHoldingRegisters(0, 3));
    expect(got).toEqual([wordOf(1, 'holding', 0)]);
  });

  it('does not come back when the connection was lost', async () => {
    await rig.unplug();
    await vi.waitFor(() => expect(client.isOpen).toBe(false), 5000);
    await rig.replug();
    client.setID(1);
    expect(await said(client.readHoldingRegisters(0, 1))).toBe('Port Not Open');
  });
});

describe.skipIf(!hasSocat)('the package modbus-serial on a pseudo-terminal (needs socat)', () => {
  let rig: ModbusRig;
  let client: Client;
  beforeEach(async () => {
    rig = await ptyRig();
    client = new Modbus.default();
  });
  afterEach(async () => {
    await close(client);
    await rig.close();
  });

  async function connect(how: 'connectRTU' | 'connectRTUBuffered'): Promise<void> {
    if (rig.address.kind !== 'rtu') throw new Error('not a serial line');
    const { path, baudRate } = rig.address;
    await client[how](path, { baudRate });
    client.setTimeout(TIMEOUT_MS);
    client.setID(7);
  }

  it('takes the answer of another unit for silence', async () => {
    await connect('connectRTUBuffered');
    rig.units!.mischief = () => ({ kind: 'wrongUnit', unit: 2 });
    expect(await said(client.readHoldingRegisters(0, 2))).toBe('Timed out');
  });

  it('loses requests that are made at once', async () => {
    await connect('connectRTUBuffered');
    rig.answerMs = () => 5;
    const all = [0, 1, 2].map((address) => said(client.readHoldingRegisters(address, 1)));
    const results = await Promise.all(all);
    expect(results.filter((one) => Array.isArray(one)).length).toBeLessThan(3);
  });

  it('cannot read what comes in pieces without its own buffering', async () => {
    await connect('connectRTU');
    rig.units!.mischief = () => ({ kind: 'dribble', everyMs: 5 });
    expect(await said(client.readHoldingRegisters(0, 2))).not.toEqual([
      wordOf(7, 'holding', 0),
      wordOf(7, 'holding', 1),
    ]);
  });

  it('takes an answer with too few registers for silence', async () => {
    await connect('connectRTUBuffered');
    rig.units!.mischief = () => ({ kind: 'wrongCount', more: -1 });
    expect(await said(client.readHoldingRegisters(0, 2))).toBe('Timed out');
  });
});
