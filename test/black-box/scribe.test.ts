import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { BoxDisk } from '../../src/store/black-box/disk.ts';
import { nodeDisk, oneAtATime } from '../../src/store/black-box/disk.ts';
import { Scribe } from '../../src/store/black-box/scribe.ts';
import { Shelf } from '../../src/store/black-box/shelf.ts';
import { isoFromWallMs } from '../../src/store/wall-time.ts';
import {
  EndlessTask,
  framesOf,
  HALL_ARRAY,
  legacyTap,
  NoisyArray,
  recordsOf,
  scribeRig,
  temporaryFolder,
  until,
} from './support.ts';

type Rig = ReturnType<typeof scribeRig>;

/** Frames at 10 Hz for as long as time goes on. */
function send({ clock, taps }: Rig): void {
  const tap = legacyTap(taps, HALL_ARRAY);
  const array = new NoisyArray();
  const frame = (): void => {
    tap.words(array.next(), null, clock.monotonicMs(), NaN);
    clock.after(100, frame);
  };
  frame();
}

const filesOf = ({ directory }: Rig): string[] => readdirSync(directory).sort();
const onlyFile = (rig: Rig): string => join(rig.directory, filesOf(rig)[0] ?? '');

describe('a scribe', () => {
  it('writes what memory holds and what follows, and ends the file', async () => {
    const rig = scribeRig();
    send(rig);
    rig.clock.advance(5000);
    const task = new EndlessTask(rig.memory);
    rig.scribe.begin(task);
    await until(rig, 'ten seconds', () => rig.clock.monotonicMs() > 15_000);
    expect(filesOf(rig)).toEqual([expect.stringMatching(/^000001-preAlarm-hall-.*\.ebx\.part$/)]);
    task.cause = 'alarm';
    task.reason = 'over';
    await until(rig, 'ended', () => rig.ended.length === 1);
    expect(filesOf(rig)).toEqual([expect.stringMatching(/^000001-alarm-hall-.*\.ebx$/)]);
    const records = await recordsOf(onlyFile(rig));
    const times = framesOf(records).map(({ atMs }) => atMs);
    expect(times[0]).toBe(1000);
    expect(times.at(-1)).toBeGreaterThan(15_000);
    expect(times).toEqual(times.map((_, i) => 1000 + 100 * i));
    expect(records.at(-1)).toMatchObject({ kind: 'end', reason: 'over', frames: times.length });
    expect(rig.faults).toEqual([]);
  });

  it('ends a file at its cap', async () => {
    const rig = scribeRig(nodeDisk, { maxFileBytes: 50_000 });
    send(rig);
    rig.scribe.begin(new EndlessTask(rig.memory));
    await until(rig, 'ended', () => rig.ended.length === 1);
    const records = await recordsOf(onlyFile(rig));
    expect(records.at(-1)).toMatchObject({ kind: 'end', reason: 'full' });
    expect(rig.shelf.bytes).toBeGreaterThan(50_000);
    expect(rig.shelf.bytes).toBeLessThan(50_000 + 64 * 1024);
  });

  it('ends what is being written when the appliance stops', async () => {
    const rig = scribeRig();
    send(rig);
    rig.scribe.begin(new EndlessTask(rig.memory));
    await until(rig, 'begun', () => filesOf(rig).length === 1);
    await rig.scribe.close();
    const records = await recordsOf(onlyFile(rig));
    expect(records.at(-1)).toMatchObject({ kind: 'end', reason: 'stopped' });
    expect(rig.clock.pending).toBeLessThanOrEqual(1);
  });

  it('leaves a readable file when its process is killed, and the next one names it', async () => {
    const rig = scribeRig();
    send(rig);
    rig.scribe.begin(new EndlessTask(rig.memory));
    await until(rig, 'ten seconds', () => rig.clock.monotonicMs() > 11_000);
    // Killed: nobody closes anything. A second process begins with the same folder.
    const records = await recordsOf(onlyFile(rig));
    expect(framesOf(records).length).toBeGreaterThan(80);
    expect(records.at(-1)).toMatchObject({ kind: 'damage', problem: 'torn' });
    const limits = () => ({ maxBytes: 1e9, maxFiles: 10, oldestWallMs: -Infinity });
    const { directory } = rig;
    const next = new Shelf({ disk: nodeDisk, directory, limits, freeBytes: 0 });
    await next.prepare();
    expect(filesOf(rig)[0]).toMatch(/\.ebx$/);
    expect(next.number()).toBe(2);
  });
});

