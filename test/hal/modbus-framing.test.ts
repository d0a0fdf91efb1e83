/** Cutting streams into answers: any bytes, in any pieces. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc16, withCrc } from '../../src/hal/modbus/crc16.ts';
import { RtuFraming } from '../../src/hal/modbus/rtu-framing.ts';
import { TcpFraming } from '../../src/hal/modbus/tcp-framing.ts';
import type { Framing, Verdict } from '../../src/hal/modbus/wire.ts';

const REQUEST = withCrc(Uint8Array.of(7, 3, 0, 10, 0, 2));
const ANSWER = withCrc(Uint8Array.of(7, 3, 4, 0x12, 0x34, 0x56, 0x78));

/** The first verdict that is not `more`. */
function verdictOf(framing: Framing, pieces: readonly Uint8Array[]): Verdict {
  for (const piece of pieces) {
    const verdict = framing.take(piece);
    if (verdict.kind !== 'more') return verdict;
  }
  return { kind: 'more' };
}

function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = [0, ...places.map((at) => at % (bytes.length + 1)), bytes.length];
  sorted.sort((a, b) => a - b);
  return sorted.slice(1).map((end, at) => bytes.subarray(sorted[at], end));
}

function mbap(transaction: number, body: Uint8Array, protocol = 0): Uint8Array {
  const head = [transaction >> 8, transaction & 0xff, protocol >> 8, protocol & 0xff];
  return Uint8Array.of(...head, body.length >> 8, body.length & 0xff, ...body);
}

const BODY = ANSWER.subarray(0, ANSWER.length - 2);
const anyBytes = fc.uint8Array({ maxLength: 600 });
const places = fc.array(fc.nat({ max: 600 }), { maxLength: 12 });

describe('the checksum', () => {
  it('is 1241 for 02 07, as the specification has it', () => {
    expect(crc16(Uint8Array.of(2, 7)).toString(16)).toBe('1241');
    expect([...withCrc(Uint8Array.of(2, 7))]).toEqual([2, 7, 0x41, 0x12]);
  });

  it('of a frame with its checksum is 0, and of a changed one is not', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 250 }), fc.nat(), (bytes, at) => {
        const frame = withCrc(bytes);
        expect(crc16(frame)).toBe(0);
        const bit = at % (frame.length * 8);
        frame[bit >> 3] = (frame[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(crc16(frame)).not.toBe(0);
      }),
    );
  });
});

describe('answers on a serial line', () => {
  it('come out whole, whatever the pieces', () => {
    fc.assert(
      fc.property(places, (at) => {
        const framing = new RtuFraming();
        expect(framing.begin(REQUEST)).toEqual(REQUEST);
        expect(verdictOf(framing, cut(ANSWER, at))).toEqual({ kind: 'answer', frame: ANSWER });
      }),
    );
  });

  it('of another unit come out too: whoever gets them must be able to name it', () => {
    const framing = new RtuFraming();
    framing.begin(REQUEST);
    const other = withCrc(Uint8Array.of(9, 0x83, 2));
    expect(framing.take(other)).toEqual({ kind: 'answer', frame: other });
  });

  it('are the same for any bytes in any pieces, and nothing grows', () => {
    fc.assert(
      fc.property(anyBytes, places, (bytes, at) => {
        const whole = new RtuFraming();
        whole.begin(REQUEST);
        const pieces = new RtuFraming();
        pieces.begin(REQUEST);
        const one = whole.take(bytes);
        expect(verdictOf(pieces, cut(bytes, at))).toEqual(one);
        if (one.kind === 'answer') expect(one.frame).toEqual(bytes.slice(0, one.frame.length));
        const left = whole.unfinished();
        expect(left === null).toBe(bytes.length === 0);
      }),
    );
  });

  it('that are the request itself show an adapter that hears itself', () => {
    const framing = new RtuFraming();
    framing.begin(REQUEST);
    framing.take(REQUEST);
    expect(framing.echoes).toBe(true);
    framing.begin(REQUEST);
    framing.take(ANSWER);
    expect(framing.echoes).toBe(false);
  });

  it('before the request are forgotten with it', () => {
    const framing = new RtuFraming();
    framing.begin(REQUEST);
    framing.take(ANSWER.subarray(0, 4));
    expect(framing.unfinished()?.why).toContain('4 bytes');
    framing.begin(REQUEST);
    expect(framing.unfinished()).toBeNull();
  });
});

describe('answers over TCP', () => {
  const begun = (times: number): TcpFraming => {
    const framing = new TcpFraming();
    for (let i = 0; i < times; i++) framing.begin(REQUEST);
    return framing;
  };

  it('have the number of the request; requests have each their own', () => {
    const framing = new TcpFraming();
    expect([...framing.begin(REQUEST)]).toEqual([0, 1, 0, 0, 0, 6, 7, 3, 0, 10, 0, 2]);
    expect([...framing.begin(REQUEST)].slice(0, 2)).toEqual([0, 2]);
  });

  it('come out whole, whatever the pieces, behind late ones', () => {
    fc.assert(
      fc.property(places, fc.array(fc.integer({ min: 1, max: 64 })), (at, ages) => {
        const framing = begun(100);
        const late = ages.map((age) => mbap(100 - age, Uint8Array.of(7, 0x83, 6)));
        const stream = Uint8Array.from([...late, mbap(100, BODY)].flatMap((part) => [...part]));
        const verdict = verdictOf(framing, cut(stream, at));
        expect(verdict).toEqual({ kind: 'answer', frame: ANSWER });
        expect(framing.unfinished()).toBeNull();
      }),
    );
  });

  it('with the number of no request are corrupt, and the next one is understood', () => {
    const framing = begun(5);
    expect(framing.take(mbap(6, BODY))).toMatchObject({ kind: 'corrupt', stale: false });
    expect(framing.take(mbap(5, BODY))).toEqual({ kind: 'answer', frame: ANSWER });
  });

  it('count on beyond 65535', () => {
    const framing = begun(0x10000 + 2);
    expect(framing.take(mbap(0xffff, BODY)).kind).toBe('more');
    expect(framing.take(mbap(2, BODY))).toEqual({ kind: 'answer', frame: ANSWER });
  });

  it('that came twice are dropped before the next request', () => {
    const framing = begun(1);
    framing.take(Uint8Array.of(...mbap(1, BODY), ...mbap(1, BODY)));
    framing.begin(REQUEST);
    expect(framing.unfinished()).toBeNull();
  });

  it.each([
    ['another protocol', mbap(1, BODY, 5)],
    ['HTTP', new TextEncoder().encode('HTTP/1.1 400 Bad Request\r\n')],
    ['no length', mbap(1, new Uint8Array(0))],
  ])('that are none (%s) make the connection stale', (_what, bytes) => {
    expect(begun(1).take(bytes)).toMatchObject({ kind: 'corrupt', stale: true });
  });

  it('never throw, and are only those with the right number', () => {
    fc.assert(
      fc.property(anyBytes, places, (bytes, at) => {
        const whole = begun(3).take(bytes);
        expect(verdictOf(begun(3), cut(bytes, at))).toEqual(whole);
      }),
    );
  });
});
