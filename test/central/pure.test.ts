import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchOf, lanesOf } from '../../central/batch.ts';
import { Batcher } from '../../central/batcher.ts';
import { Intake } from '../../central/intake.ts';
import { readMessage } from '../../central/message.ts';
import { readOptions, UsageError } from '../../central/options.ts';
import { follow, type LaneState, NOTHING_CHECKED, type Range } from '../../central/sequence.ts';
import {
  ackTopic,
  filtersOf,
  isPrefix,
  LANES as CENTRAL_LANES,
  meaningOf,
  MQTT_STORE,
  subjectOf,
  topicOf,
} from '../../central/topics.ts';
import { LANES } from '../../src/domain/event.ts';
import { readAck } from '../../src/uplink/ack.ts';
import {
  birthPayload,
  eventMessage,
  gapMessage,
  offlinePayload,
  statusMessage,
  telemetryMessage,
  topicsOf,
} from '../../src/uplink/payload.ts';
import { event, UUID } from './events.ts';

const PREFIX = 'embereye/v1';
const topics = topicsOf(`${PREFIX}/unit-1`);
const identity = { deviceId: 'unit-1', bootId: 'b1' };
const bytes = (text: string): Uint8Array => Buffer.from(text);
const read = (topic: string, payload: string) => readMessage(PREFIX, topic, bytes(payload));

describe('the sequence of a lane', () => {
  const ranges = fc.array(
    fc
      .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 8 }))
      .map(([first, more]): Range => ({ first, last: first + more })),
    { maxLength: 6 },
  );
  const steps = fc.array(
    fc.record({ seqs: fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 12 }), gaps: ranges }),
    { maxLength: 8 },
  );
  const numbers = (state: LaneState): number[] =>
    state.missing.flatMap(({ first, last }) =>
      Array.from({ length: last - first + 1 }, (_, i) => first + i),
    );

  it('misses exactly what was neither stored nor declared, in any order of arrival', () => {
    fc.assert(
      fc.property(steps, (all) => {
        let state: LaneState = NOTHING_CHECKED;
        const known = new Set<number>();
        for (const { seqs, gaps } of all) {
          for (const seq of seqs) known.add(seq);
          for (const { first, last } of gaps) {
            for (let seq = first; seq <= last; seq += 1) known.add(seq);
          }
          state = follow(state, seqs, gaps);
          const highest = Math.max(0, ...known);
          const wanted = Array.from({ length: highest }, (_, i) => i + 1);
          expect(state.checked).toBe(highest);
          expect(numbers(state)).toEqual(wanted.filter((seq) => !known.has(seq)));
        }
      }),
    );
  });

  it('keeps few ranges: they ascend and do not touch', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const state = all.reduce<LaneState>(
          (before, { seqs, gaps }) => follow(before, seqs, gaps),
          NOTHING_CHECKED,
        );
        state.missing.forEach(({ first, last }, i) => {
          expect(first).toBeLessThanOrEqual(last);
          if (i > 0) expect(first).toBeGreaterThan((state.missing[i - 1]?.last ?? 0) + 1);
        });
      }),
    );
  });

  it('an appliance that starts above 1 misses what lies before', () => {
    expect(follow(NOTHING_CHECKED, [5, 6], [])).toEqual({
      checked: 6,
      missing: [{ first: 1, last: 4 }],
    });
  });
});

describe('batches', () => {
  it('hands on everything once, in order, never two batches at a time, never too large', async () => {
    const action = fc.oneof(
      fc.constant('push' as const),
      fc.constant('time' as const),
      fc.constant('stored' as const),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(action, { maxLength: 60 }),
        async (size, actions) => {
          const out: number[] = [];
          let running = 0;
          let stored: () => void = () => undefined;
          let timer: (() => void) | null = null;
          const batcher = new Batcher<number>({
            size,
            waitMs: 10,
            after: (_ms, run) => {
              timer = run;
              return () => (timer = null);
            },
            flush: async (batch) => {
              running += 1;
              expect(running).toBe(1);
              expect(batch.length).toBeGreaterThan(0);
              expect(batch.length).toBeLessThanOrEqual(size);
              out.push(...batch);
              await new Promise<void>((resolve) => (stored = resolve));
              running -= 1;
            },
          });
          const tick = async (): Promise<void> => {
            for (let i = 0; i < 5; i += 1) await Promise.resolve();
          };
          let pushed = 0;
          let free: Promise<void> = Promise.resolve();
          let isFree = true;
          for (const what of actions) {
            if (what === 'push' && isFree) {
              isFree = false;
              free = batcher.push(pushed).then(() => void (isFree = true));
              pushed += 1;
            } else if (what === 'time') (timer as (() => void) | null)?.();
            else if (what === 'stored') stored();
            await tick();
            // One batch is being stored and one waits: no more is in its hands.
            expect(pushed - out.length).toBeLessThanOrEqual(size);
          }
          const drained = batcher.drain();
          for (let i = 0; i < 200 && !batcher.isIdle; i += 1) {
            stored();
            await tick();
          }
          await Promise.all([drained, free]);
          expect(out).toEqual(Array.from({ length: pushed }, (_, i) => i));
        },
      ),
    );
  });

  it('are sorted and hold nothing twice, however they came', () => {
    const events = [event('unit-2', 'alarm', 2), event('unit-1', 'system', 1)];
    const message = (one: (typeof events)[number], historical: boolean) => {
      const { topic, payload } = eventMessage(
        topicsOf(`${PREFIX}/${one.deviceId}`),
        one,
        historical,
      );
      const text = payload;
      return { topic, payload: bytes(text), reading: read(topic, text) };
    };
    const [a, b] = events;
    const reads = [a!, b!, a!].map((one, i) => message(one, i === 2));
    const batch = batchOf(reads);
    expect(batch.events.map(({ device, seq }) => [device, seq])).toEqual([
      ['unit-1', 1],
      ['unit-2', 2],
    ]);
    expect(batch.repeats).toBe(1);
    expect(lanesOf(batch)).toEqual([
      { device: 'unit-1', lane: 'system' },
      { device: 'unit-2', lane: 'alarm' },
    ]);
  });
});

