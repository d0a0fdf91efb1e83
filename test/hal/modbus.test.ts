/** The Modbus driver on simulated lines: values, polls, faults, probe. */
import { beforeEach, describe, expect, it } from 'vitest';
import { modbus } from '../../src/hal/drivers/modbus.ts';
import type { SensorHandle } from '../../src/hal/sensor-driver.ts';
import type { SimulatedUnit } from '../../src/hal/simulated-modbus.ts';
import { SENSOR } from './driver-bench.ts';
import type { SensorWorld } from './sensor-fixture.ts';
import { sensorWorld } from './sensor-fixture.ts';

const LINE = '10.0.0.7:502';
const BASE = {
  tcp: { host: '10.0.0.7' },
  unit: 7,
  groups: [{ table: 'holding', address: 100, count: 4, cadenceSeconds: 1 }],
  channels: [{ channel: 'A', register: 100 }],
};
type Options = Record<string, unknown>;

let world: SensorWorld;
beforeEach(async () => {
  world = await sensorWorld();
});

function open(options: Options): SensorHandle {
  const prepared = modbus.prepare({ ...BASE, ...options });
  if (!prepared.ok) throw new Error(JSON.stringify(prepared.problems));
  return prepared.open(world.bench.host);
}

function attach(unit: SimulatedUnit): () => void {
  return world.modbus.attach(LINE, 7, unit);
}

function holding(first: number, ...words: number[]): SimulatedUnit {
  return { holding: new Map(words.map((word, at) => [first + at, word])) };
}

/** The last level of a channel, or why it has none. */
function seen(): Record<string, number | string> {
  return Object.fromEntries(
    world.bench
      .drain()
      .flatMap((window) =>
        window.kind === 'thermal' || window.kind === 'opinion'
          ? []
          : [[window.channel, window.kind === 'level' ? window.last : window.reason]],
      ),
  );
}

describe('the values of a Modbus sensor', () => {
  it('are percent of full scale, from every table and type', async () => {
    attach({
      ...holding(100, 250, 0xff38, 0x4148, 0x0000),
      input: new Map([[5, 0b1000]]),
      coil: new Map([[3, 1]]),
    });
    const handle = open({
      groups: [
        ...BASE.groups,
        { table: 'input', address: 5, count: 1 },
        { table: 'coil', address: 3, count: 1 },
      ],
      channels: [
        { channel: 'UINT', register: 100, high: 1000 },
        { channel: 'INT', register: 101, type: 'int16', factor: 0.1, low: -40, high: 60 },
        { channel: 'FLOAT', register: 102, type: 'float32', factor: 2, offset: 5, high: 60 },
        { channel: 'BIT', register: 5, type: 'bit', bit: 3, digital: true },
        { channel: 'REST', register: 5, type: 'bit', bit: 2, digital: true },
        { channel: 'COIL', register: 3, type: 'bit', digital: true, low: 1, high: 0 },
        { channel: 'LEVEL', register: 100, digital: true, low: 0, high: 400 },
      ],
    });
    await world.clock.run(100);
    expect(seen()).toEqual({ UINT: 25, INT: 20, FLOAT: 50, BIT: 1, REST: 0, COIL: 0, LEVEL: 1 });
    await handle.close();
  });

  it('are no data with a reason where the device has none, or nonsense', async () => {
    attach(holding(100, 0x7fff, 900, 0x7fc0, 0));
    const handle = open({
      channels: [
        { channel: 'NONE', register: 100, type: 'int16', sentinels: [32767], high: 1000 },
        { channel: 'HIGH', register: 101, high: 500, validHigh: 600 },
        { channel: 'NAN', register: 102, type: 'float32' },
      ],
    });
    await world.clock.run(100);
    expect(seen()).toEqual({ NONE: 'sentinel', HIGH: 'outOfRange', NAN: 'sentinel' });
    expect(world.bench.faults).toEqual([]);
    await handle.close();
  });

  it('do not reach over a gap: filters start anew', async () => {
    const registers = new Map([[100, 10]]);
    attach({ holding: registers });
    const handle = open({
      groups: [{ table: 'holding', address: 100, count: 1, cadenceSeconds: 1 }],
      channels: [{ channel: 'A', register: 100, filters: [{ kind: 'median', readings: 3 }] }],
    });
    await world.clock.run(5000);
    expect(seen()).toEqual({ A: 10 });
    world.modbus.readFault = 'other';
    await world.clock.run(1000);
    expect(seen()).toEqual({ A: 'hardware' });
    world.modbus.readFault = null;
    registers.set(100, 90);
    await world.clock.run(10_000);
    const levels = world.bench.drain().filter(({ kind }) => kind === 'level');
    expect(levels).toMatchObject([{ min: 90, max: 90 }]);
    await handle.close();
  });

  it('come at the pace of each group', async () => {
    attach({ ...holding(100, 1, 2, 3, 4), input: new Map([[0, 9]]) });
    const handle = open({
      groups: [...BASE.groups, { table: 'input', address: 0, count: 1, cadenceSeconds: 5 }],
      channels: [...BASE.channels, { channel: 'B', register: 0 }],
    });
    await world.clock.run(20_100);
    const counts = world.bench.drain().map((one) => (one.kind === 'level' ? one.count : 0));
    expect(counts).toEqual([21, 5]);
    await handle.close();
    await world.clock.run(10_000);
    expect(world.clock.pending).toBe(0);
  });
});

