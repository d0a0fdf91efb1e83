import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventTextOf, isLast, takeTexts } from '../../src/store/texts.ts';
import { eventOf } from '../../src/store/codec.ts';
import { LANES } from '../../src/domain/event.ts';
import { events, stamperFor } from './support.ts';

/** What somebody might write to be taken for an envelope. */
const forged = fc.constantFrom(
  ',"seq":5}',
  '"seq":7}',
  '{"schema":1,"deviceId":"x","bootId":"forged","monotonicMs":1,"wall":"forged"',
  '\\","bootId":"forged',
  '🔥\u2028"',
);

describe('the envelope of an event text', () => {
  it('is what parsing it says, whatever stands in its data', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...LANES),
        fc.array(fc.oneof(forged, fc.string({ unit: 'binary' })), { maxLength: 3 }),
        (lane, words) => {
          const stamper = stamperFor();
          for (const event of events(stamper, lane, 3, words.join(''))) {
            const json = JSON.stringify(event);
            const { seq, bootId, monotonicMs, wall } = event;
            expect(eventTextOf(json)).toEqual({ seq, bootId, monotonicMs, wall, json });
          }
        },
      ),
    );
  });

  it('is found in any order of the fields, by parsing', () => {
    const [event] = events(stamperFor(), 'alarm', 1);
    const { seq, bootId, data, ...rest } = event!;
    const { schema, deviceId, monotonicMs, wall, ...others } = rest;
    const head = { schema, deviceId, bootId, monotonicMs, wall };
    for (const shape of [
      { seq, bootId, ...rest, data },
      { ...rest, data, seq, bootId },
      { ...event, historical: true },
      { ...head, ...others, seq, data: { ...data, seq: 99 } },
    ]) {
      const json = JSON.stringify(shape);
      expect(eventTextOf(json)).toEqual({
        ...{ seq, bootId, json },
        monotonicMs: event?.monotonicMs,
        wall: event?.wall,
      });
    }
  });

  it('is not read into what is no event', () => {
    const json = JSON.stringify(events(stamperFor(), 'fault', 1)[0]);
    for (const bad of ['', '{}', 'null', json.slice(1), json.slice(0, -1), `[${json}]`]) {
      expect(eventOf(bad)).toBeNull();
      expect(eventTextOf(bad)).toBeNull();
    }
  });
});

describe('a page of texts', () => {
  it('ends behind the text that fills it, and says whether there may be more', () => {
    const rows = ['aaaa', 'bbbb', 'cccc'];
    expect(takeTexts(rows, 100)).toEqual(rows);
    expect(takeTexts(rows, 5)).toEqual(['aaaa', 'bbbb']);
    expect(takeTexts(rows, 1)).toEqual(['aaaa']);
    expect(takeTexts([], 1)).toEqual([]);
    expect(isLast(rows, 3, 100)).toBe(false);
    expect(isLast(rows, 4, 100)).toBe(true);
    expect(isLast(['aaaa', 'bbbb'], 4, 5)).toBe(false);
    expect(isLast([], 4, 5)).toBe(true);
  });
});
