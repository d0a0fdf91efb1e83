import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_PACKET_BYTES, PacketScanner } from '../../src/domain/line-protocol/framing.ts';
import { bytesOf } from './world.ts';

/** What a scanner reports for `chunks`, as text: `packet:...` or `fault:...`. */
function scan(chunks: readonly Uint8Array[]): { log: string[]; strayBytes: number } {
  const scanner = new PacketScanner();
  const log: string[] = [];
  const text = (bytes: Uint8Array, start: number, end: number): string =>
    Buffer.from(bytes.subarray(start, end)).toString('latin1');
  const visitor = {
    packet: (bytes: Uint8Array, start: number, end: number) =>
      void log.push(`packet:${text(bytes, start, end)}`),
    fault: (fault: string, bytes: Uint8Array, start: number, end: number) =>
      void log.push(`${fault}:${text(bytes, start, end)}`),
  };
  for (const chunk of chunks) scanner.push(chunk, visitor);
  scanner.finish(visitor);
  return { log, strayBytes: scanner.strayBytes };
}

/** The same rules, one character at a time: slow and obvious. */
function scanByModel(bytes: Uint8Array): { log: string[]; strayBytes: number } {
  const log: string[] = [];
  let body: string | null = null;
  let strayBytes = 0;
  for (const byte of bytes) {
    const character = String.fromCharCode(byte);
    if (body === null) {
      if (character === '#') body = '';
      else if (character !== '\r' && character !== '\n') strayBytes += 1;
    } else if (character === '!') {
      log.push(`packet:${body}`);
      body = null;
    } else if (character === '#') {
      log.push(`restarted:${body}`);
      body = '';
    } else if (byte < 0x20 || byte > 0x7e) {
      log.push(`notPrintable:${body}`);
      body = null;
    } else {
      body += character;
      if (body.length > MAX_PACKET_BYTES - 2) {
        log.push(`tooLong:${body}`);
        body = null;
      }
    }
  }
  if (body !== null) log.push(`truncated:${body}`);
  return { log, strayBytes };
}

function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (let index = 0; at < bytes.length; index++) {
    const size = sizes[index % sizes.length] ?? 1;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

/** Streams that are mostly packets, with every kind of damage between and inside them. */
const stream = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.string({ maxLength: 30 }).map((body) => `#${body}!\r\n`) },
      {
        weight: 2,
        arbitrary: fc.constantFrom('#', '!', '\r\n', ' ', '##', '!!', '\u0000', '\u00ff'),
      },
      { weight: 1, arbitrary: fc.nat(2 * MAX_PACKET_BYTES).map((n) => `#${'A'.repeat(n)}!`) },
      { weight: 1, arbitrary: fc.constantFrom(0, 1, 2).map((n) => `#${'A'.repeat(8189 + n)}!`) },
    ),
    { maxLength: 20 },
  )
  .map((parts) => bytesOf(parts.join('')));

const chunkSizes = fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 8 });

describe('framing', () => {
  it('finds the same packets and faults however the bytes are cut', () => {
    fc.assert(
      fc.property(stream, chunkSizes, (bytes, sizes) => {
        expect(scan(cut(bytes, sizes))).toEqual(scanByModel(bytes));
      }),
      { numRuns: 300 },
    );
  });

  it('finds the same packets one byte at a time', () => {
    fc.assert(
      fc.property(stream, (bytes) => {
        expect(scan(cut(bytes, [1]))).toEqual(scan([bytes]));
      }),
      { numRuns: 60 },
    );
  });

  it('agrees with the model on random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), chunkSizes, (bytes, sizes) => {
        expect(scan(cut(bytes, sizes))).toEqual(scanByModel(bytes));
      }),
    );
  });

  it('takes a packet of exactly 8 kB and refuses one byte more', () => {
    const longest = `#${'A'.repeat(MAX_PACKET_BYTES - 2)}!`;
    expect(scan([bytesOf(longest)]).log).toEqual([`packet:${longest.slice(1, -1)}`]);
    const tooLong = scan([bytesOf(`#${'A'.repeat(MAX_PACKET_BYTES - 1)}!#next!`)]);
    expect(tooLong.log.map((line) => line.slice(0, 12))).toEqual(['tooLong:AAAA', 'packet:next']);
  });

  it('restarts at a later # and resumes after a corrupt byte at the next #', () => {
    expect(scan([bytesOf('#cut#whole!')]).log).toEqual(['restarted:cut', 'packet:whole']);
    const corrupt = scan([bytesOf('#bad\u0007rest!#good!')]);
    expect(corrupt).toEqual({ log: ['notPrintable:bad', 'packet:good'], strayBytes: 5 });
  });
});
