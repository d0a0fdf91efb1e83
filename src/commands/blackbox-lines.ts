/**
 * A recording as lines that `embereye evaluate` reads: raw words wherever the words of one dump are
 * one picture, so that it can be decoded again with other settings; temperatures where they are not
 * (an array on a bus takes two dumps for a picture, a module sends temperatures, and a legacy board
 * means something else by its words).
 */
import { ARRAY_PIXELS, TAIL_CONTROL_REGISTER } from '../domain/mlx90640/words.ts';
import { readIncident } from '../store/black-box/read.ts';
import type { FrameRecord } from '../store/black-box/record.ts';
import { hexOf } from '../store/black-box/record-writer.ts';
import type { DecodeSettings } from '../store/black-box/redecode.ts';
import { Redecoder, wordsOfHex } from '../store/black-box/redecode.ts';
import { isoFromWallMs } from '../store/wall-time.ts';

/** EEPROM word with the control register that an array starts with. */
const CONTROL_REGISTER_WORD = 12;
/** Bits 10..12: resolution of the converter, and the read-out pattern. */
const DECODING_BITS = 0x1c00;

const NOTHING: readonly null[] = new Array<null>(ARRAY_PIXELS).fill(null);

/**
 * The frames of one sensor, one JSON object each. `t` counts seconds from the first frame by the
 * monotonic clock; `at` is the wall time; `outcome` is what became of the frame in the appliance.
 * A frame of which nothing can be computed is a picture of nulls: time goes on without data.
 *
 * @param settings instead of the recorded ones, for what is written as temperatures and as words
 */
export async function* evaluateLines(
  file: string,
  sensor: string,
  settings: DecodeSettings,
): AsyncGenerator<string> {
  const redecoder = new Redecoder(settings);
  let firstMs: number | null = null;
  let offsetMs = 0;
  for await (const record of readIncident(file)) {
    if (record.kind === 'header' || record.kind === 'clock') {
      offsetMs = Date.parse(record.wall) - record.atMs;
    }
    if (record.kind !== 'frame' || record.sensor !== sensor) continue;
    const picture = pictureOf(record, redecoder, settings);
    if (picture === null) continue;
    firstMs ??= record.atMs;
    const { outcome, calibrated, atMs } = record;
    const at = isoFromWallMs(atMs + offsetMs);
    const t = (atMs - firstMs) / 1000;
    yield JSON.stringify({ t, at, sensor, outcome, calibrated, ...picture });
  }
}

/** Null for half a picture: the dump that completes it gives a line. */
function pictureOf(frame: FrameRecord, redecoder: Redecoder, settings: DecodeSettings) {
  const { decoding, eeprom } = frame.calibration;
  if (decoding.kind === 'pictures' && eeprom !== null && isPlain(frame, eeprom)) {
    const { emissivity, reflectedCelsius } = { ...decoding, ...settings };
    const reflected = reflectedCelsius === null ? {} : { reflected_c: reflectedCelsius };
    return { emissivity, ...reflected, eeprom, ram: hexOf(frame.words) };
  }
  const celsius = redecoder.decode(frame);
  if (celsius === null) return frame.outcome === 'half' ? null : { celsius: NOTHING };
  return { celsius: Array.from(celsius, (value) => (Number.isNaN(value) ? null : value)) };
}

/** Whether `evaluate`, which takes the control register of the EEPROM, decodes it the same way. */
function isPlain({ calibration, words }: FrameRecord, eeprom: string): boolean {
  const { decoding } = calibration;
  if (decoding.kind !== 'pictures' || decoding.controlRegister === 'eeprom') return true;
  const usual = wordsOfHex(eeprom)?.[CONTROL_REGISTER_WORD];
  const told = words[TAIL_CONTROL_REGISTER];
  if (usual === undefined || told === undefined) return false;
  return ((usual ^ told) & DECODING_BITS) === 0;
}

/** Everything in a recording, one JSON object a line; words as hex text. */
export async function* recordLines(file: string): AsyncGenerator<string> {
  for await (const record of readIncident(file)) {
    if (record.kind !== 'frame') {
      yield JSON.stringify(record);
      continue;
    }
    const { words, calibration, ambientCelsius, ...rest } = record;
    const ambient = Number.isNaN(ambientCelsius) ? null : ambientCelsius;
    const ram = hexOf(words);
    yield JSON.stringify({
      ...rest,
      calibration: calibration.number,
      ambientCelsius: ambient,
      ram,
    });
  }
}
