import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Database } from '../../central/database.ts';
import { type Delivery, Intake } from '../../central/intake.ts';
import { type JournalEvent, LANES } from '../../src/domain/event.ts';
import { readAck } from '../../src/uplink/ack.ts';
import { DEFAULT_UPLINK_OPTIONS } from '../../src/uplink/uplink.ts';
import { eventMessage, topicsOf } from '../../src/uplink/payload.ts';
import { sleep, until as untilIn } from '../fleet/tools.ts';
import { hasMosquitto } from '../uplink/mosquitto.ts';
import { link, Reader, Unit } from '../uplink/unit.ts';
import { event } from './events.ts';
import { hasPostgres } from './postgres.ts';
import { CentralWorld } from './world.ts';

const until = (what: string, condition: () => boolean | Promise<boolean>): Promise<void> =>
  untilIn(what, 80_000, condition);
const PREFIX = 'embereye/v1';
const topics = topicsOf(`${PREFIX}/unit-1`);
/** A queue for whoever is away: without these lines mosquitto drops what is above 1000 messages. */
const QUEUES = ['allow_anonymous true', 'max_queued_messages 0', 'max_inflight_messages 0'];

function eventsOf(count: number): JournalEvent[] {
  return LANES.flatMap((lane) =>
    Array.from({ length: count }, (_, i) => event('unit-1', lane, i + 1)),
  );
}

