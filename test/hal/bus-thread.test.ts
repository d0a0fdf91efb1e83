/** One bus and its thread: what the main thread does when the other one is late, stuck or dead. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { HalResult } from '../../src/hal/ports.ts';
import { done, failed } from '../../src/hal/ports.ts';
import {
  ANSWER_SLACK_MS,
  CLOSE_DEADLINE_MS,
  OPEN_DEADLINE_MS,
} from '../../src/hal/native/bus-connection.ts';
import { busErrorKind } from '../../src/hal/native/bus-troubles.ts';
import type { BusLinkEvents, StartBusThread } from '../../src/hal/native/bus-link.ts';
import { busThreads } from '../../src/hal/native/bus-link.ts';
import type { BusRequest, ToBusThread } from '../../src/hal/native/bus-messages.ts';
import type { BusHandle } from '../../src/hal/native/bus-pool.ts';
import { BusPool } from '../../src/hal/native/bus-pool.ts';
import { ManualClock, settle } from './manual-clock.ts';

const DEVICE = { kind: 'i2c', path: '/dev/i2c-1' } as const;
const WITHIN_MS = 1000;

/** A thread that does only what the test says. */
class PlayedThread {
  readonly received: ToBusThread[] = [];
  terminated = false;
  readonly #events: BusLinkEvents;

  constructor(events: BusLinkEvents) {
    this.#events = events;
  }

  opened(): Promise<void> {
    this.#events.onMessage({ kind: 'opened' });
    return settle();
  }

  refuses(): Promise<void> {
    const trouble = { kind: 'permission', message: 'usermod' } as const;
    this.#events.onMessage({ kind: 'openFailed', trouble });
    return settle();
  }

  answer(id: number, bytes: readonly number[]): Promise<void> {
    this.#events.onMessage({ kind: 'answer', id, bytes: Uint8Array.from(bytes) });
    return settle();
  }

  fail(id: number): Promise<void> {
    const trouble = { kind: 'absent', message: 'gone' } as const;
    this.#events.onMessage({ kind: 'failed', id, trouble });
    return settle();
  }

  exit(detail = 'it ended with code 1'): Promise<void> {
    this.#events.onExit(detail);
    return settle();
  }

  /** Numbers of the transfers that it was given. */
  get asked(): readonly number[] {
    return this.received.flatMap((message) => (message.kind === 'transfer' ? [message.id] : []));
  }

  get isClosing(): boolean {
    return this.received.some(({ kind }) => kind === 'close');
  }
}

