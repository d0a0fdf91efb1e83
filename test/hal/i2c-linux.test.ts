/** The real backend: threads, descriptors and the kernel's words; what all backends do is in the
 * contract. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { I2cBackend, I2cBus } from '../../src/hal/bus-ports.ts';
import { createLinuxI2c } from '../../src/hal/i2c-linux.ts';
import { CLOSE_DEADLINE_MS } from '../../src/hal/native/bus-connection.ts';
import type { HalResult } from '../../src/hal/ports.ts';
import { createLinuxSpi } from '../../src/hal/spi-linux.ts';
import {
  ARRAY_ADDRESS,
  hasCompiler,
  SPI_INPUTS,
  standinI2c,
  standinLibrary,
  StandinNode,
  THREAD_PATH,
} from './bus-rigs.ts';
import { ManualClock } from './manual-clock.ts';

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanUps.splice(0)) clean();
});

const descriptors = (): number => readdirSync('/proc/self/fd').length;
const threads = (): number => readdirSync('/proc/self/task').length;
function workers(): number {
  const report = process.report.getReport() as unknown as { readonly workers: readonly object[] };
  return report.workers.length;
}

describe('I2C of the kernel itself', () => {
  const backend = createLinuxI2c({ clock: systemClock(), threadPath: THREAD_PATH });

  it('a file that is no bus is not taken for one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'no-bus-'));
    cleanUps.push(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'i2c-1');
    writeFileSync(path, '');
    const refused = await backend.open(path);
    expect(refused).toMatchObject({ ok: false, error: { kind: 'other' } });
    expect(message(refused)).toBe(`${path} is not an I2C bus: name /dev/i2c-N`);
  });

  it('a missing bus names those that there are, and the line that switches it on', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'no-bus-'));
    cleanUps.push(() => rmSync(folder, { recursive: true }));
    for (const name of ['i2c-20', 'i2c-3', 'sda']) writeFileSync(join(folder, name), '');
    const refused = await backend.open(join(folder, 'i2c-1'));
    expect(refused).toMatchObject({ ok: false, error: { kind: 'absent' } });
    expect(message(refused)).toContain(`there are ${folder}/i2c-20, ${folder}/i2c-3`);
    expect(message(refused)).toContain('dtparam=i2c_arm=on');
    expect(message(refused)).not.toContain('sda');
  });

  it('one that may not be opened names the group', async () => {
    const refused = await backend.open('/proc/sys/kernel/ostype');
    expect(refused).toMatchObject({ ok: false, error: { kind: 'permission' } });
    expect(message(refused)).toContain('usermod -aG i2c embereye');
  });

  it('a library that does not load is a value', async () => {
    const ioctlLibrary = '/nowhere/libbus.so';
    const broken = createLinuxI2c({ clock: systemClock(), threadPath: THREAD_PATH, ioctlLibrary });
    const refused = await broken.open('/dev/i2c-1');
    expect(refused).toMatchObject({ ok: false, error: { kind: 'other' } });
    expect(message(refused)).toContain(ioctlLibrary);
  });
});

const played = `I2C on a played kernel${hasCompiler ? '' : ' (no C compiler: cc)'}`;
describe.skipIf(!hasCompiler)(played, () => {
  function rig(clock = systemClock(), more: readonly string[] = [], speedHz = 4_000_000) {
    const { node, eeprom, remove } = standinI2c(speedHz, more);
    cleanUps.push(remove);
    const ioctlLibrary = standinLibrary();
    return {
      node,
      eeprom,
      backend: createLinuxI2c({ clock, threadPath: THREAD_PATH, ioctlLibrary }),
    };
  }

  async function open(backend: I2cBackend, path: string): Promise<I2cBus> {
    return value(await backend.open(path));
  }

  const readWord = async (bus: I2cBus, address: number): Promise<number> => {
    const pointer = Uint8Array.of(address >> 8, address & 0xff);
    return Buffer.from(value(await bus.transfer(ARRAY_ADDRESS, pointer, 2))).readUInt16BE();
  };

  /** A transfer whose thread is inside the kernel by now, until the fault is taken away. */
  async function hang(node: StandinNode, bus: I2cBus) {
    node.record();
    node.fault('hold');
    const result = bus.transfer(ARRAY_ADDRESS, Uint8Array.of(0x24, 0), 2);
    await vi.waitFor(() => expect(node.log).toContain('hold'), 5000);
    return { result };
  }

  it('bounds each transfer in the kernel, and asks for write and read in one', async () => {
    const { node, backend } = rig();
    node.record();
    const bus = await open(backend, node.path);
    value(await bus.transfer(ARRAY_ADDRESS, Uint8Array.of(0x24, 0), 1664));
    value(await bus.transfer(ARRAY_ADDRESS, Uint8Array.of(0x80, 0, 0, 0x30), 0));
    value(await bus.transfer(0x48, new Uint8Array(), 2));
    await bus.close();
    expect(node.log).toEqual([
      'timeout 100',
      'retries 2',
      'write 0x33 2',
      'read 0x33 1664',
      'write 0x33 4',
      'read 0x48 2',
    ]);
  });

  it('an adapter that speaks SMBus only is refused, with what to wire instead', async () => {
    const { node, backend } = rig(systemClock(), ['functions 0xeff0008']);
    const refused = await backend.open(node.path);
    expect(refused).toMatchObject({ ok: false, error: { kind: 'other' } });
    expect(message(refused)).toContain('SMBus only');
    expect(message(refused)).toContain('i2cdetect -F 1');
  });

  it.each([
    ['again', 'timeout', 'SDA or SCL'],
    ['timeout', 'timeout', 'pull-up'],
    ['nack', 'noAnswer', 'i2cdetect -y 1 must show 33'],
    ['eio', 'other', 'pull-up'],
    ['gone', 'absent', 'unplugged'],
  ])('%s says what to look at', async (fault, kind, remedy) => {
    const { node, backend } = rig();
    const bus = await open(backend, node.path);
    node.fault(fault);
    const failed = await bus.transfer(ARRAY_ADDRESS, Uint8Array.of(0x24, 0), 2);
    expect(failed).toMatchObject({ ok: false, error: { kind } });
    expect(message(failed)).toContain(`${node.path}, address 0x33: `);
    expect(message(failed)).toContain(remedy);
    await bus.close();
  });

  it('leaves no thread and no descriptor behind in 200 openings', async () => {
    const { node, backend } = rig();
    const bus = await open(backend, node.path);
    await bus.close();
    const before = [descriptors(), threads(), workers()];
    for (let round = 0; round < 200; round++) {
      const [one, two] = await Promise.all([open(backend, node.path), open(backend, node.path)]);
      if (round % 10 === 0) expect(workers()).toBe(1);
      expect(await readWord(one, 0x2400 + round)).toBeGreaterThanOrEqual(0);
      const under = two.transfer(ARRAY_ADDRESS, Uint8Array.of(0x24, 0), 64);
      if (round % 20 === 0) node.unplug();
      await Promise.all([one.close(), two.close()]);
      expect((await under).ok).toBe(false);
      if (round % 20 === 0) {
        expect(await backend.open(node.path)).toMatchObject({ error: { kind: 'absent' } });
        node.plug();
      }
    }
    expect([descriptors(), threads(), workers()]).toEqual(before);
  }, 120_000);

  it('each bus has its own thread: one that hangs does not hold up another', async () => {
    const clock = new ManualClock();
    const slow = rig(clock);
    const other = rig(clock);
    const spiNode = new StandinNode('spidev0.0', [`mcp3208 ${SPI_INPUTS.join(' ')}`]);
    cleanUps.push(() => spiNode.remove());
    const ioctlLibrary = standinLibrary();
    const spi = createLinuxSpi({ clock, threadPath: THREAD_PATH, ioctlLibrary });
    const hung = await open(slow.backend, slow.node.path);
    const fine = await open(other.backend, other.node.path);
    const chip = value(await spi.open({ path: spiNode.path, mode: 0, speedHz: 1_000_000 }));
    const late = await hang(slow.node, hung);
    let answered = false;
    void late.result.then(() => {
      answered = true;
    });
    expect(await readWord(fine, 0x2407)).toBe(other.eeprom[7]);
    expect((await chip.transfer(Uint8Array.of(6, 0, 0))).ok).toBe(true);
    expect(answered).toBe(false);
    slow.node.fault('fine');
    expect((await late.result).ok).toBe(true);
    await Promise.all([hung.close(), fine.close(), chip.close()]);
  });

  it('a transfer that hangs in the kernel is told in time, and its late answer ends that', async () => {
    const clock = new ManualClock();
    const { node, eeprom, backend } = rig(clock);
    const bus = await open(backend, node.path);
    const hung = await hang(node, bus);
    clock.advance(60_000);
    expect(await hung.result).toMatchObject({ ok: false, error: { kind: 'timeout' } });
    expect(await bus.transfer(ARRAY_ADDRESS, Uint8Array.of(0x24, 0), 2)).toMatchObject({
      ok: false,
      error: { kind: 'absent' },
    });
    node.fault('fine');
    await vi.waitFor(async () => expect(await readWord(bus, 0x2409)).toBe(eeprom[9]), 5000);
    await bus.close();
  });

  it('closing does not wait for a thread that hangs; it is opened again when that ended', async () => {
    const clock = new ManualClock();
    const { node, eeprom, backend } = rig(clock);
    const before = descriptors();
    const bus = await open(backend, node.path);
    const hung = await hang(node, bus);
    const closing = bus.close();
    expect(await hung.result).toMatchObject({ ok: false, error: { kind: 'other' } });
    await clock.run(CLOSE_DEADLINE_MS);
    await closing;
    const refused = await backend.open(node.path);
    expect(refused).toMatchObject({ ok: false, error: { kind: 'absent' } });
    expect(message(refused)).toContain('hangs in the kernel');
    node.fault('fine');
    const again = await vi.waitFor(() => open(backend, node.path), 5000);
    expect(await readWord(again, 0x2409)).toBe(eeprom[9]);
    await again.close();
    expect(descriptors()).toBe(before);
  });

  it('does not keep a program from ending', () => {
    const { node } = rig();
    const script = `
      import { Worker } from 'node:worker_threads';
      const device = { kind: 'i2c', path: ${JSON.stringify(node.path)} };
      const workerData = { device, ioctlLibrary: ${JSON.stringify(standinLibrary())} };
      const worker = new Worker(${JSON.stringify(THREAD_PATH)}, { workerData, execArgv: [] });
      worker.once('message', (message) => {
        console.log(message.kind);
        process.exit(3);
      });`;
    const ended = spawnSync(process.execPath, ['--input-type=module', '-e', script]);
    expect(ended.stdout.toString().trim()).toBe('opened');
    expect(ended.status).toBe(3);
  });

  it('the played array measures as it is told: subpages in turn, new data, new noise', async () => {
    const { node, backend } = rig();
    const bus = await open(backend, node.path);
    const clear = () => bus.transfer(ARRAY_ADDRESS, Uint8Array.of(0x80, 0, 0, 0x30), 0);
    const ram = async () => value(await bus.transfer(ARRAY_ADDRESS, Uint8Array.of(4, 0), 1536));
    const rate = 0x1901 & ~0x0380;
    // 64 Hz.
    const control = rate | (7 << 7);
    value(
      await bus.transfer(ARRAY_ADDRESS, Uint8Array.of(0x80, 0x0d, control >> 8, control & 0xff), 0),
    );
    const subpages: number[] = [];
    let last = await ram();
    while (subpages.length < 6) {
      const status = await readWord(bus, 0x8000);
      if ((status & 8) === 0) continue;
      subpages.push(status & 7);
      const now = await ram();
      expect(now).not.toEqual(last);
      last = now;
      value(await clear());
    }
    expect(new Set(subpages)).toEqual(new Set([0, 1]));
    await bus.close();
  });
});

function value<T>(result: HalResult<T>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

function message(result: HalResult<unknown>): string {
  return result.ok ? '' : result.error.message;
}
