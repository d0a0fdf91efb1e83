/** From lines of a recording to frames in virtual time: decoded where they are RAM words. */
import type { NoDataReason } from '../domain/evidence.ts';
import { FRAME_PIXELS } from '../domain/frame.ts';
import { parseCalibration } from '../domain/mlx90640/calibration.ts';
import type { FrameDecoder } from '../domain/mlx90640/frame-decoder.ts';
import {
  createFrameDecoder,
  DEFAULT_EMISSIVITY,
  EMISSIVITY_HIGHEST,
  EMISSIVITY_LOWEST,
} from '../domain/mlx90640/frame-decoder.ts';
import { FrozenWatch } from '../domain/mlx90640/frozen-watch.ts';
import { NO_DATA_OF } from '../domain/mlx90640/no-data.ts';
import { decodeHexWords } from '../domain/mlx90640/hex-words.ts';
import type { CelsiusLine, WordsLine } from './evaluate-read.ts';

/** A longer gap is a clock that was set, not a pause of the recording. */
const LONGEST_GAP_SECONDS = 30 * 86_400;

/** Temperatures of a line, why there are none, or what is wrong with the line. */
export type DecodedFrame =
  | { readonly kind: 'celsius'; readonly celsius: Float32Array }
  | { readonly kind: 'noData'; readonly reason: NoDataReason; readonly detail: string }
  | { readonly kind: 'bad'; readonly problem: string };

/** Decodes the lines of one recording; the temperatures live until the next call. */
export class LineDecoder {
  readonly #celsius = new Float32Array(FRAME_PIXELS);
  readonly #frozen = new FrozenWatch();
  #key = '';
  #decoder: FrameDecoder | null = null;
  #refusal = '';

  decode(line: CelsiusLine | WordsLine): DecodedFrame {
    if (line.kind === 'celsius') return line;
    const emissivity = line.emissivity ?? DEFAULT_EMISSIVITY;
    if (!(emissivity >= EMISSIVITY_LOWEST && emissivity <= EMISSIVITY_HIGHEST)) {
      return { kind: 'bad', problem: `"emissivity" is ${emissivity}: use 0.05..1` };
    }
    if (line.reflectedCelsius !== null && line.reflectedCelsius <= -273) {
      return { kind: 'bad', problem: `"reflected_c" is ${line.reflectedCelsius}: use above -273` };
    }
    const ram = wordsOf(line.ram);
    if (ram === null) return { kind: 'bad', problem: '"ram" is not hex text of whole words' };
    const problem = this.#calibrate(line, emissivity);
    if (problem !== null) return { kind: 'bad', problem };
    if (this.#decoder === null) {
      return { kind: 'noData', reason: 'badCalibration', detail: this.#refusal };
    }
    const facts = this.#decoder.decode(ram, this.#celsius);
    if (facts.status !== 'ok') {
      return { kind: 'noData', reason: NO_DATA_OF[facts.status], detail: facts.detail };
    }
    if (this.#frozen.offer(ram)) {
      const frames = this.#frozen.unchangedFrames;
      return { kind: 'noData', reason: 'frozen', detail: `unchanged for ${frames} frames` };
    }
    return { kind: 'celsius', celsius: this.#celsius };
  }

  /** Makes a decoder when the calibration changes; returns what is wrong with the line. */
  #calibrate(line: WordsLine, emissivity: number): string | null {
    const key = `${line.eeprom} ${emissivity} ${line.reflectedCelsius ?? ''}`;
    if (key === this.#key) return null;
    const eeprom = wordsOf(line.eeprom);
    if (eeprom === null) return '"eeprom" is not hex text of whole words';
    const parsed = parseCalibration(eeprom);
    this.#key = key;
    this.#frozen.reset();
    this.#refusal = parsed.ok ? '' : parsed.detail;
    this.#decoder = parsed.ok
      ? createFrameDecoder(parsed.calibration, {
          emissivity,
          reflectedCelsius: line.reflectedCelsius,
        })
      : null;
    return null;
  }
}

function wordsOf(hex: string): Uint16Array | null {
  const bytes = new TextEncoder().encode(hex);
  const words = new Uint16Array(bytes.length >> 2);
  return decodeHexWords(bytes, 0, bytes.length, words) === words.length ? words : null;
}

/**
 * Virtual time of a recording, starting at 0 and never going back: a missing time, one that goes
 * back, or a leap of more than 30 days counts as one period.
 */
export class Timeline {
  readonly #periodSeconds: number;
  #atSeconds = 0;
  #recorded: number | null = null;
  #started = false;

  constructor(periodSeconds: number) {
    this.#periodSeconds = periodSeconds;
  }

  /** @returns seconds from the first frame. */
  next(recorded: number | null): number {
    const step =
      recorded === null || this.#recorded === null ? Number.NaN : recorded - this.#recorded;
    this.#recorded = recorded ?? this.#recorded;
    if (!this.#started) this.#started = true;
    else this.#atSeconds += step >= 0 && step <= LONGEST_GAP_SECONDS ? step : this.#periodSeconds;
    return this.#atSeconds;
  }
}

/** Median time between frames, for supervision; `fallback` where no times were recorded. */
export function medianPeriod(recorded: readonly (number | null)[], fallback: number): number {
  const steps: number[] = [];
  for (const [i, seconds] of recorded.entries()) {
    const before = recorded[i - 1] ?? null;
    if (seconds === null || before === null) continue;
    const step = seconds - before;
    if (step > 0 && step <= LONGEST_GAP_SECONDS) steps.push(step);
  }
  steps.sort((a, b) => a - b);
  return steps[steps.length >> 1] ?? fallback;
}
