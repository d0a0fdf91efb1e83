/** The module driver on a simulated serial line, with everything that can go wrong on one. */
import { describe, expect, it } from 'vitest';
import type { EvidenceWindow } from '../../src/domain/evidence.ts';
import { mlx90640Uart } from '../../src/hal/drivers/mlx90640-uart.ts';
import type { SensorHandle } from '../../src/hal/sensor-driver.ts';
import type { SimulatedBoardEnd } from '../../src/hal/simulated-serial.ts';
import { GyMcu90640 } from '../../src/simulator/gy-mcu90640.ts';
import { Scene } from '../../src/simulator/scene.ts';
import { ModulePlayer } from './module-player.ts';
import type { SensorWorld } from './sensor-fixture.ts';
import { sensorWorld } from './sensor-fixture.ts';

const PATH = '/dev/serial0';
const RATE_HZ = 4;
/** Three periods, the margin, and a period until the next picture. */
const NOTICED_MS = 3 * 250 + 1000 + 250;

class ModuleRig {
  readonly world: SensorWorld;
  readonly module: GyMcu90640;
  readonly end: SimulatedBoardEnd;
  readonly player: ModulePlayer;
  readonly hottest: number;
  #handle: SensorHandle | null = null;

  private constructor(world: SensorWorld, automatic: boolean) {
    this.world = world;
    const sample = new Scene({ seed: 6, person: true }).sample(0);
    this.hottest = Math.max(...sample.celsius);
    this.module = new GyMcu90640({ seed: 6, scene: () => sample, automatic });
    this.end = world.serial.plug(PATH);
    this.player = new ModulePlayer(world.clock, this.end, this.module, RATE_HZ);
  }

  static async create(automatic = true): Promise<ModuleRig> {
    return new ModuleRig(await sensorWorld(), automatic);
  }

  open(options: Readonly<Record<string, unknown>> = {}): void {
    const prepared = mlx90640Uart.prepare({ path: PATH, rateHz: RATE_HZ, ...options });
    if (!prepared.ok) throw new Error(JSON.stringify(prepared.problems));
    this.#handle = prepared.open(this.world.bench.host);
  }

  get faults() {
    return this.world.bench.faults.map(({ fault, raised }) => `${fault} ${raised}`);
  }

  run(ms: number): Promise<void> {
    return this.world.clock.run(ms);
  }

  /** Pictures since the last look, each as hot as the scene. */
  pictures(): number {
    const found = this.world.bench.hottest.splice(0);
    for (const celsius of found) expect(Math.abs(celsius - this.hottest)).toBeLessThan(1.5);
    return found.length;
  }

  reasons(): string[] {
    const reasonOf = (one: EvidenceWindow): string[] => (one.kind === 'noData' ? [one.reason] : []);
    return this.world.bench.drain().flatMap(reasonOf);
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.player.stop();
    expect(this.world.clock.pending).toBe(0);
  }
}

