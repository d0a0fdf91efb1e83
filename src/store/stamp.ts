/**
 * Gives what happened its number, its id and its time. Pure but for the given clock and chance:
 * the same inputs make the same events.
 */
import {
  type ClockQuality,
  type DomainEvent,
  EVENT_SCHEMA,
  type JournalEvent,
  type Lane,
} from '../domain/event.ts';
import type { Clock, Random } from '../domain/ports.ts';
import type { DeviceId } from '../domain/units.ts';
import { isoFromWallMs } from './wall-time.ts';

/** Largest value of the 48-bit time field of a UUIDv7. */
const MAX_ID_MS = 2 ** 48 - 1;
/** `rand_a` (12 bits) is a counter; a fresh millisecond starts it in the lower half. */
const MAX_COUNTER = 0xfff;
const UUID_V7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7([0-9a-f]{3})-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export interface StamperOptions {
  readonly deviceId: DeviceId;
  readonly bootId: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Asked for every event. */
  readonly clockQuality: () => ClockQuality;
  /** The highest number already used in each lane (store and ring together). */
  readonly lastSeq: Readonly<Record<Lane, number>>;
  /** The highest id already used, or null; ids go on above it whatever the clock says. */
  readonly lastId: string | null;
}

/** 16 hex digits that tell one run of the appliance from another. */
export function newBootId(random: Random): string {
  return hex(random.uint32(), 8) + hex(random.uint32(), 8);
}

/** True for a well-formed, lower-case UUIDv7 (RFC 9562, 5.7). */
export function isEventId(text: string): boolean {
  return UUID_V7.test(text);
}

/** The later of two ids; ids are ordered as text. */
export function laterId(a: string | null, b: string | null): string | null {
  if (a === null) return b;
  if (b === null) return a;
  return a > b ? a : b;
}

export class EventStamper {
  readonly #options: StamperOptions;
  readonly #lastSeq: Record<Lane, number>;
  /** Time and counter of the newest id. */
  #idMs = -1;
  #counter = MAX_COUNTER;

  constructor(options: StamperOptions) {
    this.#options = options;
    this.#lastSeq = { ...options.lastSeq };
    const parts = options.lastId === null ? null : UUID_V7.exec(options.lastId);
    if (parts !== null) {
      this.#idMs = Number.parseInt(`${parts[1] ?? ''}${parts[2] ?? ''}`, 16);
      this.#counter = Number.parseInt(parts[3] ?? '', 16);
    }
  }

  /** The number that was given last in each lane. */
  get lastSeq(): Readonly<Record<Lane, number>> {
    return this.#lastSeq;
  }

  /**
   * Stamps events of one step: all carry the same time, each the next number of its lane and a
   * higher id than every event before it.
   */
  stamp(events: readonly DomainEvent[]): readonly JournalEvent[] {
    const { clock, deviceId, bootId, clockQuality } = this.#options;
    const wallMs = clock.wallMs();
    const shared = {
      schema: EVENT_SCHEMA,
      deviceId,
      bootId,
      monotonicMs: Math.round(clock.monotonicMs() * 1000) / 1000,
      wall: isoFromWallMs(wallMs),
      clockQuality: clockQuality(),
    } as const;
    return events.map((event) => ({
      ...shared,
      ...event,
      id: this.#nextId(wallMs),
      seq: this.#nextSeq(event.lane),
    }));
  }

  #nextSeq(lane: Lane): number {
    this.#lastSeq[lane] += 1;
    return this.#lastSeq[lane];
  }

  /**
   * RFC 9562, 6.2, method 1 with the 12-bit counter in `rand_a`. When the clock stands still or
   * has gone back the counter goes up; when the counter is used up the time field runs ahead.
   */
  #nextId(wallMs: number): string {
    const { random } = this.#options;
    const nowMs = Math.min(Math.max(Math.floor(wallMs) || 0, 0), MAX_ID_MS);
    if (nowMs > this.#idMs) {
      this.#idMs = nowMs;
      this.#counter = random.uint32() & (MAX_COUNTER >> 1);
    } else if (this.#counter < MAX_COUNTER) {
      this.#counter += 1;
    } else {
      this.#idMs = Math.min(this.#idMs + 1, MAX_ID_MS);
      this.#counter = 0;
    }
    const time = hex(this.#idMs, 12);
    const variant = hex(0x8000 | (random.uint32() & 0x3fff), 4);
    const node = hex(random.uint32() & 0xffff, 4) + hex(random.uint32(), 8);
    return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(this.#counter, 3)}-${variant}-${node}`;
  }
}

function hex(value: number, width: number): string {
  return value.toString(16).padStart(width, '0');
}
