/**
 * Drivers on the backends of the appliance itself: real threads, ports, files and time. The I2C and
 * SPI buses behind the threads are played (standin/bus.c); what they say is in the fixtures' tests.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { EvidenceWindow } from '../../src/domain/evidence.ts';
import { iioAdc } from '../../src/hal/drivers/iio-adc.ts';
import { ads1115 } from '../../src/hal/drivers/ads1115.ts';
import { mcp3208 } from '../../src/hal/drivers/mcp3208.ts';
import { mlx90640I2c } from '../../src/hal/drivers/mlx90640-i2c.ts';
import { mlx90640Uart } from '../../src/hal/drivers/mlx90640-uart.ts';
import type { Hardware } from '../../src/hal/hardware.ts';
import { createLinuxI2c } from '../../src/hal/i2c-linux.ts';
import { createKernelFiles } from '../../src/hal/kernel-files.ts';
import type { SensorDriver, SensorHandle } from '../../src/hal/sensor-driver.ts';
import { createSerialPorts } from '../../src/hal/serial-port.ts';
import { createLinuxSpi } from '../../src/hal/spi-linux.ts';
import { SimulatedArray } from '../../src/simulator/array.ts';
import { GyMcu90640 } from '../../src/simulator/gy-mcu90640.ts';
import { Scene } from '../../src/simulator/scene.ts';
import {
  ARRAY_ADDRESS,
  hasCompiler,
  standinI2c,
  standinLibrary,
  StandinNode,
  THREAD_PATH,
} from './bus-rigs.ts';
import type { DriverBench } from './driver-bench.ts';
import { driverBench, SENSOR } from './driver-bench.ts';
import { seededRandom } from './manual-clock.ts';
import { hasSocat, PtyBoard } from './pty.ts';
import { sensorWorld } from './sensor-fixture.ts';

const clock = systemClock();
/** Beyond the longest time that anything here may take on a busy machine. */
const PATIENCE = { timeout: 40_000, interval: 20 };
const OTHER_ADDRESS = 0x35;

const handles: SensorHandle[] = [];
const cleanUps: (() => void)[] = [];
afterEach(async () => {
  await Promise.all(handles.splice(0).map((handle) => handle.close()));
  for (const clean of cleanUps.splice(0)) clean();
});

type RawOptions = Readonly<Record<string, unknown>>;

/** A sensor at work, with ears of its own. */
class Live {
  readonly name: string;
  readonly bench: DriverBench;

  private constructor(name: string, bench: DriverBench) {
    this.name = name;
    this.bench = bench;
  }

  static async start(
    driver: SensorDriver,
    options: RawOptions,
    real: Partial<Hardware>,
  ): Promise<Live> {
    const { hardware } = await sensorWorld();
    const bench = await driverBench(clock, seededRandom(3), { ...hardware, ...real });
    const prepared = driver.prepare(options);
    if (!prepared.ok) throw new Error(JSON.stringify(prepared.problems));
    handles.push(prepared.open(bench.host));
    return new Live(driver.kind, bench);
  }

  get faults(): readonly string[] {
    const { faults } = this.bench;
    expect(new Set(faults.map(({ subject }) => subject)).size).toBeLessThanOrEqual(1);
    expect(faults.every(({ subject }) => subject === SENSOR)).toBe(true);
    return faults.map(({ fault, raised }) => `${fault} ${raised ? 'raised' : 'restored'}`);
  }

  get lastDetail(): string {
    return this.bench.faults.at(-1)?.detail ?? '';
  }

  /** What was believed since the last look: percents, or the hottest pixel of each picture. */
  readings(): number[] {
    const windows = this.bench.drain();
    const levels = windows.flatMap((one) => (one.kind === 'level' ? [one.last] : []));
    return [...levels, ...this.bench.hottest.splice(0)];
  }

  async untilReading(): Promise<number> {
    this.readings();
    let found: readonly number[] = [];
    await vi.waitFor(() => {
      found = this.readings();
      if (found.length === 0) throw new Error(`${this.name} says nothing: ${this.lastDetail}`);
    }, PATIENCE);
    return found.at(-1) ?? NaN;
  }

  async untilNoData(): Promise<Extract<EvidenceWindow, { kind: 'noData' }>> {
    this.bench.drain();
    let found: EvidenceWindow | undefined;
    await vi.waitFor(() => {
      found = this.bench.drain().find(({ kind }) => kind === 'noData');
      if (found === undefined) throw new Error(`${this.name} does not say that it has no data`);
    }, PATIENCE);
    if (found?.kind !== 'noData') throw new Error('no reason');
    return found;
  }

  async untilFaults(...wanted: readonly string[]): Promise<void> {
    await vi.waitFor(() => expect(this.faults).toEqual(wanted), PATIENCE);
  }
}