describe('a GY-MCU90640 module', () => {
  it('gives a picture each period', async () => {
    const rig = await ModuleRig.create();
    rig.open();
    await rig.run(10_000);
    expect(rig.pictures()).toBeGreaterThanOrEqual(39);
    expect(rig.reasons()).toEqual([]);
    expect(rig.faults).toEqual([]);
    await rig.close();
  });

  it('starts the output of one that waits for a question, once it has said nothing', async () => {
    const rig = await ModuleRig.create(false);
    rig.open();
    await rig.run(2000);
    expect(rig.module.commands).toEqual(['3502']);
    expect(rig.pictures()).toBeGreaterThan(5);
    rig.module.hear(Uint8Array.of(0xa5, 0x35, 0x01, 0xdb));
    await rig.run(NOTICED_MS);
    await rig.run(1000);
    expect(rig.module.commands.at(-1)).toBe('3502');
    rig.pictures();
    await rig.run(1000);
    expect(rig.pictures()).toBeGreaterThan(2);
    expect(rig.faults).toEqual(['moduleSilent true', 'moduleSilent false']);
    await rig.close();
  });

  it('sends nothing to a module that is to be left as it is', async () => {
    const rig = await ModuleRig.create();
    rig.open({ startOutput: false });
    await rig.run(2000);
    expect(rig.module.commands).toEqual([]);
    expect(rig.pictures()).toBeGreaterThan(5);
    await rig.close();
  });

  it('tells a silent module from one that cannot be understood', async () => {
    const rig = await ModuleRig.create();
    rig.open();
    await rig.run(2000);
    rig.module.faults.silent = true;
    rig.reasons();
    await rig.run(NOTICED_MS);
    expect(rig.reasons()).toEqual(['hardware']);
    expect(rig.faults).toEqual(['moduleSilent true']);
    expect(rig.world.bench.faults[0]?.detail).toContain('has sent nothing for 1.8 s: check 3V3');
    rig.module.faults.silent = false;
    rig.end.mangle = (bytes) => bytes.map((byte) => byte ^ 0x81);
    await rig.run(NOTICED_MS);
    await rig.run(NOTICED_MS);
    expect(rig.reasons()).toEqual(['corrupt']);
    expect(rig.world.bench.faults.at(-1)?.detail).toContain('another baud rate than 115200');
    rig.end.mangle = (bytes) => bytes;
    rig.pictures();
    await rig.run(1500);
    expect(rig.pictures()).toBeGreaterThan(2);
    expect(rig.faults).toEqual([
      'moduleSilent true',
      'moduleSilent false',
      'moduleGarbled true',
      'moduleGarbled false',
    ]);
    await rig.close();
  });

  it('never takes a picture with a wrong checksum', async () => {
    const rig = await ModuleRig.create();
    rig.open();
    await rig.run(2000);
    rig.pictures();
    rig.module.faults.badChecksum = true;
    await rig.run(10_000);
    expect(rig.pictures()).toBe(0);
    expect(rig.reasons()).toEqual(['corrupt']);
    expect(rig.faults).toEqual(['moduleGarbled true']);
    expect(rig.world.bench.faults[0]?.detail).toMatch(/[1-9]\d* wrong checksums/);
    rig.module.faults.badChecksum = false;
    await rig.run(1000);
    expect(rig.pictures()).toBeGreaterThan(1);
    await rig.close();
  });

  it('finds each whole picture among noise, and none in cut ones', async () => {
    const rig = await ModuleRig.create();
    rig.open();
    rig.module.faults.noiseBytes = 333;
    await rig.run(10_000);
    expect(rig.pictures()).toBeGreaterThanOrEqual(38);
    rig.module.faults.lostBytes = 3;
    await rig.run(500);
    rig.pictures();
    await rig.run(10_000);
    expect(rig.pictures()).toBe(0);
    expect(rig.reasons()).toEqual(['corrupt']);
    rig.module.faults.lostBytes = 0;
    rig.module.faults.noiseBytes = 0;
    await rig.run(1500);
    expect(rig.pictures()).toBeGreaterThan(2);
    await rig.close();
  });

  it('knows a frozen module', async () => {
    const rig = await ModuleRig.create();
    rig.open();
    await rig.run(2000);
    rig.reasons();
    rig.module.faults.frozen = true;
    await rig.run(4 * 250 + 50);
    expect(rig.reasons()).toContain('frozen');
    rig.module.faults.frozen = false;
    await rig.run(300);
    rig.pictures();
    await rig.run(1000);
    expect(rig.pictures()).toBeGreaterThan(2);
    await rig.close();
  });

  it('says at once that the line is gone', async () => {
    const rig = await ModuleRig.create();
    rig.open();
    await rig.run(2000);
    rig.reasons();
    rig.end.unplug();
    await rig.run(10);
    expect(rig.reasons()).toEqual(['hardware']);
    await rig.run(60_000);
    expect(rig.faults).toEqual(['serialLineDown true']);
    rig.end.replug();
    await rig.run(40_000);
    rig.pictures();
    expect(rig.faults).toEqual(['serialLineDown true', 'serialLineDown false']);
    await rig.close();
  });
});

describe('the options of a module', () => {
  it('refuses more pictures than the line carries, with the arithmetic', () => {
    expect(mlx90640Uart.prepare({ path: PATH, rateHz: 8 })).toEqual({
      ok: false,
      problems: [
        {
          key: 'rateHz',
          problem: 'is 8',
          remedy:
            'give at most 7.4: 115200 baud carry 11520 bytes a second, and a picture has 1544; ' +
            'or set module and baudRate to 460800',
        },
      ],
    });
    expect(mlx90640Uart.prepare({ path: PATH, rateHz: 8, baudRate: 460_800 }).ok).toBe(true);
  });
});

describe('embereye doctor on a module', () => {
  async function probed(rig: ModuleRig) {
    const prepared = mlx90640Uart.prepare({ path: PATH });
    if (!prepared.ok) throw new Error(JSON.stringify(prepared.problems));
    const running = prepared.probe(rig.world.bench.host);
    await rig.run(5000);
    const [finding] = await running;
    rig.player.stop();
    return finding;
  }

  it('counts its pictures', async () => {
    const finding = await probed(await ModuleRig.create());
    expect(finding).toMatchObject({ area: 'sensor:hall_sensor', state: 'ok', remedy: null });
  });

  it('names silence, a wrong baud rate, and a port that is not there or in use', async () => {
    const silent = await ModuleRig.create();
    silent.module.faults.silent = true;
    expect(await probed(silent)).toMatchObject({ state: 'failed', found: 'nothing was sent' });
    const garbled = await ModuleRig.create();
    garbled.end.mangle = (bytes) => bytes.map((byte) => byte ^ 0x81);
    expect((await probed(garbled))?.remedy).toContain("set baudRate to the module's");
    const gone = await ModuleRig.create();
    gone.end.unplug();
    expect((await probed(gone))?.remedy).toBe('ls /dev/serial/by-id');
    const busy = await ModuleRig.create();
    await busy.world.serial.open({ path: PATH, baudRate: 115_200 });
    expect(await probed(busy)).toMatchObject({ state: 'note' });
  });
});
