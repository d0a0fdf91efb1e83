/** The store as it runs in the appliance: a worker thread, a real file, real kills and disks. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterEach, describe, expect, it } from 'vitest';
import type { JournalEvent } from '../../src/domain/event.ts';
import { LANES } from '../../src/domain/event.ts';
import { AlarmRing } from '../../src/store/alarm-ring.ts';
import { databasePath } from '../../src/store/database.ts';
import { eventsToRecover } from '../../src/store/numbering.ts';
import type { StoreTrouble } from '../../src/store/troubles.ts';
import { threadWriter, type WriterLink } from '../../src/store/writer-link.ts';
import {
  events,
  openTestStore,
  reading,
  seededRandom,
  stamperFor,
  standing,
  temporaryFolder,
  temporaryMemoryFolder,
  until,
  WRITER_PATH,
} from './support.ts';

const seqs = (rows: readonly { readonly seq: number }[]): number[] => rows.map(({ seq }) => seq);
const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);

describe('the writer thread', () => {
  it('is started again when it dies, and nothing that was appended is lost', async () => {
    const links: WriterLink[] = [];
    const start = threadWriter(WRITER_PATH);
    const store = await openTestStore(temporaryFolder(), {
      startWriter: (link) => {
        const started = start(link);
        links.push(started);
        return started;
      },
    });
    const stamper = stamperFor();
    for (let round = 0; round < 5; round += 1) {
      store.journal.append(events(stamper, 'alarm', 20));
      store.journal.appendTelemetry([reading(round)]);
      links.at(-1)?.terminate();
      store.journal.append(events(stamper, 'alarm', 20));
      await store.durable();
    }
    expect(store.stats().writerRestarts).toBe(5);
    expect(standing(store.troubles)).toEqual([]);
    expect(seqs(await store.journal.readAfter('alarm', 0, 1000))).toEqual(upTo(200));
    await store.journal.close();
  });

  it('is not missed by the start when its file is not there', async () => {
    const store = await openTestStore(temporaryFolder(), {
      startWriter: threadWriter('/nowhere/store-writer.js'),
    });
    expect(store.stats().mode).toBe('memory');
    expect(store.recovered.problems[0]?.detail).toContain('/nowhere/store-writer.js');
    await store.journal.close();
  });

  it('sets a database with damaged pages aside when it is checked after arming', async () => {
    const directory = temporaryFolder();
    const first = await openTestStore(directory);
    const stamper = stamperFor();
    first.journal.append(events(stamper, 'system', 900, 'z'.repeat(400)));
    await first.durable();
    await first.journal.close();
    const bytes = readFileSync(databasePath(directory));
    bytes.fill(0x5a, 20 * 4096, 30 * 4096);
    writeFileSync(databasePath(directory), bytes);
    const store = await openTestStore(directory);
    expect(store.recovered.problems).toEqual([]);
    await store.checkIntegrity();
    store.journal.append(events(stamper, 'system', 1));
    await store.durable();
    expect(standing(store.troubles)).toEqual(['storeCorrupt']);
    expect(store.troubles[0]?.detail).toMatch(/set aside as .*\.bad-\d+: /);
    const kept = seqs(await store.journal.readAfter('system', 0, 1000));
    expect(kept.length).toBeGreaterThan(800);
    expect(kept.at(-1)).toBe(901);
    // What did not come back is in the ledger, to the number.
    const gaps = (await store.journal.readGaps('a', 100)).filter(({ lane }) => lane === 'system');
    const missing = gaps.flatMap(({ firstSeq, lastSeq }) =>
      Array.from({ length: lastSeq - firstSeq + 1 }, (_, index) => firstSeq + index),
    );
    expect([...kept, ...missing].sort((a, b) => a - b)).toEqual(upTo(901));
    await store.journal.close();
  });

  it('finds nothing wrong with a sound database', async () => {
    const store = await openTestStore(temporaryFolder());
    store.journal.append(events(stamperFor(), 'alarm', 100));
    await store.checkIntegrity();
    await store.durable();
    expect(store.troubles).toEqual([]);
    await store.journal.close();
  });
});

describe('kill -9', () => {
  it('loses nothing that was decided, and nothing that was receipted is only in the ring', async () => {
    const folder = temporaryFolder();
    const child = join(folder, 'child.mjs');
    await build({
      entryPoints: [join(import.meta.dirname, 'kill-child.ts')],
      outfile: child,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
    });
    const state = join(folder, 'state');
    const ringPath = join(temporaryMemoryFolder(), 'ring');
    const random = seededRandom(20);
    const decided: string[] = [];
    let onlyInRing = 0;
    for (let round = 0; round < 8; round += 1) {
      const lines = await runAndKill([child, state, ringPath, WRITER_PATH], random.next() * 60);
      decided.push(...lines.filter((line) => line.startsWith('decided ')).map((l) => l.slice(8)));
      const after = await inspect(state, ringPath);
      onlyInRing += after.missing.length;
      const ids = new Set([...after.stored, ...after.missing].map(({ id }) => id));
      expect(decided.filter((id) => !ids.has(id))).toEqual([]);
      for (const lane of LANES) {
        const receipted = lines.filter((line) => line.startsWith(`durable ${lane} `));
        const last = Number(receipted.at(-1)?.split(' ')[2] ?? 0);
        const inStore = seqs(after.stored.filter((event) => event.lane === lane));
        expect(inStore.at(-1) ?? 0).toBeGreaterThanOrEqual(last);
        const all = seqs([...after.stored, ...after.missing].filter((e) => e.lane === lane));
        expect(all).toEqual(upTo(all.length));
      }
    }
    expect(decided.length).toBeGreaterThan(100);
    expect(new Set(decided).size).toBe(decided.length);
    // Without this the test would not have met the case that the ring exists for.
    expect(onlyInRing).toBeGreaterThan(0);
  });
});

/** Starts the child, kills it some time after its first decision, and returns its lines. */
function runAndKill(args: readonly string[], afterMs: number): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    let doomed = false;
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (doomed || !text.includes('decided')) return;
      doomed = true;
      setTimeout(() => child.kill('SIGKILL'), afterMs);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve(text.slice(0, text.lastIndexOf('\n')).split('\n'));
      else reject(new Error(`the child ended by itself with code ${String(code)}`));
    });
  });
}