describe.skipIf(!hasCompiler)(
  `two arrays and a converter on one played bus${hasCompiler ? '' : ' (no C compiler: cc)'}`,
  { timeout: 120_000 },
  () => {
    /** Words of a second array, as the played bus reads them. */
    function arrayFiles(): string {
      const folder = mkdtempSync(join(tmpdir(), 'array-'));
      cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
      const array = new SimulatedArray({ seed: 'other' });
      const scene = new Float32Array(768).fill(31);
      const dump = array.dump(scene, { ambientCelsius: 27, supplyVolts: 3.3 });
      for (const [name, words] of Object.entries({ eeprom: array.eeprom, picture: dump })) {
        const bytes = Buffer.alloc(2 * 832);
        words.subarray(0, 832).forEach((word, i) => bytes.writeUInt16LE(word, 2 * i));
        writeFileSync(join(folder, name), bytes);
      }
      return `${join(folder, 'eeprom')} ${join(folder, 'picture')}`;
    }

    /** A thread that can be ended from outside, once each time. */
    function mortalThread(): { readonly path: string; kill(): void } {
      const folder = mkdtempSync(join(tmpdir(), 'thread-'));
      cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
      const path = join(folder, 'thread.mjs');
      const order = join(folder, 'die');
      writeFileSync(
        path,
        `import { existsSync, rmSync } from 'node:fs';
        const order = ${JSON.stringify(order)};
        setInterval(() => {
          if (!existsSync(order)) return;
          rmSync(order);
          process.exit(9);
        }, 5).unref();
        await import(${JSON.stringify(THREAD_PATH)});`,
      );
      return { path, kill: () => writeFileSync(order, '') };
    }

    async function rig() {
      const more = [`mlx90640 ${OTHER_ADDRESS} ${arrayFiles()}`];
      const { node, remove } = standinI2c(1_000_000, more);
      cleanUps.push(remove);
      cleanUps.push(() => node.fault('fine'));
      const thread = mortalThread();
      const ioctlLibrary = standinLibrary();
      const i2c = createLinuxI2c({ clock, threadPath: thread.path, ioctlLibrary });
      const bus = node.path;
      const array = (address: number): Promise<Live> =>
        Live.start(mlx90640I2c, { bus, address, refreshHz: 8 }, { i2c });
      const channels = [{ channel: 'smoke', input: 'ain1', rangeVolts: 4.096, high: 0.05 }];
      const options = { bus, address: 0x48, cadenceSeconds: 0.2, channels };
      const sensors = [
        await array(ARRAY_ADDRESS),
        await array(OTHER_ADDRESS),
        await Live.start(ads1115, options, { i2c }),
      ];
      return { node, thread, sensors };
    }

    /** 24 and 31 C with the highest of the noise; 200 steps of 0.125 mV are half of 50 mV. */
    async function expectTruth(sensors: readonly Live[]): Promise<void> {
      const expected = [24, 31, 50];
      for (const [i, sensor] of sensors.entries()) {
        expect(Math.abs((await sensor.untilReading()) - (expected[i] ?? 0))).toBeLessThan(3);
      }
    }

    it.each(['nack', 'eio', 'timeout', 'short', 'gone'] as const)(
      '%s: each says that it has no data, raises one fault, and recovers',
      async (fault) => {
        const { node, sensors } = await rig();
        await expectTruth(sensors);
        expect(sensors.map(({ faults }) => faults)).toEqual([[], [], []]);
        node.fault(fault);
        for (const sensor of sensors) {
          const { reason, detail } = await sensor.untilNoData();
          expect([reason, detail]).not.toContain('');
        }
        const raised = [
          ['arrayUnavailable raised'],
          ['arrayUnavailable raised'],
          ['adcUnavailable raised'],
        ];
        for (const [i, sensor] of sensors.entries()) await sensor.untilFaults(...(raised[i] ?? []));
        for (const { lastDetail } of sensors) expect(lastDetail).toContain(node.path);
        node.fault('fine');
        await expectTruth(sensors);
        for (const [i, sensor] of sensors.entries()) {
          const [name = ''] = raised[i] ?? [];
          await sensor.untilFaults(name, name.replace('raised', 'restored'));
        }
      },
    );

    it('a thread that dies costs each one fault; the next one is started by itself', async () => {
      const { thread, sensors } = await rig();
      await expectTruth(sensors);
      const told = sensors.map((sensor) => sensor.untilNoData());
      thread.kill();
      for (const { detail } of await Promise.all(told)) {
        expect(detail).toContain('its thread has ended');
      }
      await expectTruth(sensors);
      for (const { faults } of sensors) expect(faults.length % 2).toBe(0);
      for (const { faults } of sensors) expect(faults.length).toBeLessThanOrEqual(2);
    });

    it('a call that hangs in the kernel is told by each, and all come back after it', async () => {
      const { node, sensors } = await rig();
      await expectTruth(sensors);
      node.fault('hold');
      for (const sensor of sensors) {
        expect((await sensor.untilNoData()).reason).toMatch(/^(hardware|overrun)$/);
      }
      await vi.waitFor(() => {
        for (const { lastDetail } of sensors) expect(lastDetail).toMatch(/kernel|no transfer/);
      }, PATIENCE);
      node.fault('fine');
      await expectTruth(sensors);
      for (const sensor of sensors) {
        await vi.waitFor(() => expect(sensor.bench.faults.at(-1)?.raised).toBe(false), PATIENCE);
      }
    });
  },
);

