/**
 * An MLX90640 as its I2C bus sees it: addresses, registers and a memory that goes on changing.
 *
 * Written from the datasheet (MLX90640 datasheet rev 12, chapters 7 "Register map" and 10.2
 * "Communication"). It measures one subpage after the other at the rate of its control register:
 * each measurement writes the pixels of its subpage and the words about the array itself, sets
 * "new data" and the subpage's number. What is read while a measurement ends is torn, as in the
 * real array, because the words of a long transfer leave one after another.
 */
import type { SimulatedArray } from './array.ts';
import type { RegisterFaults } from './mlx90640-faults.ts';
import { altered, noFaults } from './mlx90640-faults.ts';
import { inSettings, isOfSubpage } from './mlx90640-settings.ts';
import type { SeededRandom } from './random.ts';
import { seededRandom } from './random.ts';

const RAM_AT = 0x0400;
const EEPROM_AT = 0x2400;
const DUMP_WORDS = 832;
const STATUS_AT = 0x8000;
const CONTROL_AT = 0x800d;
const I2C_CONFIG_AT = 0x800f;
const I2C_ADDRESS_AT = 0x8010;
/** EEPROM words that the registers take their values from at power-on. */
const CONTROL_WORD = 12;
const I2C_WORD = 15;

const SUBPAGES_ON = 0x0001;
const DATA_HOLD = 0x0004;
const NEW_DATA = 0x0008;
const OVERWRITE = 0x0010;
/** Bits of the status register that its user may write. */
const STATUS_WRITABLE = NEW_DATA | OVERWRITE;
const PIXELS = 768;
const COMPENSATION_WORDS = [776, 808] as const;
/** From power-on to the beginning of the first measurement. */
const START_MS = 80;
const SLOWEST_SUBPAGE_MS = 2000;
const BITS_PER_BYTE = 9;
/** After a long silence only the last measurements can still be seen in the memory. */
const MOST_MEASUREMENTS = 4;

/** What it looks at. */
export interface RegisterScene {
  /** 768 true temperatures, row-major 24 x 32. */
  readonly celsius: Float32Array;
  readonly ambientCelsius: number;
  readonly supplyVolts: number;
}

export interface RegisterOptions {
  readonly array: SimulatedArray;
  /** @param seconds since the simulation's start */
  readonly scene: (seconds: number) => RegisterScene;
  /** Milliseconds; never goes back. */
  readonly now: () => number;
  /** Of the bus, for the moment at which each word of a transfer leaves. Default 400,000. */
  readonly speedHz?: () => number;
  readonly seed?: number | string;
}

interface Measurement {
  readonly control: number;
  readonly subpage: 0 | 1;
  readonly endsAtMs: number;
}

/** Structurally what `SimulatedI2c` attaches to a bus. */
export class Mlx90640Registers {
  /** Set and unset at any time. */
  readonly faults: RegisterFaults = noFaults();
  /** Writings to the EEPROM that were tried: they would cost a real array its calibration. */
  eepromWrites = 0;
  /** Times that the memory was measured into. */
  measurements = 0;
  readonly #options: RegisterOptions;
  readonly #random: SeededRandom;
  #array: SimulatedArray;
  #ram = new Uint16Array(DUMP_WORDS);
  /** The memory before the latest measurement, for transfers that began before it ended. */
  #before = this.#ram;
  #changedAtMs = -Infinity;
  #status = OVERWRITE;
  #control = 0;
  #pointer = RAM_AT;
  #running: Measurement | null = null;

  constructor(options: RegisterOptions) {
    this.#options = options;
    this.#array = options.array;
    this.#random = seededRandom(options.seed ?? 'registers');
    this.power(true);
  }

  get controlRegister(): number {
    return this.#control;
  }

  /** Switches the supply. Without it nothing is acknowledged, and everything is forgotten. */
  power(on: boolean): void {
    this.#ram = new Uint16Array(DUMP_WORDS);
    this.#before = this.#ram;
    this.#status = OVERWRITE;
    this.#control = this.#array.eeprom[CONTROL_WORD] ?? 0;
    this.#running = null;
    if (on) this.#begin(this.#options.now() + START_MS, 0);
  }

  /** Puts another array in its place. */
  swap(array: SimulatedArray): void {
    this.#array = array;
    this.power(true);
  }

  /** The supply dips: the control register falls back, the memory stays. */
  brownOut(): void {
    this.#control = this.#array.eeprom[CONTROL_WORD] ?? 0;
  }

