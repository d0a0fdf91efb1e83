/** Readers of command-line values; each throws a RangeError that says what would be right. */

export function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new RangeError('write a number');
  return value;
}

/** More than 0. */
export function positive(text: string): number {
  const value = number(text);
  if (value <= 0) throw new RangeError('write a number above 0');
  return value;
}

export function whole(text: string): number {
  const value = number(text);
  if (!Number.isInteger(value) || value < 0) throw new RangeError('write a whole number');
  return value;
}

/** A factor, or `max`. */
export function speed(text: string): number | 'max' {
  if (text === 'max') return text;
  const value = number(text);
  if (value <= 0) throw new RangeError('write a number above 0, or max');
  return value;
}

/** One of the given words. */
export function oneOf<const T extends string>(words: readonly T[]): (text: string) => T {
  return (text) => {
    const found = words.find((word) => word === text);
    if (found === undefined) throw new RangeError(`write one of: ${words.join(', ')}`);
    return found;
  };
}
