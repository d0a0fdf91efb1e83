/** A conventional detector's contact: levels, edges, silence and faults. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gpioContact } from '../../src/hal/drivers/gpio-contact.ts';
import type { Running } from './analog-bench.ts';
import { problemKeys, probed, start } from './analog-bench.ts';
import { SENSOR } from './driver-bench.ts';
import type { SensorWorld } from './sensor-fixture.ts';
import { sensorWorld } from './sensor-fixture.ts';

const CHIP = 'pinctrl-rp1';
const LINE = 17;
const OPTIONS = { chip: CHIP, line: LINE, channel: 'detector' };

describe('a contact', () => {
  let world: SensorWorld;
  let running: Running | null;

  beforeEach(async () => {
    world = await sensorWorld();
    running = null;
  });
  afterEach(() => running?.handle.close());

  async function begin(options: Record<string, unknown> = OPTIONS): Promise<Running> {
    running = start(gpioContact, options, world);
    await world.clock.run(500);
    return running;
  }

  it('is 0 at rest, and says so again each cadence', async () => {
    const { drain } = await begin();
    expect(drain()('detector')).toMatchObject({ value: 0, count: 1 });
    await world.clock.run(10_000);
    expect(drain()('detector')).toMatchObject({ value: 0, count: 10, noData: [] });
  });

  it('is 1 from its debounced edge on, and a step is asked for at once', async () => {
    const { drain } = await begin();
    drain();
    const steps = world.bench.steps();
    world.gpio.setLevel(CHIP, LINE, false);
    await world.clock.run(49);
    expect(drain()('detector').count).toBe(0);
    await world.clock.run(2);
    expect(drain()('detector')).toMatchObject({ value: 1, count: 1 });
    expect(world.bench.steps()).toBe(steps + 1);
    world.gpio.setLevel(CHIP, LINE, true);
    await world.clock.run(60);
    expect(drain()('detector').value).toBe(0);
  });

  it('reports a contact that was closed before the start', async () => {
    world.gpio.setLevel(CHIP, LINE, false);
    const { drain } = await begin();
    expect(drain()('detector').value).toBe(1);
  });

  it('a short pulse is nothing', async () => {
    const { drain } = await begin();
    drain();
    world.gpio.setLevel(CHIP, LINE, false);
    await world.clock.run(20);
    world.gpio.setLevel(CHIP, LINE, true);
    await world.clock.run(200);
    expect(drain()('detector').count).toBe(0);
  });

  it('may be active high, and on a line by name', async () => {
    const { drain } = await begin({ ...OPTIONS, line: 'GPIO17', activeLow: false });
    expect(drain()('detector').value).toBe(0);
    world.gpio.setLevel(CHIP, 17, true);
    await world.clock.run(60);
    expect(drain()('detector').value).toBe(1);
  });

  it('a reading that fails is no data and a fault, and both end', async () => {
    const { drain } = await begin();
    drain();
    world.gpio.setFault(CHIP, LINE, 'readFails');
    await world.clock.run(10_000);
    const said = drain()('detector');
    expect(said.value).toBeNull();
    expect(said.noData.map((one) => one.reason)).toEqual(['hardware']);
    expect(said.noData[0]?.count).toBeGreaterThanOrEqual(9);
    expect(world.bench.faults).toMatchObject([
      { fault: 'contactUnavailable', subject: SENSOR, raised: true },
    ]);
    world.gpio.setFault(CHIP, LINE, null);
    await world.clock.run(40_000);
    drain();
    await world.clock.run(2000);
    expect(drain()('detector').value).toBe(0);
    expect(world.bench.faults.map(({ raised }) => raised)).toEqual([true, false]);
  });

  it('a contact that chatters is no data, and not an alarm', async () => {
    const { drain } = await begin();
    drain();
    for (let edge = 0; edge < 80; edge++) {
      world.gpio.setLevel(CHIP, LINE, edge % 2 === 1);
      await world.clock.run(20);
    }
    const said = drain()('detector');
    expect(said.noData[0]?.detail).toContain('chatters');
    expect(said.value).not.toBe(1);
    expect(world.bench.faults).toEqual([]);
  });

  it.each(['busy', 'permission', 'absent'] as const)(
    'a line that is %s is one fault',
    async (kind) => {
      world.gpio.setFault(CHIP, LINE, kind);
      await begin();
      await world.clock.run(60_000);
      expect(world.bench.faults).toMatchObject([{ fault: 'contactUnavailable', raised: true }]);
      expect(world.bench.faults[0]?.detail).toContain(`line ${LINE} of GPIO chip ${CHIP}`);
    },
  );

  it('gives its line back when closed', async () => {
    const { handle } = await begin();
    await handle.close();
    await handle.close();
    expect(world.clock.pending).toBe(0);
    expect(world.gpio.openInput('other', { chip: CHIP, line: LINE, activeLow: true }, 0).ok).toBe(
      true,
    );
  });

  it('a probe looks at the line, or says who has it', async () => {
    expect(await probed(gpioContact, OPTIONS, world)).toMatchObject([{ state: 'ok' }]);
    world.gpio.setLevel(CHIP, LINE, false);
    expect(await probed(gpioContact, OPTIONS, world)).toMatchObject([{ state: 'note' }]);
    await begin();
    expect(await probed(gpioContact, OPTIONS, world)).toMatchObject([{ state: 'skipped' }]);
    await running?.handle.close();
    world.gpio.setFault(CHIP, LINE, 'readFails');
    expect(await probed(gpioContact, OPTIONS, world)).toMatchObject([{ state: 'failed' }]);
  });
});

describe('options of gpio-contact', () => {
  it('name line, channel and delay', () => {
    expect(gpioContact.prepare({ ...OPTIONS, debounceMs: 200 })).toMatchObject({
      channels: ['detector'],
      claims: [`gpio:${CHIP}:${LINE}`],
      timing: { cadenceMs: 1000, delayMs: 200 },
    });
    expect(problemKeys(gpioContact, { ...OPTIONS, line: -1 })).toEqual(['line']);
    expect(problemKeys(gpioContact, { ...OPTIONS, channel: 'thermal' })).toEqual(['channel']);
  });
});
