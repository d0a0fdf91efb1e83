/**
 * One dump of an array's memory, or why it cannot be used.
 *
 * I2C has no checksum, and the array goes on measuring while its memory is read. So a dump counts
 * only when, after it, no new data has come and the subpage is the same, the last 64 words read the
 * same a second time, and the control register still holds what was written.
 */
import { RAM_WORDS_WITH_TAIL, TAIL_CONTROL_REGISTER } from '../../domain/mlx90640/words.ts';
import type { Mlx90640Chip, ReadStatus } from './chip.ts';
import { AUXILIARY_AT, AUXILIARY_WORDS, CONTROL_AT, hex, isControl, RAM_AT } from './registers.ts';
import type { Outcome } from './trouble.ts';
import { got, trouble } from './trouble.ts';

const RAM_WORDS = AUXILIARY_AT + AUXILIARY_WORDS - RAM_AT;

export type Dump =
  | {
      readonly kind: 'whole';
      /** 834 words: RAM, control register, subpage. */
      readonly words: Uint16Array;
      readonly subpage: 0 | 1;
    }
  /** The memory changed while it was read. */
  | { readonly kind: 'overrun' }
  | { readonly kind: 'garbled'; readonly detail: string };

/**
 * Takes the dump that `status` announced.
 * @param control what the control register was set to; another value there is trouble
 */
export async function takeDump(
  chip: Mlx90640Chip,
  status: ReadStatus,
  control: number,
): Promise<Outcome<{ readonly dump: Dump; readonly readMs: number }>> {
  const cleared = await chip.clearNewData(status);
  if (!cleared.ok) return cleared;
  const ram = await chip.read(RAM_AT, RAM_WORDS);
  if (!ram.ok) return ram;
  const readMs = chip.lastTransferMs;
  const auxiliary = await chip.read(AUXILIARY_AT, AUXILIARY_WORDS);
  if (!auxiliary.ok) return auxiliary;
  const held = await chip.read(CONTROL_AT, 1);
  if (!held.ok) return held;
  const after = await chip.status();
  if (!after.ok) return after;
  const dump = judge(ram.value, auxiliary.value, status, after.value, control);
  const found = held.value[0] ?? 0;
  if (dump.kind === 'garbled' || isControl(found, control)) return got({ dump, readMs });
  const detail = `the control register was ${hex(control)} and is ${hex(found)}`;
  return trouble('reset', `${chip.at}: the array has lost its settings: ${detail}`);
}

function judge(
  ram: Uint16Array,
  auxiliary: Uint16Array,
  before: ReadStatus,
  after: ReadStatus,
  control: number,
): Dump {
  // The other subpage without new data: it came between the look at the status and its clearing.
  if (after.newData || after.subpage !== before.subpage) return { kind: 'overrun' };
  const first = RAM_WORDS - AUXILIARY_WORDS;
  const changed = auxiliary.filter((word, at) => word !== ram[first + at]).length;
  if (changed > 0) {
    const detail = `${changed} of ${AUXILIARY_WORDS} words read differently a second time`;
    return { kind: 'garbled', detail };
  }
  const words = new Uint16Array(RAM_WORDS_WITH_TAIL);
  words.set(ram);
  words[TAIL_CONTROL_REGISTER] = control;
  words[TAIL_CONTROL_REGISTER + 1] = before.subpage;
  return { kind: 'whole', words, subpage: before.subpage };
}
