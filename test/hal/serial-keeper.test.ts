import { describe, expect, it } from 'vitest';
import type { FaultNotice } from '../../src/domain/step.ts';
import { Backoff } from '../../src/hal/backoff.ts';
import { SerialKeeper } from '../../src/hal/serial-keeper.ts';
import { SimulatedSerial } from '../../src/hal/simulated.ts';
import { ManualClock, seededRandom } from './manual-clock.ts';

const PATH = '/dev/ttyUSB0';

function kept() {
  const clock = new ManualClock();
  const serial = new SimulatedSerial(clock);
  const opens: number[] = [];
  const counted = {
    kind: 'counted',
    open: (options: Parameters<SimulatedSerial['open']>[0]) => {
      opens.push(clock.monotonicMs());
      return serial.open(options);
    },
  };
  const faults: FaultNotice[] = [];
  const told: string[] = [];
  const keeper = new SerialKeeper({
    serial: counted,
    path: PATH,
    baudRate: 115_200,
    clock,
    random: seededRandom(5),
    subject: 'hall',
    fault: (notice) => faults.push(notice),
    opened: () => told.push('opened'),
    data: (bytes) => told.push(Buffer.from(bytes).toString()),
    lost: () => told.push('lost'),
  });
  return { clock, serial, keeper, opens, faults, told };
}

describe('a serial line that is kept open', () => {
  it('tries for ever, ever more slowly, at most half a minute apart', async () => {
    const { clock, keeper, opens, faults } = kept();
    await clock.run(3_600_000);
    const waits = opens.slice(1).map((atMs, at) => atMs - (opens[at] ?? 0));
    expect(opens.length).toBeGreaterThan(100);
    expect(Math.max(...waits)).toBeLessThanOrEqual(30_000);
    expect(Math.min(...waits.slice(10))).toBeGreaterThanOrEqual(15_000);
    expect(faults).toHaveLength(1);
    await keeper.close();
    expect(clock.pending).toBe(0);
  });

  it('tells of opening, bytes and loss in order, and of each loss anew', async () => {
    const { clock, serial, keeper, faults, told } = kept();
    await clock.run(1);
    for (let round = 0; round < 3; round++) {
      const end = serial.plug(PATH);
      await clock.run(40_000);
      end.send(Buffer.from('hi'));
      await clock.run(1);
      end.unplug();
      await clock.run(1);
    }
    expect(told).toEqual(Array(3).fill(['opened', 'hi', 'lost']).flat());
    expect(faults.map(({ raised }) => raised)).toEqual([
      true,
      false,
      true,
      false,
      true,
      false,
      true,
    ]);
    await keeper.close();
  });

  it('comes back fast after a line that was good, slowly after one that flaps', async () => {
    const { clock, serial, keeper, opens } = kept();
    const end = serial.plug(PATH);
    await clock.run(20_000);
    end.unplug();
    await clock.run(0);
    end.replug();
    await clock.run(600);
    expect(end.isOpen).toBe(true);
    for (let flap = 0; flap < 8; flap++) {
      end.unplug();
      await clock.run(0);
      end.replug();
      const before = opens.length;
      while (opens.length === before) await clock.run(100);
    }
    const last = (opens.at(-1) ?? 0) - (opens.at(-2) ?? 0);
    expect(last).toBeGreaterThanOrEqual(15_000);
    await keeper.close();
  });

  it('says it again when the reason has changed', async () => {
    const { clock, serial, keeper, faults } = kept();
    await clock.run(1);
    serial.plug(PATH).openFault = 'permission';
    await clock.run(60_000);
    expect(faults.map(({ raised, detail }) => [raised, /permission/.test(detail)])).toEqual([
      [true, false],
      [true, true],
    ]);
    await keeper.close();
  });

  it('writes only while there is a line', async () => {
    const { clock, serial, keeper } = kept();
    expect(keeper.write(Buffer.from('a'))).toBe(false);
    const got: string[] = [];
    serial.plug(PATH).onReceive((bytes) => got.push(Buffer.from(bytes).toString()));
    await clock.run(1000);
    expect(keeper.write(Buffer.from('b'))).toBe(true);
    await clock.run(1);
    expect(got).toEqual(['b']);
    await keeper.close();
    expect(keeper.write(Buffer.from('c'))).toBe(false);
  });

  it('closes a line that comes up while it is being closed', async () => {
    const { clock, serial, keeper, told } = kept();
    const end = serial.plug(PATH);
    await clock.run(1000);
    expect(end.isOpen).toBe(true);
    end.unplug();
    await clock.run(0);
    end.replug();
    clock.advance(600);
    await keeper.close();
    expect(end.isOpen).toBe(false);
    expect(told).toEqual(['opened', 'lost']);
    expect(clock.pending).toBe(0);
  });
});

describe('back-off', () => {
  it('doubles within its range, with jitter downwards, and starts again', () => {
    const backoff = new Backoff({ firstMs: 100, longestMs: 1000 }, seededRandom(2));
    for (const step of [100, 200, 400, 800, 1000, 1000]) {
      const waitMs = backoff.nextMs();
      expect(waitMs).toBeGreaterThanOrEqual(step / 2);
      expect(waitMs).toBeLessThanOrEqual(step);
    }
    backoff.reset();
    expect(backoff.nextMs()).toBeLessThanOrEqual(100);
  });
});