describe('the intake', () => {
  const one = event('unit-1', 'alarm', 1);
  const { topic, payload } = eventMessage(topics, one, false);
  const standing = { inserted: 1, standing: new Set([one.id]), duplicates: 0, conflicts: [] };

  async function take(failures: number, isStopped: boolean) {
    const stop = new AbortController();
    if (isStopped) stop.abort();
    const order: string[] = [];
    let left = failures;
    const intake = new Intake(
      { prefix: PREFIX, acks: 'alarm', name: 'test', retryMinMs: 1, retryMaxMs: 2 },
      {
        store: {
          store: async () => {
            left -= 1;
            if (left >= 0) throw new Error('the database is away');
            order.push('stored');
            return standing;
          },
        },
        publish: () => void order.push('told the appliance'),
        log: () => undefined,
        signal: stop.signal,
      },
    );
    const acknowledge = (): void => void order.push('told the broker');
    await intake.take([{ topic, payload: bytes(payload), again: false, acknowledge }]);
    return order;
  }

  it('acknowledges after the commit, however often that took', async () => {
    const order = ['stored', 'told the appliance', 'told the broker'];
    expect(await take(0, false)).toEqual(order);
    expect(await take(3, false)).toEqual(order);
  });

  it('acknowledges nothing that it could not store before the stop', async () => {
    expect(await take(1, true)).toEqual([]);
  });
});

describe('topics and subjects', () => {
  const level = fc.stringMatching(/^[a-z0-9_-]{1,12}$/);

  it('are the same thing in two spellings', () => {
    fc.assert(
      fc.property(fc.array(level, { minLength: 1, maxLength: 6 }), (levels) => {
        const topic = levels.join('/');
        expect(topicOf(subjectOf(topic))).toBe(topic);
        expect(topicOf(MQTT_STORE + subjectOf(topic))).toBe(topic);
      }),
    );
  });

  it.each(['a.b', 'a b', 'a//b', '', 'a/*', 'a/>', 'a+/b'])('%j has no subject', (topic) => {
    expect(() => subjectOf(topic)).toThrow(RangeError);
  });

  it('wildcards are translated', () => {
    expect(filtersOf(PREFIX).map(subjectOf)).toContain('embereye.v1.*.event.*');
    expect(subjectOf(`${PREFIX}/#`)).toBe('embereye.v1.>');
  });

  it('every topic of the appliance is understood', () => {
    expect(CENTRAL_LANES).toEqual(LANES);
    for (const lane of LANES) {
      expect(meaningOf(PREFIX, topics.event(lane))).toEqual({
        kind: 'event',
        device: 'unit-1',
        lane,
      });
    }
    expect(meaningOf(PREFIX, topics.gap)).toEqual({ kind: 'gap', device: 'unit-1' });
    expect(meaningOf(PREFIX, topics.status)).toEqual({ kind: 'status', device: 'unit-1' });
    const sensor = { kind: 'telemetry', device: 'unit-1', sensor: 's-1' };
    expect(meaningOf(PREFIX, topics.telemetry('s-1'))).toEqual(sensor);
    for (const other of [topics.state, topics.response, topics.ack, 'elsewhere/x']) {
      expect(meaningOf(PREFIX, other)).toEqual({ kind: 'other' });
    }
    expect(ackTopic(PREFIX, 'unit-1')).toBe(topics.ack);
  });

  it.each(['event/none', 'event', 'event/alarm/x', 'gap/x', 'telemetry/A'])(
    '%s breaks the contract',
    (rest) => expect(meaningOf(PREFIX, `${PREFIX}/unit-1/${rest}`)).toBeNull(),
  );

  it('a prefix has no dots, wildcards or empty levels', () => {
    expect(['embereye/v1', 'a'].every(isPrefix)).toBe(true);
    expect(['', 'a/', 'a.b', '+', 'a b'].some(isPrefix)).toBe(false);
  });
});