  /** Null: not acknowledged. Fewer bytes than asked: a short read. */
  transfer(write: Uint8Array, readBytes: number): Uint8Array | null {
    this.#measureUntilNow();
    if (this.faults.nack || this.#running === null) return null;
    const [high, low, dataHigh, dataLow] = write;
    if (high !== undefined && low !== undefined) this.#pointer = (high << 8) | low;
    if (dataHigh !== undefined && dataLow !== undefined) {
      this.#write(this.#pointer, (dataHigh << 8) | dataLow);
    }
    if (readBytes === 0) return new Uint8Array(0);
    return altered(this.#read(write.length, readBytes), this.#pointer, this.faults, this.#random);
  }

  #read(written: number, readBytes: number): Uint8Array {
    const bytes = new Uint8Array(readBytes);
    const msPerByte = (1000 * BITS_PER_BYTE) / (this.#options.speedHz?.() ?? 400_000);
    const endMs = this.#options.now();
    const beganMs = endMs - (readBytes + written + 2) * msPerByte;
    const half = readBytes / 2;
    for (let at = 0; 2 * at < readBytes; at++) {
      const leftAtMs = beganMs + (written + 2 + 2 * at) * msPerByte;
      const torn = this.faults.torn && at > half / 2;
      const word = this.#word(this.#pointer + at, leftAtMs < this.#changedAtMs || torn);
      bytes[2 * at] = word >> 8;
      if (2 * at + 1 < readBytes) bytes[2 * at + 1] = word & 0xff;
    }
    return bytes;
  }

  #word(address: number, isOld: boolean): number {
    if (address === STATUS_AT) return this.#status;
    if (address === CONTROL_AT) return this.#control;
    if (address === I2C_CONFIG_AT) return 0;
    if (address === I2C_ADDRESS_AT) return this.#array.eeprom[I2C_WORD] ?? 0;
    const ram = (isOld ? this.#before : this.#ram)[address - RAM_AT];
    return ram ?? this.#array.eeprom[address - EEPROM_AT] ?? 0;
  }

  #write(address: number, word: number): void {
    if (address === STATUS_AT) {
      this.#status = (this.#status & ~STATUS_WRITABLE) | (word & STATUS_WRITABLE);
    } else if (address === CONTROL_AT) this.#control = word;
    else if (address >= EEPROM_AT && address < EEPROM_AT + DUMP_WORDS) this.eepromWrites += 1;
  }

  /** A measurement keeps the settings that it began with. */
  #begin(atMs: number, subpage: 0 | 1): void {
    const periodMs = SLOWEST_SUBPAGE_MS / 2 ** ((this.#control >> 7) & 7);
    this.#running = { control: this.#control, subpage, endsAtMs: atMs + periodMs };
  }

  #measureUntilNow(): void {
    const nowMs = this.#options.now();
    for (let ended = this.#running; ended !== null && ended.endsAtMs <= nowMs;) {
      const { control, subpage, endsAtMs } = ended;
      this.#begin(endsAtMs, (control & SUBPAGES_ON) !== 0 && subpage === 0 ? 1 : 0);
      const periodMs = (this.#running?.endsAtMs ?? endsAtMs) - endsAtMs;
      if (nowMs - endsAtMs < MOST_MEASUREMENTS * periodMs) this.#measured(ended);
      ended = this.#running;
    }
  }

  #measured({ control, subpage, endsAtMs }: Measurement): void {
    if (this.faults.neverReady) return;
    this.measurements += 1;
    const isHeld = (control & DATA_HOLD) !== 0 && (this.#status & OVERWRITE) === 0;
    if (!isHeld && !this.faults.frozen) this.#store(control, subpage, endsAtMs);
    const shown = this.faults.sameSubpage ? 0 : subpage;
    this.#status = (this.#status & OVERWRITE) | NEW_DATA | shown;
  }

  #store(control: number, subpage: 0 | 1, endsAtMs: number): void {
    const scene = this.#options.scene(endsAtMs / 1000);
    const dump = inSettings(this.#array.dump(scene.celsius, scene), this.#array.eeprom, control);
    this.#before = this.#ram;
    this.#changedAtMs = endsAtMs;
    this.#ram = Uint16Array.from(this.#ram, (word, at) => {
      if (at < PIXELS) return isOfSubpage(at, subpage, control) ? (dump[at] ?? 0) : word;
      return at === COMPENSATION_WORDS[1 - subpage] ? word : (dump[at] ?? 0);
    });
    // Until both subpages have been measured once, the other one's words are not there yet.
    const other = COMPENSATION_WORDS[1 - subpage] ?? PIXELS;
    if (this.#ram[other] === 0) this.#ram[other] = dump[other] ?? 0;
  }
}
