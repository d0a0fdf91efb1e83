/**
 * The decoding of the system that this appliance replaces. UNSAFE for a real array: it takes a raw
 * word for hundredths of a degree around 27 C, which agrees with the truth near room temperature
 * only (a true 60 C reads 30.6, a true 106 C reads 40). It exists for the old simulators, whose
 * words mean exactly this, and is chosen per device.
 *
 * Typed arrays are read with `as number`: the length is checked first.
 */
import { ARRAY_PIXELS } from './words.ts';

const CENTRE_CELSIUS = 27;
export const LEGACY_OFFSET_LIMIT_CELSIUS = 100;

/**
 * Writes `signed word / 100 + 27 + offsetCelsius` for the first 768 words to `out` (768).
 *
 * @param offsetCelsius -100..100
 * @returns false, with `out` untouched, where there are fewer than 768 words
 * @throws RangeError for an offset out of range: the configuration has checked it
 */
export function decodeLegacyUnsafe(
  words: Uint16Array,
  offsetCelsius: number,
  out: Float32Array,
): boolean {
  if (!(Math.abs(offsetCelsius) <= LEGACY_OFFSET_LIMIT_CELSIUS)) {
    throw new RangeError(`legacy offset ${offsetCelsius} C: use -100..100`);
  }
  if (words.length < ARRAY_PIXELS) return false;
  const base = CENTRE_CELSIUS + offsetCelsius;
  for (let pixel = 0; pixel < ARRAY_PIXELS; pixel++) {
    out[pixel] = (((words[pixel] as number) << 16) >> 16) / 100 + base;
  }
  return true;
}
