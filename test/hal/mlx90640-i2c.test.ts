/** The array driver on simulated buses: settings, speed, several arrays, swapped and switched. */
import { describe, expect, it } from 'vitest';
import { mlx90640I2c } from '../../src/hal/drivers/mlx90640-i2c.ts';
import { SimulatedArray } from '../../src/simulator/array.ts';
import { sensorId } from '../../src/domain/units.ts';
import { ADDRESS, ArrayRig, BUS } from './mlx90640-rig.ts';
import { seededRandom } from './manual-clock.ts';
import { sensorWorld } from './sensor-fixture.ts';

const REFRESH = [0.5, 1, 2, 4, 8, 16, 32];

describe('an array on I2C', () => {
  it.each(REFRESH)('gives true pictures at %s Hz', async (refreshHz) => {
    const rig = await ArrayRig.create({ options: { refreshHz }, speedHz: 1_000_000 });
    rig.attach();
    rig.open();
    await rig.untilPicture(10_000);
    const before = rig.pictures.length;
    const cadenceMs = 2000 / refreshHz;
    await rig.run(10 * cadenceMs);
    // One may come just before or just after the end, by up to one look at the status.
    expect(Math.abs(rig.pictures.length - before - 10)).toBeLessThanOrEqual(1);
    rig.expectTruth();
    expect(rig.faults).toEqual([]);
    expect(rig.device.controlRegister).toBe(0x1801 | (REFRESH.indexOf(refreshHz) << 7));
    await rig.close();
  });

  const settings = ['chess', 'interleaved'].flatMap((pattern) =>
    [16, 17, 18, 19].map((adcBits) => ({ pattern, adcBits })),
  );
  it.each(settings)('gives true pictures in $pattern with $adcBits bits', async (options) => {
    const rig = await ArrayRig.create({ options });
    rig.attach();
    rig.open();
    await rig.run(10_000);
    expect(rig.pictures.length).toBeGreaterThan(15);
    rig.expectTruth();
    expect(rig.world.bench.counters.framesWithheld).toEqual({});
    expect(rig.faults).toEqual([]);
    await rig.close();
  });

  it('never uses what was measured with the settings of before', async () => {
    const rig = await ArrayRig.create({ options: { pattern: 'interleaved', adcBits: 16 } });
    rig.attach();
    await rig.run(60_000);
    rig.open();
    await rig.untilPicture(10_000);
    await rig.run(5000);
    rig.expectTruth();
    expect(rig.world.bench.counters.framesWithheld).toEqual({});
    await rig.close();
  });

  it('leaves the bus alone between subpages', async () => {
    const rig = await ArrayRig.create({ options: { refreshHz: 2 } });
    rig.attach();
    rig.open();
    await rig.run(5000);
    const { transfers } = rig.world.i2c;
    await rig.run(10_000);
    // 20 subpages: at most 8 looks at the status and 6 transfers of a dump each.
    expect(rig.world.i2c.transfers - transfers).toBeLessThanOrEqual(20 * 14);
    await rig.close();
  });

  it('runs several arrays on one bus and on two', async () => {
    const world = await sensorWorld();
    const places = [
      { bus: BUS, address: 0x32 },
      { bus: BUS, address: 0x33 },
      { bus: '/dev/i2c-3', address: 0x33 },
    ];
    const rigs = await Promise.all(
      places.map((place, i) => ArrayRig.create({ options: place, seed: 10 + i, world })),
    );
    for (const rig of rigs) rig.attach();
    for (const rig of rigs) rig.open();
    await world.clock.run(20_000);
    for (const rig of rigs) {
      expect(rig.pictures.length).toBeGreaterThan(35);
      rig.expectTruth();
    }
    expect(world.bench.faults).toEqual([]);
    for (const rig of rigs) await rig.close();
    expect(world.i2c.handles).toBe(0);
  });

  it('notices another array in its place, and uses the calibration of that one', async () => {
    const rig = await ArrayRig.create();
    const detach = rig.attach();
    rig.open();
    await rig.run(5000);
    rig.expectTruth();
    detach();
    const other = new SimulatedArray({ seed: 77 });
    await rig.run(4000);
    rig.device.swap(other);
    rig.attach();
    await rig.untilPicture(15_000);
    await rig.run(5000);
    rig.expectTruth();
    const was = new SimulatedArray({ seed: 5 }).id;
    expect(rig.world.bench.notices).toEqual([
      { kind: 'arraySwapped', sensor: sensorId('hall_sensor'), was, is: other.id },
    ]);
    await rig.close();
  });

  it('comes back to the first array when the other one could not be used', async () => {
    const rig = await ArrayRig.create();
    const detach = rig.attach();
    rig.open();
    await rig.run(5000);
    detach();
    await rig.run(2000);
    const blank = new SimulatedArray({ seed: 78 });
    blank.eeprom.fill(0);
    rig.device.swap(blank);
    const detachBlank = rig.attach();
    const { window } = await rig.untilNoData(20_000);
    expect(window.kind).toBe('noData');
    await rig.run(20_000);
    expect(rig.world.bench.counters.framesWithheld.badCalibration).toBeGreaterThan(0);
    expect(rig.faults.at(-1)?.detail).toContain('the EEPROM cannot be true');
    detachBlank();
    await rig.run(2000);
    rig.device.swap(new SimulatedArray({ seed: 5 }));
    rig.attach();
    rig.pictures.length = 0;
    await rig.untilPicture(20_000);
    rig.expectTruth();
    await rig.close();
  });

  it('is closed at any moment without a timer or a handle left', async () => {
    const random = seededRandom(8);
    for (let round = 0; round < 40; round++) {
      const rig = await ArrayRig.create();
      rig.attach();
      rig.open();
      await rig.run(2000 * random.next());
      await rig.close();
      const pictures = rig.pictures.length;
      expect(rig.world.i2c.handles).toBe(0);
      // A transfer that was under way ends on the wire, and nobody hears of it.
      await rig.run(50);
      expect(rig.world.clock.pending).toBe(0);
      expect(rig.pictures).toHaveLength(pictures);
    }
  });
});

