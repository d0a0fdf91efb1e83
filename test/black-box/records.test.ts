import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packBlock } from '../../src/store/black-box/block.ts';
import { BoxFile } from '../../src/store/black-box/box-file.ts';
import { nodeDisk } from '../../src/store/black-box/disk.ts';
import { BoxMemory } from '../../src/store/black-box/memory.ts';
import { RecordReader } from '../../src/store/black-box/record-reader.ts';
import { folded, hexOf, RecordWriter, unfolded } from '../../src/store/black-box/record-writer.ts';
import { codeOfReason, outcomeOf } from '../../src/store/black-box/record.ts';
import type { BoxRecord } from '../../src/store/black-box/record.ts';
import { Taps } from '../../src/store/black-box/tap.ts';
import {
  framesOf,
  HALL_ARRAY,
  HEADER,
  legacyTap,
  NoisyArray,
  PICTURE,
  recordsOf,
  temporaryFolder,
} from './support.ts';

const END = { kind: 'end', atMs: 2000, wall: HEADER.wall, reason: 'over', frames: 0 } as const;
const BLOCKS = 6;
const FRAMES_A_BLOCK = 7;

interface Made {
  readonly bytes: Buffer;
  /** Where each block ends in the file. */
  readonly ends: readonly number[];
  /** Words of each frame, in order. */
  readonly sent: readonly Uint16Array[];
}

/** A recording of six blocks, the first with the header and the last with the end. */
async function recording(): Promise<Made> {
  const path = join(temporaryFolder(), '000001-alarm-hall-20260131T120000Z.ebx');
  const file = await BoxFile.create(nodeDisk, path);
  const memory = new BoxMemory(16_000_000, 60_000);
  const tap = legacyTap(new Taps(memory.frames), HALL_ARRAY);
  const frames = memory.frames.of(HALL_ARRAY);
  const array = new NoisyArray();
  const writer = new RecordWriter();
  const ends: number[] = [];
  const sent: Uint16Array[] = [];
  writer.text(HEADER);
  for (let block = 0; block < BLOCKS; block++) {
    for (let i = 0; i < FRAMES_A_BLOCK; i++) {
      tap.words(array.next(), null, sent.length, NaN);
      tap.picture(PICTURE, true);
      sent.push(array.words.slice());
      const slot = frames.at(frames.next - 1);
      if (slot !== null) writer.frame(slot);
    }
    if (block === BLOCKS - 1) writer.text({ ...END, frames: writer.frames });
    await file.append(writer.bytes);
    ends.push(file.bytes);
    writer.clear();
  }
  await file.finish();
  return { bytes: readFileSync(path), ends, sent };
}

async function readBytes(bytes: Buffer): Promise<readonly BoxRecord[]> {
  const path = join(temporaryFolder(), 'some.ebx');
  writeFileSync(path, bytes);
  return recordsOf(path);
}

const sameWords = (records: readonly BoxRecord[], sent: readonly Uint16Array[]): boolean =>
  framesOf(records).every(({ words, atMs }) => hexOf(words) === hexOf(sent[atMs] ?? EMPTY));
const EMPTY = new Uint16Array(0);

describe('a word as difference', () => {
  it('comes back for any two words, and is small for small changes', () => {
    const word = fc.integer({ min: 0, max: 0xffff });
    fc.assert(fc.property(word, word, (a, b) => unfolded(folded(a, b), b) === a));
    expect([0, -1, 1, -2, 2].map((change) => folded(1000 + change, 1000))).toEqual([0, 1, 2, 3, 4]);
    expect(folded(1, 0xffff)).toBe(4);
  });
});

describe('outcomes', () => {
  it('have codes that come back, and an unknown one is no picture', () => {
    for (const reason of ['noCalibration', 'glitch', 'hardware'] as const) {
      expect(outcomeOf(codeOfReason(reason))).toBe(reason);
    }
    expect([outcomeOf(0), outcomeOf(1), outcomeOf(250)]).toEqual(['half', 'picture', 'corrupt']);
  });
});

