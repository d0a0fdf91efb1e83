/** The driver against the bit-level simulator: right numbers, and each fault named. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MCP_INPUTS, mcpAnswer, mcpCommand } from '../../src/hal/adc/mcp3208-frames.ts';
import { mcp3208 } from '../../src/hal/drivers/mcp3208.ts';
import { SimulatedMcp3208 } from '../../src/simulator/mcp3208.ts';
import type { Running } from './analog-bench.ts';
import { problemKeys, probed, start } from './analog-bench.ts';
import { SENSOR } from './driver-bench.ts';
import type { SensorWorld } from './sensor-fixture.ts';
import { sensorWorld } from './sensor-fixture.ts';

const PATH = '/dev/spidev0.0';
const LOOP = { channel: 'smoke', input: 'ch0', shuntOhm: 150 };
const GAS = { channel: 'gas', input: 'ch5', divider: 2, high: 5 };
const OPTIONS = { path: PATH, vrefVolts: 3.3, channels: [LOOP, GAS] };

describe.each(['mcp3208', 'mcp3008'] as const)('an %s', (model) => {
  let world: SensorWorld;
  let chip: SimulatedMcp3208;
  let running: Running | null;
  const options = { ...OPTIONS, model };

  beforeEach(async () => {
    world = await sensorWorld();
    chip = new SimulatedMcp3208({ model, vrefVolts: 3.3 });
    chip.pins[0] = 0.012 * 150;
    chip.pins[5] = 1;
    world.spi.attach(PATH, chip);
    running = null;
  });
  afterEach(() => running?.handle.close());

  async function begin(raw: Record<string, unknown> = options): Promise<Running> {
    running = start(mcp3208, raw, world);
    await world.clock.run(900);
    return running;
  }

  it('measures loop and voltage in percent of full scale', async () => {
    const said = (await begin()).drain();
    expect(said('smoke').value).toBeCloseTo(50, 0);
    expect(said('gas').value).toBeCloseTo(40, 0);
    expect(world.bench.faults).toEqual([]);
  });

  it.each(MCP_INPUTS)('measures %s, and no other input', async (input) => {
    for (let pin = 0; pin < 8; pin++) chip.pins[pin] = (pin % 2 === 0 ? 1 : 1.2) + pin / 10;
    const [plus = '', minus] = input.split('-').map((pin) => chip.pins[Number(pin[2])]);
    const volts = Number(plus) - (minus ?? 0);
    const channel = { channel: 'x', input, high: 3.2, rangeEnd: 'accept' };
    const said = (await begin({ ...options, channels: [channel] })).drain();
    expect(said('x').value).toBeCloseTo((100 * Math.max(0, volts)) / 3.2, 0);
  });

  it('0 V and VREF are ends of its range, unless they are accepted', async () => {
    const free = {
      ...GAS,
      channel: 'flame',
      input: 'ch6',
      divider: 1,
      high: 3.3,
      rangeEnd: 'accept',
    };
    const { drain } = await begin({ ...options, channels: [GAS, free] });
    for (const [volts, percent] of [
      [0, 0],
      [3.3, 100],
    ] as const) {
      chip.pins[5] = volts;
      chip.pins[6] = volts;
      drain();
      await world.clock.run(1000);
      const said = drain();
      expect(said('gas')).toMatchObject({ value: null, noData: [{ reason: 'outOfRange' }] });
      expect(said('flame').value).toBeCloseTo(percent, 0);
    }
    expect(world.bench.faults).toEqual([]);
  });

  const faults: [string, () => void, string, RegExp][] = [
    ['MISO high', () => (chip.faults.miso = 'high'), 'hardware', /no chip at this chip select/],
    ['a turned bit', () => (chip.faults.flippedBits = [18]), 'corrupt', /not repeated the same/],
    [
      'a null bit of 1',
      () => (chip.faults.flippedBits = [model === 'mcp3208' ? 11 : 13]),
      'corrupt',
      /null bit/,
    ],
    ['short reads', () => (chip.faults.shortRead = true), 'corrupt', /4 of 5 bytes/],
    ['EIO', () => (world.spi.transferFault = 'other'), 'hardware', /other/],
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
      expect(said(channel).noData[0]?.count).toBeGreaterThanOrEqual(5);
    }
    expect(world.bench.faults).toMatchObject([
      { fault: 'adcUnavailable', subject: SENSOR, raised: true },
    ]);
    expect(world.bench.faults[0]?.detail).toMatch(words);
    Object.assign(chip.faults, { miso: 'chip', flippedBits: [], shortRead: false });
    world.spi.transferFault = null;
    await world.clock.run(40_000);
    drain();
    await world.clock.run(2000);
    expect(drain()('smoke').value).toBeCloseTo(50, 0);
    expect(world.bench.faults.map(({ raised }) => raised)).toEqual([true, false]);
    expect(world.spi.handles).toBe(1);
  });

  it('MISO held low is never 0 percent', async () => {
    chip.faults.miso = 'low';
    const said = (await begin()).drain();
    expect(said('smoke')).toMatchObject({ value: null, noData: [{ reason: 'loopFault' }] });
    expect(said('gas')).toMatchObject({ value: null, noData: [{ reason: 'outOfRange' }] });
  });

  it('a copy without repetition works where it is named', async () => {
    chip.faults.repeatsNothing = true;
    const said = (await begin({ ...options, repeatCheck: false })).drain();
    expect(said('smoke').value).toBeCloseTo(50, 0);
  });

  it('a probe reads each channel and names a broken loop', async () => {
    chip.pins[0] = 0;
    const findings = await probed(mcp3208, options, world);
    expect(findings.map(({ state }) => state)).toEqual(['failed', 'ok']);
    expect(findings[0]?.found).toContain('wire broken');
    expect(findings[1]?.found).toMatch(/1\.99\d V|2\.00\d V/);
    expect(world.spi.handles).toBe(0);
  });
});

describe('frames', () => {
  const model = fc.constantFrom('mcp3208' as const, 'mcp3008' as const);

  it('any single turned bit within them is noticed', () => {
    fc.assert(
      fc.property(
        model,
        fc.constantFrom(...MCP_INPUTS),
        fc.double({ min: 0, max: 3.3, noNaN: true }),
        fc.nat(),
        (kind, input, volts, turned) => {
          const chip = new SimulatedMcp3208({ model: kind, vrefVolts: 3.3 });
          chip.pins.fill(volts);
          const clean = mcpAnswer(kind, chip.transfer(mcpCommand(kind, input)), true);
          expect(clean.kind).toBe('code');
          const nullAt = kind === 'mcp3208' ? 11 : 13;
          // The lowest bit is not repeated: it alone can go by, which is one step of the converter.
          const at = nullAt + (turned % (40 - nullAt));
          fc.pre(at !== 23);
          chip.faults.flippedBits = [at];
          return mcpAnswer(kind, chip.transfer(mcpCommand(kind, input)), true).kind !== 'code';
        },
      ),
    );
  });

  it('noise becomes a code only where it repeats itself', () => {
    fc.assert(
      fc.property(model, fc.uint8Array({ maxLength: 8 }), (kind, bytes) => {
        const answer = mcpAnswer(kind, bytes, true);
        if (answer.kind !== 'code') return;
        const bits = kind === 'mcp3208' ? 12 : 10;
        const heard = [...bytes].flatMap((byte) =>
          Array.from({ length: 8 }, (_, i) => (byte >> (7 - i)) & 1),
        );
        const down = heard.slice(24 - bits, 24);
        expect(down.reduce((sum, bit) => 2 * sum + bit, 0)).toBe(answer.code);
        expect(heard.slice(24, 23 + bits)).toEqual(down.toReversed().slice(1));
      }),
      { numRuns: 2000 },
    );
  });

  it('are laid out as in figure 6-1 of the data sheets', () => {
    expect([...mcpCommand('mcp3208', 'ch0')]).toEqual([0x06, 0x00, 0, 0, 0]);
    expect([...mcpCommand('mcp3208', 'ch7')]).toEqual([0x07, 0xc0, 0, 0, 0]);
    expect([...mcpCommand('mcp3208', 'ch1-ch0')]).toEqual([0x04, 0x40, 0, 0, 0]);
    expect([...mcpCommand('mcp3008', 'ch0')]).toEqual([0x01, 0x80, 0, 0, 0]);
    expect([...mcpCommand('mcp3008', 'ch7')]).toEqual([0x01, 0xf0, 0, 0, 0]);
    expect([...mcpCommand('mcp3008', 'ch3-ch2')]).toEqual([0x01, 0x30, 0, 0, 0]);
  });
});

describe('options of mcp3208', () => {
  it.each([
    ['too fast a clock', { speedHz: 3_000_000 }, 'speedHz'],
    ['one input twice', { channels: [LOOP, { ...GAS, input: 'ch0' }] }, 'channels.1.input'],
    ['a shunt too large for 21 mA', { channels: [{ ...LOOP, shuntOhm: 160 }] }, 'channels.0.high'],
    ['full scale at VREF', { channels: [{ ...GAS, divider: 1, high: 3.3 }] }, 'channels.0.high'],
    ['a scale below ground', { channels: [{ ...GAS, low: -1 }] }, 'channels.0.high'],
  ])('%s', (_, over, key) => {
    expect(problemKeys(mcp3208, { ...OPTIONS, ...over })).toEqual([key]);
  });

  it('claims pins, so that two sensors may share a chip', () => {
    const pair = { ...GAS, input: 'ch2-ch3' };
    const prepared = mcp3208.prepare({ ...OPTIONS, channels: [LOOP, pair] });
    expect(prepared).toMatchObject({
      claims: [`spi:${PATH}:ch0`, `spi:${PATH}:ch2`, `spi:${PATH}:ch3`],
    });
  });
});
