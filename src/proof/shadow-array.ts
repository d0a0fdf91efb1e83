/**
 * An array that never was: the live one's last words, with a spot in them, go through the same
 * intake as the live one's, into a bank of their own. Nothing of it can reach the panel.
 */
import type { EvidenceBank } from '../domain/evidence-bank.ts';
import type { FrameSink } from '../domain/line-protocol/thermal-intake.ts';
import { ThermalIntake } from '../domain/line-protocol/thermal-intake.ts';
import { Board } from '../domain/line-protocol/board.ts';
import { DEFAULT_TRAITS } from '../domain/line-protocol/board-profile.ts';
import type { Decoding } from '../domain/line-protocol/board-profile.ts';
import { CalibrationCache } from '../domain/line-protocol/calibrations.ts';
import { createLineCounters } from '../domain/line-protocol/line-counters.ts';
import { ArrayIntake } from '../domain/mlx90640/array-intake.ts';
import { ARRAY_PIXELS } from '../domain/mlx90640/words.ts';
import type { KeyedStore } from '../domain/ports.ts';
import type { RawDecoding } from '../domain/raw-tap.ts';
import type { SensorId } from '../domain/units.ts';
import type { RawPicture } from './raw-words.ts';

/** A word that marks a pixel without a value. */
const NO_VALUE = 0x7fff;
const HIGHEST = 0x7ffe;

/** Pixels of the array, as in RAM, and what their words are raised by. */
export interface Spot {
  readonly pixels: readonly number[];
  readonly counts: Int32Array;
}

const NOWHERE: KeyedStore = {
  loadAll: () => Promise.resolve(new Map()),
  put: () => undefined,
  remove: () => undefined,
};

/** The calibrations of shadows: none are known before, none are kept. */
export function noCalibrations(): Promise<CalibrationCache> {
  return CalibrationCache.load(NOWHERE);
}

export class ShadowArray {
  readonly #dumps: readonly Uint16Array[];
  readonly #work: readonly Uint16Array[];
  readonly #feed: (dumps: readonly Uint16Array[], atMs: number) => void;
  #pictures = 0;

  /** @param sink where its temperatures go; what it refuses is in `bank` */
  constructor(
    sensor: SensorId,
    raw: RawPicture,
    shadow: {
      readonly bank: EvidenceBank;
      readonly sink: FrameSink;
      readonly calibrations: CalibrationCache;
    },
    nowMs: number,
  ) {
    this.#dumps = raw.dumps.map((dump) => dump.slice());
    this.#work = raw.dumps.map((dump) => dump.slice());
    const deps = {
      ...{ bank: shadow.bank, calibrations: shadow.calibrations, counters: createLineCounters() },
      frameSinkOf: () => shadow.sink,
      onNotice: () => undefined,
    };
    const { decoding, eeprom } = raw;
    if (decoding.kind === 'subpages' || decoding.kind === 'module') {
      const intake = new ArrayIntake(sensor, deps, optionsOf(decoding));
      if (eeprom !== null) intake.eeprom(eeprom, nowMs);
      this.#feed =
        decoding.kind === 'module'
          ? ([words], atMs) => {
              if (words !== undefined) intake.computed(words, raw.ambientCelsius, atMs);
            }
          : (dumps, atMs) => {
              dumps.forEach((words, i) => intake.subpage(words, i === 0 ? 0 : 1, atMs));
            };
      return;
    }
    const identity = { sensor, announced: 'proof', configured: true };
    const board = new Board(identity, traitsOf(decoding), shadow.bank);
    const intake = new ThermalIntake(board, deps, nowMs);
    if (eeprom !== null) {
      const bytes = hexBytes(eeprom);
      intake.eeprom(bytes, 0, bytes.length, nowMs);
    }
    this.#feed = ([words], atMs) => {
      if (words === undefined) return;
      const bytes = hexBytes(words);
      intake.frame(bytes, 0, bytes.length, atMs);
    };
  }

  /**
   * Sends one picture. Every second one has all its pixels a count higher: an array that repeats
   * itself to the bit counts as frozen, here as everywhere.
   */
  send(spot: Spot | null, atMs: number): void {
    const dither = this.#pictures % 2;
    this.#pictures += 1;
    this.#dumps.forEach((from, i) => {
      const to = this.#work[i];
      if (to === undefined) return;
      to.set(from);
      for (let pixel = 0; pixel < ARRAY_PIXELS; pixel++) raise(to, pixel, dither);
      spot?.pixels.forEach((pixel, at) => raise(to, pixel, spot.counts[at] ?? 0));
    });
    this.#feed(this.#work, atMs);
  }
}

/** Raises a word as the converter would: up to where it saturates; no value stays none. */
function raise(words: Uint16Array, pixel: number, counts: number): void {
  const word = words[pixel] ?? NO_VALUE;
  if (word === NO_VALUE || counts === 0) return;
  const signed = (word << 16) >> 16;
  words[pixel] = Math.min(HIGHEST, signed + counts);
}

function optionsOf(decoding: RawDecoding) {
  return 'emissivity' in decoding
    ? { emissivity: decoding.emissivity, reflectedCelsius: decoding.reflectedCelsius }
    : { emissivity: 1, reflectedCelsius: null };
}

function traitsOf(decoding: Extract<RawDecoding, { kind: 'pictures' | 'legacy' }>) {
  if (decoding.kind === 'legacy') return { ...DEFAULT_TRAITS, decoding };
  const { emissivity, reflectedCelsius, controlRegister } = decoding;
  const asBoard: Decoding = { kind: 'mlx90640', emissivity, reflectedCelsius };
  return {
    ...DEFAULT_TRAITS,
    decoding: asBoard,
    driverTail: controlRegister === 'driverTail',
  };
}

/** Words as a board spells them. */
function hexBytes(words: Uint16Array): Uint8Array {
  let text = '';
  for (const word of words) text += word.toString(16).padStart(4, '0');
  return Buffer.from(text, 'latin1');
}
