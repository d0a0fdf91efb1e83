/** What registers mean: numbers over one or two of them, and the values that mean "none". */

export const REGISTER_TYPES = ['uint16', 'int16', 'uint32', 'int32', 'float32', 'bit'] as const;
export type RegisterType = (typeof REGISTER_TYPES)[number];
export type Order = 'big' | 'little';

export interface RegisterFormat {
  readonly type: RegisterType;
  /** 0 is the lowest; for `bit` in a register only. */
  readonly bit: number | null;
  /** `big`: the upper half of a 32-bit number comes first. */
  readonly wordOrder: Order;
  /** `big`, as the standard has it: the upper byte of a register comes first. */
  readonly byteOrder: Order;
}

export type RegisterValue =
  | { readonly ok: true; readonly value: number }
  | { readonly ok: false; readonly reason: 'sentinel' | 'outOfRange'; readonly detail: string };

/** Registers that a value takes. */
export function registersOf(type: RegisterType): 1 | 2 {
  return type === 'uint32' || type === 'int32' || type === 'float32' ? 2 : 1;
}

/**
 * The value at `at`, before any factor. A float that is no number is a device's way to say that
 * it has none, as are the listed `sentinels`.
 *
 * @param words registers, or bits as 0 and 1; a value that is not wholly there is `outOfRange`
 * @param sentinels as the device's manual gives them: `65535`, `-32768`, also as the bit pattern of
 *   a signed number or a float, `0x8000`, `0x7FC00000`
 */
export function valueAt(
  words: Uint16Array,
  at: number,
  format: RegisterFormat,
  sentinels: readonly number[],
): RegisterValue {
  const pattern = patternAt(words, at, format);
  if (pattern === null) {
    return { ok: false, reason: 'outOfRange', detail: `there is no register ${at} in the answer` };
  }
  const value = numberOf(pattern, format);
  if (Number.isNaN(value) || sentinels.some((one) => one === value || one === pattern)) {
    const shown = `0x${pattern.toString(16).padStart(4 * registersOf(format.type), '0')}`;
    return { ok: false, reason: 'sentinel', detail: `the device says ${shown}: it has no value` };
  }
  if (Number.isFinite(value)) return { ok: true, value };
  return { ok: false, reason: 'outOfRange', detail: 'the device says infinity' };
}

/** The bits as an unsigned number, in the order in which they count. */
function patternAt(words: Uint16Array, at: number, format: RegisterFormat): number | null {
  const taken = words.subarray(at, at + registersOf(format.type));
  if (at < 0 || taken.length < registersOf(format.type)) return null;
  const ordered = [...taken].map((word) =>
    format.byteOrder === 'big' ? word : ((word & 0xff) << 8) | (word >> 8),
  );
  if (format.wordOrder === 'little') ordered.reverse();
  return ordered.reduce((all, word) => all * 0x10000 + word, 0);
}

function numberOf(pattern: number, { type, bit }: RegisterFormat): number {
  switch (type) {
    case 'bit':
      return (pattern >> (bit ?? 0)) & 1;
    case 'uint16':
    case 'uint32':
      return pattern;
    case 'int16':
      return (pattern << 16) >> 16;
    case 'int32':
      return pattern | 0;
    case 'float32':
      return new Float32Array(Uint32Array.of(pattern).buffer)[0] ?? NaN;
  }
}