/** What a start would find: the events in the database, and those that only the ring has. */
async function inspect(
  state: string,
  ringPath: string,
): Promise<{ stored: readonly JournalEvent[]; missing: readonly JournalEvent[] }> {
  const copy = `${ringPath}.copy`;
  writeFileSync(copy, readFileSync(ringPath));
  const ring = new AlarmRing({
    path: copy,
    fallbackPath: null,
    log: () => undefined,
    onTrouble: () => undefined,
  });
  ring.close();
  const store = await openTestStore(state);
  const lanes = LANES.map((lane) => store.journal.readAfter(lane, 0, 1_000_000));
  const stored = (await Promise.all(lanes)).flat();
  const missing = eventsToRecover(ring.recovered.events, store.recovered.stored);
  await store.journal.close();
  return { stored, missing };
}

const mounted: string[] = [];
afterEach(() => {
  for (const path of mounted.splice(0)) spawnSync('umount', ['-l', path]);
});

/** A file system of its own in memory, of `size` bytes. */
function mountTmpfs(size: number): string | null {
  const path = join(temporaryFolder(), 'disk');
  mkdirSync(path);
  const done = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path]);
  if (done.status !== 0) return null;
  mounted.push(path);
  return path;
}

function mayMount(): boolean {
  const path = mountTmpfs(65_536);
  if (path === null) return false;
  mounted.splice(mounted.indexOf(path), 1);
  return spawnSync('umount', [path]).status === 0;
}

