/** What an installation does to an array on I2C beside the plain faults: by chance, or all at once. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mlx90640I2c } from '../../src/hal/drivers/mlx90640-i2c.ts';
import { PowerSwitch } from '../../src/hal/mlx90640/power.ts';
import { DONE, failed } from '../../src/hal/ports.ts';
import { SimulatedGpio } from '../../src/hal/simulated.ts';
import { ManualClock } from './manual-clock.ts';
import { ArrayRig } from './mlx90640-rig.ts';
import { RECOVERED_WITHIN_MS } from './mlx90640-troubles.ts';
import { sensorWorld } from './sensor-fixture.ts';

const told = ({ faults }: ArrayRig): string[] =>
  faults.map(({ fault, raised }) => `${fault} ${raised ? 'raised' : 'restored'}`);

/** An array that has given pictures for `ms`. */
async function running(ms: number, options = {}, speedHz = 400_000): Promise<ArrayRig> {
  const rig = await ArrayRig.create({ options, speedHz });
  rig.attach();
  rig.open();
  await rig.run(ms);
  rig.expectTruth();
  return rig;
}

describe('a status that always says new data', () => {
  function stick(rig: ArrayRig): () => void {
    const transfer = rig.device.transfer.bind(rig.device);
    rig.device.transfer = (write, readBytes) => {
      const bytes = transfer(write, readBytes);
      const isStatus = write[0] === 0x80 && write[1] === 0x00 && readBytes === 2;
      if (isStatus) bytes?.set([(bytes[1] ?? 0) | 0x08], 1);
      return bytes;
    };
    return () => (rig.device.transfer = transfer);
  }

  it.each([
    [0.5, 100_000],
    [4, 100_000],
    [4, 400_000],
    [16, 400_000],
    [32, 1_000_000],
  ])('is told as a stuck array at %s Hz on %s', async (refreshHz, speedHz) => {
    const rig = await running(30_000, { refreshHz }, speedHz);
    const { transfers } = rig.world.i2c;
    const end = stick(rig);
    const { window } = await rig.untilNoData(5000);
    expect(window.reason).toBe('overrun');
    await rig.run(30_000);
    expect(told(rig).filter((one) => one.startsWith('arrayUnavailable'))).toHaveLength(1);
    const stuck = rig.faults.find(({ fault }) => fault === 'arrayUnavailable');
    expect(stuck?.detail).toMatch(/new data was announced \d+ times in .*status is stuck/);
    expect(rig.world.i2c.transfers - transfers).toBeLessThan(30 * 4 * 14);
    rig.expectTruth();
    end();
    await rig.untilPicture(RECOVERED_WITHIN_MS + 6000);
    await rig.run(30_000);
    rig.expectTruth();
    for (const fault of ['arrayUnavailable', 'busTooSlow']) {
      expect(rig.faults.findLast((one) => one.fault === fault)?.raised ?? false).toBe(false);
    }
    await rig.close();
  });
});

describe('an EEPROM of which parts come from elsewhere, each time alike', () => {
  it.each([208, 416, 624])('is refused where that begins at word %s', async (at) => {
    const rig = await ArrayRig.create();
    const transfer = rig.device.transfer.bind(rig.device);
    rig.device.transfer = (write, readBytes) => {
      const isHere = ((write[0] ?? 0) << 8) + (write[1] ?? 0) === 0x2400 + at;
      // The address got lost: the memory is read from its beginning.
      return transfer(isHere && readBytes > 6 ? Uint8Array.of(0x24, 0) : write, readBytes);
    };
    rig.attach();
    rig.open();
    await rig.run(20_000);
    expect(rig.pictures).toEqual([]);
    expect(rig.faults.at(-1)?.detail).toMatch(/EEPROM/);
    rig.device.transfer = transfer;
    await rig.untilPicture(RECOVERED_WITHIN_MS);
    rig.expectTruth();
    await rig.close();
  });
});

describe('a disturbance on the wires', () => {
  async function disturb(rig: ArrayRig, forMs: number): Promise<void> {
    rig.device.faults.nack = true;
    const { window } = await rig.untilNoData(300);
    expect(window.reason).toBe('hardware');
    await rig.run(forMs);
    rig.device.faults.nack = false;
  }

  it('that passes is no data, and no fault that comes and goes', async () => {
    const rig = await running(65_000);
    for (let hour = 0; hour < 5; hour++) {
      await disturb(rig, 0);
      await rig.run(70_000);
    }
    expect(rig.faults).toEqual([]);
    expect(rig.world.bench.counters.framesWithheld.hardware).toBe(5);
    rig.expectTruth();
    await rig.close();
  });

  it('that lasts is a fault within a second', async () => {
    const rig = await running(65_000);
    await disturb(rig, 1000);
    expect(told(rig)).toEqual(['arrayUnavailable raised']);
    await rig.run(20_000);
    expect(told(rig)).toEqual(['arrayUnavailable raised', 'arrayUnavailable restored']);
    await rig.close();
  });

  it('that comes more often than once a minute is a fault', async () => {
    const rig = await running(65_000);
    await disturb(rig, 0);
    await rig.run(20_000);
    await disturb(rig, 0);
    expect(told(rig)).toEqual(['arrayUnavailable raised']);
    await rig.close();
  });
});

