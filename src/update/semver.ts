/** Versions of releases and their order, as in https://semver.org/ (2.0.0). Pure. */

const NUMBER = '(0|[1-9][0-9]{0,8})';
const NAME = '(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)';
const PATTERN = new RegExp(
  `^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-(${NAME}(?:\\.${NAME})*))?(?:\\+[0-9A-Za-z.-]+)?$`,
);
const MAX_LENGTH = 64;

export function isVersion(text: string): boolean {
  return text.length <= MAX_LENGTH && PATTERN.test(text);
}

/**
 * Below 0: `a` is older; above 0: `a` is newer; 0: neither, build metadata does not count.
 * @throws RangeError where one is none: ask `isVersion` first.
 */
export function compareVersions(a: string, b: string): number {
  const left = partsOf(a);
  const right = partsOf(b);
  for (const [i, value] of left.numbers.entries()) {
    const other = right.numbers[i] ?? 0;
    if (value !== other) return value < other ? -1 : 1;
  }
  if (left.names.length === 0 || right.names.length === 0) {
    return (left.names.length === 0 ? 1 : 0) - (right.names.length === 0 ? 1 : 0);
  }
  for (const [i, name] of left.names.entries()) {
    const other = right.names[i];
    if (other === undefined) return 1;
    const order = compareNames(name, other);
    if (order !== 0) return order;
  }
  return left.names.length < right.names.length ? -1 : 0;
}

/** Numbers by their size and before words; words by their characters. */
function compareNames(a: string, b: string): number {
  const isNumber = (name: string): boolean => /^\d+$/.test(name);
  if (isNumber(a) !== isNumber(b)) return isNumber(a) ? -1 : 1;
  if (isNumber(a) && a.length !== b.length) return a.length < b.length ? -1 : 1;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function partsOf(text: string): { readonly numbers: number[]; readonly names: string[] } {
  const match = text.length <= MAX_LENGTH ? PATTERN.exec(text) : null;
  if (match === null) throw new RangeError(`"${text}" is no version such as 1.2.3 or 1.3.0-rc.1`);
  const [, major, minor, patch, names = ''] = match;
  return {
    numbers: [major, minor, patch].map(Number),
    names: names === '' ? [] : names.split('.'),
  };
}
