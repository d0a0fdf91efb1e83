/** The disk that the proof of power cuts rests on: it must lose what it says, and nothing else. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LossyBlocks, SECTOR_BYTES } from '../../bench/power/lossy-blocks.ts';

const SECTORS = 8;
const SIZE = SECTORS * SECTOR_BYTES;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'embereye-blocks-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function fresh(): { readonly path: string; readonly blocks: LossyBlocks } {
  const path = join(folder, 'disk');
  writeFileSync(path, '');
  return { path, blocks: new LossyBlocks(path, SIZE) };
}

const write = fc
  .record({ at: fc.nat(SIZE - 1), length: fc.integer({ min: 1, max: 1400 }), value: fc.nat(255) })
  .map(({ at, length, value }) => ({
    kind: 'write' as const,
    at,
    bytes: Buffer.alloc(Math.min(length, SIZE - at), value),
  }));
const action = fc.oneof(
  { weight: 4, arbitrary: write },
  { weight: 1, arbitrary: fc.constant({ kind: 'flush' as const }) },
);

describe('the blocks of a lossy disk', () => {
  it('read what was written last, flushed or not', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 30 }), (actions) => {
        const { blocks } = fresh();
        const model = Buffer.alloc(SIZE);
        for (const one of actions) {
          if (one.kind === 'flush') blocks.flush();
          else {
            blocks.write(one.at, one.bytes);
            one.bytes.copy(model, one.at);
          }
        }
        expect(blocks.read(0, SIZE)).toEqual(model);
        expect(blocks.read(700, 900)).toEqual(model.subarray(700, 1600));
        blocks.cut(() => true);
      }),
    );
  });

  it('keep what was flushed through a cut, and of the rest whole sectors or nothing', () => {
    fc.assert(
      fc.property(
        fc.array(action, { maxLength: 30 }),
        fc.array(fc.boolean(), { minLength: SECTORS, maxLength: SECTORS }),
        (actions, luck) => {
          const { path, blocks } = fresh();
          const written = Buffer.alloc(SIZE);
          let flushed = Buffer.alloc(SIZE);
          for (const one of actions) {
            if (one.kind === 'flush') {
              blocks.flush();
              flushed = Buffer.from(written);
            } else {
              blocks.write(one.at, one.bytes);
              one.bytes.copy(written, one.at);
            }
          }
          let asked = 0;
          const unflushed = blocks.unflushedSectors;
          const lost = blocks.cut(() => luck[asked++] === true);
          expect(asked).toBe(unflushed);
          expect(lost).toBe(luck.slice(0, asked).filter((survives) => !survives).length);
          const kept = readFileSync(path);
          for (let at = 0; at < SIZE; at += SECTOR_BYTES) {
            const sector = kept.subarray(at, at + SECTOR_BYTES);
            const isOld = sector.equals(flushed.subarray(at, at + SECTOR_BYTES));
            const isNew = sector.equals(written.subarray(at, at + SECTOR_BYTES));
            expect(isOld || isNew).toBe(true);
          }
          if (luck.every((survives) => !survives)) expect(kept).toEqual(flushed);
        },
      ),
    );
  });

  it('lose everything that was not flushed when nothing survives', () => {
    const { path, blocks } = fresh();
    blocks.write(0, Buffer.alloc(SIZE, 1));
    blocks.flush();
    blocks.write(SECTOR_BYTES, Buffer.alloc(SECTOR_BYTES * 2, 2));
    expect(blocks.cut(() => false)).toBe(2);
    expect(readFileSync(path)).toEqual(Buffer.alloc(SIZE, 1));
  });
});
