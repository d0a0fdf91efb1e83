import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALARM_FILE_BYTES, ALARM_FILE_NAMES, AlarmFile } from '../../src/store/alarm-file.ts';
import { readAlarmFile } from '../../src/store/alarm-file-frames.ts';
import { rowOf } from '../../src/store/codec.ts';
import type { EventRow } from '../../src/store/messages.ts';
import { events, stamperFor, temporaryFolder } from './support.ts';

const SMALL = 16 * 1024;

function opened(directory: string, delivered = 0, bytes = SMALL) {
  const file = new AlarmFile(directory, () => delivered, bytes);
  const start = file.open();
  return { file, start, seqs: start.records.map(({ event }) => event.seq) };
}

function alarms(count: number, text = 'x', last = 0): readonly EventRow[] {
  const from = { alarm: last, fault: 0, operator: 0, system: 0 };
  return events(stamperFor(from, null, undefined, last + 1), 'alarm', count, text).map(rowOf);
}

const path = (directory: string, file = 0): string => join(directory, ALARM_FILE_NAMES[file] ?? '');

describe('the alarm file', () => {
  it('gives back what was appended, once, and takes nothing but alarms', () => {
    const directory = temporaryFolder();
    const { file } = opened(directory);
    const rows = alarms(5);
    const faults = events(stamperFor(), 'fault', 2).map(rowOf);
    expect(file.append([...rows, ...faults])).toEqual({ kind: 'kept' });
    expect(file.append(rows)).toEqual({ kind: 'kept' });
    file.close();
    const again = opened(directory);
    expect(again.start).toMatchObject({ failure: null, damage: '', torn: '' });
    expect(again.start.records.map(({ json }) => json)).toEqual(rows.map(({ json }) => json));
    again.file.close();
  });

  it('reserves both files at once, and keeps their size for ever', () => {
    const directory = temporaryFolder();
    const { file } = opened(directory, 1e9, ALARM_FILE_BYTES);
    for (const index of [0, 1]) {
      const { size, blocks } = statSync(path(directory, index));
      expect([size, blocks * 512 >= size]).toEqual([ALARM_FILE_BYTES, true]);
    }
    let last = 0;
    for (let round = 0; round < 30; round += 1) {
      const rows = alarms(200, 'y'.repeat(300), last);
      last += rows.length;
      expect(file.append(rows).kind).toBe('kept');
      file.stored(rows);
    }
    expect([0, 1].map((index) => statSync(path(directory, index)).size)).toEqual([
      ALARM_FILE_BYTES,
      ALARM_FILE_BYTES,
    ]);
    file.close();
    const { seqs, start } = opened(directory, 1e9, ALARM_FILE_BYTES);
    expect(seqs.at(-1)).toBe(last);
    // The newest are all there: at least what three quarters of one file hold.
    const bytesOfOne = (start.records[0]?.json.length ?? 0) + 20;
    const least = Math.floor((ALARM_FILE_BYTES * 0.75) / bytesOfOne) - 1;
    expect(seqs.slice(-least)).toEqual(
      Array.from({ length: least }, (_, i) => last - least + 1 + i),
    );
  });

  it('keeps more of what some broker has not had when the file turns over', () => {
    const kept = (delivered: number): readonly (readonly number[])[] => {
      const directory = temporaryFolder();
      const { file } = opened(directory, delivered);
      const found: (readonly number[])[] = [];
      for (let last = 0; last < 48; last += 1) {
        const rows = alarms(1, 'z'.repeat(700), last);
        file.append(rows);
        file.stored(rows);
        // What a start would read now.
        const both = [0, 1].flatMap(
          (index) => readAlarmFile(readFileSync(path(directory, index))).records,
        );
        found.push([...new Set(both.map(({ event }) => event.seq))].sort((one, two) => one - two));
      }
      file.close();
      return found;
    };
    const delivered = kept(1e9);
    const undelivered = kept(0);
    const more = undelivered.map((seqs, index) => seqs.length - (delivered[index]?.length ?? 0));
    expect(Math.min(...more)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...more)).toBeGreaterThan(2);
  });

  it('never gives up an alarm that the database lacks: it says that it is full instead', () => {
    const directory = temporaryFolder();
    const { file } = opened(directory);
    const kept: number[] = [];
    let last = 0;
    let full = '';
    while (full === '') {
      const rows = alarms(1, 'w'.repeat(300), last);
      const outcome = file.append(rows);
      if (outcome.kind !== 'kept') full = outcome.detail;
      else kept.push(...rows.map(({ seq }) => seq));
      last += 1;
      expect(last).toBeLessThan(1000);
    }
    expect(full).toContain('full of alarms that the database lacks');
    expect(kept.length * 500).toBeGreaterThan(SMALL);
    file.close();
    const again = opened(directory);
    expect(again.seqs).toEqual(kept);
    // With the database back there is room again.
    again.file.stored(again.start.records.map(({ event }) => event));
    expect(again.file.append(alarms(1, 'v', last)).kind).toBe('kept');
  });

  it('says why it cannot be written, and works once it can', () => {
    const directory = join(temporaryFolder(), 'state');
    writeFileSync(directory, 'a file where the folder should be');
    const { file, start } = opened(directory);
    expect(start.failure).toContain('EEXIST');
    expect(file.isOpen).toBe(false);
    expect(file.append(alarms(1)).kind).toBe('failed');
    rmSync(directory);
    expect(file.open().failure).toBeNull();
    expect(file.append(alarms(1)).kind).toBe('kept');
  });

  it('makes a file whole again that was cut, or copied without its zeroes', () => {
    const directory = temporaryFolder();
    const { file } = opened(directory);
    file.append(alarms(3));
    file.close();
    const { end } = readAlarmFile(readFileSync(path(directory)));
    truncateSync(path(directory), end);
    truncateSync(path(directory, 1), 0);
    const again = opened(directory);
    expect(again.seqs).toEqual([1, 2, 3]);
    expect(statSync(path(directory)).size).toBe(SMALL);
    again.file.close();
    // A hole of the full length: size without blocks.
    truncateSync(path(directory), end);
    truncateSync(path(directory), SMALL);
    opened(directory);
    expect(statSync(path(directory)).blocks * 512).toBeGreaterThanOrEqual(SMALL);
  });
});

