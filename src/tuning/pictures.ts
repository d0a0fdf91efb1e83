/** Recorded words to temperatures, once for both configurations where they decode alike. */
import type { FrameRecord } from '../store/black-box/record.ts';
import { isSamePicture, Redecoder } from '../store/black-box/redecode.ts';
import type { DecodeSettings } from '../store/black-box/redecode.ts';

export interface PictureCounters {
  /** Decoded with the recorded settings, and to the same bits as then. */
  same: number;
  /** With the recorded settings, to other bits: another release. */
  other: number;
  /** Decoded with other settings than recorded. */
  otherwise: number;
}

export class Pictures {
  readonly counters: PictureCounters = { same: 0, other: 0, otherwise: 0 };
  readonly #redecoders = new Map<string, Redecoder>();

  /**
   * The picture that a frame makes under these settings; null for none.
   * @returns 768 temperatures, overwritten by the sensor's next frame
   */
  decode(frame: FrameRecord, settings: DecodeSettings): Float32Array | null {
    const key = JSON.stringify(settings);
    let redecoder = this.#redecoders.get(key);
    if (redecoder === undefined) {
      redecoder = new Redecoder(settings);
      this.#redecoders.set(key, redecoder);
    }
    const celsius = redecoder.decode(frame);
    if (celsius === null) return null;
    if (isAsRecorded(frame, settings)) {
      if (isSamePicture(frame, celsius)) this.counters.same += 1;
      else this.counters.other += 1;
    } else this.counters.otherwise += 1;
    return celsius;
  }

  /** Calibrations of another run are others. */
  restart(): void {
    this.#redecoders.clear();
  }
}

function isAsRecorded({ calibration }: FrameRecord, settings: DecodeSettings): boolean {
  const { decoding } = calibration;
  if (decoding.kind !== 'pictures' && decoding.kind !== 'subpages') return true;
  const { emissivity = decoding.emissivity, reflectedCelsius = decoding.reflectedCelsius } =
    settings;
  return emissivity === decoding.emissivity && reflectedCelsius === decoding.reflectedCelsius;
}
