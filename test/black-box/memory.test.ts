import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sensorId } from '../../src/domain/units.ts';
import { FrameMemory, SLOT_BYTES } from '../../src/store/black-box/frame-memory.ts';
import { BoxMemory, Reading } from '../../src/store/black-box/memory.ts';
import { NoteMemory } from '../../src/store/black-box/note-memory.ts';
import { RecordReader } from '../../src/store/black-box/record-reader.ts';
import { RecordWriter } from '../../src/store/black-box/record-writer.ts';
import type { BoxRecord } from '../../src/store/black-box/record.ts';
import { RowMemory } from '../../src/store/black-box/row-memory.ts';
import { Taps } from '../../src/store/black-box/tap.ts';
import { heat, level } from '../alarm/make.ts';
import { HALL_ARRAY, legacyTap, NoisyArray, PICTURE, SHED_ARRAY } from './support.ts';

const A = sensorId('a');
const B = sensorId('b');

describe('the memory of frames', () => {
  it('keeps a sensor for the history and uses its slots again', () => {
    const memory = new FrameMemory(1000 * SLOT_BYTES, 1000);
    const frames = memory.of(A);
    for (let atMs = 0; atMs <= 10_000; atMs += 100) memory.take(frames, atMs);
    expect(frames.count).toBe(11);
    expect(frames.at(frames.first)?.atMs).toBe(9000);
    expect(memory.bytes).toBe(64 * SLOT_BYTES);
  });

  it('lets a flood shorten its own history and nobody else’s', () => {
    const memory = new FrameMemory(100 * SLOT_BYTES, 60_000);
    const [slow, flood] = [memory.of(A), memory.of(B)];
    for (let atMs = 0; atMs < 60_000; atMs += 10) {
      memory.take(flood, atMs);
      if (atMs % 4000 === 0) memory.take(slow, atMs);
    }
    expect(slow.count).toBe(15);
    expect(flood.count).toBe(85);
    expect(flood.at(flood.next - 1)?.atMs).toBe(59_990);
  });

  it('shares equally between sensors that all want more than there is', () => {
    const memory = new FrameMemory(90 * SLOT_BYTES, 60_000);
    const all = ['a', 'b', 'c'].map((id) => memory.of(sensorId(id)));
    for (let atMs = 0; atMs < 5000; atMs += 1) for (const one of all) memory.take(one, atMs);
    for (const { count } of all) expect(Math.abs(count - 30)).toBeLessThanOrEqual(1);
  });

  it('gives what a silent sensor held to others once it is too old', () => {
    const memory = new FrameMemory(10 * SLOT_BYTES, 1000);
    for (let atMs = 0; atMs < 10; atMs++) memory.take(memory.of(A), atMs);
    for (let atMs = 5000; atMs < 5010; atMs++) memory.take(memory.of(B), atMs);
    expect([memory.of(A).count, memory.of(B).count]).toEqual([0, 10]);
  });

  it('never loses or doubles a slot, whoever sends how much', () => {
    const senders = fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.nat(400)), {
      maxLength: 400,
    });
    fc.assert(
      fc.property(senders, fc.integer({ min: 1, max: 40 }), (sends, slots) => {
        const memory = new FrameMemory(slots * SLOT_BYTES, 500);
        let nowMs = 0;
        for (const [sender, afterMs] of sends) {
          nowMs += afterMs;
          memory.take(memory.of(sensorId(`s${sender}`)), nowMs);
        }
        const held = [...memory.sensors].flatMap((frames) =>
          Array.from({ length: frames.count }, (_, i) => frames.at(frames.first + i)),
        );
        expect(held).not.toContain(null);
        expect(new Set(held).size).toBe(held.length);
        expect(held.length).toBeLessThanOrEqual(slots);
      }),
    );
  });

  it('takes a frame as it was received, with what became of it', () => {
    const memory = new FrameMemory(10 * SLOT_BYTES, 1000);
    const tap = legacyTap(new Taps(memory), A);
    const array = new NoisyArray();
    tap.words(array.next(), null, 5, NaN);
    tap.picture(PICTURE, true);
    const sent = array.words.slice();
    tap.words(array.next(), null, 6, NaN);
    tap.withheld('frozen');
    tap.withheld('glitch');
    const [first, second] = [memory.of(A).at(0), memory.of(A).at(1)];
    expect(first?.words).toEqual(sent);
    expect(first).toMatchObject({ count: 834, atMs: 5, outcome: 1, calibrated: true });
    expect(first?.celsiusCrc).not.toBe(0);
    expect(second).toMatchObject({ outcome: 9, calibrated: false, celsiusCrc: 0 });
  });
});

