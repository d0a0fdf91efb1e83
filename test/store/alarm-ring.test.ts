import { existsSync, mkdirSync, readdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JournalEvent } from '../../src/domain/event.ts';
import { AlarmRing } from '../../src/store/alarm-ring.ts';
import { NO_FLOOR } from '../../src/store/numbering.ts';
import { eventFrame, headsFrame, readFrames } from '../../src/store/ring-frames.ts';
import type { StoreTrouble } from '../../src/store/troubles.ts';
import { events, stamperFor, standing, temporaryMemoryFolder } from './support.ts';

interface TestRing {
  readonly ring: AlarmRing;
  readonly troubles: StoreTrouble[];
}

function openRing(path: string, fallbackPath: string | null = null, maxBytes?: number): TestRing {
  const troubles: StoreTrouble[] = [];
  const ring = new AlarmRing({
    path,
    fallbackPath,
    log: () => undefined,
    onTrouble: (trouble) => troubles.push(trouble),
    ...(maxBytes === undefined ? {} : { maxBytes }),
  });
  return { ring, troubles };
}

const receipt = (committed: Record<string, number>) => ({ committed, events: 1, commitMs: 1 });

describe('AlarmRing', () => {
  it('gives back what was appended by a run that ended without a word', () => {
    const path = join(temporaryMemoryFolder(), 'deep', 'ring');
    const stamper = stamperFor();
    const first = events(stamper, 'alarm', 2, 'Küche 🔥');
    const second = events(stamper, 'fault', 3);
    const { ring } = openRing(path);
    expect(ring.append(first)).toBe(true);
    expect(ring.append(second)).toBe(true);
    const again = openRing(path).ring;
    expect(again.recovered.events).toEqual([...first, ...second]);
    expect(again.recovered.damagedBytes).toBe(0);
    expect(again.recovered.heads.lastSeq).toEqual({ alarm: 2, fault: 3, operator: 0, system: 0 });
    expect(again.recovered.heads.lastId).toBe(second[2]?.id);
  });

  it('keeps them through any number of starts until they are durable', () => {
    const path = join(temporaryMemoryFolder(), 'ring');
    const stamper = stamperFor();
    const before = events(stamper, 'alarm', 2);
    openRing(path).ring.append(before);
    const after = events(stamper, 'alarm', 1);
    openRing(path).ring.append(after);
    const { ring } = openRing(path);
    expect(ring.recovered.events).toEqual([...before, ...after]);
    ring.committed(receipt({ alarm: 2 }));
    ring.committed(receipt({ alarm: 3 }));
    const last = openRing(path).ring;
    expect(last.recovered.events).toEqual([]);
    expect(last.recovered.heads.lastSeq.alarm).toBe(3);
    expect(last.recovered.heads.lastId).toBe(after[0]?.id);
  });

  it('is rewound only when every lane is durable', () => {
    const path = join(temporaryMemoryFolder(), 'ring');
    const stamper = stamperFor();
    const { ring } = openRing(path);
    const emptyBytes = ring.bytes;
    ring.append([...events(stamper, 'alarm', 2), ...events(stamper, 'system', 1)]);
    const fullBytes = ring.bytes;
    ring.committed(receipt({ alarm: 2 }));
    expect(ring.bytes).toBe(fullBytes);
    ring.committed({ committed: {}, events: 5, commitMs: 0 });
    expect(ring.bytes).toBe(fullBytes);
    ring.committed(receipt({ system: 1 }));
    expect(ring.bytes).toBeLessThan(emptyBytes + 60);
    expect(statSync(path).size).toBe(ring.bytes);
  });

  it('stays within its bound, gives up other lanes first, and counts', () => {
    const path = join(temporaryMemoryFolder(), 'ring');
    const maxBytes = 64 * 1024;
    const { ring, troubles } = openRing(path, null, maxBytes);
    const stamper = stamperFor();
    const alarms: JournalEvent[] = [];
    for (let round = 0; round < 200; round += 1) {
      if (round % 10 === 0) {
        const [alarm] = events(stamper, 'alarm', 1);
        alarms.push(alarm!);
        ring.append([alarm!]);
      }
      ring.append(events(stamper, 'system', 5));
      expect(statSync(path).size).toBeLessThanOrEqual(maxBytes);
    }
    expect(ring.lost).toBeGreaterThan(0);
    expect(standing(troubles)).toContain('ringFull');
    const kept = openRing(path).ring.recovered.events;
    expect(kept.filter(({ lane }) => lane === 'alarm')).toEqual(alarms);
    expect(kept.length + ring.lost).toBe(200 * 5 + alarms.length);
    expect(kept.at(-1)?.seq).toBe(1000);
  });

  it('gives up the oldest alarms last of all', () => {
    const { ring } = openRing(join(temporaryMemoryFolder(), 'ring'), null, 16 * 1024);
    const stamper = stamperFor();
    for (let round = 0; round < 100; round += 1) ring.append(events(stamper, 'alarm', 1));
    const kept = openRing(ring.path!).ring.recovered.events;
    expect(kept.at(-1)?.seq).toBe(100);
    expect(kept.length + ring.lost).toBe(100);
  });

  it('makes room by leaving out what is durable, without a loss', () => {
    const { ring, troubles } = openRing(join(temporaryMemoryFolder(), 'ring'), null, 32 * 1024);
    const stamper = stamperFor();
    for (let round = 1; round < 500; round += 1) {
      ring.append(events(stamper, 'alarm', 1));
      ring.committed(receipt({ alarm: round - 1 }));
    }
    expect(ring.lost).toBe(0);
    expect(standing(troubles)).not.toContain('ringFull');
    const kept = openRing(ring.path!).ring.recovered.events;
    expect(kept.at(-1)?.seq).toBe(499);
  });

  it('tells that it cannot be written, goes on, and catches up by itself', () => {
    const folder = temporaryMemoryFolder();
    const place = join(folder, 'place');
    writeFileSync(place, 'a file where a folder should be');
    const { ring, troubles } = openRing(join(place, 'ring'));
    const stamper = stamperFor();
    const alarms = events(stamper, 'alarm', 2);
    expect(ring.append(alarms)).toBe(false);
    expect(ring.path).toBeNull();
    expect(standing(troubles)).toContain('ringUnavailable');
    expect(ring.append(events(stamper, 'fault', 1))).toBe(false);
    unlinkAndMakeFolder(place);
    expect(ring.append(events(stamper, 'alarm', 1))).toBe(true);
    expect(standing(troubles)).not.toContain('ringUnavailable');
    expect(openRing(ring.path!).ring.recovered.events.map(({ seq }) => seq)).toEqual([1, 2, 1, 3]);
  });

  it('falls back to the folder it was given, tells so, and moves home when it can', () => {
    const folder = temporaryMemoryFolder();
    const place = join(folder, 'place');
    writeFileSync(place, '');
    const fallback = join(folder, 'state', 'ring');
    const { ring } = openRing(join(place, 'ring'), fallback);
    const alarms = events(stamperFor(), 'alarm', 2);
    expect(ring.append(alarms)).toBe(true);
    expect(ring.path).toBe(fallback);
    unlinkAndMakeFolder(place);
    const home = openRing(join(place, 'ring'), fallback);
    expect(home.ring.recovered.events).toEqual(alarms);
    expect(home.ring.path).toBe(join(place, 'ring'));
    expect(existsSync(fallback)).toBe(false);
    expect(openRing(join(place, 'ring'), fallback).ring.recovered.events).toEqual(alarms);
  });

  it('counts an event that is too large for a frame, and writes the others', () => {
    const { ring, troubles } = openRing(join(temporaryMemoryFolder(), 'ring'));
    const stamper = stamperFor();
    const huge = events(stamper, 'alarm', 1, 'x'.repeat(300 * 1024));
    const small = events(stamper, 'alarm', 1);
    ring.append([...huge, ...small]);
    expect(ring.lost).toBe(1);
    expect(standing(troubles)).toContain('ringFull');
    expect(openRing(ring.path!).ring.recovered.events).toEqual(small);
  });

  it('leaves no temporary file behind', () => {
    const folder = temporaryMemoryFolder();
    openRing(join(folder, 'ring')).ring.append(events(stamperFor(), 'alarm', 1));
    expect(readdirSync(folder)).toEqual(['ring']);
  });
});

