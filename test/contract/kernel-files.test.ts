import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { KernelFiles } from '../../src/hal/bus-ports.ts';
import { createKernelFiles } from '../../src/hal/kernel-files.ts';
import { SimulatedFiles } from '../../src/hal/simulated-files.ts';

interface Rig {
  readonly files: KernelFiles;
  put(path: string, text: string): void;
  remove(path: string): void;
  content(path: string): string;
  close(): void;
}

function simulated(): Rig {
  const files = new SimulatedFiles();
  return {
    files,
    put: (path, text) => files.files.set(path, text.replace(/\n$/, '')),
    remove: (path) => files.files.delete(path),
    content: (path) => {
      const held = files.files.get(path);
      return typeof held === 'string' ? held : '';
    },
    close: () => undefined,
  };
}

function onDisk(): Rig {
  const root = mkdtempSync(join(tmpdir(), 'kernel-files-'));
  return {
    files: createKernelFiles({ clock: systemClock(), root }),
    put: (path, text) => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    },
    remove: (path) => rmSync(join(root, path)),
    content: (path) => readFileSync(join(root, path), 'utf8'),
    close: () => rmSync(root, { recursive: true, force: true }),
  };
}

const DEVICE = '/sys/bus/iio/devices/iio:device0';

describe.each([
  ['simulated', simulated],
  ['files of a directory', onDisk],
])('kernel files: %s', (_, open) => {
  let rig: Rig;
  beforeEach(() => {
    rig = open();
    rig.put(`${DEVICE}/name`, 'ads1015\n');
    rig.put(`${DEVICE}/in_voltage0_raw`, '1234\n');
    rig.put(`${DEVICE}/in_voltage0_scale`, '3.000000000\n');
    rig.put(`${DEVICE}/power/state`, 'on\n');
  });
  afterEach(() => rig.close());

  it('gives the text without its last line break', async () => {
    expect(await rig.files.read(`${DEVICE}/name`)).toEqual({ ok: true, value: 'ads1015' });
    rig.put(`${DEVICE}/two`, 'one\ntwo\n\n');
    rig.put(`${DEVICE}/empty`, '');
    expect(await rig.files.read(`${DEVICE}/two`)).toEqual({ ok: true, value: 'one\ntwo\n' });
    expect(await rig.files.read(`${DEVICE}/empty`)).toEqual({ ok: true, value: '' });
  });

  it('asks the file again each time', async () => {
    for (const value of ['1', '22', '333', '4']) {
      rig.put(`${DEVICE}/in_voltage0_raw`, `${value}\n`);
      expect(await rig.files.read(`${DEVICE}/in_voltage0_raw`)).toEqual({ ok: true, value });
    }
  });

  it('a file that is not there is absent, to read and to write, and is not made', async () => {
    const path = `${DEVICE}/in_voltage7_raw`;
    for (const result of [await rig.files.read(path), await rig.files.write(path, '1')]) {
      expect(result).toMatchObject({ ok: false, error: { kind: 'absent' } });
      if (!result.ok) expect(result.error.message).toContain(path);
    }
    expect(await rig.files.read(path)).toMatchObject({ ok: false });
    expect(await rig.files.list('/sys/nowhere')).toMatchObject({
      ok: false,
      error: { kind: 'absent' },
    });
    expect(await rig.files.list(`${DEVICE}/name`)).toMatchObject({
      ok: false,
      error: { kind: 'absent' },
    });
  });

  it('replaces what was there', async () => {
    const path = `${DEVICE}/in_voltage0_scale`;
    expect(await rig.files.write(path, '0.1')).toEqual({ ok: true, value: undefined });
    expect(rig.content(path)).toBe('0.1');
    expect(await rig.files.read(path)).toEqual({ ok: true, value: '0.1' });
  });

  it('lists names in order, directories among them', async () => {
    expect(await rig.files.list(DEVICE)).toEqual({
      ok: true,
      value: ['in_voltage0_raw', 'in_voltage0_scale', 'name', 'power'],
    });
    expect(await rig.files.list(`${DEVICE}/`)).toMatchObject({ ok: true });
    rig.remove(`${DEVICE}/name`);
    expect(await rig.files.list(DEVICE)).toEqual({
      ok: true,
      value: ['in_voltage0_raw', 'in_voltage0_scale', 'power'],
    });
  });

  it('answers many at once, each for itself', async () => {
    const names = Array.from({ length: 40 }, (_, i) => `${DEVICE}/many_${i}`);
    names.forEach((name, i) => rig.put(name, `${i}\n`));
    const read = await Promise.all(names.map((name) => rig.files.read(name)));
    expect(read).toEqual(names.map((_, i) => ({ ok: true, value: String(i) })));
  });
});
