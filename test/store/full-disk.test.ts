/** A disk without room: the reserve, what it takes, and when everything goes on as before. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { RESERVE_NAME } from '../../src/store/disk-use.ts';
import { DEFAULT_RETENTION } from '../../src/store/retention-limits.ts';
import type { StoreLimits } from '../../src/store/options.ts';
import { events, reading, stamperFor, standing, temporaryFolder } from './support.ts';
import { read, readFresh, world } from './world.ts';

const RESERVE_BYTES = 2 * 1024 * 1024;
const limits: Partial<StoreLimits> = {
  retention: { ...DEFAULT_RETENTION, reserveBytes: RESERVE_BYTES },
};

describe('the reserve', () => {
  it('takes alarms first, other events after them, and no readings', async () => {
    const w = await world(temporaryFolder(), limits);
    const stamper = stamperFor();
    expect(statSync(join(w.directory, RESERVE_NAME)).size).toBe(RESERVE_BYTES);
    w.failWrite = ({ fromReserve }) => (fromReserve === true ? null : 'full');
    w.store.journal.appendTelemetry([reading(1)]);
    w.store.journal.append(events(stamper, 'alarm', 2));
    w.store.journal.append(events(stamper, 'fault', 3));
    await w.clock.advance(20);
    expect(standing(w.troubles)).toEqual(['storeFull']);
    expect(w.store.stats()).toMatchObject({ events: 0, telemetryRows: 1 });
    expect(w.receipts.at(-1)?.committed).toMatchObject({ alarm: 2, fault: 3 });
    w.failWrite = () => null;
    await w.clock.advance(60_000);
    expect(standing(w.troubles)).toEqual([]);
    expect(w.store.stats()).toMatchObject({ events: 0, telemetryRows: 0, mode: 'durable' });
    expect(await read(await readFresh(w), 'alarm')).toEqual([1, 2]);
  });

  it('is for alarms alone once half of it has gone; the others wait, untold', async () => {
    const w = await world(temporaryFolder(), limits);
    const stamper = stamperFor();
    w.failWrite = ({ fromReserve }) => (fromReserve === true ? null : 'full');
    w.store.journal.append(events(stamper, 'system', 900, 'x'.repeat(2000)));
    await w.clock.advance(20);
    w.store.journal.append(events(stamper, 'system', 10));
    w.store.journal.append(events(stamper, 'alarm', 1));
    await w.clock.advance(20);
    expect(w.store.stats().events).toBe(10);
    expect(await read(w, 'alarm')).toEqual([1]);
    expect(await read(w, 'system', 900)).toEqual([]);
    w.failWrite = () => null;
    await w.clock.advance(60_000);
    expect((await read(w, 'system', 900)).length).toBe(10);
  });
});

const mountPoint = mkdtempSync(join(tmpdir(), 'embereye-small-'));
const canMount =
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', mountPoint]).status === 0;

describe.skipIf(!canMount)('a small disk (needs the right to mount a tmpfs)', () => {
  afterAll(() => {
    spawnSync('umount', [mountPoint]);
    rmSync(mountPoint, { recursive: true, force: true });
  });

  it('that others fill keeps alarms durable, then takes everything again', async () => {
    const directory = join(mountPoint, 'state');
    const w = await world(directory, limits);
    const stamper = stamperFor();
    const filler = join(mountPoint, 'filler');
    w.store.journal.append(events(stamper, 'system', 100, 'y'.repeat(500)));
    await w.clock.advance(100);
    fillUp(filler);
    const text = 'z'.repeat(900);
    for (let round = 0; round < 40; round += 1) {
      w.store.journal.append(events(stamper, 'alarm', 5, text));
      w.store.journal.appendTelemetry(Array.from({ length: 200 }, (_, i) => reading(i)));
      await w.clock.advance(1000);
    }
    const { alarm } = w.receipts.reduce((most, { committed }) => ({ ...most, ...committed }), {
      alarm: 0,
    });
    expect(alarm).toBe(200);
    expect(standing(w.troubles)).toContain('storeReserveUsed');
    expect(existsSync(join(directory, RESERVE_NAME))).toBe(false);
    rmSync(filler);
    await w.clock.advance(120_000);
    expect(standing(w.troubles)).toEqual([]);
    expect(statSync(join(directory, RESERVE_NAME)).size).toBe(RESERVE_BYTES);
    expect(w.store.stats()).toMatchObject({ events: 0, telemetryRows: 0 });
    expect((await read(w, 'alarm')).length).toBe(200);
    w.writer.crash('over');
  });
});

/** To the last byte. */
function fillUp(path: string): void {
  for (let bytes = 1024 * 1024; bytes >= 512; bytes /= 2) {
    const chunk = Buffer.alloc(bytes);
    for (;;) {
      try {
        writeFileSync(path, chunk, { flag: 'a' });
      } catch (error) {
        // Full is what is wanted here.
        expect(String(error)).toContain('ENOSPC');
        break;
      }
    }
  }
}
