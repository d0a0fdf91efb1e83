/**
 * The newest raw words of each array, as they arrived: what a proof puts its spot into. One copy a
 * frame, no garbage.
 */
import type { NoDataReason } from '../domain/evidence.ts';
import { RAM_WORDS_WITH_TAIL } from '../domain/mlx90640/words.ts';
import type { OpenRawTap, RawDecoding, RawTap } from '../domain/raw-tap.ts';
import type { SensorId } from '../domain/units.ts';

/** The words of one picture: two dumps where each brings one subpage, else one. */
interface Dump {
  readonly words: readonly [Uint16Array, Uint16Array];
  /** Words of each; 0: none. */
  readonly counts: [number, number];
  ambientCelsius: number;
  atMs: number;
}

/** What was received of one array. The words are overwritten by later frames: copy them. */
export interface RawPicture {
  readonly decoding: RawDecoding;
  readonly eeprom: Uint16Array | null;
  /** By subpage; a whole picture is the first one. */
  readonly dumps: readonly Uint16Array[];
  /** Of a module; NaN where the words say it. */
  readonly ambientCelsius: number;
  readonly atMs: number;
}

/** Why the words that came last made no picture. */
export interface RawRefusal {
  readonly reason: NoDataReason;
  readonly atMs: number;
}

class Received {
  decoding: RawDecoding | null = null;
  eeprom: Uint16Array | null = null;
  /** Of the last picture that was believed, and of the one that comes in. */
  believed = emptyDump();
  coming = emptyDump();
  heardAtMs: number | null = null;
  refusal: RawRefusal | null = null;
}

function emptyDump(): Dump {
  return {
    words: [new Uint16Array(RAM_WORDS_WITH_TAIL), new Uint16Array(RAM_WORDS_WITH_TAIL)],
    counts: [0, 0],
    ambientCelsius: NaN,
    atMs: 0,
  };
}

export class RawWords {
  readonly #sensors = new Map<SensorId, Received>();

  /** A tap for each connection; the newest words of a sensor win. */
  readonly open = (sensor: SensorId): RawTap => {
    const received = this.#sensors.get(sensor) ?? new Received();
    this.#sensors.set(sensor, received);
    return new WordTap(received);
  };

  /** When the sensor last sent words, believable or not; null: never. */
  heardAtMs(sensor: SensorId): number | null {
    return this.#sensors.get(sensor)?.heardAtMs ?? null;
  }

  /** Set while the words that came last could not be believed. */
  refusalOf(sensor: SensorId): RawRefusal | null {
    return this.#sensors.get(sensor)?.refusal ?? null;
  }

  /** The last picture that was believed; null while there is none. */
  pictureOf(sensor: SensorId): RawPicture | null {
    const received = this.#sensors.get(sensor);
    if (received === undefined || received.decoding === null) return null;
    const { words, counts, ambientCelsius, atMs } = received.believed;
    const dumps = words.flatMap((each, i) => {
      const count = counts[i] ?? 0;
      return count === 0 ? [] : [each.subarray(0, count)];
    });
    if (dumps.length === 0) return null;
    return { decoding: received.decoding, eeprom: received.eeprom, dumps, ambientCelsius, atMs };
  }
}

class WordTap implements RawTap {
  readonly #received: Received;
  #decoding: RawDecoding | null = null;
  #eeprom: Uint16Array | null = null;

  constructor(received: Received) {
    this.#received = received;
  }

  decoding(decoding: RawDecoding, eeprom: Uint16Array | null): void {
    this.#decoding = decoding;
    this.#eeprom = eeprom?.slice() ?? null;
    this.#received.coming.counts.fill(0);
  }

  words(words: Uint16Array, subpage: 0 | 1 | null, atMs: number, ambientCelsius: number): void {
    const received = this.#received;
    received.heardAtMs = atMs;
    const { coming } = received;
    const at = subpage ?? 0;
    const count = Math.min(words.length, RAM_WORDS_WITH_TAIL);
    const target = at === 0 ? coming.words[0] : coming.words[1];
    target.set(count < words.length ? words.subarray(0, count) : words);
    coming.counts[at] = count;
    if (subpage === null) coming.counts[1] = 0;
    coming.atMs = atMs;
    coming.ambientCelsius = ambientCelsius;
  }

  picture(): void {
    const received = this.#received;
    const { believed, coming } = received;
    received.believed = coming;
    received.coming = believed;
    believed.counts.fill(0);
    received.decoding = this.#decoding;
    received.eeprom = this.#eeprom;
    received.refusal = null;
  }

  withheld(reason: NoDataReason): void {
    const received = this.#received;
    received.coming.counts.fill(0);
    received.refusal = { reason, atMs: received.heardAtMs ?? 0 };
  }
}

/** One tap for two listeners; null where neither wants to hear. */
export function bothTaps(first: OpenRawTap | null, second: OpenRawTap | null): OpenRawTap | null {
  if (first === null || second === null) return first ?? second;
  return (sensor) => {
    const [a, b] = [first(sensor), second(sensor)];
    return a === null || b === null ? (a ?? b) : new TwoTaps(a, b);
  };
}

class TwoTaps implements RawTap {
  readonly #a: RawTap;
  readonly #b: RawTap;

  constructor(a: RawTap, b: RawTap) {
    this.#a = a;
    this.#b = b;
  }

  decoding(decoding: RawDecoding, eeprom: Uint16Array | null): void {
    this.#a.decoding(decoding, eeprom);
    this.#b.decoding(decoding, eeprom);
  }

  words(words: Uint16Array, subpage: 0 | 1 | null, atMs: number, ambientCelsius: number): void {
    this.#a.words(words, subpage, atMs, ambientCelsius);
    this.#b.words(words, subpage, atMs, ambientCelsius);
  }

  picture(celsius: Float32Array, calibrated: boolean): void {
    this.#a.picture(celsius, calibrated);
    this.#b.picture(celsius, calibrated);
  }

  withheld(reason: NoDataReason): void {
    this.#a.withheld(reason);
    this.#b.withheld(reason);
  }
}
