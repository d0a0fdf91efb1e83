/**
 * One board's thermal data on one connection: calibration and frames in, temperatures or a reason
 * why there are none out.
 *
 * The calibration belongs to the connection: an array can only be swapped while its board is off,
 * so after a reconnection the stored calibration is used, marked, until the board has sent its own.
 */
import type { NoDataReason } from '../evidence.ts';
import { THERMAL_CHANNEL } from '../evidence.ts';
import type { EvidenceBank } from '../evidence-bank.ts';
import { parseCalibration } from '../mlx90640/calibration.ts';
import {
  type FrameDecoder,
  type FrameFacts,
  createFrameDecoder,
} from '../mlx90640/frame-decoder.ts';
import { NO_DATA_OF } from '../mlx90640/no-data.ts';
import { decodeHexWords } from '../mlx90640/hex-words.ts';
import { decodeLegacyUnsafe } from '../mlx90640/legacy.ts';
import { ARRAY_PIXELS, EEPROM_WORDS, RAM_WORDS_WITH_TAIL } from '../mlx90640/words.ts';
import type { OpenRawTap, RawTap } from '../raw-tap.ts';
import type { SensorNotice } from '../step.ts';
import type { SensorId } from '../units.ts';
import type { Board } from './board.ts';
import { type CalibrationCache, sameWords } from './calibrations.ts';
import { readFrameWords } from './frame-words.ts';
import type { LineCounters } from './line-counters.ts';
import type { PacketErrorKind } from './packet-error.ts';

/** What is known about a frame beside its temperatures. */
export interface FrameContext {
  /** Computed with the array's own EEPROM, read on this connection. False for legacy decoding. */
  readonly calibrated: boolean;
  /** Of the decoder, overwritten by its next frame; null for legacy decoding. */
  readonly facts: FrameFacts | null;
}

/** Where the temperatures of one sensor go. */
export interface FrameSink {
  /** @param celsius 768, row-major as in RAM; a buffer that the next frame reuses: copy it. */
  accept(celsius: Float32Array, context: FrameContext, atMs: number): void;
}

export interface ThermalDeps {
  readonly bank: EvidenceBank;
  readonly calibrations: CalibrationCache;
  readonly counters: LineCounters;
  readonly frameSinkOf: (sensor: SensorId) => FrameSink;
  readonly onNotice: (notice: SensorNotice) => void;
  /** Where raw words are recorded; absent: nowhere. */
  readonly openRawTap?: OpenRawTap;
}

/** Calibrations that one board may send in a burst, and the time that wins one back. */
const CALIBRATION_BURST = 4;
const CALIBRATION_EVERY_MS = 60_000;

export class ThermalIntake {
  readonly #board: Board;
  readonly #deps: ThermalDeps;
  readonly #sink: FrameSink;
  readonly #raw: RawTap | null;
  readonly #words = new Uint16Array(RAM_WORDS_WITH_TAIL);
  readonly #celsius = new Float32Array(ARRAY_PIXELS);
  /** The calibration in use, and whether the board itself has sent it on this connection. */
  #eeprom: Uint16Array | null = null;
  #decoder: FrameDecoder | null = null;
  #confirmed = false;
  #refusal = '';
  #credit = CALIBRATION_BURST;
  #creditAtMs: number;

  constructor(board: Board, deps: ThermalDeps, nowMs: number) {
    this.#board = board;
    this.#deps = deps;
    this.#sink = deps.frameSinkOf(board.sensor);
    this.#raw = deps.openRawTap?.(board.sensor) ?? null;
    this.#creditAtMs = nowMs;
    if (board.traits.decoding.kind === 'mlx90640') this.#useStored();
    this.#tellDecoding();
  }

  /** Takes the data of an `#EEPROM` packet. Returns what is wrong with the packet, or null. */
  eeprom(bytes: Uint8Array, start: number, end: number, nowMs: number): PacketErrorKind | null {
    const words = new Uint16Array(EEPROM_WORDS);
    if (end - start !== EEPROM_WORDS * 4) return 'eepromLength';
    if (decodeHexWords(bytes, start, end, words) !== EEPROM_WORDS) return 'notHex';
    if (this.#eeprom !== null && sameWords(this.#eeprom, words)) {
      this.#confirm();
      return null;
    }
    return this.#spendCredit(nowMs) ? this.#adopt(words, nowMs) : 'eepromTooOften';
  }

