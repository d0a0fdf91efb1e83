/**
 * The newest raw frames of all arrays, in memory that is bounded for the whole appliance.
 *
 * Frames lie in slots that are used again and again: nothing is allocated for a frame once the
 * memory is in use. A sensor keeps its frames for the history's length. When the memory is full,
 * the sensor that holds most gives its oldest frame up: a flood shortens its own history and
 * nobody else's. The history becomes shorter, never thinner.
 */
import type { RawDecoding } from '../../domain/raw-tap.ts';
import type { SensorId } from '../../domain/units.ts';

/** Words of the longest dump: RAM, control register, subpage. */
export const SLOT_WORDS = 834;
/** What a slot takes with its fields and its share of the lists. */
export const SLOT_BYTES = 2048;
/** Slots are allocated together, so that a thousand of them are a few objects for the engine. */
const SLAB_SLOTS = 64;
const FIRST_CAPACITY = 16;

/** One array's calibration and how its words are decoded; compared by identity. */
export interface RawCalibration {
  readonly sensor: SensorId;
  readonly decoding: RawDecoding;
  /** 832 words; null while none are known, or none are needed. */
  readonly eeprom: Uint16Array | null;
}

/** A subpage that waits for the other one; a picture. Other codes are reasons for its absence. */
export const OUTCOME_HALF = 0;
export const OUTCOME_PICTURE = 1;

/** One frame as it was received, and what became of it. Owned by the memory: read it, copy it. */
export class FrameSlot {
  readonly words: Uint16Array;
  count = 0;
  atMs = 0;
  /** 0 or 1; null for a whole picture. */
  subpage: 0 | 1 | null = null;
  ambientCelsius = NaN;
  /** `OUTCOME_HALF`, `OUTCOME_PICTURE`, or the code of a reason. */
  outcome = OUTCOME_HALF;
  calibrated = false;
  /** CRC-32 of the 768 temperatures as they went on, little endian floats; 0 without a picture. */
  celsiusCrc = 0;
  calibration: RawCalibration | null = null;

  constructor(words: Uint16Array) {
    this.words = words;
  }
}

/** The frames of one sensor, oldest first, numbered from 0 since the start. */
export class SensorFrames {
  readonly sensor: SensorId;
  /** Numbers of the oldest frame that is held, and of the next one to come. */
  first = 0;
  next = 0;
  #ring: (FrameSlot | undefined)[] = new Array<FrameSlot | undefined>(FIRST_CAPACITY);

  constructor(sensor: SensorId) {
    this.sensor = sensor;
  }

  get count(): number {
    return this.next - this.first;
  }

  /** The frame with this number, or null when it is not held (any more). */
  at(number: number): FrameSlot | null {
    if (number < this.first || number >= this.next) return null;
    return this.#ring[number % this.#ring.length] ?? null;
  }

  push(slot: FrameSlot): void {
    if (this.count === this.#ring.length) this.#grow();
    this.#ring[this.next % this.#ring.length] = slot;
    this.next += 1;
  }

  /** Gives the oldest frame up. */
  shift(): FrameSlot | null {
    const slot = this.at(this.first);
    if (slot !== null) this.first += 1;
    return slot;
  }

  #grow(): void {
    const larger = new Array<FrameSlot | undefined>(this.#ring.length * 2);
    for (let number = this.first; number < this.next; number++) {
      larger[number % larger.length] = this.#ring[number % this.#ring.length];
    }
    this.#ring = larger;
  }
}

export class FrameMemory {
  readonly #historyMs: number;
  readonly #mostSlots: number;
  readonly #sensors = new Map<SensorId, SensorFrames>();
  readonly #spare: FrameSlot[] = [];
  #slots = 0;

  /** @param maxBytes of all frames together; room for at least one frame is always taken */
  constructor(maxBytes: number, historyMs: number) {
    this.#historyMs = historyMs;
    this.#mostSlots = Math.max(1, Math.floor(maxBytes / SLOT_BYTES));
  }

  get bytes(): number {
    return this.#slots * SLOT_BYTES;
  }

  get sensors(): Iterable<SensorFrames> {
    return this.#sensors.values();
  }

  of(sensor: SensorId): SensorFrames {
    let frames = this.#sensors.get(sensor);
    if (frames === undefined) {
      frames = new SensorFrames(sensor);
      this.#sensors.set(sensor, frames);
    }
    return frames;
  }

  /** A slot at the end of `frames` for what has just been received; its fields are stale. */
  take(frames: SensorFrames, atMs: number): FrameSlot {
    const oldest = frames.at(frames.first);
    const slot =
      oldest !== null && atMs - oldest.atMs > this.#historyMs
        ? (frames.shift() ?? oldest)
        : (this.#spare.pop() ?? this.#allocate() ?? this.#reclaim(atMs));
    slot.atMs = atMs;
    frames.push(slot);
    return slot;
  }

  #allocate(): FrameSlot | null {
    const count = Math.min(SLAB_SLOTS, this.#mostSlots - this.#slots);
    if (count <= 0) return null;
    const slab = new Uint16Array(count * SLOT_WORDS);
    for (let i = 0; i < count; i++) {
      this.#spare.push(new FrameSlot(slab.subarray(i * SLOT_WORDS, (i + 1) * SLOT_WORDS)));
    }
    this.#slots += count;
    return this.#spare.pop() ?? null;
  }

  /** A frame that is too old to be kept, else the oldest of the sensor that holds most. */
  #reclaim(nowMs: number): FrameSlot {
    let richest: SensorFrames | null = null;
    for (const frames of this.#sensors.values()) {
      const oldest = frames.at(frames.first);
      if (oldest === null) continue;
      if (nowMs - oldest.atMs > this.#historyMs) return frames.shift() ?? oldest;
      if (richest === null || frames.count > richest.count) richest = frames;
    }
    // Every slot is held by somebody or spare, so there is always one to be had.
    return richest?.shift() ?? new FrameSlot(new Uint16Array(SLOT_WORDS));
  }
}
