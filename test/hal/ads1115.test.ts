/** The driver against the register-level simulator: right numbers, and each fault named. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { adsReading } from '../../src/hal/adc/ads1115-registers.ts';
import { ads1115 } from '../../src/hal/drivers/ads1115.ts';
import { SimulatedAds1115 } from '../../src/simulator/ads1115.ts';
import type { Running } from './analog-bench.ts';
import { problemKeys, probed, start } from './analog-bench.ts';
import { SENSOR } from './driver-bench.ts';
import { settle } from './manual-clock.ts';
import type { SensorWorld } from './sensor-fixture.ts';
import { sensorWorld } from './sensor-fixture.ts';

const BUS = '/dev/i2c-1';
const LOOP = { channel: 'smoke', input: 'ain0', rangeVolts: 4.096, shuntOhm: 150 };
const GAS = { channel: 'gas', input: 'ain1', rangeVolts: 4.096, divider: 2, high: 5 };
const OPTIONS = { bus: BUS, channels: [LOOP, GAS] };

describe('an ADS1115', () => {
  let world: SensorWorld;
  let chip: SimulatedAds1115;
  let running: Running | null;

  beforeEach(async () => {
    world = await sensorWorld();
    chip = new SimulatedAds1115(world.clock, {});
    chip.pins[0] = 0.012 * 150;
    chip.pins[1] = 1;
    world.i2c.attach(BUS, 0x48, chip);
    running = null;
  });
  afterEach(() => running?.handle.close());

  async function begin(options: Record<string, unknown> = OPTIONS): Promise<Running> {
    running = start(ads1115, options, world);
    await world.clock.run(900);
    return running;
  }

  it('measures loop and voltage in percent of full scale', async () => {
    const said = (await begin()).drain();
    expect(said('smoke').value).toBeCloseTo(50, 1);
    expect(said('gas').value).toBeCloseTo(40, 1);
    expect(world.bench.faults).toEqual([]);
  });

  it.each([
    ['ain0-ain1', 0.5],
    ['ain0-ain3', 1.2],
    ['ain1-ain3', 0.7],
    ['ain2-ain3', -0.2],
    ['ain0', 1.5],
    ['ain1', 1],
    ['ain2', 0.1],
    ['ain3', 0.3],
  ])('measures %s', async (input, volts) => {
    chip.pins.splice(0, 4, 1.5, 1, 0.1, 0.3);
    const channel = { channel: 'x', input, rangeVolts: 2.048, low: -2, high: 2 };
    const said = (await begin({ bus: BUS, channels: [channel] })).drain();
    expect(said('x').value).toBeCloseTo(25 * (volts + 2), 1);
  });

  it.each([6.144, 4.096, 2.048, 1.024, 0.512, 0.256])(
    'measures in the range %f V',
    async (range) => {
      chip.pins[0] = 0.1;
      const channel = { channel: 'x', input: 'ain0', rangeVolts: range, high: 0.2 };
      const said = (await begin({ bus: BUS, channels: [channel] })).drain();
      expect(said('x').value).toBeCloseTo(50, 0);
    },
  );

  it.each([8, 16, 32, 64, 128, 250, 475, 860])(
    'waits for %i samples a second',
    async (dataRate) => {
      const slow = new SimulatedAds1115(world.clock, { slowness: 1.1 });
      slow.pins[0] = 0.012 * 150;
      slow.pins[1] = 1;
      world.i2c.attach(BUS, 0x48, slow);
      const said = (await begin({ ...OPTIONS, dataRate })).drain();
      expect(said('smoke').value).toBeCloseTo(50, 1);
      expect(world.bench.faults).toEqual([]);
    },
  );

  it.each([128, 250, 490, 920, 1600, 2400, 3300])('does it as ADS1015 at %i', async (dataRate) => {
    const twelve = new SimulatedAds1115(world.clock, { model: 'ads1015', slowness: 1.1 });
    twelve.pins[0] = 0.012 * 150;
    twelve.pins[1] = 1;
    world.i2c.attach(BUS, 0x48, twelve);
    const said = (await begin({ ...OPTIONS, model: 'ads1015', dataRate })).drain();
    expect(said('smoke').value).toBeCloseTo(50, 0);
    expect(said('gas').value).toBeCloseTo(40, 0);
  });

  it('keeps its pace without drift', async () => {
    const { drain } = await begin({ ...OPTIONS, cadenceSeconds: 0.05, dataRate: 860 });
    drain();
    await world.clock.run(60_000);
    expect(drain()('smoke').count).toBe(1200);
  });

  it('calls a broken loop a loop fault, and the other channel goes on', async () => {
    const { drain } = await begin();
    drain();
    chip.pins[0] = 0;
    await world.clock.run(1000);
    const said = drain();
    expect(said('smoke')).toMatchObject({ value: null, noData: [{ reason: 'loopFault' }] });
    expect(said('gas').value).toBeCloseTo(40, 1);
    expect(world.bench.faults).toEqual([]);
  });

  it.each([
    [9, 'or more'],
    [-9, 'or less'],
  ])('%i V at the pin is out of range, never full scale', async (volts, words) => {
    chip.pins[1] = volts;
    const said = (await begin()).drain();
    expect(said('gas')).toMatchObject({ value: null, noData: [{ reason: 'outOfRange' }] });
    expect(said('gas').noData[0]?.detail).toContain(words);
  });

  const faults: [string, () => void, string, RegExp][] = [
    ['not acknowledging', () => (chip.faults.nack = true), 'hardware', /not acknowledged/],
    ['a conversion without end', () => (chip.faults.stuckConversion = true), 'hardware', /ended/],
    ['swapped bytes', () => (chip.faults.byteSwapped = true), 'corrupt', /another device/],
    ['short reads', () => (chip.faults.shortRead = true), 'corrupt', /1 of 2 bytes/],
    ['resets', () => (chip.faults.resetsAfterConversion = true), 'corrupt', /reset/],
    ['EIO', () => (world.i2c.transferFault = 'other'), 'hardware', /other/],
    ['a stuck bus', () => (world.i2c.transferFault = 'timeout'), 'hardware', /timeout/],
  ];

  it.each(faults)('%s: no data with a reason, one fault, and it recovers', async (...row) => {
    const [, inject, reason, words] = row;
    const { drain } = await begin();
    drain();
    inject();
    await world.clock.run(5000);
    const said = drain();
    for (const channel of ['smoke', 'gas']) {
      expect(said(channel).value).toBeNull();
      expect(said(channel).noData.map((one) => one.reason)).toEqual([reason]);
      expect(said(channel).noData[0]?.detail).toMatch(words);
      // Within each cadence, also while nothing is open.
      expect(said(channel).noData[0]?.count).toBeGreaterThanOrEqual(5);
    }
    expect(world.bench.faults).toMatchObject([
      { fault: 'adcUnavailable', subject: SENSOR, raised: true },
    ]);
    expect(world.bench.faults[0]?.detail).toMatch(words);
    expect(world.bench.faults[0]?.detail).toContain('ADS1115 at 0x48 on /dev/i2c-1');
    Object.assign(chip.faults, {
      nack: false,
      stuckConversion: false,
      byteSwapped: false,
      shortRead: false,
      resetsAfterConversion: false,
    });
    world.i2c.transferFault = null;
    await world.clock.run(40_000);
    drain();
    await world.clock.run(2000);
    expect(drain()('smoke').value).toBeCloseTo(50, 1);
    expect(world.bench.faults.map(({ raised }) => raised)).toEqual([true, false]);
    expect(world.i2c.handles).toBe(1);
  });

  it('a reset between start and end of a conversion never becomes 0 V', async () => {
    const { drain } = await begin({ ...OPTIONS, channels: [GAS] });
    drain();
    for (let afterMs = 0; afterMs < 12; afterMs += 0.05) {
      await world.clock.run(100 + afterMs);
      chip.reset();
      await world.clock.run(900 - afterMs);
      const { value } = drain()('gas');
      if (value !== null) expect(value).toBeCloseTo(40, 1);
      // A good round in between, so that the chip stays open.
      await world.clock.run(1000);
    }
    expect(world.bench.faults).toEqual([]);
    expect(chip.conversions).toBeGreaterThan(240);
  });

  it('one disturbed round is no data and no fault', async () => {
    const { drain } = await begin();
    drain();
    chip.faults.nack = true;
    await world.clock.run(150);
    chip.faults.nack = false;
    await world.clock.run(1000);
    const said = drain();
    expect(said('smoke').noData).toHaveLength(1);
    expect(said('smoke').value).toBeCloseTo(50, 1);
    expect(world.bench.faults).toEqual([]);
  });

  it('an old value never bridges no data: filters begin anew', async () => {
    const filters = [{ kind: 'average', readings: 10 }];
    const { drain } = await begin({ bus: BUS, channels: [{ ...GAS, filters }] });
    await world.clock.run(10_000);
    chip.faults.nack = true;
    await world.clock.run(1000);
    chip.faults.nack = false;
    chip.pins[1] = 2;
    drain();
    await world.clock.run(1000);
    expect(drain()('gas').value).toBeCloseTo(80, 1);
  });

  it('says so when the bus is too slow for it, and never piles up', async () => {
    const { drain } = await begin({ ...OPTIONS, cadenceSeconds: 0.05, dataRate: 860 });
    drain();
    world.i2c.speedHz = 2000;
    await world.clock.run(10_000);
    const said = drain();
    expect(said('gas').noData.map((one) => one.reason)).toContain('overrun');
    expect(said('gas').noData[0]?.detail).toContain('raise cadenceSeconds');
    world.i2c.speedHz = 400_000;
    await world.clock.run(1000);
    drain();
    await world.clock.run(1000);
    expect(drain()('gas')).toMatchObject({ count: 20, noData: [] });
  });

  it('gives up a round that does not end', async () => {
    const { drain } = await begin();
    drain();
    world.i2c.speedHz = 0.01;
    await world.clock.run(20_000);
    expect(world.bench.faults).toMatchObject([{ fault: 'adcUnavailable', raised: true }]);
    expect(world.bench.faults[0]?.detail).toContain('has not ended');
    expect(drain()('gas').noData.map((one) => one.reason)).toEqual(['overrun', 'hardware']);
  });

  it('knows an ADS1115 that was called an ADS1015', async () => {
    chip.pins[0] = 1.23456;
    const said = (await begin({ ...OPTIONS, model: 'ads1015' })).drain();
    expect(said('smoke').noData[0]?.detail).toMatch(/more than 12 bits|another device/);
  });

  it('leaves nothing behind when closed in the middle of a conversion', async () => {
    const { handle } = await begin();
    await world.clock.run(105);
    await handle.close();
    await world.clock.run(1);
    await settle();
    expect(world.clock.pending).toBe(0);
    expect(world.i2c.handles).toBe(0);
  });

  it('answers a probe without a conversion', async () => {
    expect(await probed(ads1115, OPTIONS, world)).toMatchObject([
      { area: `sensor:${SENSOR}`, state: 'ok', remedy: null },
    ]);
    expect(chip.conversions).toBe(0);
    chip.faults.nack = true;
    const [finding] = await probed(ads1115, OPTIONS, world);
    expect(finding).toMatchObject({ state: 'failed' });
    expect(finding?.remedy).toContain('ADDR');
    expect(await probed(ads1115, { ...OPTIONS, bus: '/dev/i2c-7' }, world)).toMatchObject([
      { state: 'failed' },
    ]);
    expect(world.i2c.handles).toBe(0);
  });
});

describe('words of the conversion register', () => {
  it('are linear between their ends', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff }), (word) => {
        const signed = word < 0x8000 ? word : word - 0x10000;
        const reading = adsReading('ads1115', word, 4.096);
        expect(reading?.volts).toBeCloseTo(signed / 8000, 9);
        const end = word === 0x7fff ? 'high' : word === 0x8000 ? 'low' : 'within';
        expect(reading?.end).toBe(end);
      }),
    );
  });
});

describe('options of ads1115', () => {
  it.each([
    [
      'two channels of one name',
      { channels: [LOOP, { ...GAS, channel: 'smoke' }] },
      'channels.1.channel',
    ],
    ['one input twice', { channels: [LOOP, { ...GAS, input: 'ain0' }] }, 'channels.1.input'],
    ['a name with a space', { channels: [{ ...LOOP, channel: 'a b' }] }, 'channels.0.channel'],
    [
      'a name that arrays use',
      { channels: [{ ...LOOP, channel: 'thermal' }] },
      'channels.0.channel',
    ],
    [
      'a range that the chip has not',
      { channels: [{ ...LOOP, rangeVolts: 5 }] },
      'channels.0.rangeVolts',
    ],
    ['a rate that the chip has not', { dataRate: 490 }, 'dataRate'],
    ['a pace that it cannot keep', { cadenceSeconds: 0.1, dataRate: 8 }, 'cadenceSeconds'],
    ['no full scale', { channels: [{ ...GAS, high: undefined }] }, 'channels.0.high'],
    [
      'a full scale beyond the range',
      { channels: [{ ...GAS, rangeVolts: 2.048 }] },
      'channels.0.high',
    ],
    ['a shunt too large for 21 mA', { channels: [{ ...LOOP, shuntOhm: 250 }] }, 'channels.0.high'],
    [
      'NE43 without a shunt',
      { channels: [{ ...GAS, quality: 'namurNe43', low: 4, high: 20, divider: 10 }] },
      'channels.0.quality',
    ],
  ])('%s', (_, over, key) => {
    expect(problemKeys(ads1115, { ...OPTIONS, ...over })).toEqual([key]);
  });

  it('name channels, claim and timing', () => {
    const filters = [{ kind: 'median', readings: 5 }];
    const prepared = ads1115.prepare({ ...OPTIONS, channels: [LOOP, { ...GAS, filters }] });
    expect(prepared).toMatchObject({
      ok: true,
      channels: ['smoke', 'gas'],
      claims: ['i2c:/dev/i2c-1:0x48'],
      timing: { cadenceMs: 1000 },
    });
    // Four readings of the median and one round of two conversions at 128 a second.
    expect(prepared.ok && prepared.timing.delayMs).toBeCloseTo(4000 + 2 * (1100 / 128 + 3), 6);
  });
});
