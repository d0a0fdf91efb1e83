/**
 * Recorded words into temperatures again: to the bit as the appliance computed them, or as it would
 * have under another emissivity or reflected temperature.
 */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { moduleCelsius } from '../../domain/mlx90640/array-intake.ts';
import { BadPixelRepair } from '../../domain/mlx90640/bad-pixels.ts';
import { parseCalibration } from '../../domain/mlx90640/calibration.ts';
import type { FrameDecoder } from '../../domain/mlx90640/frame-decoder.ts';
import { createFrameDecoder } from '../../domain/mlx90640/frame-decoder.ts';
import { decodeHexWords } from '../../domain/mlx90640/hex-words.ts';
import { decodeLegacyUnsafe } from '../../domain/mlx90640/legacy.ts';
import { ARRAY_PIXELS, EEPROM_WORDS, RAM_WORDS_WITH_TAIL } from '../../domain/mlx90640/words.ts';
import type { CalibrationRecord, FrameRecord } from './record.ts';

/** Settings instead of the recorded ones; what is left out stays as recorded. */
export interface DecodeSettings {
  /** 0.05..1 */
  readonly emissivity?: number;
  /** Above -273.15; null: 8 C below the array's ambient temperature. */
  readonly reflectedCelsius?: number | null;
}

interface Stream {
  readonly decoder: FrameDecoder | null;
  readonly celsius: Float32Array;
  readonly repair: BadPixelRepair;
  /** Subpages that have been decoded since the beginning. */
  seen: number;
}

/** Decodes the frames of recordings; must see all frames of a sensor, in order. */
export class Redecoder {
  readonly #settings: DecodeSettings;
  readonly #streams = new Map<CalibrationRecord, Stream>();

  /** @throws RangeError, at the first frame, for settings out of range: check user input first */
  constructor(settings: DecodeSettings = {}) {
    this.#settings = settings;
  }

  /**
   * The picture that this frame made or completed in the appliance; null where it made none, where
   * its calibration was not known, and for a picture whose first half lies before the recording.
   *
   * @returns 768 temperatures, NaN where there is none; overwritten by the sensor's next frame
   */
  decode(frame: FrameRecord): Float32Array | null {
    const stream = this.#streamOf(frame.calibration);
    const isPicture = this.#decode(frame, stream);
    return isPicture && frame.outcome === 'picture' ? stream.celsius : null;
  }

  #decode({ calibration, words, subpage }: FrameRecord, stream: Stream): boolean {
    const { decoding } = calibration;
    const { celsius, decoder } = stream;
    switch (decoding.kind) {
      case 'legacy':
        return decodeLegacyUnsafe(words, decoding.offsetCelsius, celsius);
      case 'module':
        if (words.length !== ARRAY_PIXELS) return false;
        stream.repair.repair(celsius, moduleCelsius(words, celsius) > 0);
        return true;
      case 'pictures':
        decoder?.decode(words, celsius);
        return decoder !== null;
      case 'subpages':
        if (decoder === null || subpage === null) return false;
        decoder.decode(words, celsius, subpage);
        stream.seen |= 1 << subpage;
        return stream.seen === 0b11;
    }
  }

  #streamOf(calibration: CalibrationRecord): Stream {
    const known = this.#streams.get(calibration);
    if (known !== undefined) return known;
    const stream = {
      decoder: decoderOf(calibration, this.#settings),
      celsius: new Float32Array(ARRAY_PIXELS),
      repair: new BadPixelRepair([]),
      seen: 0,
    };
    this.#streams.set(calibration, stream);
    return stream;
  }
}

/** Whether these are, to the bit, the temperatures that the appliance computed of the frame. */
export function isSamePicture(frame: FrameRecord, celsius: Float32Array): boolean {
  return pictureCrc(celsius) === frame.celsiusCrc;
}

function pictureCrc(celsius: Float32Array): number {
  return crc32(Buffer.from(celsius.buffer, celsius.byteOffset, celsius.byteLength));
}

function decoderOf(
  { decoding, eeprom }: CalibrationRecord,
  settings: DecodeSettings,
): FrameDecoder | null {
  if (decoding.kind !== 'pictures' && decoding.kind !== 'subpages') return null;
  const words = eeprom === null ? null : wordsOfHex(eeprom);
  if (words?.length !== EEPROM_WORDS) return null;
  const parsed = parseCalibration(words);
  if (!parsed.ok) return null;
  const { emissivity, reflectedCelsius } = { ...decoding, ...settings };
  const from = decoding.kind === 'subpages' ? 'driverTail' : decoding.controlRegister;
  return createFrameDecoder(parsed.calibration, {
    emissivity,
    reflectedCelsius,
    controlRegister: { from },
  });
}

/** Words of hex text, four digits each; null for any other text, or more than 834 words. */
export function wordsOfHex(hex: string): Uint16Array | null {
  const bytes = Buffer.from(hex, 'latin1');
  const words = new Uint16Array(bytes.length >> 2);
  if (words.length > RAM_WORDS_WITH_TAIL) return null;
  return decodeHexWords(bytes, 0, bytes.length, words) === words.length ? words : null;
}
