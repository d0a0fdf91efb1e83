/** Puts what arrays have sent into the memory. A few microseconds a frame, and no garbage. */
import { crc32 } from 'node:zlib';
import type { NoDataReason } from '../../domain/evidence.ts';
import type { RawDecoding, RawTap } from '../../domain/raw-tap.ts';
import type { SensorId } from '../../domain/units.ts';
import type { FrameMemory, FrameSlot, RawCalibration, SensorFrames } from './frame-memory.ts';
import { OUTCOME_HALF, OUTCOME_PICTURE, SLOT_WORDS } from './frame-memory.ts';
import { codeOfReason } from './record.ts';

/** A board that reconnects has the calibration that it had; so many of a sensor are remembered. */
const REMEMBERED = 4;

/** Opens the taps of all sensors; the calibrations of one sensor are shared by its taps. */
export class Taps {
  readonly #memory: FrameMemory;
  readonly #known = new Map<SensorId, RawCalibration[]>();

  constructor(memory: FrameMemory) {
    this.#memory = memory;
  }

  open(sensor: SensorId): RawTap {
    return new MemoryTap(this.#memory, sensor, (decoding, eeprom) =>
      this.#calibration(sensor, decoding, eeprom),
    );
  }

  #calibration(
    sensor: SensorId,
    decoding: RawDecoding,
    eeprom: Uint16Array | null,
  ): RawCalibration {
    const known = this.#known.get(sensor) ?? [];
    this.#known.set(sensor, known);
    const wanted = JSON.stringify(decoding);
    for (const one of known) {
      if (JSON.stringify(one.decoding) === wanted && isSame(one.eeprom, eeprom)) return one;
    }
    const made = { sensor, decoding, eeprom: eeprom?.slice() ?? null };
    known.push(made);
    if (known.length > REMEMBERED) known.shift();
    return made;
  }
}

class MemoryTap implements RawTap {
  readonly #memory: FrameMemory;
  readonly #frames: SensorFrames;
  readonly #calibrationOf: (decoding: RawDecoding, eeprom: Uint16Array | null) => RawCalibration;
  #calibration: RawCalibration | null = null;
  /** What was told last and has no outcome yet. */
  #open: FrameSlot | null = null;
  /** The caller's buffer as bytes; it is the same one for each of its pictures. */
  #picture: Float32Array | null = null;
  #pictureBytes: Uint8Array = new Uint8Array(0);

  constructor(
    memory: FrameMemory,
    sensor: SensorId,
    calibrationOf: (decoding: RawDecoding, eeprom: Uint16Array | null) => RawCalibration,
  ) {
    this.#memory = memory;
    this.#frames = memory.of(sensor);
    this.#calibrationOf = calibrationOf;
  }

  decoding(decoding: RawDecoding, eeprom: Uint16Array | null): void {
    this.#calibration = this.#calibrationOf(decoding, eeprom);
  }

  words(words: Uint16Array, subpage: 0 | 1 | null, atMs: number, ambientCelsius: number): void {
    const slot = this.#memory.take(this.#frames, atMs);
    slot.count = Math.min(words.length, SLOT_WORDS);
    slot.words.set(words.length > SLOT_WORDS ? words.subarray(0, SLOT_WORDS) : words);
    slot.subpage = subpage;
    slot.ambientCelsius = ambientCelsius;
    slot.outcome = OUTCOME_HALF;
    slot.calibrated = false;
    slot.celsiusCrc = 0;
    slot.calibration = this.#calibration;
    this.#open = slot;
  }

  picture(celsius: Float32Array, calibrated: boolean): void {
    const slot = this.#open;
    if (slot === null) return;
    if (this.#picture !== celsius) {
      this.#picture = celsius;
      this.#pictureBytes = new Uint8Array(celsius.buffer, celsius.byteOffset, celsius.byteLength);
    }
    slot.outcome = OUTCOME_PICTURE;
    slot.calibrated = calibrated;
    slot.celsiusCrc = crc32(this.#pictureBytes);
    this.#open = null;
  }

  withheld(reason: NoDataReason): void {
    if (this.#open === null) return;
    this.#open.outcome = codeOfReason(reason);
    this.#open = null;
  }
}

function isSame(a: Uint16Array | null, b: Uint16Array | null): boolean {
  if (a === null || b === null) return a === b;
  return a.length === b.length && a.every((word, at) => word === b[at]);
}