describe('messages', () => {
  it('an event is read whole, and is the same event when it is historical', () => {
    const one = event('unit-1', 'alarm', 7);
    const [now, later] = [false, true].map((historical) => {
      const { topic, payload } = eventMessage(topics, one, historical);
      return read(topic, payload);
    });
    expect(now).toMatchObject({ kind: 'event', id: one.id, seq: 7, historical: false });
    expect(later).toMatchObject({ kind: 'event', id: one.id, seq: 7, historical: true });
    if (now?.kind !== 'event' || later?.kind !== 'event') throw new Error('not read');
    expect(later.digest).toBe(now.digest);
    expect(JSON.parse(now.payload)).toEqual(one);
  });

  it('gap, telemetry and status are read', () => {
    const gap = gapMessage(topics, identity, {
      ...{ id: 1, lane: 'telemetry', firstSeq: 3, lastSeq: 9, reason: 'thinned', readings: 70 },
    });
    expect(read(gap.topic, gap.payload)).toMatchObject({ kind: 'gap', readings: 70 });
    const row = {
      sensor: 's-1',
      channel: 'max',
      wall: '2026-01-01T00:00:00.000Z',
      unit: 'celsius',
    };
    const values = { monotonicMs: 0, value: 1, min: 1, max: 2, count: 4, row: 5 };
    const telemetry = telemetryMessage(topics, identity, { ...row, ...values }, false);
    expect(read(telemetry?.topic ?? '', telemetry?.payload ?? '')).toMatchObject({
      kind: 'telemetry',
      readings: 4,
    });
    const birth = { version: '1', configHash: 'c', capabilities: [] };
    const wall = '2026-01-01T00:00:00.000Z';
    for (const status of [
      birthPayload(identity, 1, birth, wall),
      offlinePayload(identity, 1, 'connection lost'),
    ]) {
      const { topic, payload } = statusMessage(topics, status);
      expect(read(topic, payload)).toMatchObject({ kind: 'status', device: 'unit-1' });
    }
  });

  it('whatever comes is read, ignored or poison with a reason: nothing throws', () => {
    const topic = fc.constantFrom(topics.event('alarm'), topics.gap, topics.status, 'x');
    const payload = fc.oneof(fc.json(), fc.string(), fc.constant('{"schema":1}'));
    fc.assert(
      fc.property(topic, payload, (where, text) => {
        const reading = read(where, text);
        if (reading.kind === 'poison') expect(reading.reason.length).toBeGreaterThan(5);
        else expect(reading.kind).toBe('ignored');
      }),
    );
  });

  it.each([
    ['schema', 2],
    ['deviceId', 'unit-2'],
    ['lane', 'fault'],
    ['seq', 0],
    ['seq', 1.5],
    ['id', 'no-uuid'],
    ['wall', 'yesterday'],
    ['wall', '2026-13-01T00:00:00Z'],
    ['type', 'a\0b'],
    ['bootId', undefined],
  ])('an event with a wrong %s (%j) is poison that names it', (name, value) => {
    const text = JSON.stringify({ ...event('unit-1', 'alarm', 1), [name]: value });
    const reading = read(topics.event('alarm'), text);
    expect(reading).toMatchObject({ kind: 'poison' });
    expect(reading.kind === 'poison' && reading.reason).toContain(name);
  });

  it('acknowledgements are what the appliance understands', () => {
    const ids = Array.from({ length: 200 }, () => UUID);
    const payload = bytes(JSON.stringify({ ids, by: 'central-1' }));
    expect(readAck({ payload })).toMatchObject({ ok: true, value: { by: 'central-1' } });
  });
});

describe('options', () => {
  const database = ['--database', 'postgres://x/y'];

  it('have defaults, and know all nodes of a cluster', () => {
    const options = readOptions(['--url', 'nats://a:4222,b:4222', ...database], {});
    expect(options).toMatchObject({ servers: ['a:4222', 'b:4222'], batch: 500, acks: 'alarm' });
  });

  it.each([
    [[], '--url'],
    [['--url', 'http://x'], '--url'],
    [['--url', 'mqtt://a,b', ...database], '--url'],
    [['--url', 'nats://x:1'], '--database'],
    [['--url', 'nats://x:1', ...database, '--batch', '0'], '--batch'],
    [['--url', 'nats://x:1', ...database, '--batch', ''], '--batch'],
    [['--url', 'nats://x:1', ...database, '--acks', 'some'], '--acks'],
    [['--url', 'nats://x:1', ...database, '--prefix', 'a.b'], '--prefix'],
    [['--url', 'nats://x:1', ...database, '--durable', 'a b'], '--durable'],
    [['--nothing'], '--nothing'],
  ])('%j is refused by name', (args, name) => {
    expect(() => readOptions(args, {})).toThrow(UsageError);
    expect(() => readOptions(args, {})).toThrow(name);
  });
});