describe.skipIf(!hasMosquitto || !hasPostgres)('central with mosquitto and PostgreSQL', () => {
  const world = new CentralWorld(QUEUES);
  beforeAll(() => world.start(), 60_000);
  beforeEach(() => world.clear());
  afterAll(() => world.cleanup.run((line) => expect.fail(line)), 30_000);

  /** An appliance's real uplink on a journal that holds these events. */
  function unit(events: readonly JournalEvent[]): Unit {
    const made = new Unit(link({ port: world.broker.port, clientId: 'unit-1' }), {
      backlogPerSecond: Infinity,
      limits: DEFAULT_UPLINK_OPTIONS.limits,
    });
    made.journal.append(events);
    return made.start();
  }

  async function send(topic: string, payload: string): Promise<void> {
    const sender = link({ port: world.broker.port });
    let open = false;
    sender.open({
      onState: ({ kind }) => (open = kind === 'connected'),
      onMessage: () => undefined,
      will: () => null,
    });
    await until('connected', () => open);
    expect(await sender.publish({ topic, payload, retain: false })).toEqual({
      kind: 'acknowledged',
    });
    await sender.close(500);
  }

  it('three instances share the work: every event stands once, alarms are acknowledged', async () => {
    const group = ['--group', 'sharing'];
    const all = ['a', 'b', 'c'].map((name) => world.consumer(name, group));
    await until('subscribed', () => all.every(({ peakBytes }) => peakBytes > 0));
    const reader = await new Reader(world.broker.port).open();
    const events = eventsOf(100);
    unit(events);
    await until('all stored', async () => (await world.count('event')) === events.length);
    await until('a lane is looked through', async () => (await world.count('lane', 'dirty')) === 0);
    expect(await world.count('missing')).toBe(0);
    const rows = await world.postgres.query<{ id: string }>('SELECT id::text FROM event');
    expect(rows.map(({ id }) => id).sort()).toEqual(events.map(({ id }) => id).sort());
    await until('all told', () => all.reduce((n, { counted }) => n + counted.events, 0) === 400);
    expect(all.filter(({ counted }) => counted.events > 20)).toHaveLength(3);
    const acked = (): string[] =>
      reader.messages
        .filter(({ topic }) => topic === topics.ack)
        .flatMap((message) => {
          const ack = readAck(message);
          return ack.ok ? ack.value.ids : [];
        });
    const alarms = events.filter(({ lane }) => lane === 'alarm').map(({ id }) => id);
    await until('acknowledged', () => new Set(acked()).size === alarms.length);
    expect([...new Set(acked())].sort()).toEqual(alarms.sort());
    expect(await world.count('device', `status = 'online'`)).toBe(1);
    for (const consumer of all) await consumer.stop();
  });

  it('instances that are killed one after the other lose nothing and double nothing', async () => {
    const all = ['x', 'y', 'z'].map((name) => world.consumer(name, ['--group', 'killed']));
    await until('subscribed', () => all.every(({ peakBytes }) => peakBytes > 0));
    const events = eventsOf(400);
    unit(events);
    for (const consumer of [...all, ...all]) {
      await consumer.killFor(50);
      await sleep(150);
    }
    await until('all stored', async () => (await world.count('event')) === events.length);
    expect(await world.count('conflict')).toBe(0);
    for (const consumer of all) await consumer.stop();
  });

  it('what came while nobody was there comes when somebody is, and --once ends then', async () => {
    expect(world.once('away', ['--group', 'away']).code).toBe(0);
    const events = eventsOf(40);
    const sender = unit(events);
    await until('sent', () => sender.journal.cursor('central', 'system') === 40);
    expect(await world.count('event')).toBe(0);
    expect(world.once('away', ['--group', 'away'])).toMatchObject({ code: 0 });
    expect(await world.count('event')).toBe(events.length);
  });

  it('between the commit and the acknowledgement anything may happen', async () => {
    const signal = new AbortController().signal;
    const database = new Database(world.postgres.url, 'test', () => undefined);
    const published: string[] = [];
    const intake = new Intake(
      { prefix: PREFIX, acks: 'all', name: 'test', retryMinMs: 10, retryMaxMs: 10 },
      {
        store: database,
        publish: (_topic, payload) => void published.push(payload),
        log: () => undefined,
        signal,
      },
    );
    const acknowledged: number[] = [];
    const deliveries = eventsOf(5).map((one, i): Delivery => {
      const { topic, payload } = eventMessage(topics, one, false);
      const acknowledge = (): void => void acknowledged.push(i);
      return { topic, payload: Buffer.from(payload), again: false, acknowledge };
    });
    await intake.take(deliveries);
    // The acknowledgements never arrived: the broker sends everything again, in another order.
    await intake.take(deliveries.toReversed());
    expect(await world.count('event')).toBe(20);
    expect(acknowledged).toHaveLength(40);
    expect(intake.counters).toMatchObject({ events: 20, duplicates: 20, conflicts: 0 });
    // The appliance is told again too: the first time may not have arrived either.
    const [first, second] = published;
    expect(second).toBe(first);
    await database.close();
  });

  it('poison goes to its table, and what comes with it is stored', async () => {
    const alarm = topics.event('alarm');
    const good = event('unit-1', 'alarm', 1);
    const consumer = world.consumer('poison', ['--group', 'poison']);
    await until('subscribed', () => consumer.peakBytes > 0);
    await send(alarm, 'no JSON');
    await send(alarm, JSON.stringify({ ...good, schema: 99 }));
    await send(alarm, JSON.stringify({ ...good, deviceId: 'unit-2' }));
    await send(topics.gap, '{}');
    // A time that JavaScript knows and PostgreSQL does not.
    await send(alarm, JSON.stringify({ ...good, wall: '0000-01-01T00:00:00Z' }));
    await send(alarm, JSON.stringify(good));
    await until('stored', async () => (await world.count('event')) === 1);
    await until('kept', async () => (await world.count('poison')) === 5);
    const rows = await world.postgres.query<{ reason: string }>('SELECT reason FROM poison');
    expect(rows.map(({ reason }) => reason.split(':')[0]).sort()).toEqual([
      'deviceId',
      'schema',
      'schema',
      'the database refuses its values',
      'the payload is no JSON object',
    ]);
    await consumer.stop();
  });

  it('a missing number is told, unless the appliance has declared it', async () => {
    const { said } = world.once('gaps', ['--group', 'gaps']);
    expect(said).toContain('"sessionPresent":false');
    const missing = [1, 2, 5, 6, 9].map((seq) => event('unit-1', 'fault', seq));
    const sender = unit(missing);
    sender.journal.recordGap({ lane: 'fault', firstSeq: 3, lastSeq: 3, reason: 'quarantined' });
    const idle = () => sender.journal.cursor('central', 'gap') === 1;
    await until('sent', () => idle() && sender.journal.cursor('central', 'fault') === 9);
    const run = world.once('gaps', ['--group', 'gaps', '--tell-after-ms', '0']);
    expect(run.code).toBe(0);
    const text = 'SELECT first_seq::int AS first, last_seq::int AS last FROM missing ORDER BY 1';
    expect(await world.postgres.query(text)).toEqual([
      { first: 4, last: 4 },
      { first: 7, last: 8 },
    ]);
    expect(run.said).toContain('numbers are missing');
  });

  it('an event that contradicts a stored one is kept apart and not acknowledged', async () => {
    const alarm = topics.event('alarm');
    const one = event('unit-1', 'alarm', 1);
    const other = { ...event('unit-1', 'alarm', 2), seq: 1 };
    world.once('conflict', ['--group', 'conflict']);
    const reader = await new Reader(world.broker.port).open();
    await send(alarm, JSON.stringify(one));
    await send(alarm, JSON.stringify(other));
    const changed = { ...one, type: 'alarm' };
    await send(alarm, JSON.stringify(changed));
    const run = world.once('conflict', ['--group', 'conflict', '--batch', '1']);
    expect(run.said).toContain('contradicts');
    expect(await world.count('event')).toBe(1);
    expect(await world.count('conflict')).toBe(2);
    const acks = reader.messages.filter(({ topic }) => topic === topics.ack);
    expect(
      acks.map(({ payload }) => JSON.parse(Buffer.from(payload).toString()) as unknown),
    ).toEqual([{ ids: [one.id], by: 'conflict' }]);
  });

  it('a database that crashes holds everything up, and then has everything', async () => {
    const consumer = world.consumer('crash', ['--group', 'crash']);
    await until('subscribed', () => consumer.peakBytes > 0);
    const events = eventsOf(100);
    const sender = unit(events.slice(0, 200));
    world.postgres.crash();
    sender.journal.append(events.slice(200));
    await sleep(500);
    world.postgres.startAgain();
    await until('all stored', async () => (await world.count('event')) === events.length);
    await consumer.stop();
  });

  it('a late word of an earlier run does not hide the present one', async () => {
    const consumer = world.consumer('status', ['--group', 'status', '--batch', '1']);
    await until('subscribed', () => consumer.peakBytes > 0);
    const status = async (bootId: string, connection: number, word: string): Promise<void> =>
      send(
        topics.status,
        JSON.stringify({ schema: 1, deviceId: 'unit-1', bootId, connection, status: word }),
      );
    await status('boot-1', 1, 'online');
    await status('boot-2', 1, 'online');
    await status('boot-1', 1, 'offline');
    await status('boot-1', 2, 'online');
    await status('boot-2', 2, 'online');
    await status('boot-2', 1, 'offline');
    await until('taken', () => consumer.counted.batches >= 6);
    const text = 'SELECT status, boot_id, connection::int FROM device';
    expect(await world.postgres.query(text)).toEqual([
      { status: 'online', boot_id: 'boot-2', connection: 2 },
    ]);
    await status('boot-2', 2, 'offline');
    await until('offline', async () => (await world.count('device', `status = 'offline'`)) === 1);
    await consumer.stop();
  });
});