describe('the options of an array on I2C', () => {
  it('refuses a rate that the array does not have', () => {
    expect(mlx90640I2c.prepare({ refreshHz: 5 })).toEqual({
      ok: false,
      problems: [
        { key: 'refreshHz', problem: 'is 5', remedy: 'give one of 0.5, 1, 2, 4, 8, 16, 32' },
      ],
    });
  });

  it('claims its address and its power line', () => {
    const power = { chip: 'pinctrl-rp1', line: 17 };
    const prepared = mlx90640I2c.prepare({ address: 0x35, power });
    expect(prepared).toMatchObject({
      ok: true,
      channels: ['thermal'],
      claims: ['i2c:/dev/i2c-1:0x35', 'gpio:pinctrl-rp1:17'],
      timing: { cadenceMs: 500, delayMs: 250 + 196 },
    });
  });
});

describe('embereye doctor on an array', () => {
  async function probed(rig: ArrayRig, options: Readonly<Record<string, unknown>> = {}) {
    const prepared = mlx90640I2c.prepare({ bus: BUS, address: ADDRESS, ...options });
    if (!prepared.ok) throw new Error(JSON.stringify(prepared.problems));
    const running = prepared.probe(rig.world.bench.host);
    await rig.run(5000);
    return running;
  }

  it('names the array and the speed of its bus, and changes nothing', async () => {
    const rig = await ArrayRig.create();
    rig.attach();
    await rig.run(2000);
    const before = rig.device.controlRegister;
    const findings = await probed(rig);
    expect(findings.map(({ area, state }) => [area, state])).toEqual([
      ['sensor:hall_sensor', 'ok'],
      ['sensor:hall_sensor', 'ok'],
    ]);
    expect(findings[0]?.found).toContain(new SimulatedArray({ seed: 5 }).id);
    expect(findings[1]?.found).toBe('about 400 kHz, which carry 16 Hz');
    expect(rig.device.controlRegister).toBe(before);
    expect(rig.world.i2c.handles).toBe(0);
  });

  it('warns of a bus that is too slow, with the line that mends it', async () => {
    const rig = await ArrayRig.create({ speedHz: 100_000 });
    rig.attach();
    const findings = await probed(rig, { refreshHz: 8 });
    expect(findings[1]).toMatchObject({ state: 'warning' });
    expect(findings[1]?.remedy).toContain('dtparam=i2c_arm_baudrate=400000');
  });

  it('says who answers when the array does not', async () => {
    const rig = await ArrayRig.create();
    rig.attach();
    const [finding] = await probed(rig, { address: 0x35 });
    expect(finding).toMatchObject({ state: 'failed' });
    expect(finding?.found).toContain('addresses that answer: 0x33');
    expect(finding?.remedy).toContain('check 3V3, GND, SDA and SCL');
  });

  it('says how to switch a bus on that is not there', async () => {
    const rig = await ArrayRig.create();
    const [finding] = await probed(rig);
    expect(finding?.remedy).toContain('dtparam=i2c_arm=on');
  });
});
