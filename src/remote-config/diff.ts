/** What differs between two valid configurations, for people and for the list of the protected. */
import type { Config } from '../config-schema.ts';

export interface Difference {
  /** `zones[kitchen].limits.thermalCelsius`: entries of lists by their id where they have one. */
  readonly path: string;
  /** The same without names: `zones[].limits.thermalCelsius`. */
  readonly field: string;
  /** Undefined: it was not there. */
  readonly before: unknown;
  /** Undefined: it is not there any more. */
  readonly after: unknown;
}

/** All differences, in the order of the fields. Defaults are filled in, so they do not show. */
export function differencesOf(before: Config, after: Config): readonly Difference[] {
  const found: Difference[] = [];
  compare({ path: '', field: '' }, before, after, found);
  return found;
}

/** The first difference in a field that may not be changed from afar, or in one below it. */
export function protectedAmong(
  differences: readonly Difference[],
  fields: readonly string[],
): Difference | null {
  const covers = (field: string) => (one: Difference) =>
    one.field === field || one.field.startsWith(`${field}.`) || one.field.startsWith(`${field}[`);
  for (const field of fields) {
    const hit = differences.find((one) => covers(field)(one) || holds(one, field));
    if (hit !== undefined) return hit;
  }
  return null;
}

/** Whole entries that come or go bring their protected fields with them. */
function holds({ field, before, after }: Difference, wanted: string): boolean {
  if (!wanted.startsWith(`${field}.`)) return false;
  const path = wanted.slice(field.length + 1).split('.');
  return [before, after].some((value) => valueAt(value, path) !== undefined);
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const key of path) {
    if (!isObject(at)) return undefined;
    at = at[key];
  }
  return at;
}

const MAX_VALUE_CHARS = 60;
/** Names of files with secrets are no secrets. */
const SECRET = /(password|secret|token|credential|apikey|^key)$/i;

/** One line a difference, at most `limit`, then how many more there are. Secrets are left out. */
export function changeLines(differences: readonly Difference[], limit: number): readonly string[] {
  const lines = differences.slice(0, limit).map(lineOf);
  const more = differences.length - lines.length;
  return more === 0 ? lines : [...lines, `and ${more} more`];
}

function lineOf({ path, before, after }: Difference): string {
  const name = path.split('.').at(-1) ?? path;
  if (SECRET.test(name)) return `${path}: changed`;
  if (before === undefined) return `${path}: added ${textOf(after)}`;
  if (after === undefined) return `${path}: removed`;
  return `${path}: ${textOf(before)} -> ${textOf(after)}`;
}

function textOf(value: unknown): string {
  const text = JSON.stringify(value, (key, part: unknown) => (SECRET.test(key) ? '...' : part));
  return text.length > MAX_VALUE_CHARS ? `${text.slice(0, MAX_VALUE_CHARS - 3)}...` : text;
}

interface Place {
  readonly path: string;
  readonly field: string;
}

function compare(place: Place, before: unknown, after: unknown, found: Difference[]): void {
  if (Object.is(before, after)) return;
  if (Array.isArray(before) && Array.isArray(after)) {
    compareLists(place, before, after, found);
  } else if (isObject(before) && isObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const below = (text: string): string => (text === '' ? key : `${text}.${key}`);
      const next = { path: below(place.path), field: below(place.field) };
      compare(next, before[key], after[key], found);
    }
  } else found.push({ ...place, before, after });
}

/** Entries with ids are the same where their ids are; others where their places are. */
function compareLists(
  place: Place,
  before: readonly unknown[],
  after: readonly unknown[],
  found: Difference[],
): void {
  const was = entriesOf(before);
  const is = entriesOf(after);
  for (const name of new Set([...was.keys(), ...is.keys()])) {
    const next = { path: `${place.path}[${name}]`, field: `${place.field}[]` };
    compare(next, was.get(name), is.get(name), found);
  }
  const common = (one: Map<string, unknown>, other: Map<string, unknown>): string =>
    [...one.keys()].filter((name) => other.has(name)).join();
  if (common(was, is) !== common(is, was)) {
    found.push({ ...place, before: 'in this order', after: 'in another order' });
  }
}

function entriesOf(list: readonly unknown[]): Map<string, unknown> {
  const ids = list.map((entry) => (isObject(entry) ? entry['id'] : undefined));
  const named = ids.every((id) => typeof id === 'string') && new Set(ids).size === ids.length;
  return new Map(list.map((entry, i) => [named ? String(ids[i]) : String(i), entry]));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
