/** The driver on kernel files as the drivers mcp320x and ti-ads1015 lay them out. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseScanType } from '../../src/hal/adc/iio-files.ts';
import { iioAdc } from '../../src/hal/drivers/iio-adc.ts';
import type { Running } from './analog-bench.ts';
import { problemKeys, probed, start } from './analog-bench.ts';
import { SENSOR } from './driver-bench.ts';
import { settle } from './manual-clock.ts';
import type { SensorWorld } from './sensor-fixture.ts';
import { sensorWorld } from './sensor-fixture.ts';

const IIO = '/sys/bus/iio/devices';
const MCP = `${IIO}/iio:device1`;
const ADS = `${IIO}/iio:device0`;
const LOOP = { channel: 'smoke', input: 'voltage0', shuntOhm: 150 };
const GAS = { channel: 'gas', input: 'voltage5', divider: 2, high: 5 };
const OPTIONS = { device: 'mcp3208', channels: [LOOP, GAS] };

describe('a converter that the kernel drives', () => {
  let world: SensorWorld;
  let running: Running | null;

  beforeEach(async () => {
    world = await sensorWorld();
    put(ADS, {
      name: 'ads1015',
      in_voltage0_raw: '28800',
      in_voltage0_scale: '0.062500000',
      'in_voltage0-voltage1_raw': '-16000',
      'in_voltage0-voltage1_scale': '0.125000000',
      'scan_elements/in_voltage0_type': 'le:s16/16>>0',
    });
    put(MCP, {
      name: 'mcp3208',
      in_voltage0_raw: '2234',
      in_voltage5_raw: '1241',
      in_voltage_scale: '0.805664062',
    });
    running = null;
  });
  afterEach(() => running?.handle.close());

  function put(device: string, files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      world.files.files.set(`${device}/${name}`, text);
    }
  }

  async function begin(options: Record<string, unknown> = OPTIONS): Promise<Running> {
    running = start(iioAdc, options, world);
    // Files answer without the clock: only promises have to settle.
    for (let turn = 0; turn < 10; turn++) await settle();
    return running;
  }

  it('is found by its name; a scale may be shared', async () => {
    const said = (await begin()).drain();
    expect(said('smoke').value).toBeCloseTo(50, 0);
    expect(said('gas').value).toBeCloseTo(40, 0);
    expect(world.bench.faults).toEqual([]);
  });

  it('may be given by its path; pairs and scales of their own', async () => {
    const pair = { channel: 'pair', input: 'voltage0-voltage1', low: -4, high: 4 };
    const said = (await begin({ device: ADS, channels: [LOOP, pair] })).drain();
    expect(said('smoke').value).toBeCloseTo(50, 3);
    expect(said('pair').value).toBeCloseTo(25, 3);
  });

  it('counts an offset where there is one', async () => {
    put(MCP, { in_voltage5_offset: '-241' });
    const said = (await begin()).drain();
    expect(said('gas').value).toBeCloseTo((100 * 2 * 0.8056640625) / 5, 1);
  });

  it.each([
    [MCP, 'voltage5', '4095', 'mcp3208', 'or more'],
    [MCP, 'voltage5', '0', 'mcp3208', 'or less'],
    [ADS, 'voltage0', '32767', 'ads1015', 'or more'],
    [ADS, 'voltage0', '-32768', 'ads1015', 'or less'],
  ])('%s %s at %s is out of range', async (device, input, raw, name, words) => {
    put(device, { [`in_${input}_raw`]: raw });
    const said = (await begin({ device: name, channels: [{ ...GAS, input }] })).drain();
    expect(said('gas')).toMatchObject({ value: null, noData: [{ reason: 'outOfRange' }] });
    expect(said('gas').noData[0]?.detail).toContain(words);
  });

  it.each([
    ['an empty file', '', 'corrupt', /no number/],
    ['words', 'mcp3208', 'corrupt', /no number/],
    ['a number with more behind it', '12 34', 'corrupt', /no number/],
  ])('%s is no data', async (_, text, reason, words) => {
    const { drain } = await begin();
    drain();
    put(MCP, { in_voltage0_raw: text });
    await world.clock.run(5000);
    const said = drain();
    expect(said('smoke').value).toBeNull();
    expect(said('smoke').noData.map((one) => one.reason)).toEqual([reason]);
    expect(said('smoke').noData[0]?.detail).toMatch(words);
    expect(world.bench.faults).toMatchObject([{ fault: 'adcUnavailable', raised: true }]);
    put(MCP, { in_voltage0_raw: '2234' });
    await world.clock.run(40_000);
    drain();
    await world.clock.run(2000);
    expect(drain()('smoke').value).toBeCloseTo(50, 0);
    expect(world.bench.faults.map(({ raised }) => raised)).toEqual([true, false]);
  });

  it('a scale of 0 is no 0 V', async () => {
    put(MCP, { in_voltage_scale: '0.000000000' });
    const said = (await begin()).drain();
    expect(said('gas')).toMatchObject({ value: null, noData: [{ reason: 'corrupt' }] });
  });

  it('follows a scale that another program changes', async () => {
    const { drain } = await begin();
    put(MCP, { in_voltage_scale: '0.402832031' });
    drain();
    await world.clock.run(1000);
    expect(drain()('gas').value).toBeCloseTo(20, 0);
  });

  it('finds it again under another number', async () => {
    const { drain } = await begin();
    for (const path of [...world.files.files.keys()]) {
      if (!path.startsWith(`${MCP}/`)) continue;
      world.files.files.set(path.replace('device1', 'device9'), world.files.files.get(path) ?? '');
      world.files.files.delete(path);
    }
    await world.clock.run(10_000);
    drain();
    await world.clock.run(1000);
    expect(drain()('gas').value).toBeCloseTo(40, 0);
  });

  const absences: [string, Record<string, unknown>, RegExp][] = [
    ['no such name', { device: 'mcp3304' }, /there are: ads1015, mcp3208.*dtoverlay=mcp3008/],
    ['no such path', { device: `${IIO}/iio:device7` }, /iio:device7.*dtoverlay=ads1115/],
    ['no such input', { channels: [{ ...GAS, input: 'voltage9' }] }, /in_voltage0_raw/],
  ];
  it.each(absences)('%s: the fault names what there is and the overlay', async (_, over, words) => {
    await begin({ ...OPTIONS, ...over });
    expect(world.bench.faults).toMatchObject([
      { fault: 'adcUnavailable', subject: SENSOR, raised: true },
    ]);
    expect(world.bench.faults[0]?.detail).toMatch(words);
  });

  it('a missing permission names the udev rule', async () => {
    world.files.faults.set(`${MCP}/in_voltage0_raw`, 'permission');
    await begin();
    expect(world.bench.faults[0]?.detail).toContain('udev rule');
  });

  it('a scale that may not be read is not taken for one that is not there', async () => {
    world.files.faults.set(`${MCP}/in_voltage_scale`, 'permission');
    await begin();
    expect(world.bench.faults[0]?.detail).toContain('udev rule');
  });

  it('a device without scale cannot be used', async () => {
    world.files.files.delete(`${MCP}/in_voltage_scale`);
    await begin();
    expect(world.bench.faults[0]?.detail).toContain('has no scale');
  });

  it('two devices of one name must be told apart by path', async () => {
    put(`${IIO}/iio:device2`, { name: 'mcp3208' });
    await begin();
    expect(world.bench.faults[0]?.detail).toMatch(/2 IIO devices.*give the path/);
  });

  it('a probe reads each channel', async () => {
    put(MCP, { in_voltage0_raw: '2' });
    const findings = await probed(iioAdc, OPTIONS, world);
    expect(findings.map(({ state }) => state)).toEqual(['failed', 'ok']);
    expect(findings[0]?.found).toContain('wire broken');
    expect(await probed(iioAdc, { ...OPTIONS, device: 'none' }, world)).toMatchObject([
      { state: 'failed' },
    ]);
  });
});

describe('scan types', () => {
  it.each([
    ['le:s16/16>>0', { lowest: -32768, highest: 32767 }],
    ['le:s12/16>>4', { lowest: -2048, highest: 2047 }],
    ['be:u12/16>>0', { lowest: 0, highest: 4095 }],
    ['le:s24/32X2>>8', { lowest: -8388608, highest: 8388607 }],
    ['le:s0/16>>0', null],
    ['nonsense', null],
  ])('%s', (type, range) => {
    expect(parseScanType(type)).toEqual(range);
  });

  it('any text gives a range or nothing', () => {
    fc.assert(
      fc.property(fc.string(), (type) => {
        const range = parseScanType(type);
        return range === null || range.lowest < range.highest;
      }),
    );
  });
});

describe('options of iio-adc', () => {
  it.each([
    [
      'an input that is no file name',
      { channels: [{ ...GAS, input: '../x' }] },
      'channels.0.input',
    ],
    ['one input twice', { channels: [LOOP, { ...GAS, input: 'voltage0' }] }, 'channels.1.input'],
    ['no full scale', { channels: [{ ...GAS, high: undefined }] }, 'channels.0.high'],
  ])('%s', (_, over, key) => {
    expect(problemKeys(iioAdc, { ...OPTIONS, ...over })).toEqual([key]);
  });
});
