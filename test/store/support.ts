/** What the store's tests share: folders, events, clocks, and a store opened over a real file. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { DomainEvent, JournalEvent, Lane } from '../../src/domain/event.ts';
import type { Cancel, Clock, CommitReceipt, Random, TelemetryRow } from '../../src/domain/ports.ts';
import { deviceId, zoneId } from '../../src/domain/units.ts';
import { type OpenStore, openStore } from '../../src/store/journal-client.ts';
import type { StoreLimits, StoreOptions } from '../../src/store/options.ts';
import { EventStamper } from '../../src/store/stamp.ts';
import type { StoreTrouble } from '../../src/store/troubles.ts';
import { threadWriter } from '../../src/store/writer-link.ts';

export const WRITER_PATH = resolve(import.meta.dirname, '../../dist/store-writer.js');

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A folder on disk that goes away with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'embereye-store-'));
  folders.push(folder);
  return folder;
}

/** A folder on tmpfs where there is one. */
export function temporaryMemoryFolder(): string {
  const folder = mkdtempSync(
    join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'embereye-ring-'),
  );
  folders.push(folder);
  return folder;
}

/** Time that stands still until the test moves it. */
export class ManualClock implements Clock {
  #nowMs = 0;
  #wallMs: number;
  #timers: { atMs: number; run: () => void }[] = [];

  constructor(wallMs = 1_700_000_000_000) {
    this.#wallMs = wallMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }
  wallMs(): number {
    return this.#wallMs;
  }
  setWall(wallMs: number): void {
    this.#wallMs = wallMs;
  }
  after(delayMs: number, run: () => void): Cancel {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }
  soon(run: () => void): Cancel {
    return this.after(0, run);
  }

  /** Runs what falls due, in order, and lets promises settle in between. */
  async advance(byMs: number): Promise<void> {
    const endMs = this.#nowMs + byMs;
    for (;;) {
      await settlePromises();
      const due = this.#timers.filter((timer) => timer.atMs <= endMs);
      const next = due.sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#wallMs += next.atMs - this.#nowMs;
      this.#nowMs = next.atMs;
      next.run();
    }
    this.#wallMs += endMs - this.#nowMs;
    this.#nowMs = endMs;
    await settlePromises();
  }
}

export async function settlePromises(): Promise<void> {
  await new Promise<void>((done) => {
    setImmediate(done);
  });
}

/** A small reproducible generator (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const uint32 = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  return { uint32, next: () => uint32() / 2 ** 32 };
}

export function stamperFor(
  lastSeq: Readonly<Record<Lane, number>> = { alarm: 0, fault: 0, operator: 0, system: 0 },
  lastId: string | null = null,
  clock: Clock = systemClock(),
  seed = 1,
): EventStamper {
  return new EventStamper({
    deviceId: deviceId('unit-1'),
    bootId: 'b00t',
    clock,
    random: seededRandom(seed),
    clockQuality: () => 'synchronised',
    lastSeq,
    lastId,
  });
}

/** One event of each lane that is easy to tell from others by `text`. */
export function domainEvent(lane: Lane, text = 'x'): DomainEvent {
  const zone = zoneId('hall');
  switch (lane) {
    case 'alarm':
      return { lane, type: 'alarmReset', data: { zone, zoneName: text, latchedForMs: 1 } };
    case 'fault':
      return {
        lane,
        type: 'faultRaised',
        data: { fault: 'silent', subject: 'board', zone: null, detail: text },
      };
    case 'operator':
      return { lane, type: 'enabled', data: { zone, zoneName: text, origin: 'console' } };
    case 'system':
      return { lane, type: 'stopped', data: { reason: text } };
  }
}

export function events(
  stamper: EventStamper,
  lane: Lane,
  count: number,
  text = 'x',
): readonly JournalEvent[] {
  return stamper.stamp(Array.from({ length: count }, () => domainEvent(lane, text)));
}

export function reading(value: number): TelemetryRow {
  return {
    sensor: 'board-1',
    channel: 'adc1',
    wall: '2026-01-01T00:00:00.000Z',
    monotonicMs: value + 0.5,
    value,
    min: value - 1,
    max: value + 1,
    count: 3,
    unit: 'percent',
  };
}

export interface TestStore extends OpenStore {
  readonly troubles: StoreTrouble[];
  readonly receipts: CommitReceipt[];
  /** Resolves once everything that was appended is durable. */
  durable(): Promise<void>;
}

/** Opens a store over the worker thread, with short pauses. */
export async function openTestStore(
  directory: string,
  over: Partial<Omit<StoreOptions, 'limits'>> & { readonly limits?: Partial<StoreLimits> } = {},
): Promise<TestStore> {
  const troubles: StoreTrouble[] = [];
  const receipts: CommitReceipt[] = [];
  const store = await openStore({
    directory,
    startWriter: threadWriter(WRITER_PATH),
    clock: systemClock(),
    log: () => undefined,
    onTrouble: (trouble) => troubles.push(trouble),
    ...over,
    limits: {
      openDeadlineMs: 10_000,
      lazyCommitMs: 5,
      firstRetryMs: 5,
      maxRetryMs: 50,
      ...over.limits,
    },
  });
  store.journal.onCommit((receipt) => receipts.push(receipt));
  const durable = async (): Promise<void> => {
    await until(() => {
      const { events: waiting, telemetryRows, othersWaiting } = store.stats();
      return waiting + telemetryRows + othersWaiting === 0;
    });
  };
  return { ...store, troubles, receipts, durable };
}

/** Polls without a deadline of its own: the test's time-out is the judge. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise<void>((done) => {
      setTimeout(done, 2);
    });
  }
}

export function standing(troubles: readonly StoreTrouble[]): readonly string[] {
  const kinds = new Set<string>();
  for (const { kind, raised } of troubles) {
    if (raised) kinds.add(kind);
    else kinds.delete(kind);
  }
  return [...kinds];
}

/** The rows without one of their columns. */
export function without(column: string, rows: readonly object[]): readonly object[] {
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).filter(([name]) => name !== column)),
  );
}
