/** Our PUBLISH and PUBACK against another implementation of the protocol: mqtt-packet. */
import fc from 'fast-check';
import mqttPacket, { type IPublishPacket, type Packet } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import type { OutgoingMessage } from '../../src/uplink/link.ts';
import { AnswerFilter, PublishBatch } from '../../src/uplink/mqtt-wire.ts';

type Version = 4 | 5;
const versions = fc.constantFrom<Version>(4, 5);

const message: fc.Arbitrary<OutgoingMessage> = fc.record(
  {
    topic: fc.stringMatching(/^[a-zä/_-]{1,200}$/),
    payload: fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.integer({ min: 0, max: 20_000 }).map((length) => 'x'.repeat(length)),
      fc.uint8Array({ maxLength: 300 }),
    ),
    retain: fc.boolean(),
    correlation: fc.uint8Array({ maxLength: 140 }),
    expirySeconds: fc.integer({ min: 1, max: 0xffff_ffff }),
  },
  { requiredKeys: ['topic', 'payload', 'retain'] },
);

function parsed(bytes: Buffer, version: Version): Packet[] {
  const packets: Packet[] = [];
  const parser = mqttPacket.parser({ protocolVersion: version });
  parser.on('packet', (packet) => packets.push(packet));
  parser.on('error', (error) => {
    throw error;
  });
  parser.parse(bytes);
  return packets;
}

describe('a batch of publications', () => {
  it('reads as what was put in, by another implementation', () => {
    fc.assert(
      fc.property(versions, fc.array(message, { minLength: 1, maxLength: 8 }), (version, all) => {
        const batch = new PublishBatch(version);
        const written: Buffer[] = [];
        const take = (): void => {
          const taken = batch.take();
          written.push(Buffer.from(taken));
          batch.giveBack(taken);
        };
        for (const [index, one] of all.entries()) {
          if (batch.add(one, index + 1)) continue;
          take();
          expect(batch.add(one, index + 1)).toBe(true);
        }
        take();
        expect(batch.isEmpty).toBe(true);
        const packets = parsed(Buffer.concat(written), version) as IPublishPacket[];
        expect(packets).toHaveLength(all.length);
        for (const [index, packet] of packets.entries()) {
          const { topic, payload, retain, correlation, expirySeconds } = all[index]!;
          expect(packet).toMatchObject({ cmd: 'publish', qos: 1, dup: false, topic, retain });
          expect(packet.messageId).toBe(index + 1);
          expect(Buffer.compare(Buffer.from(packet.payload), Buffer.from(payload))).toBe(0);
          if (version === 4) continue;
          const { correlationData, messageExpiryInterval } = packet.properties ?? {};
          expect(correlationData && [...correlationData]).toEqual(correlation && [...correlation]);
          expect(messageExpiryInterval).toBe(expirySeconds);
        }
      }),
    );
  });

  it('takes a message that is larger than any batch, alone', () => {
    const batch = new PublishBatch(5);
    const large = { topic: 't', payload: 'y'.repeat(3_000_000), retain: false };
    expect(batch.add({ ...large, payload: 'first' }, 1)).toBe(true);
    expect(batch.add(large, 2)).toBe(false);
    batch.giveBack(batch.take());
    expect(batch.add(large, 2)).toBe(true);
    const [packet] = parsed(batch.take(), 5) as IPublishPacket[];
    expect(packet?.payload.length).toBe(3_000_000);
    expect(batch.add({ ...large, payload: 'last' }, 3)).toBe(true);
  });

  it('does not write into bytes that are still on their way', () => {
    const batch = new PublishBatch(5);
    const send = (payload: string): Buffer => {
      batch.add({ topic: 't', payload, retain: false }, 1);
      return batch.take();
    };
    const first = send('first');
    const second = send('second');
    batch.giveBack(first);
    send('third');
    expect(second.toString()).toContain('second');
  });
});

type FromBroker =
  | {
      readonly kind: 'answer';
      readonly id: number;
      readonly code: number;
      readonly words: string | undefined;
    }
  | { readonly kind: 'publish'; readonly size: number }
  | { readonly kind: 'pingresp' };

/** Packets of a broker, answers among them, with what the filter is to say of each. */
const fromBroker: fc.Arbitrary<FromBroker> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      id: fc.integer({ min: 1, max: 65_535 }),
      code: fc.constantFrom(0, 16, 0x80, 0x87, 0x97),
      words: fc.option(fc.string({ maxLength: 200 }), { nil: undefined }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      size: fc.integer({ min: 0, max: 40_000 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'pingresp' as const }) },
);

function bytesOf(packet: FromBroker, version: Version): Buffer {
  const options = { protocolVersion: version };
  if (packet.kind === 'pingresp') return mqttPacket.generate({ cmd: 'pingresp' }, options);
  if (packet.kind === 'publish') {
    const payload = Buffer.alloc(packet.size, 0x40);
    const base = { cmd: 'publish', qos: 0, dup: false, retain: false } as const;
    return mqttPacket.generate({ ...base, topic: 'x', payload }, options);
  }
  const { id, code, words } = packet;
  const answer = { cmd: 'puback', messageId: id } as const;
  if (version === 4) return mqttPacket.generate(answer, options);
  const properties = words === undefined ? {} : { properties: { reasonString: words } };
  return mqttPacket.generate({ ...answer, reasonCode: code, ...properties }, options);
}

function filtered(stream: Buffer, cuts: readonly number[]): { answers: number[][]; rest: Buffer } {
  const answers: number[][] = [];
  const rest: Buffer[] = [];
  const filter = new AnswerFilter({
    onAnswer: (id, code) => answers.push([id, code]),
    onOther: (bytes) => rest.push(Buffer.from(bytes)),
  });
  const ends = [...cuts.map((cut) => cut % (stream.length + 1)), stream.length];
  let from = 0;
  for (const end of ends.sort((a, b) => a - b)) {
    filter.take(stream.subarray(from, end));
    from = end;
  }
  return { answers, rest: Buffer.concat(rest) };
}

describe('the filter of answers', () => {
  it('finds each answer and hands on all the rest, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        versions,
        fc.array(fromBroker, { maxLength: 20 }),
        fc.array(fc.nat(), { maxLength: 30 }),
        (version, packets, cuts) => {
          const stream = Buffer.concat(packets.map((packet) => bytesOf(packet, version)));
          const { answers, rest } = filtered(stream, cuts);
          const wanted = packets.flatMap((packet) =>
            packet.kind === 'answer' ? [[packet.id, version === 5 ? packet.code : 0]] : [],
          );
          expect(answers).toEqual(wanted);
          const others = packets.filter(({ kind }) => kind !== 'answer');
          const expected = Buffer.concat(others.map((packet) => bytesOf(packet, version)));
          expect(Buffer.compare(rest, expected)).toBe(0);
        },
      ),
    );
  });

  it('hands on what breaks the rules, byte for byte, in any cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 8 }), (cuts) => {
        const rubbish = Buffer.from('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
        expect(filtered(rubbish, cuts)).toEqual({ answers: [], rest: rubbish });
        const endless = Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x40, 2, 0, 1]);
        expect(filtered(endless, cuts)).toEqual({ answers: [], rest: endless });
      }),
    );
  });
});
