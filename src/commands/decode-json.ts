/**
 * The core of `decode --json`: one line of input to one line of output, whatever the input is.
 */
import { type CalibrationReason, parseCalibration } from '../domain/mlx90640/calibration.ts';
import {
  EMISSIVITY_HIGHEST,
  EMISSIVITY_LOWEST,
  type FrameFacts,
  createFrameDecoder,
} from '../domain/mlx90640/frame-decoder.ts';
import { decodeHexWords, firstBadHexByte } from '../domain/mlx90640/hex-words.ts';
import type { FrameStatus } from '../domain/mlx90640/plausibility.ts';
import { ARRAY_PIXELS, RAM_WORDS, RAM_WORDS_WITH_TAIL } from '../domain/mlx90640/words.ts';

/** `ok`, why the frame cannot be true, why the calibration cannot be, or what the line lacks. */
export type DecodeStatus =
  | FrameStatus
  | CalibrationReason
  | 'badJson'
  | 'eepromNotHex'
  | 'ramNotHex'
  | 'ramLength'
  | 'badEmissivity'
  | 'badReflected';

/** One output line, before it is text. */
export interface DecodedLine {
  /** Degrees C and volts; null where the words give no finite number. */
  readonly ta: number | null;
  readonly vdd: number | null;
  /**
   * 768 temperatures, row-major, null at pixels without one; null as a whole where the calibration
   * or the words cannot be used at all.
   */
  readonly celsius: readonly (number | null)[] | null;
  readonly status: DecodeStatus;
  /** Absent when `ok`: what is wrong, where, and what to do about it. */
  readonly detail?: string;
}

interface Request {
  readonly eeprom: Uint16Array;
  readonly ram: Uint16Array;
  readonly emissivity: number | undefined;
  readonly reflectedCelsius: number | null;
}

type Refusal = Pick<Required<DecodedLine>, 'status' | 'detail'>;

const LONGEST_LINE_SHOWN = 80;
const REMEDY = 'write {"eeprom": "<3328 hex digits>", "ram": "<3328 or 3336>"} on one line';
const REFLECTED_LOWEST_CELSIUS = -273;
const REFLECTED_HIGHEST_CELSIUS = 5000;

/**
 * Decodes `{"eeprom": hex, "ram": hex, "emissivity"?: 0.05..1, "reflected_c"?: C}` into the text of
 * a `DecodedLine`. `ram` has 832 words, or 834; control register is EEPROM word 12, not the tail.
 * The numbers are what the formulas give, also where the status says that they cannot be true.
 * Never throws.
 */
export function decodeJsonLine(line: string): string {
  return JSON.stringify(decodeLine(line));
}

/** Like `decodeJsonLine`, as an object. */
export function decodeLine(line: string): DecodedLine {
  const request = parseRequest(line);
  if ('status' in request) return withoutNumbers(request);
  const parsed = parseCalibration(request.eeprom);
  if (!parsed.ok)
    return withoutNumbers({ status: parsed.reason, detail: `eeprom: ${parsed.detail}` });
  const decoder = createFrameDecoder(parsed.calibration, {
    ...(request.emissivity === undefined ? {} : { emissivity: request.emissivity }),
    reflectedCelsius: request.reflectedCelsius,
  });
  const celsius = new Float32Array(ARRAY_PIXELS);
  return withNumbers(decoder.decode(request.ram, celsius), celsius);
}

function withNumbers(facts: FrameFacts, celsius: Float32Array): DecodedLine {
  const numbers = Array.from(celsius, rounded);
  return {
    ta: rounded(facts.taCelsius),
    vdd: rounded(facts.vddVolts),
    celsius: numbers.some((number) => number !== null) ? numbers : null,
    status: facts.status,
    ...(facts.status === 'ok' ? {} : { detail: `ram: ${facts.detail}` }),
  };
}

function withoutNumbers(refusal: Refusal): DecodedLine {
  return { ta: null, vdd: null, celsius: null, ...refusal };
}

/** Four decimals: a hundredth of the accuracy that is asked for. */
function rounded(value: number): number | null {
  return Number.isFinite(value) ? Math.round(value * 1e4) / 1e4 : null;
}

function parseRequest(line: string): Request | Refusal {
  const fields = parseObject(line);
  if (fields === null) {
    return {
      status: 'badJson',
      detail: `no JSON object: ${JSON.stringify(line.slice(0, LONGEST_LINE_SHOWN))}; ${REMEDY}`,
    };
  }
  const eeprom = parseWords(fields['eeprom'], 'eeprom', 'eepromNotHex');
  if ('status' in eeprom) return eeprom;
  const ram = parseWords(fields['ram'], 'ram', 'ramNotHex');
  if ('status' in ram) return ram;
  if (ram.length > RAM_WORDS && ram.length !== RAM_WORDS_WITH_TAIL) {
    return { status: 'ramLength', detail: `ram: ${ram.length} words, use 832 or 834` };
  }
  const emissivity = fields['emissivity'] ?? undefined;
  if (emissivity !== undefined && !isWithin(emissivity, EMISSIVITY_LOWEST, EMISSIVITY_HIGHEST)) {
    return {
      status: 'badEmissivity',
      detail: 'emissivity: use a number of 0.05..1, or leave it out',
    };
  }
  const reflectedCelsius = fields['reflected_c'] ?? null;
  if (
    reflectedCelsius !== null &&
    !isWithin(reflectedCelsius, REFLECTED_LOWEST_CELSIUS, REFLECTED_HIGHEST_CELSIUS)
  ) {
    return {
      status: 'badReflected',
      detail: 'reflected_c: use -273..5000 C, or leave it out',
    };
  }
  return { eeprom, ram, emissivity, reflectedCelsius };
}

function parseObject(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return null;
    return { ...parsed };
  } catch {
    // Not JSON is an answer here, not an accident: the caller reports it with the line.
    return null;
  }
}

function parseWords(
  text: unknown,
  field: 'eeprom' | 'ram',
  status: 'eepromNotHex' | 'ramNotHex',
): Uint16Array | Refusal {
  if (typeof text !== 'string') {
    return { status, detail: `${field}: missing or no text; write the words as hex digits` };
  }
  const bytes = new TextEncoder().encode(text);
  const bad = firstBadHexByte(bytes, 0, bytes.length);
  if (bad >= 0) {
    return { status, detail: `${field}: character ${bad + 1} is no hex digit; dump it again` };
  }
  const words = new Uint16Array(Math.floor(bytes.length / 4));
  if (decodeHexWords(bytes, 0, bytes.length, words) < 0) {
    return {
      status: field === 'eeprom' ? 'wrongLength' : 'ramLength',
      detail: `${field}: ${bytes.length} hex digits, a word has 4: it is cut short; dump it again`,
    };
  }
  return words;
}

function isWithin(value: unknown, lowest: number, highest: number): value is number {
  return typeof value === 'number' && value >= lowest && value <= highest;
}