function unlinkAndMakeFolder(place: string): void {
  unlinkSync(place);
  mkdirSync(place);
}

describe('ring frames', () => {
  const stamper = stamperFor();
  const written = events(stamper, 'alarm', 4, 'öl').concat(events(stamper, 'fault', 2));
  const known = new Map(written.map((event) => [event.id, event]));
  const file = Buffer.concat([
    headsFrame(7, NO_FLOOR),
    ...written.map((event) => eventFrame(7, JSON.stringify(event))),
  ]);

  function expectOnlyTrue(found: readonly JournalEvent[]): void {
    for (const event of found) expect(event).toEqual(known.get(event.id));
  }

  it('gives every whole frame of a file that was cut anywhere', () => {
    const ends: number[] = [];
    let at = headsFrame(7, NO_FLOOR).length;
    for (const event of written) ends.push((at += eventFrame(7, JSON.stringify(event)).length));
    for (let length = 0; length <= file.length; length += 1) {
      const { events: found } = readFrames(file.subarray(0, length));
      expect(found).toEqual(written.slice(0, ends.filter((end) => end <= length).length));
    }
  });

  it('loses at most the frames that flipped bits touch', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(7)), { minLength: 1, maxLength: 4 }),
        (flips) => {
          const bytes = Buffer.from(file);
          for (const [at, bit] of flips) bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at);
          const { events: found } = readFrames(bytes);
          expectOnlyTrue(found);
          expect(found.length).toBeGreaterThanOrEqual(written.length - flips.length);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('finds the frames between stretches of garbage', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }), (garbage) => {
        const parts = written.flatMap((event, index) => [
          Buffer.from(garbage[index] ?? []),
          eventFrame(7, JSON.stringify(event)),
        ]);
        const { events: found, damagedBytes } = readFrames(Buffer.concat(parts));
        expect(found).toEqual(written);
        expect(damagedBytes).toBe(garbage.reduce((sum, bytes) => sum + bytes.length, 0));
      }),
    );
  });

  it('reads any bytes without throwing and without inventing an event', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(readFrames(Buffer.from(bytes)).events).toEqual([]);
        const mixed = Buffer.concat([Buffer.from('EER1'), Buffer.from(bytes), file]);
        expectOnlyTrue(readFrames(mixed).events);
      }),
    );
  });

  it('leaves out frames of an earlier filling that a cut rewind left behind', () => {
    const heads = headsFrame(8, { lastSeq: { ...NO_FLOOR.lastSeq, alarm: 4 }, lastId: null });
    const overwritten = Buffer.concat([heads, file.subarray(heads.length)]);
    const contents = readFrames(overwritten);
    expect(contents.events).toEqual([]);
    expect(contents.heads.lastSeq.alarm).toBe(4);
    expect(contents.generation).toBe(8);
  });

  it('refuses the file of another format version', () => {
    const other = Buffer.from(file.toString('latin1').replaceAll('EER1', 'EER2'), 'latin1');
    const contents = readFrames(other);
    expect(contents.events).toEqual([]);
    expect(contents.damagedBytes).toBe(other.length);
  });

  it('refuses frames whose content is sound but is no event', () => {
    const texts = [
      'null',
      '[]',
      '{"schema":1}',
      'no json',
      JSON.stringify({ ...written[0], seq: 0 }),
    ];
    const bytes = Buffer.concat([
      frameOfHeads('null'),
      ...texts.map((text) => eventFrame(7, text)),
      eventFrame(7, JSON.stringify(written[0])),
    ]);
    expect(readFrames(bytes).events).toEqual(written.slice(0, 1));
  });
});

/** A heads frame with any content: an event frame cannot be turned into one without its CRC. */
function frameOfHeads(text: string): Buffer {
  return headsFrame(7, JSON.parse(text) as typeof NO_FLOOR);
}