  /** Takes the data of a `#frame` packet. Returns what is wrong with the packet, or null. */
  frame(bytes: Uint8Array, start: number, end: number, nowMs: number): PacketErrorKind | null {
    const count = readFrameWords(bytes, start, end, this.#words);
    if (typeof count === 'string') {
      this.#withhold('corrupt', `frame of ${end - start} characters: ${count}`, nowMs);
      return count;
    }
    this.#board.lastFrameAtMs = nowMs;
    const words = count === ARRAY_PIXELS ? this.#words.subarray(0, count) : this.#words;
    this.#raw?.words(words, null, nowMs, NaN);
    if (this.#board.frozen.offer(words)) {
      const repeats = this.#board.frozen.unchangedFrames;
      this.#withhold('frozen', `${repeats} frames in a row repeat the one before`, nowMs);
      return null;
    }
    const { decoding } = this.#board.traits;
    if (decoding.kind === 'mlx90640') this.#decode(words, nowMs);
    else {
      decodeLegacyUnsafe(words, decoding.offsetCelsius, this.#celsius);
      this.#deliver({ calibrated: false, facts: null }, nowMs);
    }
    return null;
  }

  /** A frame came that was no packet any more. */
  damaged(detail: string, nowMs: number): void {
    this.#withhold('corrupt', detail, nowMs);
  }

  #decode(words: Uint16Array, nowMs: number): void {
    if (this.#decoder === null) {
      if (this.#refusal === '') {
        this.#withhold('noCalibration', 'the EEPROM of this array has not been read yet', nowMs);
      } else this.#withhold('badCalibration', this.#refusal, nowMs);
      return;
    }
    const facts = this.#decoder.decode(words, this.#celsius);
    if (facts.status === 'ok') this.#deliver({ calibrated: this.#confirmed, facts }, nowMs);
    else this.#withhold(NO_DATA_OF[facts.status], facts.detail, nowMs);
  }

  #deliver(context: FrameContext, nowMs: number): void {
    this.#deps.counters.framesDecoded += 1;
    this.#board.framesDecoded += 1;
    this.#raw?.picture(this.#celsius, context.calibrated);
    this.#sink.accept(this.#celsius, context, nowMs);
  }

  #withhold(reason: NoDataReason, detail: string, nowMs: number): void {
    const { framesWithheld } = this.#deps.counters;
    framesWithheld[reason] = (framesWithheld[reason] ?? 0) + 1;
    this.#board.framesWithheld += 1;
    this.#raw?.withheld(reason);
    this.#deps.bank.noData(this.#board.sensor, THERMAL_CHANNEL, reason, detail, nowMs);
  }

  #useStored(): void {
    const stored = this.#deps.calibrations.arrayAt(this.#board.sensor);
    this.#board.calibration = 'none';
    if (stored === null) return;
    const parsed = parseCalibration(stored.eeprom);
    if (!parsed.ok) return;
    this.#eeprom = stored.eeprom;
    this.#decoder = this.#decoderFor(parsed.calibration);
    this.#board.calibration = 'stored';
    this.#board.arrayId = stored.arrayId;
  }

  #adopt(words: Uint16Array, nowMs: number): PacketErrorKind | null {
    const { sensor, traits } = this.#board;
    const parsed = parseCalibration(words);
    if (!parsed.ok) {
      this.#deps.counters.calibrationsRefused += 1;
      this.#refusal = `${parsed.reason}: ${parsed.detail}`;
      if (traits.decoding.kind !== 'mlx90640' || this.#decoder !== null) return 'eepromRefused';
      this.#board.calibration = 'refused';
      this.#deps.bank.noData(sensor, THERMAL_CHANNEL, 'badCalibration', this.#refusal, nowMs);
      return 'eepromRefused';
    }
    this.#deps.counters.calibrationsAccepted += 1;
    const was = this.#deps.calibrations.remember(sensor, words);
    const is = parsed.calibration.arrayId;
    if (was !== null) this.#deps.onNotice({ kind: 'arraySwapped', sensor, was, is });
    this.#eeprom = words;
    this.#refusal = '';
    this.#board.arrayId = is;
    if (traits.decoding.kind !== 'mlx90640') return null;
    this.#decoder = this.#decoderFor(parsed.calibration);
    this.#tellDecoding();
    this.#confirm();
    return null;
  }

  #confirm(): void {
    if (this.#board.traits.decoding.kind !== 'mlx90640') return;
    this.#confirmed = true;
    this.#board.calibration = 'confirmed';
  }

  #tellDecoding(): void {
    const { decoding, driverTail } = this.#board.traits;
    const controlRegister = driverTail ? 'driverTail' : 'eeprom';
    this.#raw?.decoding(
      decoding.kind === 'legacy' ? decoding : { ...decoding, kind: 'pictures', controlRegister },
      this.#eeprom,
    );
  }

  #decoderFor(calibration: Parameters<typeof createFrameDecoder>[0]): FrameDecoder | null {
    const { decoding, driverTail } = this.#board.traits;
    if (decoding.kind !== 'mlx90640') return null;
    return createFrameDecoder(calibration, {
      emissivity: decoding.emissivity,
      reflectedCelsius: decoding.reflectedCelsius,
      controlRegister: { from: driverTail ? 'driverTail' : 'eeprom' },
    });
  }

  #spendCredit(nowMs: number): boolean {
    const earned = Math.floor((nowMs - this.#creditAtMs) / CALIBRATION_EVERY_MS);
    if (earned > 0) {
      this.#credit = Math.min(CALIBRATION_BURST, this.#credit + earned);
      this.#creditAtMs += earned * CALIBRATION_EVERY_MS;
    }
    if (this.#credit === 0) return false;
    this.#credit -= 1;
    return true;
  }
}
