import {
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
  closeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WriteOrder, WriteReport } from '../../scripts/provision/flash-write.ts';
import { writeImage } from '../../scripts/provision/flash-write.ts';
import type { ImageFile } from '../../scripts/provision/image-file.ts';
import { openImage } from '../../scripts/provision/image-file.ts';
import { Overlay } from '../../scripts/provision/overlay.ts';
import type { Progress } from '../../scripts/provision/progress.ts';
import { line, startProgress } from '../../scripts/provision/progress.ts';

const MIB = 1024 * 1024;
const SIZE = 13 * MIB + 512;
const silent = (): Progress => ({ advance: () => undefined, done: () => null });
let folder: string;
let image: ImageFile;
const at = (name: string): string => join(folder, name);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'embereye-write-'));
  const bytes = Buffer.alloc(SIZE);
  bytes.fill('start', 0, MIB);
  bytes.fill('later', 9 * MIB, 10 * MIB);
  bytes.write('end', SIZE - 3);
  writeFileSync(at('image'), bytes);
  image = await openImage(at('image'), silent, () => undefined);
});
afterEach(() => {
  image.close();
  rmSync(folder, { recursive: true });
});

/** A card is a file here: what makes it one is the order in which it is written. */
const write = (change: Partial<WriteOrder> = {}): Promise<WriteReport> => {
  const overlay = new Overlay(image, image.sizeBytes);
  overlay.write(9 * MIB - 2, Buffer.from('changed'));
  return writeImage({
    ...{ image, overlay, to: at('card'), isDevice: true, progress: silent },
    ...{ signal: new AbortController().signal, dropCache: () => Promise.resolve(true) },
    ...change,
  });
};
const card = (bytes = SIZE): void => writeFileSync(at('card'), Buffer.alloc(bytes, 0xee));
function spoil(offset: number): void {
  const file = openSync(at('card'), 'r+');
  writeSync(file, 'X', offset);
  closeSync(file);
}

describe('writing a card', () => {
  it('puts image and changes over all that was there, and nothing behind', async () => {
    card(SIZE + MIB);
    const report = await write();
    expect(report.isFromMedium).toBe(true);
    const expected = readFileSync(at('image'));
    expected.write('changed', 9 * MIB - 2);
    const found = readFileSync(at('card'));
    expect(found.subarray(0, SIZE).equals(expected)).toBe(true);
    expect(found.subarray(SIZE).equals(Buffer.alloc(MIB, 0xee))).toBe(true);
  });

  it.each([0, 5 * MIB + 17, SIZE - 1])(
    'a card that does not keep byte %i is told',
    async (offset) => {
      card();
      const dropCache = (): Promise<boolean> => {
        spoil(offset);
        return Promise.resolve(true);
      };
      await expect(write({ dropCache })).rejects.toThrow(
        `differs from what was written, first at byte ${offset}`,
      );
    },
  );

  it('a card that ends early is told', async () => {
    card();
    const dropCache = (): Promise<boolean> => {
      writeFileSync(at('card'), readFileSync(at('card')).subarray(0, SIZE - 100));
      return Promise.resolve(true);
    };
    await expect(write({ dropCache })).rejects.toThrow(`first at byte ${SIZE - 100}`);
  });

  it('until the last moment a card starts nothing', async () => {
    card();
    const stop = new AbortController();
    let blocks = 0;
    const progress = (): Progress => ({
      advance: () => {
        if (++blocks === 2) stop.abort();
      },
      done: () => null,
    });
    await expect(write({ progress, signal: stop.signal })).rejects.toThrow('not usable now');
    const found = readFileSync(at('card'));
    expect(found.subarray(0, 4 * MIB).equals(Buffer.alloc(4 * MIB))).toBe(true);
    expect(found.toString('latin1', 9 * MIB - 2, 9 * MIB + 5)).toBe('changed');
  });

  it('a target that is away is told', async () => {
    await expect(write()).rejects.toThrow('cannot be opened');
  });
});

describe('writing a file', () => {
  it('takes no space for what is empty', async () => {
    await write({ isDevice: false });
    const { size, blocks } = statSync(at('card'));
    expect(size).toBe(SIZE);
    expect(blocks * 512).toBeLessThan(SIZE);
  });

  it.skipIf(!isFullThere())('a full disk is told with its remedy (needs /dev/full)', async () => {
    await expect(write({ to: '/dev/full' })).rejects.toThrow(/cannot be written: ENOSPC.*card/);
  });
});

function isFullThere(): boolean {
  return statSync('/dev/full', { throwIfNoEntry: false }) !== undefined;
}

describe('the bar', () => {
  it('tells share, speed and what is left', () => {
    expect(line('writing', 0, 100, 0)).toBe('writing [........................]   0 %');
    expect(line('writing', 25e6, 100e6, 1000)).toBe(
      'writing [######..................]  25 %  25.0 MB/s  0:03 left',
    );
    expect(line('writing', 1e9, 1e9, 100_000)).toContain('100 %  10.0 MB/s  0:00 left');
    expect(line('writing', 0, 0, 5)).toContain('100 %');
  });

  it('without a terminal is a line at each tenth, with one a text that is replaced', () => {
    const lines: string[] = [];
    let nowMs = 0;
    const monotonicMs = (): number => (nowMs += 10);
    const plain = startProgress({ err: (text) => lines.push(text), monotonicMs }, 'a', 1000);
    for (let i = 0; i < 100; i++) plain.advance(10);
    expect(plain.done()).toBeGreaterThan(0);
    expect(lines).toHaveLength(10);
    const shown: (string | null)[] = [];
    const status = (text: string | null): void => void shown.push(text);
    const bar = startProgress({ err: () => undefined, status, monotonicMs }, 'a', 1000);
    for (let i = 0; i < 100; i++) bar.advance(10);
    bar.done();
    expect(shown.at(-2)).toContain('100 %');
    expect(shown.at(-1)).toBeNull();
    expect(shown.length).toBeLessThan(20);
  });
});
