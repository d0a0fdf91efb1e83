/**
 * What the settings of an MLX90640 do to the words that it measures. The arrays of this simulator
 * are calibrated as real ones are: in chess, with 18 bits.
 *
 * Written from the datasheet's chain read backwards (MLX90640 datasheet rev 12, 11.1.3.1 and
 * 11.2.2.5.3 for the pattern, 11.2.2.1 for the resolution), apart from the radiometry.
 */
const COLUMNS = 32;
const PIXELS = 768;
const CHESS = 1 << 12;
const CALIBRATED_BITS = 18;
const GAIN_WORD = 778;
const COMPENSATION_1_WORD = 808;
/** Pixels, compensation pixels, gain and supply go with the resolution; PTAT and Vbe do not. */
const SCALED_WORDS = [776, GAIN_WORD, COMPENSATION_1_WORD, 810];
/** 0x7FFF marks a word without a value, so a saturated one stops below. */
const HIGHEST = 0x7ffe;
const LOWEST = -0x8000;
/** EEPROM words: gain, and the three corrections of the pattern. */
const EEPROM_GAIN = 48;
const EEPROM_PATTERN = 53;

/** Whether a pixel is measured in this subpage: alternate pixels in chess, else alternate rows. */
export function isOfSubpage(pixel: number, subpage: 0 | 1, control: number): boolean {
  const row = Math.floor(pixel / COLUMNS);
  const place = (control & CHESS) !== 0 ? row + (pixel % COLUMNS) : row;
  return place % 2 === subpage;
}

/** The words of a chess, 18-bit measurement as they come with the settings of `control`. */
export function inSettings(dump: Uint16Array, eeprom: Uint16Array, control: number): Uint16Array {
  const words = Int32Array.from(dump, (word) => signed(word, 16));
  if ((control & CHESS) === 0) readInterleaved(words, eeprom);
  const bits = 16 + ((control >> 10) & 3);
  const scale = 2 ** (bits - CALIBRATED_BITS);
  for (let at = 0; at < PIXELS; at++) words[at] = (words[at] ?? 0) * scale;
  for (const at of SCALED_WORDS) words[at] = (words[at] ?? 0) * scale;
  return Uint16Array.from(words, (word) => Math.min(HIGHEST, Math.max(LOWEST, word)) & 0xffff);
}

/** Reading row by row shifts each pixel by what the EEPROM says of its row and column. */
function readInterleaved(words: Int32Array, eeprom: Uint16Array): void {
  const corrections = eeprom[EEPROM_PATTERN] ?? 0;
  const c1 = signed(corrections & 0x3f, 6) / 16;
  const c2 = signed((corrections >> 6) & 0x1f, 5) / 2;
  const c3 = signed((corrections >> 11) & 0x1f, 5) / 8;
  const gain = (eeprom[EEPROM_GAIN] ?? 1) / (words[GAIN_WORD] ?? 1);
  for (let pixel = 0; pixel < PIXELS; pixel++) {
    const row = Math.floor(pixel / COLUMNS) % 2;
    const conversion = conversionOf(pixel) * (1 - 2 * row);
    const shift = c3 * (2 * row - 1) - c2 * conversion;
    words[pixel] = Math.round((words[pixel] ?? 0) - shift / gain);
  }
  words[COMPENSATION_1_WORD] = Math.round((words[COMPENSATION_1_WORD] ?? 0) + c1 / gain);
}

/** The datasheet's whole-number arithmetic over the pixel's number, counted from 0. */
function conversionOf(pixel: number): number {
  const quarter = (of: number): number => Math.floor(of / 4);
  return quarter(pixel + 2) - quarter(pixel + 3) + quarter(pixel + 1) - quarter(pixel);
}

function signed(word: number, width: number): number {
  const sign = 1 << (width - 1);
  return (word & (sign - 1)) - (word & sign);
}
