import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ReceivedMessage, Reply, Request } from '../../src/hal/holder/protocol.ts';
import {
  encode,
  MESSAGE_LIMIT,
  MessageReader,
  parseReply,
  parseRequest,
} from '../../src/hal/holder/protocol.ts';

const key = fc.string({ minLength: 1, maxLength: 128, unit: 'grapheme-ascii' });
const level = fc.option(fc.boolean());
const request: fc.Arbitrary<Request> = fc.oneof(
  fc.record({ op: fc.constant('hello' as const), version: fc.nat() }),
  fc.record({ op: fc.constantFrom('beat' as const, 'settled' as const) }),
  fc.record({ op: fc.constantFrom('take' as const, 'drop' as const), key }),
  fc.record({ op: fc.constant('keep' as const), key, set: level }),
  fc.record({
    op: fc.constant('keepFile' as const),
    key,
    path: fc.stringMatching(/^\/[a-z/]{0,100}$/),
    write: fc.option(fc.constantFrom('0\n', '1\n', 'off')),
  }),
);
const reply: fc.Arbitrary<Reply> = fc.oneof(
  fc.constant({ ok: true } as const),
  fc.record({ ok: fc.constant(true as const), version: fc.nat(), pid: fc.nat() }),
  fc.record({ ok: fc.constant(true as const), kept: fc.boolean(), set: level }),
  fc.record({
    ok: fc.constant(false as const),
    kind: fc.constantFrom('busy' as const, 'permission' as const, 'other' as const),
    error: fc.string(),
  }),
);

describe('messages between runtime and holder', () => {
  it('say on arrival what was said', () => {
    const text = (bytes: Buffer) => bytes.toString().trimEnd();
    fc.assert(
      fc.property(request, reply, (asked, answered) => {
        expect(parseRequest(text(encode(asked)))).toEqual(asked);
        expect(parseReply(text(encode(answered)))).toEqual(answered);
        expect(encode(asked).indexOf('\n')).toBe(encode(asked).length - 1);
      }),
    );
  });

  it('are refused in words where they are none', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const parsed = parseRequest(text);
        if (typeof parsed === 'string') expect(parsed).not.toBe('');
        else expect(parseRequest(JSON.stringify(parsed))).toEqual(parsed);
        expect(() => parseReply(text)).not.toThrow();
      }),
    );
  });

  it.each([
    ['', 'not JSON: ""'],
    ['null', 'not an object: "null"'],
    ['[]', 'unknown op "undefined"'],
    ['{"op":"reboot"}', 'unknown op "reboot"'],
    ['{"op":"hello"}', 'hello needs a version'],
    ['{"op":"take","key":""}', 'take needs a key of 1..128 characters'],
    ['{"op":"keep","key":"a","set":1}', 'keep needs set: true, false or null'],
    ['{"op":"keepFile","key":"a","path":"a","write":null}', 'keepFile needs an absolute path'],
    [
      '{"op":"keepFile","key":"a","path":"/a\\u0000","write":null}',
      'keepFile needs an absolute path',
    ],
    [
      '{"op":"keepFile","key":"a","path":"/a","write":""}',
      'keepFile needs write: null or 1..64 characters',
    ],
  ])('%j is refused', (text, why) => {
    expect(parseRequest(text)).toBe(why);
  });
});

/** As a socket gives them: a descriptor comes with the chunk in which its message begins. */
interface Piece {
  readonly bytes: Buffer;
  readonly descriptor: number | null;
}

describe('a stream of messages', () => {
  const message = fc.record({
    text: fc.string({ unit: 'grapheme', maxLength: 60 }).map((text) => text.replaceAll('\n', '')),
    hasDescriptor: fc.boolean(),
  });

  it('is cut into them, each with its descriptor, however it arrives', () => {
    fc.assert(
      fc.property(
        fc.array(message),
        fc.infiniteStream(fc.integer({ min: 1, max: 90 })),
        (said, cut) => {
          const sent = said.map(({ text, hasDescriptor }, at) => ({
            text,
            descriptor: hasDescriptor ? at + 100 : null,
          }));
          const closed: number[] = [];
          const reader = new MessageReader((descriptor) => void closed.push(descriptor));
          const heard: ReceivedMessage[] = [];
          for (const { bytes, descriptor } of pieces(sent, cut)) {
            heard.push(...reader.push(bytes, descriptor));
          }
          expect(heard).toEqual(sent);
          expect(closed).toEqual([]);
        },
      ),
    );
  });

  it('with a message that is too long goes on after it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.nat(3000), (size, extra) => {
        const reader = new MessageReader(() => undefined);
        const long = Buffer.alloc(MESSAGE_LIMIT + 1 + extra, 0x61);
        const stream = Buffer.concat([long, Buffer.from('\nbeat\n')]);
        const heard: (string | null)[] = [];
        for (let at = 0; at < stream.length; at += size) {
          heard.push(...reader.push(stream.subarray(at, at + size), null).map(({ text }) => text));
        }
        expect(heard).toEqual([null, 'beat']);
      }),
    );
  });

  it('closes descriptors that belong to nobody', () => {
    const closed: number[] = [];
    const reader = new MessageReader((descriptor) => void closed.push(descriptor));
    reader.push(Buffer.from('{"op"'), 7);
    reader.push(Buffer.from(':'), 8);
    expect(closed).toEqual([7]);
    reader.discard();
    reader.discard();
    expect(closed).toEqual([7, 8]);
    expect(reader.push(Buffer.from('beat\n'), null)).toEqual([{ text: 'beat', descriptor: null }]);
  });
});

/**
 * Chunks as the kernel makes them (unix(7)): data in front of a message with a descriptor may be in
 * one chunk with it, and the chunk ends with that message at the latest.
 */
function* pieces(
  sent: readonly { readonly text: string; readonly descriptor: number | null }[],
  sizes: Iterator<number>,
): Generator<Piece> {
  let data = Buffer.alloc(0);
  for (const { text, descriptor } of sent) {
    const limit = (): number => Number(sizes.next().value);
    let bytes = Buffer.from(`${text}\n`);
    let attached = descriptor;
    for (let room = limit(); bytes.length > 0; room = limit()) {
      const part = bytes.subarray(0, room);
      bytes = bytes.subarray(part.length);
      data = Buffer.concat([data, part]);
      if (attached !== null || data.length > 64) {
        yield { bytes: data, descriptor: attached };
        data = Buffer.alloc(0);
        attached = null;
      }
    }
    if (descriptor !== null && data.length > 0) {
      yield { bytes: data, descriptor: null };
      data = Buffer.alloc(0);
    }
  }
  if (data.length > 0) yield { bytes: data, descriptor: null };
}