describe.skipIf(!mayMount())('a small disk (needs the right to mount)', () => {
  it('tells when it is full, keeps what was appended, and stores it when there is room', async () => {
    const disk = mountTmpfs(5 * 1024 * 1024) ?? '';
    const ballast = join(disk, 'ballast');
    writeFileSync(ballast, Buffer.alloc(1024 * 1024));
    const store = await openTestStore(join(disk, 'state'));
    const stamper = stamperFor();
    while (!standing(store.troubles).includes('storeFull')) {
      expect(stamper.lastSeq.alarm).toBeLessThan(20_000);
      store.journal.append(events(stamper, 'alarm', 20, 'f'.repeat(500)));
      await until(() => store.stats().events === 0 || store.troubles.length > 0);
    }
    store.journal.append(events(stamper, 'alarm', 5));
    const last = stamper.lastSeq.alarm;
    const heard: number[] = [];
    let after = 0;
    while (after < last) {
      const rows = seqs(await store.journal.readAfter('alarm', after, 50));
      heard.push(...rows);
      after = rows.at(-1) ?? after;
    }
    expect(heard).toEqual(upTo(last));
    rmSync(ballast);
    await store.durable();
    expect(standing(store.troubles)).toEqual([]);
    await store.journal.close();
    const later = await openTestStore(join(disk, 'state'));
    expect(seqs(await later.journal.readAfter('alarm', 0, 10_000))).toEqual(upTo(last));
    await later.journal.close();
  });

  it('starts on a read-only disk with a journal in memory', async () => {
    const disk = mountTmpfs(4 * 1024 * 1024) ?? '';
    const first = await openTestStore(join(disk, 'state'));
    first.journal.append(events(stamperFor(), 'alarm', 1));
    await first.durable();
    await first.journal.close();
    expect(spawnSync('mount', ['-o', 'remount,ro', disk]).status).toBe(0);
    const store = await openTestStore(join(disk, 'state'));
    expect([...standing(store.troubles)].sort()).toEqual(['alarmFileFailed', 'storeUnavailable']);
    expect(store.stats().mode).toBe('memory');
    const stamper = stamperFor(store.recovered.lastSeq, store.recovered.lastId);
    store.journal.append(events(stamper, 'alarm', 1));
    expect(spawnSync('mount', ['-o', 'remount,rw', disk]).status).toBe(0);
    await store.durable();
    expect(standing(store.troubles)).toEqual([]);
    const base = store.recovered.lastSeq.alarm;
    expect(seqs(await store.journal.readAfter('alarm', 0, 10))).toEqual([1, base + 1]);
    await store.journal.close();
  });

  it('tells of a ring without room, and fills it in when there is some', () => {
    const disk = mountTmpfs(128 * 1024) ?? '';
    const ballast = join(disk, 'ballast');
    writeFileSync(ballast, Buffer.alloc(100 * 1024));
    const troubles: StoreTrouble[] = [];
    const path = join(disk, 'ring');
    const options = {
      path,
      fallbackPath: null,
      log: () => undefined,
      onTrouble: (trouble: StoreTrouble) => void troubles.push(trouble),
    };
    const ring = new AlarmRing(options);
    const stamper = stamperFor();
    let failed = 0;
    for (let round = 0; round < 100; round += 1) {
      if (!ring.append(events(stamper, 'alarm', 1, 'r'.repeat(300)))) failed += 1;
    }
    expect(failed).toBeGreaterThan(0);
    expect(standing(troubles)).toEqual(['ringUnavailable']);
    const partial = new AlarmRing({ ...options, path: copyOf(path) }).recovered.events;
    expect(seqs(partial)).toEqual(upTo(partial.length));
    rmSync(ballast);
    expect(ring.append(events(stamper, 'alarm', 1))).toBe(true);
    expect(standing(troubles)).toEqual([]);
    expect(seqs(new AlarmRing(options).recovered.events)).toEqual(upTo(101));
  });
});

function copyOf(path: string): string {
  const copy = join(temporaryMemoryFolder(), 'copy');
  writeFileSync(copy, readFileSync(path));
  return copy;
}
