/** The real backend's own: requests as the kernel sees them, and its refusals. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { HalResult } from '../../src/hal/ports.ts';
import { createLinuxSpi } from '../../src/hal/spi-linux.ts';
import { hasCompiler, SPI_INPUTS, standinLibrary, StandinNode, THREAD_PATH } from './bus-rigs.ts';

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanUps.splice(0)) clean();
});

const OPTIONS = { mode: 0, speedHz: 1_000_000 } as const;

describe('SPI of the kernel itself', () => {
  const backend = createLinuxSpi({ clock: systemClock(), threadPath: THREAD_PATH });

  it('a file that is no device is not taken for one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'no-spi-'));
    cleanUps.push(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'spidev0.0');
    writeFileSync(path, '');
    const refused = await backend.open({ path, ...OPTIONS });
    expect(message(refused)).toBe(`${path} is not an SPI device: name /dev/spidevN.M`);
  });

  it('a missing device names the line that switches it on', async () => {
    const refused = await backend.open({ path: '/nowhere/spidev9.9', ...OPTIONS });
    expect(refused).toMatchObject({ ok: false, error: { kind: 'absent' } });
    expect(message(refused)).toContain('there are none');
    expect(message(refused)).toContain('dtparam=spi=on');
  });

  it('one that may not be opened names the group', async () => {
    const refused = await backend.open({ path: '/proc/sys/kernel/ostype', ...OPTIONS });
    expect(refused).toMatchObject({ ok: false, error: { kind: 'permission' } });
    expect(message(refused)).toContain('usermod -aG spi embereye');
  });
});

const played = `SPI on a played kernel${hasCompiler ? '' : ' (no C compiler: cc)'}`;
describe.skipIf(!hasCompiler)(played, () => {
  function rig() {
    const node = new StandinNode('spidev0.1', [`mcp3208 ${SPI_INPUTS.join(' ')}`]);
    cleanUps.push(() => node.remove());
    const ioctlLibrary = standinLibrary();
    const clock = systemClock();
    return { node, backend: createLinuxSpi({ clock, threadPath: THREAD_PATH, ioctlLibrary }) };
  }

  it('sets the mode once, and the speed with each transfer', async () => {
    const { node, backend } = rig();
    node.record();
    const slow = value(await backend.open({ path: node.path, mode: 3, speedHz: 500_000 }));
    const fast = value(await backend.open({ path: node.path, mode: 3, speedHz: 2_000_000 }));
    value(await slow.transfer(new Uint8Array(3)));
    value(await fast.transfer(new Uint8Array(5)));
    await Promise.all([slow.close(), fast.close()]);
    expect(node.log).toEqual([
      'spi mode 3 hz 500000 bits 8 len 3',
      'spi mode 3 hz 2000000 bits 8 len 5',
    ]);
  });

  it('a mode that the controller does not have is named', async () => {
    const { node, backend } = rig();
    const refused = await backend.open({ path: node.path, mode: 4, speedHz: 1_000_000 });
    expect(refused).toMatchObject({ ok: false, error: { kind: 'other' } });
    expect(message(refused)).toContain('cannot do SPI mode 4');
  });

  it('leaves no thread and no descriptor behind', async () => {
    const { node, backend } = rig();
    const count = (): number[] =>
      ['fd', 'task'].map((what) => readdirSync(`/proc/self/${what}`).length);
    const open = async () => value(await backend.open({ path: node.path, ...OPTIONS }));
    await (await open()).close();
    const before = count();
    for (let round = 0; round < 50; round++) {
      const [one, two] = await Promise.all([open(), open()]);
      value(await one.transfer(Uint8Array.of(6, 0, 0)));
      await Promise.all([one.close(), two.close()]);
    }
    expect(count()).toEqual(before);
  });
});

function value<T>(result: HalResult<T>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

function message(result: HalResult<unknown>): string {
  return result.ok ? '' : result.error.message;
}
