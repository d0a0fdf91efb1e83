import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeDisk } from '../../src/store/black-box/disk.ts';
import {
  CAUSES,
  fileNameOf,
  parseFileName,
  Shelf,
  shelfEntries,
  stampOf,
  toDrop,
  wallMsOfStamp,
} from '../../src/store/black-box/shelf.ts';
import type { Cause, ShelfLimits } from '../../src/store/black-box/shelf.ts';
import { temporaryFolder } from './support.ts';

const STAMP = '20260131T120000Z';
const nameOf = (number: number, cause: Cause = 'alarm', zone = 'hall'): string =>
  fileNameOf({ number, cause, zone, stamp: STAMP });
const LIMITS: ShelfLimits = { maxBytes: 1000, maxFiles: 5, oldestWallMs: -Infinity };

describe('a recording’s name', () => {
  it('says what it is, and others are none', () => {
    const zone = fc.stringMatching(/^[a-z0-9_-]{1,48}$/);
    fc.assert(
      fc.property(fc.nat(1e9), fc.constantFrom(...CAUSES), zone, (number, cause, zone) => {
        const name = { number, cause, zone, stamp: STAMP };
        expect(parseFileName(fileNameOf(name))).toEqual(name);
      }),
    );
    for (const other of ['x.ebx', 'notes.txt', '000001-war-hall-20260131T120000Z.ebx', '']) {
      expect(parseFileName(other)).toBeNull();
    }
  });

  it('holds its time', () => {
    expect(stampOf('2026-01-31T12:00:00.123Z')).toBe(STAMP);
    expect(wallMsOfStamp(STAMP)).toBe(Date.UTC(2026, 0, 31, 12));
  });
});

describe('what is dropped', () => {
  const file = (number: number, cause: Cause, bytes: number, exported = false) => {
    const name = nameOf(number, cause);
    return [{ name, bytes }, ...(exported ? [{ name: `${name}.exported`, bytes: 0 }] : [])];
  };
  const dropped = (files: { name: string; bytes: number }[][], wanted = 0, limits = LIMITS) =>
    toDrop(shelfEntries(files.flat()), limits, wanted).map((name) => parseFileName(name)?.number);

  it('is the oldest, alarms that nobody has exported after all others', () => {
    const files = [
      file(1, 'alarm', 300),
      file(2, 'preAlarm', 300),
      file(3, 'alarm', 300, true),
      file(4, 'preAlarm', 300),
    ];
    expect(dropped(files)).toEqual([2]);
    expect(dropped(files, 300)).toEqual([2, 3]);
    expect(dropped(files, 600)).toEqual([2, 3, 4]);
    expect(dropped(files, 900)).toEqual([2, 3, 4, 1]);
  });

  it('is what is too many, the one to come counted', () => {
    const files = [1, 2, 3, 4, 5].map((number) => file(number, 'preAlarm', 1));
    expect(dropped(files)).toEqual([1]);
    expect(dropped(files.slice(1))).toEqual([]);
  });

  it('is an hour that is too old, and no alarm of that age', () => {
    const oldestWallMs = Date.UTC(2026, 1, 1);
    const files = [file(1, 'hour', 1), file(2, 'alarm', 1)];
    expect(dropped(files, 0, { ...LIMITS, oldestWallMs })).toEqual([1]);
  });

  it('never leaves more than the limits, and never a precious one before another', () => {
    const one = fc.record({
      cause: fc.constantFrom<Cause>('alarm', 'preAlarm', 'fault'),
      bytes: fc.nat(500),
      exported: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 20 }), fc.nat(600), (files, wanted) => {
        const listed = files.flatMap(({ cause, bytes, exported }, number) =>
          file(number, cause, bytes, exported),
        );
        const entries = shelfEntries(listed);
        const drop = new Set(toDrop(entries, LIMITS, wanted));
        const kept = entries.filter(({ name }) => !drop.has(name));
        const bytes = kept.reduce((sum, entry) => sum + entry.bytes, 0);
        expect(kept.length).toBeLessThan(LIMITS.maxFiles);
        expect(kept.length === 0 || bytes + wanted <= LIMITS.maxBytes).toBe(true);
        const precious = (entry: (typeof entries)[number]) =>
          entry.cause === 'alarm' && !entry.exported;
        const lostPrecious = entries.some((entry) => drop.has(entry.name) && precious(entry));
        if (lostPrecious) expect(kept.every(precious)).toBe(true);
      }),
    );
  });
});

describe('a folder of recordings', () => {
  const shelfOf = (directory: string, freeBytes = 0, free = Infinity) =>
    new Shelf({
      disk: { ...nodeDisk, freeBytes: () => Promise.resolve(free) },
      directory,
      limits: () => LIMITS,
      freeBytes,
    });

  it('goes on counting, and names what a killed process left', async () => {
    const directory = join(temporaryFolder(), 'box');
    const shelf = shelfOf(directory);
    await shelf.prepare();
    writeFileSync(join(directory, `${nameOf(7)}.part`), 'begun');
    writeFileSync(join(directory, 'mine.txt'), 'left alone');
    await shelf.prepare();
    expect(readdirSync(directory).sort()).toEqual([nameOf(7), 'mine.txt']);
    expect([shelf.number(), shelf.number()]).toEqual([8, 9]);
  });

  it('keeps the reserve of the file system: drops what is not precious, then refuses', async () => {
    const directory = temporaryFolder();
    for (const name of [nameOf(1, 'preAlarm'), nameOf(2), nameOf(3, 'preAlarm')]) {
      writeFileSync(join(directory, name), 'x');
    }
    const shelf = shelfOf(directory, 200e6, 100e6);
    expect(await shelf.makeRoom(10, null)).toBe(
      '100 MB free, and box.freeMegabytes keeps 200: make room on this disk',
    );
    expect(readdirSync(directory)).toEqual([nameOf(2)]);
    expect(await shelfOf(directory).makeRoom(10, null)).toBeNull();
  });

  it('never drops what is being written', async () => {
    const directory = temporaryFolder();
    const writing = `${nameOf(1, 'preAlarm')}.part`;
    writeFileSync(join(directory, writing), Buffer.alloc(5000));
    const shelf = shelfOf(directory);
    await shelf.makeRoom(2000, writing);
    expect(readdirSync(directory)).toEqual([writing]);
    expect([shelf.files, shelf.bytes]).toEqual([1, 5000]);
  });
});