describe('a recording', () => {
  it('comes back as it was written, and zcat unpacks it', async () => {
    const { bytes, sent } = await recording();
    const records = await readBytes(bytes);
    expect(records[0]).toEqual(HEADER);
    expect(records.at(-1)).toEqual({ ...END, frames: sent.length });
    const frames = framesOf(records);
    expect(frames).toHaveLength(BLOCKS * FRAMES_A_BLOCK);
    expect(sameWords(records, sent)).toBe(true);
    expect(frames[0]).toMatchObject({
      ...{ sensor: HALL_ARRAY, subpage: null, outcome: 'picture', calibrated: true },
      calibration: { number: 0, eeprom: null, decoding: { kind: 'legacy' } },
    });
    expect(gunzipSync(bytes).includes('"kind":"header"')).toBe(true);
  });

  it('packs the noise of an array into less than half of what it sends', async () => {
    const { bytes, sent } = await recording();
    expect(bytes.length).toBeLessThan((sent.length * 1668) / 2);
  });

  it('torn at every border of its blocks is readable up to there', async () => {
    const { bytes, ends, sent } = await recording();
    for (const [block, end] of ends.slice(0, -1).entries()) {
      const records = await readBytes(bytes.subarray(0, end));
      expect(framesOf(records)).toHaveLength((block + 1) * FRAMES_A_BLOCK);
      expect(sameWords(records, sent)).toBe(true);
      expect(records.at(-1)).toMatchObject({ kind: 'damage', problem: 'torn', offset: end });
    }
  });

  it('torn at any byte is readable up to the tear, and never anything else', async () => {
    const { bytes, ends, sent } = await recording();
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), async (length) => {
        const records = await readBytes(bytes.subarray(0, length));
        const whole = ends.filter((end) => end <= length).length;
        const frames = framesOf(records);
        expect(frames.length).toBeGreaterThanOrEqual(whole * FRAMES_A_BLOCK);
        expect(frames.length).toBeLessThanOrEqual((whole + 1) * FRAMES_A_BLOCK);
        expect(sameWords(records, sent)).toBe(true);
        expect(records.at(-1)).toMatchObject({ kind: 'damage', problem: 'torn' });
      }),
      { numRuns: 150 },
    );
  });

  it('gives up within a block, at the tear, not before it', async () => {
    const { bytes, ends } = await recording();
    const [first = 0, second = 0] = ends;
    const records = await readBytes(bytes.subarray(0, first + (second - first) / 2));
    expect(framesOf(records).length).toBeGreaterThan(FRAMES_A_BLOCK);
    expect(framesOf(records).length).toBeLessThan(2 * FRAMES_A_BLOCK);
  });

  it('with any byte damaged never gives a wrong word, and goes on behind the damage', async () => {
    const { bytes, ends, sent } = await recording();
    const change = fc.integer({ min: 1, max: 255 });
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), change, async (at, by) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ by;
        const records = await readBytes(changed);
        expect(sameWords(records, sent)).toBe(true);
        const block = ends.findIndex((end) => at < end);
        const before = framesOf(records).filter(({ atMs }) => atMs < block * FRAMES_A_BLOCK);
        expect(before).toHaveLength(block * FRAMES_A_BLOCK);
        // Behind a damaged first block nothing says what the words mean; behind others it does.
        const isLast = block === BLOCKS - 1;
        if (!isLast) expect(records.at(-1)).toMatchObject({ kind: 'end' });
      }),
      { numRuns: 200 },
    );
  });

  it('never makes a reader fail, whatever the bytes are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async (noise) => {
        const records = await readBytes(Buffer.from(noise));
        expect(records.length).toBeGreaterThan(0);
        for (const { kind } of records) expect(kind).toBe('damage');
        const packed = await packBlock(Buffer.from(noise));
        for (const { kind } of await readBytes(packed)) expect(kind).toBe('damage');
      }),
      { numRuns: 100 },
    );
  });

  it('of a later release is passed over record by record', () => {
    const writer = new RecordWriter();
    writer.json('{"kind":"hologram"}');
    writer.json('[]');
    writer.json('{"kind":"header","format":2}');
    writer.json('{"kind":"calibration","number":0}');
    writer.text(END);
    const found: string[] = [];
    new RecordReader().read(writer.bytes, (parsed) => {
      found.push(parsed.kind === 'record' ? parsed.record.kind : parsed.detail);
    });
    expect(found).toEqual([
      'a record "hologram"',
      'a text record that is no JSON object',
      'a file of format 2, this release reads 1',
      'a calibration that lacks fields',
      'end',
    ]);
  });
});