describe('its format', () => {
  const rows = alarms(6, 'some text');
  const whole = (() => {
    const directory = temporaryFolder();
    const { file } = opened(directory);
    file.append(rows);
    file.close();
    return readFileSync(path(directory));
  })();
  const { end } = readAlarmFile(whole);
  const bytesOfOne = 20 + Buffer.byteLength(rows[0]?.json ?? '');

  it('torn at every byte: what was whole stays, the rest is cut off, writing goes on', () => {
    const directory = temporaryFolder();
    const last = end - bytesOfOne;
    for (let cut = last + 1; cut < end; cut += 1) {
      const torn = Buffer.from(whole);
      torn.fill(0, cut);
      writeFileSync(path(directory), torn);
      const { file, seqs, start } = opened(directory);
      expect(seqs).toEqual([1, 2, 3, 4, 5]);
      expect(start.torn === '').toBe(cut - last < 4);
      expect(file.append(rows.slice(5)).kind).toBe('kept');
      file.close();
      const after = opened(directory);
      expect([after.seqs, after.start.torn, after.start.damage]).toEqual([
        [1, 2, 3, 4, 5, 6],
        '',
        '',
      ]);
      after.file.close();
    }
  });

  it('flipped bits cost the frames they touch and no others, and nothing is invented', () => {
    const known = new Set(rows.map(({ json }) => json));
    fc.assert(
      fc.property(
        fc.array(fc.record({ at: fc.nat(end - 1), bit: fc.nat(7) }), {
          minLength: 1,
          maxLength: 4,
        }),
        (flips) => {
          const bytes = Buffer.from(whole);
          for (const { at, bit } of flips) bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
          const touched = new Set(flips.map(({ at }) => frameOf(at)));
          const found = readAlarmFile(bytes);
          for (const { json } of found.records) expect(known.has(json)).toBe(true);
          const seqs = found.records.map(({ event }) => event.seq);
          const intact = [1, 2, 3, 4, 5, 6].filter((seq) => !touched.has(seq));
          expect(seqs).toEqual(expect.arrayContaining(intact));
        },
      ),
      { numRuns: 500 },
    );
    function frameOf(at: number): number {
      const heads = end - 6 * bytesOfOne;
      return at < heads ? 0 : Math.floor((at - heads) / bytesOfOne) + 1;
    }
  });

  it('reading arbitrary bytes ends and believes nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        const found = readAlarmFile(Buffer.from(bytes));
        expect(found.records).toEqual([]);
        expect(found.end).toBe(0);
      }),
    );
  });
});
