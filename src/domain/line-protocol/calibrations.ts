/**
 * The arrays' calibrations, kept through restarts: which array each sensor has, and the EEPROM of
 * each array.
 */
import { decodeHexWords } from '../mlx90640/hex-words.ts';
import { arrayIdOf } from '../mlx90640/identity.ts';
import { EEPROM_WORDS } from '../mlx90640/words.ts';
import type { KeyedStore } from '../ports.ts';
import { type SensorId, isId, sensorId } from '../units.ts';
import { ascii } from './bytes.ts';

export interface StoredArray {
  readonly arrayId: string;
  readonly eeprom: Uint16Array;
}

/** Beyond this, calibrations of arrays that no sensor has are forgotten. */
const MAX_CALIBRATIONS = 256;

export class CalibrationCache {
  readonly #store: KeyedStore;
  readonly #eeproms = new Map<string, Uint16Array>();
  readonly #arrays = new Map<SensorId, string>();

  private constructor(store: KeyedStore) {
    this.#store = store;
  }

  /** Reads the store once. Entries that cannot be read are left out: the boards will be asked. */
  static async load(store: KeyedStore): Promise<CalibrationCache> {
    const cache = new CalibrationCache(store);
    for (const [arrayId, hex] of await store.loadAll('calibration')) {
      const eeprom = new Uint16Array(EEPROM_WORDS);
      const complete = decodeHexWords(ascii(hex), 0, hex.length, eeprom) === EEPROM_WORDS;
      if (complete) cache.#eeproms.set(arrayId, eeprom);
    }
    for (const [sensor, arrayId] of await store.loadAll('sensorArray')) {
      if (isId(sensor)) cache.#arrays.set(sensorId(sensor), arrayId);
    }
    return cache;
  }

  /** The array that was last at `sensor`, with its calibration; null where either is unknown. */
  arrayAt(sensor: SensorId): StoredArray | null {
    const arrayId = this.#arrays.get(sensor);
    if (arrayId === undefined) return null;
    const eeprom = this.#eeproms.get(arrayId);
    return eeprom === undefined ? null : { arrayId, eeprom };
  }

  /**
   * Keeps what a board has sent; writes to the store only what is new.
   *
   * @param eeprom 832 words; copied
   * @returns the id of the array that was at `sensor` before, if it was another one
   */
  remember(sensor: SensorId, eeprom: Uint16Array): string | null {
    const arrayId = arrayIdOf(eeprom);
    const known = this.#eeproms.get(arrayId);
    if (known === undefined || !sameWords(known, eeprom)) {
      this.#eeproms.set(arrayId, eeprom.slice());
      this.#store.put('calibration', arrayId, hexOf(eeprom));
    }
    const before = this.#arrays.get(sensor);
    if (before === arrayId) return null;
    this.#arrays.set(sensor, arrayId);
    this.#store.put('sensorArray', sensor, arrayId);
    this.#forgetSpare();
    return before ?? null;
  }

  #forgetSpare(): void {
    if (this.#eeproms.size <= MAX_CALIBRATIONS) return;
    const used = new Set(this.#arrays.values());
    for (const arrayId of this.#eeproms.keys()) {
      if (used.has(arrayId)) continue;
      this.#eeproms.delete(arrayId);
      this.#store.remove('calibration', arrayId);
      return;
    }
  }
}

/** Whether two dumps are the same, word by word. */
export function sameWords(a: Uint16Array, b: Uint16Array): boolean {
  return a.length === b.length && a.every((word, at) => word === b[at]);
}

function hexOf(words: Uint16Array): string {
  return Array.from(words, (word) => word.toString(16).padStart(4, '0')).join('');
}
