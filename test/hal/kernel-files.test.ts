/** What only real files do: hang, refuse, and be too large. */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { KernelFiles } from '../../src/hal/bus-ports.ts';
import {
  createKernelFiles,
  FILE_DEADLINE_MS,
  FILE_LIMIT_BYTES,
} from '../../src/hal/kernel-files.ts';
import { ManualClock } from './manual-clock.ts';

const hasFifos = spawnSync('mkfifo', ['--version']).status === 0;
const descriptors = (): number => readdirSync('/proc/self/fd').length;

describe('kernel files', () => {
  let root: string;
  let clock: ManualClock;
  let files: KernelFiles;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'kernel-files-'));
    clock = new ManualClock();
    files = createKernelFiles({ clock, root });
    writeFileSync(join(root, 'fine'), 'well\n');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('reads the kernel itself', async () => {
    const kernel = createKernelFiles({ clock });
    expect(await kernel.read('/proc/sys/kernel/ostype')).toEqual({ ok: true, value: 'Linux' });
    const status = await kernel.read('/proc/self/status');
    expect(status.ok && status.value.length > 500).toBe(true);
  });

  it('says whose group it takes when it may not', async () => {
    const kernel = createKernelFiles({ clock });
    const path = '/proc/sys/kernel/ostype';
    const written = await kernel.write(path, 'Other');
    expect(written).toMatchObject({ ok: false, error: { kind: 'permission' } });
    if (!written.ok) expect(written.error.message).toContain(`ls -l ${path}`);
  });

  it('refuses what is no kernel file by its size', async () => {
    writeFileSync(join(root, 'limit'), 'x'.repeat(FILE_LIMIT_BYTES));
    writeFileSync(join(root, 'more'), 'x'.repeat(FILE_LIMIT_BYTES + 1));
    expect(await files.read('limit')).toMatchObject({ ok: true });
    expect(await files.read('more')).toMatchObject({ ok: false, error: { kind: 'other' } });
  });

  it('leaves no descriptor and no timer behind', async () => {
    await files.read('fine');
    const before = descriptors();
    for (let round = 0; round < 200; round++) {
      await Promise.all([files.read('fine'), files.read('missing'), files.write('fine', 'well')]);
    }
    expect(descriptors()).toBe(before);
    expect(clock.pending).toBe(0);
  });

  describe.skipIf(!hasFifos)(`a file that hangs${hasFifos ? '' : ' (no mkfifo)'}`, () => {
    /** Reading a pipe that nobody writes to hangs in the kernel as a driver's file does. */
    const hangs = (name: string): void => {
      spawnSync('mkfifo', [join(root, name)]);
    };
    /** Lets its reader go on, to the end of the file, once it has come to hang there. */
    const free = (name: string): Promise<void> =>
      vi.waitFor(() => {
        closeSync(openSync(join(root, name), constants.O_WRONLY | constants.O_NONBLOCK));
      });

    it('is told at its deadline, and refused at once until it comes back', async () => {
      hangs('dead');
      const asked = files.read('dead');
      expect(clock.pending).toBe(1);
      clock.advance(FILE_DEADLINE_MS);
      const late = await asked;
      expect(late).toMatchObject({ ok: false, error: { kind: 'timeout' } });
      if (!late.ok) expect(late.error.message).toContain('dead');
      expect(await files.read('dead')).toMatchObject({ ok: false, error: { kind: 'timeout' } });
      expect(clock.pending).toBe(0);
      expect(await files.read('fine')).toEqual({ ok: true, value: 'well' });
      await free('dead');
      rmSync(join(root, 'dead'));
      writeFileSync(join(root, 'dead'), 'alive\n');
      await vi.waitFor(async () => {
        expect(await files.read('dead')).toEqual({ ok: true, value: 'alive' });
      });
    });

    it('never takes more than half of the threads', async () => {
      for (const name of ['one', 'two', 'three', 'four']) hangs(name);
      const asked = ['one', 'two', 'three', 'four'].map((name) => files.read(name));
      const fine = files.read('fine');
      clock.advance(FILE_DEADLINE_MS);
      for (const result of await Promise.all([...asked, fine])) {
        expect(result).toMatchObject({ ok: false, error: { kind: 'timeout' } });
      }
      const refused = await files.read('fine');
      expect(refused).toMatchObject({ ok: false, error: { kind: 'timeout' } });
      if (!refused.ok) expect(refused.error.message).toContain('one and two hang');
      // Others of this process still read files.
      expect(await readFile(join(root, 'fine'), 'utf8')).toBe('well\n');
      await free('one');
      await vi.waitFor(async () => {
        expect(await files.read('fine')).toEqual({ ok: true, value: 'well' });
      });
      await free('two');
      expect(clock.pending).toBe(0);
    });
  });
});