describe('a disk that fails', () => {
  it('costs the recording only, with one fault that ends when it works again', async () => {
    let broken = false;
    const disk: BoxDisk = {
      ...nodeDisk,
      async create(path) {
        const file = await nodeDisk.create(path);
        return {
          ...file,
          append: (bytes) =>
            broken ? Promise.reject(new Error('EIO: i/o error, write')) : file.append(bytes),
        };
      },
    };
    const rig = scribeRig(disk);
    send(rig);
    const task = new EndlessTask(rig.memory);
    rig.scribe.begin(task);
    await until(rig, 'begun', () => rig.clock.monotonicMs() > 5000);
    broken = true;
    await until(rig, 'several tries', () => rig.scribe.counters.failures === 3);
    expect(rig.faults).toEqual([
      {
        ...{ fault: 'blackBoxFailed', subject: 'blackBox', raised: true },
        detail:
          `${rig.directory}: EIO: i/o error, write: what is seen is not recorded; ` +
          'mend or clear the disk',
      },
    ]);
    broken = false;
    await until(rig, 'restored', () => rig.faults.length === 2);
    expect(rig.faults[1]).toMatchObject({ fault: 'blackBoxFailed', raised: false });
    task.reason = 'over';
    await until(rig, 'ended', () => rig.ended.length === 1);
    const last = await recordsOf(join(rig.directory, filesOf(rig).at(-1) ?? ''));
    expect(last.at(-1)).toMatchObject({ kind: 'end' });
    // The memory held a minute; what was older when the disk came back is told as lost.
    expect(last.find(({ kind }) => kind === 'gap')).toMatchObject({ what: 'frames' });
    const first = await recordsOf(onlyFile(rig));
    expect(framesOf(first).length).toBeGreaterThan(30);
  });

  it('that hangs is told after half a minute, and blocks nothing else', async () => {
    let free = (): void => undefined;
    let hangs = false;
    const disk: BoxDisk = {
      ...nodeDisk,
      async create(path) {
        const file = await nodeDisk.create(path);
        return {
          ...file,
          append: async (bytes) => {
            if (hangs) await new Promise<void>((resolve) => (free = resolve));
            await file.append(bytes);
          },
        };
      },
    };
    const rig = scribeRig(disk);
    send(rig);
    const patient = { clock: rig.clock, isBusy: () => rig.scribe.busy && !hangs };
    rig.scribe.begin(new EndlessTask(rig.memory));
    await until(patient, 'begun', () => rig.clock.monotonicMs() > 5000);
    hangs = true;
    await until(patient, 'told', () => rig.faults.length === 1);
    expect(rig.faults[0]?.detail).toContain('the disk has not answered for 30 s');
    expect(rig.memory.frames.of(HALL_ARRAY).count).toBeGreaterThan(300);
    hangs = false;
    free();
    await until(patient, 'restored', () => rig.faults.length === 2);
    expect(rig.faults[1]?.raised).toBe(false);
    expect(rig.faults).toHaveLength(2);
  });

  it('whose folder is taken away gets a new one', async () => {
    const rig = scribeRig();
    send(rig);
    const task = new EndlessTask(rig.memory);
    rig.scribe.begin(task);
    await until(rig, 'begun', () => filesOf(rig).length === 1);
    rmSync(rig.directory, { recursive: true });
    task.reason = null;
    await until(rig, 'told', () => rig.faults.length === 1);
    await until(rig, 'restored', () => rig.faults.length === 2);
    expect(filesOf(rig)).toHaveLength(1);
  });
});

const isRoot = process.getuid?.() === 0;
const mounted: string[] = [];
afterEach(() => {
  for (const path of mounted.splice(0)) execFileSync('umount', ['-l', path]);
});

/** A file system of its own with room for two megabytes; null where mounting is not permitted. */
function smallDisk(): string | null {
  const path = join(temporaryFolder(), 'small');
  mkdirSync(path);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    return null;
  }
  mounted.push(path);
  return path;
}
const canMount = isRoot && smallDiskWorks();
function smallDiskWorks(): boolean {
  const path = smallDisk();
  for (const one of mounted.splice(0)) execFileSync('umount', ['-l', one]);
  return path !== null;
}

describe.skipIf(!canMount)('a full disk (needs root and mount)', () => {
  it('is a fault; the file stays readable, and recording goes on once there is room', async () => {
    const directory = smallDisk() ?? '';
    const blocker = join(directory, 'somebody-else');
    const rig = scribeRig();
    const { clock, memory, faults } = rig;
    const limits = () => ({ maxBytes: 1e9, maxFiles: 100, oldestWallMs: -Infinity });
    // Room is counted as if there were plenty: the disk itself has to refuse.
    const disk = oneAtATime({ ...nodeDisk, freeBytes: () => Promise.resolve(1e12) });
    const scribe = new Scribe({
      ...{ clock, disk, subject: 'blackBox', periodMs: 1000, syncMs: 5000 },
      shelf: new Shelf({ disk, directory, limits, freeBytes: 0 }),
      fault: (notice) => faults.push(notice),
      wallTime: () => isoFromWallMs(clock.wallMs()),
      maxFileBytes: 1e9,
      ended: () => undefined,
    });
    send(rig);
    const small = { clock, isBusy: () => scribe.busy };
    scribe.begin(new EndlessTask(memory));
    await until(small, 'begun', () => clock.monotonicMs() > 5000);
    writeFileSync(blocker, Buffer.alloc(1_800_000));
    await until(small, 'full', () => faults.length === 1);
    expect(faults[0]?.detail).toContain('ENOSPC');
    const names = readdirSync(directory).filter((name) => name.endsWith('.ebx'));
    const first = await recordsOf(join(directory, names[0] ?? ''));
    expect(framesOf(first).length).toBeGreaterThan(40);
    expect(first.at(-1)).toMatchObject({ kind: 'damage', problem: 'torn' });
    rmSync(blocker);
    await until(small, 'restored', () => faults.length === 2);
    await scribe.close();
    const last = readdirSync(directory).sort().at(-1) ?? '';
    expect((await recordsOf(join(directory, last))).at(-1)).toMatchObject({ kind: 'end' });
  });
});
