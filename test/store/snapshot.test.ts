import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSnapshot, SnapshotWriter } from '../../src/store/snapshot.ts';
import type { StoreTrouble } from '../../src/store/troubles.ts';
import { ManualClock, settlePromises, standing, temporaryFolder, until } from './support.ts';

interface TestWriter {
  readonly writer: SnapshotWriter;
  readonly troubles: StoreTrouble[];
  readonly clock: ManualClock;
}

function writerAt(path: string, version = 1): TestWriter {
  const troubles: StoreTrouble[] = [];
  const clock = new ManualClock();
  const onTrouble = (trouble: StoreTrouble): void => void troubles.push(trouble);
  const log = () => undefined;
  return { writer: new SnapshotWriter({ path, version, clock, log, onTrouble }), troubles, clock };
}

async function saved(path: string, ...values: readonly unknown[]): Promise<void> {
  const { writer } = writerAt(path);
  for (const value of values) {
    writer.save(value);
    await writer.flush();
  }
  writer.close();
}

describe('panel snapshot', () => {
  it('gives back what was saved', async () => {
    const path = join(temporaryFolder(), 'state', 'panel');
    const value = { zones: [{ id: 'küche', alarm: { sinceMs: 1.5 } }], latched: true };
    await saved(path, value);
    expect(readSnapshot(path, 1)).toEqual({ ok: true, value, newest: true });
  });

  it('says why there is none', () => {
    const path = join(temporaryFolder(), 'panel');
    const read = readSnapshot(path, 1);
    expect(read.ok).toBe(false);
    expect(read).toMatchObject({ reason: expect.stringContaining('is not there') as unknown });
  });

  it('keeps the one before, and uses it when the newest is damaged', async () => {
    const path = join(temporaryFolder(), 'panel');
    await saved(path, 'first', 'second');
    const bytes = readFileSync(path);
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 3) ^ 1, bytes.length - 3);
    writeFileSync(path, bytes);
    expect(readSnapshot(path, 1)).toEqual({ ok: true, value: 'first', newest: false });
  });

  it('refuses every truncation and every flipped bit', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'panel');
    await saved(path, { a: [1, 2, 3], b: 'text' });
    const whole = readFileSync(path);
    const damaged = join(folder, 'damaged');
    for (let length = 0; length < whole.length; length += 1) {
      writeFileSync(damaged, whole.subarray(0, length));
      expect(readSnapshot(damaged, 1).ok).toBe(false);
    }
    fc.assert(
      fc.property(fc.nat(whole.length * 8 - 1), (bit) => {
        const bytes = Buffer.from(whole);
        const at = bit >> 3;
        bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (bit & 7)), at);
        writeFileSync(damaged, bytes);
        expect(readSnapshot(damaged, 1).ok).toBe(false);
      }),
    );
  });

  it('reads any bytes without throwing', () => {
    const path = join(temporaryFolder(), 'panel');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        writeFileSync(path, bytes);
        expect(readSnapshot(path, 1).ok).toBe(false);
      }),
    );
  });

  it('finds a whole one after a cut between any two steps of a save', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'panel');
    await saved(path, 'old');
    await saved(join(folder, 'other'), 'new');
    renameSync(join(folder, 'other'), `${path}.next`);
    expect(readSnapshot(path, 1)).toEqual({ ok: true, value: 'old', newest: true });
    renameSync(path, `${path}.previous`);
    expect(readSnapshot(path, 1)).toEqual({ ok: true, value: 'new', newest: true });
    renameSync(`${path}.next`, path);
    expect(readSnapshot(path, 1)).toEqual({ ok: true, value: 'new', newest: true });
    rmSync(path);
    expect(readSnapshot(path, 1)).toEqual({ ok: true, value: 'old', newest: false });
  });

  it('refuses another version', async () => {
    const path = join(temporaryFolder(), 'panel');
    await saved(path, 'x');
    const read = readSnapshot(path, 2);
    expect(read.ok).toBe(false);
    expect(read).toMatchObject({ reason: expect.stringContaining('version 1') as unknown });
  });

  it('writes the latest of many, one at a time', async () => {
    const path = join(temporaryFolder(), 'panel');
    const { writer } = writerAt(path);
    for (let index = 0; index < 500; index += 1) writer.save({ index });
    await writer.flush();
    expect(readSnapshot(path, 1)).toEqual({ ok: true, value: { index: 499 }, newest: true });
    expect(writer.saved).toBeLessThanOrEqual(3);
  });

  it('tells each caller when its state, or a newer one, is on disk', async () => {
    const path = join(temporaryFolder(), 'panel');
    const { writer } = writerAt(path);
    const told: string[] = [];
    for (const value of [1, 2, 3]) writer.save(value, (ok) => told.push(`${value} ${String(ok)}`));
    expect(told).toEqual([]);
    await writer.flush();
    expect(told).toEqual(['1 true', '2 true', '3 true']);
    expect(readSnapshot(path, 1)).toMatchObject({ value: 3 });
  });

  it('tells each caller that saving failed', async () => {
    const blocked = join(temporaryFolder(), 'file');
    writeFileSync(blocked, '');
    const { writer } = writerAt(join(blocked, 'panel'));
    const told: boolean[] = [];
    writer.save(1, (ok) => told.push(ok));
    await writer.flush();
    writer.close();
    expect(told).toEqual([false]);
  });

  it('loses no save that comes at whatever moment of the one before', async () => {
    const path = join(temporaryFolder(), 'panel');
    const { writer } = writerAt(path);
    for (let index = 0; index < 60; index += 1) {
      writer.save(index);
      for (let turn = 0; turn < index % 12; turn += 1) await settlePromises();
    }
    await writer.flush();
    expect(readSnapshot(path, 1)).toMatchObject({ value: 59 });
  });

  it('tells a failure, keeps the old one, and tries again by itself', async () => {
    const path = join(temporaryFolder(), 'panel');
    await saved(path, 'old');
    mkdirSync(`${path}.next`);
    const { writer, troubles, clock } = writerAt(path);
    writer.save('lost');
    writer.save('new');
    await writer.flush();
    expect(standing(troubles)).toEqual(['snapshotFailed']);
    expect(troubles[0]?.detail).toContain(path);
    expect(readSnapshot(path, 1)).toMatchObject({ value: 'old' });
    rmSync(`${path}.next`, { recursive: true });
    await clock.advance(5000);
    await until(() => writer.saved > 0);
    expect(standing(troubles)).toEqual([]);
    expect(readSnapshot(path, 1)).toMatchObject({ value: 'new', newest: true });
    expect(readdirSync(join(path, '..')).sort()).toEqual(['panel', 'panel.previous']);
  });
});