describe('a bus and its thread', () => {
  let clock: ManualClock;
  let threads: PlayedThread[];
  let pool: BusPool;
  beforeEach(() => {
    clock = new ManualClock();
    threads = [];
    const start: StartBusThread = (_, events) => {
      const thread = new PlayedThread(events);
      threads.push(thread);
      return done({
        post: (message) => thread.received.push(message),
        terminate: () => {
          thread.terminated = true;
        },
      });
    };
    pool = new BusPool({ clock, start });
  });

  const latest = (): PlayedThread => {
    const thread = threads.at(-1);
    if (thread === undefined) throw new Error('no thread was started');
    return thread;
  };

  async function open(): Promise<BusHandle> {
    const before = threads.length;
    const opening = pool.open(DEVICE);
    await settle();
    if (threads.length > before) await latest().opened();
    return value(await opening);
  }

  const request = (address: number): BusRequest => ({
    kind: 'i2c',
    address,
    write: Uint8Array.of(1),
    readBytes: 1,
  });

  const ask = (bus: BusHandle, address = 0x33) => bus.transfer(request(address), WITHIN_MS);

  it('gets one transfer at a time, and keeps each promise', async () => {
    const bus = await open();
    const results = [ask(bus), ask(bus), ask(bus)];
    expect(latest().asked).toEqual([1]);
    await latest().answer(1, [11]);
    expect(latest().asked).toEqual([1, 2]);
    await latest().fail(2);
    await latest().answer(3, [33]);
    expect(await Promise.all(results)).toMatchObject([
      { ok: true, value: Uint8Array.of(11) },
      { ok: false, error: { kind: 'absent' } },
      { ok: true, value: Uint8Array.of(33) },
    ]);
    expect(clock.pending).toBe(0);
  });

  it('answers that nobody waits for change nothing', async () => {
    const bus = await open();
    const first = ask(bus);
    await latest().answer(99, [1]);
    await latest().answer(1, [2]);
    await latest().answer(1, [3]);
    expect(await first).toMatchObject({ value: Uint8Array.of(2) });
  });

  it('is not asked any more for a user who has gone', async () => {
    const [leaves, stays] = [await open(), await open()];
    const theirs = [ask(leaves), ask(leaves), ask(leaves)];
    const mine = ask(stays);
    void leaves.close();
    await settle();
    for (const result of await Promise.all(theirs)) expect(result.ok).toBe(false);
    // What had begun goes on in the kernel: the bus is not free before.
    expect(latest().asked).toEqual([1]);
    await latest().answer(1, [1]);
    expect(latest().asked).toEqual([1, 2]);
    await latest().answer(2, [2]);
    expect(await mine).toMatchObject({ ok: true, value: Uint8Array.of(2) });
    expect(latest().asked).toEqual([1, 2]);
  });

  it('that gives no answer times out, is absent, and comes back with its late answer', async () => {
    const bus = await open();
    for (const round of [0, 1, 2]) {
      const late = 2 * round + 1;
      const [hung, waiting] = [ask(bus), ask(bus)];
      await clock.run(WITHIN_MS + ANSWER_SLACK_MS - 1);
      expect(latest().asked.at(-1)).toBe(late);
      await clock.run(1);
      expect(await hung).toMatchObject({ ok: false, error: { kind: 'timeout' } });
      expect(await waiting).toMatchObject({ ok: false, error: { kind: 'absent' } });
      expect(await ask(bus)).toMatchObject({ ok: false, error: { kind: 'absent' } });
      expect(latest().asked.at(-1)).toBe(late);
      await latest().answer(late, [1]);
      const fine = ask(bus);
      await latest().answer(late + 1, [5]);
      expect(await fine).toMatchObject({ ok: true, value: Uint8Array.of(5) });
    }
    expect(clock.pending).toBe(0);
    expect(threads).toHaveLength(1);
  });

  it('that dies is absent for its users, and the next opening starts another', async () => {
    const bus = await open();
    const [under, waiting] = [ask(bus), ask(bus)];
    await latest().exit('out of memory');
    for (const result of await Promise.all([under, waiting, ask(bus)])) {
      expect(result).toMatchObject({ ok: false, error: { kind: 'absent' } });
      expect(message(result)).toContain('out of memory');
    }
    const again = await open();
    expect(threads).toHaveLength(2);
    const answer = ask(again);
    await latest().answer(1, [7]);
    expect(await answer).toMatchObject({ value: Uint8Array.of(7) });
    await bus.close();
    expect(latest().isClosing).toBe(false);
    expect(clock.pending).toBe(0);
  });

  it('whose device has gone is left to its users; the next opening tries anew', async () => {
    const bus = await open();
    const gone = ask(bus);
    await latest().fail(1);
    await gone;
    const again = await open();
    expect(threads).toHaveLength(2);
    const closing = bus.close();
    expect(threads[0]?.isClosing).toBe(true);
    await threads[0]?.exit();
    await closing;
    expect(threads[1]?.isClosing).toBe(false);
    expect(again.device).toEqual(DEVICE);
  });

  it('ends with its last user, who waits for that', async () => {
    const [one, two] = [await open(), await open()];
    expect(threads).toHaveLength(1);
    await one.close();
    expect(latest().isClosing).toBe(false);
    const closing = two.close();
    let closed = false;
    void closing.then(() => {
      closed = true;
    });
    await settle();
    expect(latest().isClosing).toBe(true);
    expect(closed).toBe(false);
    await latest().exit();
    expect(closed).toBe(true);
    expect(clock.pending).toBe(0);
    expect(latest().terminated).toBe(false);
  });

  it('that hangs does not keep closing waiting, and is not opened twice', async () => {
    const bus = await open();
    const hung = ask(bus);
    const closing = bus.close();
    expect(await hung).toMatchObject({ ok: false, error: { kind: 'other' } });
    await clock.run(CLOSE_DEADLINE_MS);
    await closing;
    expect(latest().terminated).toBe(true);
    const refused = await pool.open(DEVICE);
    expect(refused).toMatchObject({ ok: false, error: { kind: 'absent' } });
    expect(message(refused)).toContain('hangs in the kernel');
    expect(threads).toHaveLength(1);
    await latest().exit();
    await open();
    expect(threads).toHaveLength(2);
  });

  it('that does not open in time is absent, and not opened twice either', async () => {
    const opening = pool.open(DEVICE);
    await clock.run(OPEN_DEADLINE_MS + CLOSE_DEADLINE_MS);
    expect(await opening).toMatchObject({ ok: false, error: { kind: 'absent' } });
    expect(latest().terminated).toBe(true);
    expect(await pool.open(DEVICE)).toMatchObject({ ok: false, error: { kind: 'absent' } });
    expect(threads).toHaveLength(1);
    await latest().exit();
    await open();
    expect(threads).toHaveLength(2);
    expect(clock.pending).toBe(0);
  });

  it('that may not open says so, and the next opening asks again', async () => {
    const opening = pool.open(DEVICE);
    await settle();
    await latest().refuses();
    await latest().exit('it ended with code 0');
    const refused = await opening;
    expect(refused).toMatchObject({ ok: false, error: { kind: 'permission' } });
    expect(message(refused)).toBe('usermod');
    await open();
    expect(threads).toHaveLength(2);
  });

  it('that cannot be started is a value', async () => {
    const start: StartBusThread = () => failed('other', 'no thread can be started: EAGAIN');
    const refused = await new BusPool({ clock, start }).open(DEVICE);
    expect(refused).toMatchObject({ ok: false, error: { kind: 'other' } });
    expect(message(refused)).toContain('/dev/i2c-1');
    expect(clock.pending).toBe(0);
  });
});

describe('a real thread', () => {
  it('whose file is missing is a value that names it', async () => {
    const start = busThreads('/nowhere/bus-thread.js');
    const refused = await new BusPool({ clock: new ManualClock(), start }).open(DEVICE);
    expect(refused).toMatchObject({ ok: false, error: { kind: 'other' } });
    expect(message(refused)).toContain('/nowhere/bus-thread.js');
  });
});

describe('error codes', () => {
  it.each([
    ['ENXIO', 'noAnswer'],
    ['EREMOTEIO', 'noAnswer'],
    ['ETIMEDOUT', 'timeout'],
    ['EAGAIN', 'timeout'],
    ['ENODEV', 'absent'],
    ['ENOENT', 'absent'],
    ['EBADF', 'absent'],
    ['EACCES', 'permission'],
    ['EPERM', 'permission'],
    ['EIO', 'other'],
    ['EOPNOTSUPP', 'other'],
  ])('%s is %s', (code, kind) => {
    expect(busErrorKind(code)).toBe(kind);
  });
});

function value<T>(result: HalResult<T>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

function message(result: HalResult<unknown>): string {
  return result.ok ? '' : result.error.message;
}