describe('the polls of a Modbus sensor', () => {
  it('never pile up on a slow line, and are not made up for afterwards', async () => {
    attach(holding(100, 1, 2, 3, 4));
    world.modbus.answerMs = 450;
    const handle = open({ groups: [{ ...BASE.groups[0], cadenceSeconds: 0.1 }] });
    await world.clock.run(60_000);
    expect(world.modbus.requests).toBeLessThanOrEqual(60 / 0.45 + 1);
    world.modbus.answerMs = 5;
    await world.clock.run(500);
    const { requests } = world.modbus;
    await world.clock.run(2000);
    expect(world.modbus.requests - requests).toBeLessThanOrEqual(21);
    await handle.close();
    expect(world.clock.pending).toBe(0);
  });
});

describe('the faults of a Modbus sensor', () => {
  const raised = (): unknown[] =>
    world.bench.faults.map(({ fault, subject, raised: isRaised }) => [fault, subject, isRaised]);
  const details = (): string[] => world.bench.faults.map(({ detail }) => detail);

  it('say that a unit is silent, what to check, and that it is back', async () => {
    attach(holding(100, 1, 2, 3, 4))();
    const handle = open({});
    await world.clock.run(60_000);
    expect(raised()).toEqual([['modbusUnavailable', SENSOR, true]]);
    expect(details()[0]).toMatch(/unit 7 on 10\.0\.0\.7:502 does not answer within 500 ms.*power/);
    attach(holding(100, 1, 2, 3, 4));
    await world.clock.run(10_000);
    expect(raised()[1]).toEqual(['modbusUnavailable', SENSOR, false]);
    await handle.close();
  });

  it('name the wires and settings of a serial line', async () => {
    const path = '/dev/serial/by-id/usb-x';
    world.modbus.attach(path, 1, {});
    const handle = open({ tcp: null, serial: { path, baudRate: 19_200 } });
    await world.clock.run(10_000);
    expect(details()[0]).toMatch(/A and B are swapped, the termination, .*19200 8E1/);
    await handle.close();
  });

  it('tell a refusal from silence, once per kind of trouble', async () => {
    const off = attach(holding(0, 1));
    const handle = open({});
    await world.clock.run(30_000);
    expect(details()).toEqual([expect.stringMatching(/refuses holding 100..103.*exception 2/)]);
    off();
    await world.clock.run(30_000);
    expect(details()).toEqual([expect.anything(), expect.stringMatching(/does not answer/)]);
    world.modbus.unplug(LINE);
    await world.clock.run(60_000);
    expect(details()[2]).toMatch(/is gone|is not there/);
    expect(raised()).toHaveLength(3);
    await handle.close();
  });

  it('are not raised for a single poll that was spoilt', async () => {
    attach(holding(100, 1, 2, 3, 4));
    const handle = open({});
    await world.clock.run(3000);
    world.bench.drain();
    world.modbus.readFault = 'corrupt';
    await world.clock.run(1000);
    world.modbus.readFault = null;
    await world.clock.run(5000);
    expect(world.bench.faults).toEqual([]);
    expect(world.bench.drain().map(({ kind }) => kind)).toEqual(['noData', 'level']);
    await handle.close();
  });

  it('stand for one bad group, while the other groups go on', async () => {
    attach(holding(100, 1, 2, 3, 4));
    const handle = open({
      groups: [...BASE.groups, { table: 'input', address: 0, count: 1, cadenceSeconds: 1 }],
      channels: [...BASE.channels, { channel: 'B', register: 0 }],
    });
    await world.clock.run(30_000);
    expect(raised()).toEqual([['modbusUnavailable', SENSOR, true]]);
    expect(seen()).toEqual({ A: 1, B: 'hardware' });
    await handle.close();
  });

  it('leave a second sensor of the same unit alone', async () => {
    attach(holding(100, 1, 2, 3, 4));
    const first = open({});
    const second = open({});
    await world.clock.run(1000);
    await first.close();
    world.bench.drain();
    await world.clock.run(3000);
    expect(seen()).toEqual({ A: 1 });
    expect(world.modbus.handles).toBe(1);
    await second.close();
    expect(world.modbus.handles).toBe(0);
  });

  it('come and go a hundred times under load, and nothing is left', async () => {
    const handles = [open({}), open({}), open({})];
    for (let round = 1; round <= 100; round++) {
      attach(holding(100, 1, 2, 3, 4));
      await world.clock.run(40_000);
      world.modbus.unplug(LINE);
      await world.clock.run(1000 + (round % 7) * 911);
      expect(world.bench.faults).toHaveLength(3 * (2 * round + 1));
    }
    for (const handle of handles) await handle.close();
    expect(world.modbus.handles).toBe(0);
    expect(world.clock.pending).toBe(0);
  });
});

describe('the probe of a Modbus sensor', () => {
  const probe = async (options: Options) => {
    const prepared = modbus.prepare({ ...BASE, ...options });
    if (!prepared.ok) throw new Error('refused');
    const findings = prepared.probe(world.bench.host);
    await world.clock.run(5000);
    return findings;
  };

  it('reads the first register of each group and closes the line', async () => {
    attach(holding(100, 250, 2, 3, 4));
    expect(await probe({})).toMatchObject([
      { area: `sensor:${SENSOR}`, subject: '10.0.0.7:502 (TCP)', state: 'ok' },
      { state: 'ok', found: 'reads 250', remedy: null },
    ]);
    expect(world.modbus.handles).toBe(0);
  });

  it('says what fails, and what mends it', async () => {
    expect(await probe({})).toMatchObject([
      { state: 'failed', remedy: expect.stringContaining('Modbus TCP') as string },
    ]);
    attach({});
    const [, found] = await probe({});
    expect(found).toMatchObject({
      state: 'failed',
      found: expect.stringContaining('exception 2') as string,
    });
    expect(found?.remedy).not.toBe('');
  });
});
