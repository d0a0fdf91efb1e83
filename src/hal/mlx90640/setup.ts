/** What must have happened before an array can be read: its EEPROM is known, its settings taken. */
import type { ArrayIntake } from '../../domain/mlx90640/array-intake.ts';
import { arrayIdOf } from '../../domain/mlx90640/identity.ts';
import { EEPROM_WORDS } from '../../domain/mlx90640/words.ts';
import type { Clock } from '../../domain/ports.ts';
import { speedOf } from './bus-speed.ts';
import type { Mlx90640Chip } from './chip.ts';
import type { ArraySettings } from './registers.ts';
import {
  CONTROL_AT,
  controlWord,
  EEPROM_AT,
  hex,
  isControl,
  SERIAL_AT,
  SERIAL_WORDS,
} from './registers.ts';
import type { Outcome } from './trouble.ts';
import { got, trouble } from './trouble.ts';

/** Words of one transfer: others on the bus get their turn in between. */
const EEPROM_BLOCK_WORDS = 208;
/** Every other reading begins its blocks elsewhere: what goes wrong by place differs then. */
const SHORT_BLOCK_WORDS = 104;
/** Dumps of the EEPROM that are taken until two in a row are alike and can be true. */
const MOST_EEPROM_READS = 4;

export interface KnownArray {
  /** 12 hex digits. */
  readonly arrayId: string;
  /** Of the fastest block: what the bus does when nobody else uses it. */
  readonly speedHz: number;
}

/**
 * Finds out which array it is, and hands its EEPROM to the intake when it is another one than
 * `known`. The EEPROM is read in full only then: it never changes, and on a bus that goes wrong a
 * reading can end as a writing.
 */
export async function identify(
  chip: Mlx90640Chip,
  intake: ArrayIntake,
  known: KnownArray | null,
  clock: Clock,
): Promise<Outcome<KnownArray>> {
  if (known !== null) {
    const arrayId = await readArrayId(chip);
    if (!arrayId.ok) return arrayId;
    if (arrayId.value === known.arrayId) return got(known);
  }
  let speedHz = 0;
  let before: Uint16Array | null = null;
  let refusal = 'two readings of the EEPROM are never alike';
  for (let reading = 0; reading < MOST_EEPROM_READS; reading++) {
    const dump = await readEeprom(chip, reading % 2 === 0 ? EEPROM_BLOCK_WORDS : SHORT_BLOCK_WORDS);
    if (!dump.ok) return dump;
    speedHz = Math.max(speedHz, dump.value.speedHz);
    const { words } = dump.value;
    if (before !== null && words.every((word, at) => word === before?.[at])) {
      const refused = intake.eeprom(words, clock.monotonicMs());
      if (refused === null) return got({ arrayId: arrayIdOf(words), speedHz });
      refusal = `the EEPROM cannot be true (${refused})`;
    }
    before = words;
  }
  return trouble('calibration', `${chip.at}: ${refusal}`);
}

/** The array's own serial number, 12 hex digits. */
export async function readArrayId(chip: Mlx90640Chip): Promise<Outcome<string>> {
  const serial = await chip.read(SERIAL_AT, SERIAL_WORDS);
  if (!serial.ok) return serial;
  const eeprom = new Uint16Array(EEPROM_WORDS);
  eeprom.set(serial.value, SERIAL_AT - EEPROM_AT);
  return got(arrayIdOf(eeprom));
}

/**
 * Writes the control register, sees whether the array has taken it, and forgets what was announced
 * before. The measurement that is under way is finished with the settings of before.
 */
export async function configure(
  chip: Mlx90640Chip,
  settings: ArraySettings,
): Promise<Outcome<number>> {
  const control = controlWord(settings);
  const written = await chip.write(CONTROL_AT, control);
  if (!written.ok) return written;
  const read = await chip.read(CONTROL_AT, 1);
  if (!read.ok) return read;
  const held = read.value[0] ?? 0;
  if (!isControl(held, control)) {
    const detail = `${hex(control)} was written to the control register and ${hex(held)} is there`;
    return trouble('reset', `${chip.at}: ${detail}`);
  }
  const status = await chip.status();
  if (!status.ok) return status;
  const cleared = await chip.clearNewData(status.value);
  return cleared.ok ? got(control) : cleared;
}

async function readEeprom(
  chip: Mlx90640Chip,
  firstWords: number,
): Promise<Outcome<{ readonly words: Uint16Array; readonly speedHz: number }>> {
  const words = new Uint16Array(EEPROM_WORDS);
  let speedHz = 0;
  for (let at = 0; at < EEPROM_WORDS;) {
    const most = at === 0 ? firstWords : EEPROM_BLOCK_WORDS;
    const count = Math.min(most, EEPROM_WORDS - at);
    const block = await chip.read(EEPROM_AT + at, count);
    if (!block.ok) return block;
    words.set(block.value, at);
    speedHz = Math.max(speedHz, speedOf(count, chip.lastTransferMs));
    at += count;
  }
  return got({ words, speedHz });
}
