/** One contract for every sensor driver in the list; a driver without a fixture fails here. */
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sensorDrivers } from '../../src/hal/drivers/index.ts';
import type { SensorDriver, SensorHandle } from '../../src/hal/sensor-driver.ts';
import { SENSOR } from '../hal/driver-bench.ts';
import { seededRandom, settle } from '../hal/manual-clock.ts';
import type { SensorFixture, SensorWorld } from '../hal/sensor-fixture.ts';
import { sensorWorld } from '../hal/sensor-fixture.ts';

const LONG_MS = 10 * 60_000;

describe('the list of sensor drivers', () => {
  const kinds = sensorDrivers.map((driver) => driver.kind);

  it('names each driver once', () => {
    expect(new Set(kinds).size).toBe(kinds.length);
  });

  it.each(kinds)('%s has a fixture', (kind) => {
    const path = `../hal/fixtures/${kind}.ts`;
    expect(existsSync(new URL(path, import.meta.url)), `test/hal/fixtures/${kind}.ts`).toBe(true);
  });
});

describe.each<SensorDriver>(sensorDrivers)('sensor driver $kind', (driver) => {
  let fixture: SensorFixture;
  let world: SensorWorld;
  let handle: SensorHandle | null;
  let stop: () => void;

  beforeEach(async () => {
    const loaded = (await import(`../hal/fixtures/${driver.kind}.ts`)) as {
      fixture: SensorFixture;
    };
    fixture = loaded.fixture;
    world = await sensorWorld();
    handle = null;
    stop = () => undefined;
  });
  afterEach(async () => {
    await handle?.close();
    stop();
  });

  function open(): SensorHandle {
    const prepared = driver.prepare(fixture.options);
    if (!prepared.ok) throw new Error(JSON.stringify(prepared.problems));
    handle = prepared.open(world.bench.host);
    return handle;
  }

  function attach() {
    const attached = fixture.attach(world);
    stop = () => attached.stop();
    return attached;
  }

  /** Channels that reported a level or a temperature, of this sensor alone. */
  function heard(): string[] {
    const windows = world.bench.drain();
    expect(windows.filter((window) => window.sensor !== SENSOR)).toEqual([]);
    const channels = windows.filter((window) => window.kind !== 'noData').map((w) => w.channel);
    return [...channels, ...(world.bench.hottest.splice(0).length > 0 ? ['thermal'] : [])];
  }

  it('says all that is wrong with its options at once, with a remedy for each', () => {
    const first = Object.keys(fixture.options)[0] ?? '';
    const prepared = driver.prepare({ ...fixture.options, [first]: 17, nonsense: 1 });
    const problems = prepared.ok ? [] : prepared.problems;
    expect(problems.map(({ key }) => key)).toEqual([first, 'nonsense']);
    for (const { remedy } of problems) expect(remedy).not.toBe('');
    expect(driver.prepare('no options')).toMatchObject({ ok: false });
  });

  it('describes each option in its schema', () => {
    const { properties } = driver.schema as { properties: Record<string, object> };
    expect(Object.keys(properties)).toEqual(expect.arrayContaining(Object.keys(fixture.options)));
    expect(JSON.stringify(Object.values(properties))).not.toContain('"description":""');
    expect(driver.summary).not.toBe('');
  });

  it('raises one fault while its hardware is absent, and can be closed then', async () => {
    const open_ = open();
    await world.clock.run(LONG_MS);
    const { faults } = world.bench;
    expect(faults).toMatchObject([{ fault: fixture.fault, subject: SENSOR, raised: true }]);
    expect(faults[0]?.detail).not.toBe('');
    await open_.close();
    expect(world.clock.pending).toBe(0);
  });

  it('reports every channel, under the name that the configuration gives it', async () => {
    attach();
    open();
    await world.clock.run(fixture.withinMs);
    expect(heard()).toEqual(expect.arrayContaining([...fixture.channels]));
    expect(world.bench.faults).toEqual([]);
    expect(world.bench.steps()).toBeGreaterThan(0);
  });

  it('finds hardware that comes late, and restores the fault', async () => {
    open();
    await world.clock.run(LONG_MS);
    attach();
    await world.clock.run(LONG_MS);
    expect(world.bench.faults.map(({ raised }) => raised)).toEqual([true, false]);
    expect(heard()).toEqual(expect.arrayContaining([...fixture.channels]));
  });

  it('raises and restores the fault each time its hardware goes and comes', async () => {
    const attached = attach();
    open();
    await world.clock.run(fixture.withinMs);
    if (attached.detach === null) {
      expect(world.bench.faults).toEqual([]);
      return;
    }
    attached.detach();
    for (let round = 1; round <= 10; round++) {
      await world.clock.run(LONG_MS);
      world.bench.drain();
      const again = attach();
      await world.clock.run(LONG_MS);
      expect(heard()).toEqual(expect.arrayContaining([...fixture.channels]));
      expect(world.bench.faults.map(({ raised }) => raised)).toHaveLength(2 * round);
      again.detach?.();
    }
    await world.clock.run(1000);
    await handle?.close();
    stop();
    expect(world.clock.pending).toBe(0);
  });

  it('is not put off by bytes that mean nothing', async () => {
    const attached = attach();
    open();
    await world.clock.run(fixture.withinMs);
    const random = seededRandom(99);
    for (let burst = 0; attached.garble !== null && burst < 50; burst++) {
      const bytes = Uint8Array.from({ length: 700 }, () => random.uint32() & 0xff);
      attached.garble(bytes);
      await world.clock.run(100);
    }
    heard();
    await world.clock.run(fixture.withinMs);
    expect(heard()).toEqual(expect.arrayContaining([...fixture.channels]));
  });

  it('leaves nothing behind when closed', async () => {
    const attached = attach();
    const open_ = open();
    await world.clock.run(fixture.withinMs);
    await open_.close();
    await open_.close();
    attached.stop();
    world.bench.drain();
    const faults = world.bench.faults.length;
    await world.clock.run(LONG_MS);
    await settle();
    expect(world.bench.drain()).toEqual([]);
    expect(world.bench.faults).toHaveLength(faults);
    expect(world.clock.pending).toBe(0);
  });
});