describe.skipIf(!hasCompiler)(
  `mcp3208 on a played chip select${hasCompiler ? '' : ' (no C compiler: cc)'}`,
  { timeout: 60_000 },
  () => {
    it('reads each result and its repetition, says a fault and recovers', async () => {
      const node = new StandinNode('spidev0.0', ['mcp3208 0 1 1023 2048 4095 17 300 3000']);
      cleanUps.push(() => node.remove());
      const spi = createLinuxSpi({
        clock,
        threadPath: THREAD_PATH,
        ioctlLibrary: standinLibrary(),
      });
      const channels = [
        { channel: 'gas', input: 'ch3', high: 3.2, rangeEnd: 'accept' },
        { channel: 'smoke', input: 'ch7', high: 3.2, rangeEnd: 'accept' },
      ];
      const options = { path: node.path, vrefVolts: 3.2, cadenceSeconds: 0.1, channels };
      const sensor = await Live.start(mcp3208, options, { spi });
      await sensor.untilReading();
      await vi.waitFor(() => {
        const [gas = NaN, smoke = NaN] = sensor.readings();
        expect(gas).toBeCloseTo(50, 6);
        expect(smoke).toBeCloseTo(100 * (3000 / 4096), 6);
      }, PATIENCE);
      node.fault('eio');
      await sensor.untilFaults('adcUnavailable raised');
      node.fault('fine');
      await sensor.untilFaults('adcUnavailable raised', 'adcUnavailable restored');
      await sensor.untilReading();
    });
  },
);

describe('iio-adc on real files', { timeout: 60_000 }, () => {
  it('reads them, says that they are gone, and finds them under another number', async () => {
    const root = mkdtempSync(join(tmpdir(), 'iio-'));
    cleanUps.push(() => rmSync(root, { recursive: true, force: true }));
    const put = (number: number): string => {
      const folder = join(root, `sys/bus/iio/devices/iio:device${number}`);
      mkdirSync(folder, { recursive: true });
      const held = { name: 'mcp3208', in_voltage2_raw: '2048', in_voltage_scale: '0.781250000' };
      for (const [name, text] of Object.entries(held)) writeFileSync(join(folder, name), text);
      return folder;
    };
    const first = put(0);
    const options = {
      device: 'mcp3208',
      cadenceSeconds: 0.1,
      channels: [{ channel: 'smoke', input: 'voltage2', high: 3.2 }],
    };
    const sensor = await Live.start(iioAdc, options, { files: createKernelFiles({ clock, root }) });
    expect(await sensor.untilReading()).toBeCloseTo(50, 6);
    rmSync(first, { recursive: true });
    expect((await sensor.untilNoData()).reason).toBe('hardware');
    await sensor.untilFaults('adcUnavailable raised');
    expect(sensor.lastDetail).toContain('dtoverlay=');
    put(1);
    await sensor.untilFaults('adcUnavailable raised', 'adcUnavailable restored');
    expect(await sensor.untilReading()).toBeCloseTo(50, 6);
  });
});

describe.skipIf(!hasSocat)(
  `mlx90640-uart on a pseudo-terminal${hasSocat ? '' : ' (no socat)'}`,
  { timeout: 90_000 },
  () => {
    it('takes pictures, misses its adapter, and takes them again', async () => {
      const sample = new Scene({ seed: 6, person: true }).sample(0);
      const module = new GyMcu90640({ seed: 6, scene: () => sample, automatic: false });
      const board = await PtyBoard.create();
      board.onReceive = (bytes) => module.hear(bytes);
      const playing = setInterval(() => {
        const bytes = module.period(clock.monotonicMs() / 1000);
        for (let at = 0; at < bytes.length; at += 333) board.send(bytes.subarray(at, at + 333));
      }, 250);
      await board.plug();
      const serial = createSerialPorts({ clock, checkEveryMs: 50 });
      const sensor = await Live.start(mlx90640Uart, { path: board.path, rateHz: 4 }, { serial });
      const hottest = Math.max(...sample.celsius);
      expect(Math.abs((await sensor.untilReading()) - hottest)).toBeLessThan(1.5);
      expect(module.commands).toContain('3502');
      await board.unplug();
      expect((await sensor.untilNoData()).reason).toBe('hardware');
      await sensor.untilFaults('serialLineDown raised');
      await board.plug();
      await sensor.untilFaults('serialLineDown raised', 'serialLineDown restored');
      expect(Math.abs((await sensor.untilReading()) - hottest)).toBeLessThan(1.5);
      clearInterval(playing);
      await Promise.all(handles.splice(0).map((handle) => handle.close()));
      await board.close();
    });
  },
);
