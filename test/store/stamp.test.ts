import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LANES } from '../../src/domain/event.ts';
import { isEventId, laterId, newBootId } from '../../src/store/stamp.ts';
import { isoFromWallMs } from '../../src/store/wall-time.ts';
import { domainEvent, ManualClock, seededRandom, stamperFor } from './support.ts';

const lane = fc.constantFrom(...LANES);
const wall = fc.oneof(
  fc.integer({ min: -1e12, max: 4e12 }),
  fc.double({ noNaN: false, noDefaultInfinity: false }),
);

describe('EventStamper', () => {
  it('numbers every lane without a gap from where it left off', () => {
    fc.assert(
      fc.property(fc.array(fc.array(lane, { maxLength: 6 })), fc.nat(1e9), (steps, last) => {
        const lastSeq = { alarm: last, fault: 0, operator: 7, system: 1 };
        const stamper = stamperFor(lastSeq, null, new ManualClock());
        const stamped = steps.flatMap((lanes) => stamper.stamp(lanes.map((l) => domainEvent(l))));
        for (const name of LANES) {
          const seqs = stamped.filter((event) => event.lane === name).map(({ seq }) => seq);
          expect(seqs).toEqual(seqs.map((_, index) => lastSeq[name] + 1 + index));
          expect(stamper.lastSeq[name]).toBe(lastSeq[name] + seqs.length);
        }
      }),
    );
  });

  it('gives ids that only rise, whatever the wall clock does', () => {
    fc.assert(
      fc.property(fc.array(wall, { minLength: 1, maxLength: 30 }), fc.nat(), (times, seed) => {
        const clock = new ManualClock();
        const stamper = stamperFor(undefined, null, clock, seed);
        let previous = '';
        for (const wallMs of times) {
          clock.setWall(wallMs);
          for (const { id } of stamper.stamp([domainEvent('alarm'), domainEvent('fault')])) {
            expect(isEventId(id)).toBe(true);
            expect(id > previous).toBe(true);
            previous = id;
          }
        }
      }),
    );
  });

  it('never goes below the last stored id, even when the clock has gone back by years', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 48 - 2 ** 20 }),
        fc.integer({ min: 0, max: 0xfff }),
        fc.integer({ min: 0, max: 2e12 }),
        (lastMs, counter, wallMs) => {
          const time = lastMs.toString(16).padStart(12, '0');
          const rand = counter.toString(16).padStart(3, '0');
          const lastId = `${time.slice(0, 8)}-${time.slice(8)}-7${rand}-bfff-ffffffffffff`;
          const stamper = stamperFor(undefined, lastId, new ManualClock(wallMs));
          for (const { id } of stamper.stamp([domainEvent('alarm'), domainEvent('alarm')])) {
            expect(id > lastId).toBe(true);
          }
        },
      ),
    );
  });

  it('outlasts more events in a millisecond than the counter holds', () => {
    const stamper = stamperFor(undefined, null, new ManualClock());
    const many = Array.from({ length: 10_000 }, () => domainEvent('alarm'));
    const ids = stamper.stamp(many).map(({ id }) => id);
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('stamps device, boot, both times and the quality of the clock', () => {
    const clock = new ManualClock(1_700_000_000_123.9);
    const [event] = stamperFor(undefined, null, clock).stamp([domainEvent('operator', 'Halle')]);
    expect(event).toMatchObject({
      schema: 1,
      deviceId: 'unit-1',
      bootId: 'b00t',
      lane: 'operator',
      type: 'enabled',
      data: { zone: 'hall', zoneName: 'Halle', origin: 'console' },
      seq: 1,
      monotonicMs: 0,
      wall: '2023-11-14T22:13:20.123Z',
      clockQuality: 'synchronised',
    });
    expect(event?.id.startsWith('018bcfe5-687b-7')).toBe(true);
  });

  it('names each boot differently', () => {
    const random = seededRandom(4);
    const ids = Array.from({ length: 100 }, () => newBootId(random));
    expect(new Set(ids).size).toBe(100);
    expect(ids.every((id) => /^[0-9a-f]{16}$/.test(id))).toBe(true);
  });

  it('takes the later of two ids, and any over none', () => {
    expect(laterId('a', 'b')).toBe('b');
    expect(laterId('b', null)).toBe('b');
    expect(laterId(null, 'a')).toBe('a');
    expect(laterId(null, null)).toBeNull();
  });
});

describe('isoFromWallMs', () => {
  it('agrees with the platform on every instant it can write', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799_999 }), (ms) => {
        expect(isoFromWallMs(ms)).toBe(new Date(ms).toISOString());
      }),
      { numRuns: 2000 },
    );
  });

  it('writes the turn of leap days, years and centuries', () => {
    for (const text of [
      '1970-01-01T00:00:00.000Z',
      '2000-02-29T23:59:59.999Z',
      '2100-02-28T23:59:59.999Z',
      '2100-03-01T00:00:00.000Z',
      '2024-12-31T23:59:59.999Z',
      '9999-12-31T23:59:59.999Z',
    ]) {
      expect(isoFromWallMs(Date.parse(text))).toBe(text);
    }
  });

  it('holds a broken clock at the nearest instant', () => {
    expect(isoFromWallMs(-1)).toBe('1970-01-01T00:00:00.000Z');
    expect(isoFromWallMs(Number.NaN)).toBe('1970-01-01T00:00:00.000Z');
    expect(isoFromWallMs(1e18)).toBe('9999-12-31T23:59:59.999Z');
  });
});