describe('the memory of rows', () => {
  it('merges readings within a tenth of a second and keeps their extremes', () => {
    const rows = new RowMemory(100_000, 60_000);
    rows.add([level('ADC1', 1000, 12), level('ADC1', 1040, [99, 3])]);
    rows.add([level('ADC1', 1200, 13)]);
    const [ring] = rows.rings;
    expect(ring?.next).toBe(2);
    expect(Array.from({ length: 7 }, (_, i) => ring?.get(0, i))).toEqual([
      1000, 1040, 12, 3, 3, 99, 3,
    ]);
    expect(ring?.settledEnd(1250)).toBe(1);
    expect(ring?.settledEnd(1400)).toBe(2);
  });

  it('bounds what one channel and what all of them take', () => {
    const rows = new RowMemory(64_000, 60_000);
    for (let atMs = 0; atMs < 60_000; atMs += 100) {
      rows.add([level('ADC1', atMs, 1), heat(atMs, 50)]);
    }
    for (let i = 0; i < 200; i++) rows.add([level(`X${i}`, 1, 1)]);
    expect(rows.bytes).toBeLessThanOrEqual(64_000);
    for (const ring of rows.rings) expect(ring.bytes).toBeLessThanOrEqual(64_000 / 16);
    const [first] = rows.rings;
    expect(first?.get(first.next - 1, 0)).toBe(59_900);
  });
});

describe('the memory of notes', () => {
  it('drops the oldest beyond its bytes or its history, and keeps its numbers', () => {
    const notes = new NoteMemory(10_000, 1000);
    for (let i = 0; i < 5000; i++) notes.add(i * 10, `{"i":${i}}`);
    expect(notes.next).toBe(5000);
    expect(notes.first).toBeGreaterThanOrEqual(4899);
    expect(notes.at(4999)?.json).toBe('{"i":4999}');
    expect(notes.at(notes.first - 1)).toBeNull();
    expect(notes.bytes).toBeLessThanOrEqual(10_000);
  });
});

describe('a reading of the memory', () => {
  const filled = (reading: Reading): readonly BoxRecord[] => {
    const records: BoxRecord[] = [];
    const reader = new RecordReader();
    const writer = new RecordWriter();
    for (let more = true; more;) {
      more = reading.fill(writer, 4096, 1e9, true);
      reader.read(writer.bytes, (parsed) => {
        if (parsed.kind === 'record') records.push(parsed.record);
      });
      writer.clear();
    }
    return records;
  };

  it('takes the sensors that are wanted, from when they are, and nothing twice', () => {
    const memory = new BoxMemory(1_000_000, 60_000);
    const taps = new Taps(memory.frames);
    const [hall, shed] = [legacyTap(taps, HALL_ARRAY), legacyTap(taps, SHED_ARRAY)];
    const array = new NoisyArray();
    const reading = new Reading(memory, (sensor) => (sensor === HALL_ARRAY ? 300 : null), 300);
    for (let atMs = 0; atMs < 1000; atMs += 100) {
      for (const tap of [hall, shed]) tap.words(array.next(), null, atMs, NaN);
      memory.rows.add([level('ADC1', atMs, 1, HALL_ARRAY), level('ADC1', atMs, 1, SHED_ARRAY)]);
    }
    const records = filled(reading);
    const frames = records.filter(({ kind }) => kind === 'frame');
    expect(frames.map((frame) => 'atMs' in frame && frame.atMs)).toEqual([
      300, 400, 500, 600, 700, 800, 900,
    ]);
    const rows = records.flatMap((one) => (one.kind === 'level' ? one.rows : []));
    expect(rows.map(([atMs]) => atMs)).toEqual([300, 400, 500, 600, 700, 800, 900]);
    expect(filled(reading)).toEqual([]);
  });

  it('says what was overwritten before it came', () => {
    const memory = new BoxMemory(40 * SLOT_BYTES, 60_000);
    const tap = legacyTap(new Taps(memory.frames), HALL_ARRAY);
    const array = new NoisyArray();
    const reading = new Reading(memory, () => 0, 0);
    tap.words(array.next(), null, 1, NaN);
    filled(reading);
    for (let atMs = 2; atMs < 102; atMs++) tap.words(array.next(), null, atMs, NaN);
    const records = filled(reading);
    expect(records[0]).toEqual({ kind: 'gap', what: 'frames', sensor: HALL_ARRAY, lost: 70 });
    expect(records.filter(({ kind }) => kind === 'frame')).toHaveLength(30);
    expect(reading.lost).toBe(70);
  });
});