describe('the time budget of an array', () => {
  const settings = fc.constantFrom<readonly [number, number]>(
    [0.5, 100_000],
    [2, 100_000],
    [4, 100_000],
    [4, 400_000],
    [16, 400_000],
    [32, 1_000_000],
  );

  it('holds: what happens is in a picture within cadence and delay', async () => {
    await fc.assert(
      fc.asyncProperty(settings, fc.double({ min: 0, max: 1, noNaN: true }), async (set, part) => {
        const [refreshHz, speedHz] = set;
        const prepared = mlx90640I2c.prepare({ refreshHz });
        if (!prepared.ok) throw new Error('refused');
        const { cadenceMs, delayMs } = prepared.timing;
        const rig = await running(6000 + (2 + part) * cadenceMs, { refreshHz }, speedHz);
        for (const pixel of [400, 401]) rig.truth[pixel] = 80;
        await rig.run(cadenceMs + delayMs);
        const { celsius } = rig.pictures.at(-1) ?? {};
        for (const pixel of [400, 401]) expect(celsius?.[pixel]).toBeGreaterThan(70);
        await rig.close();
      }),
      { numRuns: 60 },
    );
  });
});

describe('a bus that is just too slow', () => {
  it('is told wherever less than every second picture comes', { timeout: 60_000 }, async () => {
    const rig = await running(5000, { refreshHz: 8 });
    for (let kHz = 120; kHz <= 160; kHz += 4) {
      rig.world.i2c.speedHz = 400_000;
      await rig.run(30_000);
      expect(told(rig).at(-1) ?? 'busTooSlow restored').toBe('busTooSlow restored');
      rig.world.i2c.speedHz = kHz * 1000;
      rig.expectTruth();
      await rig.run(60_000);
      const share = rig.pictures.length / 240;
      if (share < 0.5) expect(told(rig).at(-1), `at ${kHz} kHz`).toBe('busTooSlow raised');
      if (share > 0.99) expect(told(rig).at(-1)).toBe('busTooSlow restored');
    }
    rig.expectTruth();
    await rig.close();
  });
});

describe('more arrays than a bus carries', () => {
  it('are told so, and not to make the bus slower than it is', async () => {
    const world = await sensorWorld();
    const rigs: ArrayRig[] = [];
    for (const address of [0x30, 0x31, 0x32, 0x33]) {
      const rig = await ArrayRig.create({
        world,
        seed: address,
        options: { address, refreshHz: address === 0x30 ? 2 : 8 },
      });
      rig.attach();
      rig.open();
      rigs.push(rig);
      await world.clock.run(10_000);
    }
    await world.clock.run(30_000);
    const slow = world.bench.faults.filter(({ fault, raised }) => raised && fault === 'busTooSlow');
    expect(slow.length).toBeGreaterThan(0);
    for (const { detail } of slow) {
      expect(detail).toContain('/dev/i2c-1 is too busy for 8 Hz');
      expect(detail).toContain('other sensors use this bus too');
      expect(detail).not.toMatch(/baudrate=(100000|400000)\b/);
    }
    for (const rig of rigs) rig.expectTruth();
    for (const rig of rigs) await rig.close();
  });
});

describe('the switch of the supply', () => {
  it('is opened anew after it has failed: its chip may have been plugged in again', () => {
    const gpio = new SimulatedGpio({ clock: new ManualClock() });
    const open = gpio.openOutput.bind(gpio);
    let opened = 0;
    let dead = false;
    gpio.openOutput = (name, at, initial) => {
      opened += 1;
      const result = open(name, at, initial);
      if (!result.ok) return result;
      const { value } = result;
      const mine = opened;
      const write = value.write.bind(value);
      value.write = (active) =>
        dead && mine === 1 ? failed('absent', 'the chip is gone') : write(active);
      return result;
    };
    const at = { chip: 'pinctrl-rp1', line: 17, activeLow: false } as const;
    const power = new PowerSwitch(gpio, 'supply', at);
    expect(power.set(true)).toEqual(DONE);
    dead = true;
    expect(power.set(false).ok).toBe(false);
    expect(power.set(true)).toEqual(DONE);
    expect(gpio.level('pinctrl-rp1', 17)).toBe(true);
    expect(opened).toBe(2);
    power.close();
  });
});
