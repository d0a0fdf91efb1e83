/**
 * What a configuration would be without its mistakes: wrong fields at their defaults, and list
 * entries that cannot do without them left out. Only used to find mistakes across fields in the
 * same run as mistakes in fields; never started.
 */
import type { z } from 'zod';
import { pathText } from './config-problems.ts';
import type { Path } from './config-problems.ts';
import type { Config } from './config-schema.ts';
import { configSchema } from './config-schema.ts';

export interface Repaired {
  readonly config: Config;
  /** Takes a path in the repaired configuration back to the file's own numbering. */
  readonly original: (path: Path) => Path;
}

/** Lists in lists in lists: more rounds than that cannot make progress. */
const MAX_ROUNDS = 5;

/** Original numbers of the entries that each list, named in the file's own numbering, still has. */
type Kept = Map<string, number[]>;

/** Null where too little is left to say more. */
export function repair(raw: unknown, issues: readonly z.core.$ZodIssue[]): Repaired | null {
  const copy: unknown = structuredClone(raw);
  for (const issue of issues) {
    const path = issue.path.map(asKey);
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) removeAt(copy, [...path, key]);
    } else removeAt(copy, path);
  }
  const kept: Kept = new Map();
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const result = configSchema.safeParse(copy);
    if (result.success) {
      return { config: result.data, original: (path) => originalPath(path, kept) };
    }
    const wrong = result.error.issues.map((issue) => originalPath(issue.path.map(asKey), kept));
    for (const path of wrong) dropEntry(copy, path, kept);
  }
  return null;
}

/** What stands at `path`, or undefined. */
export function valueAt(root: unknown, path: Path): unknown {
  let at = root;
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<string | number, unknown>)[key];
  }
  return at;
}

const asKey = (part: PropertyKey): string | number =>
  typeof part === 'number' ? part : String(part);

/** Takes a wrong field out; an id keeps a stand-in, since everything that has one needs it. */
function removeAt(root: unknown, path: Path): void {
  const parent = valueAt(root, path.slice(0, -1));
  const key = path.at(-1);
  if (typeof parent !== 'object' || parent === null || typeof key !== 'string') return;
  const record = parent as Record<string, unknown>;
  if (key === 'id') record[key] = `unnamed-${pathText(path).replace(/[^a-z0-9]+/g, '-')}`;
  else Reflect.deleteProperty(record, key);
}

/** Leaves out the innermost list entry that holds `path` (in the file's own numbering). */
function dropEntry(root: unknown, path: Path, kept: Kept): void {
  const depth = path.findLastIndex((part) => typeof part === 'number');
  if (depth < 0) return;
  const list = valueAt(root, currentPath(path.slice(0, depth), kept));
  if (!Array.isArray(list)) return;
  const name = pathText(path.slice(0, depth));
  const numbers = kept.get(name) ?? list.map((_, i) => i);
  kept.set(name, numbers);
  const at = numbers.indexOf(Number(path[depth]));
  if (at < 0) return;
  list.splice(at, 1);
  numbers.splice(at, 1);
}

function originalPath(path: Path, kept: Kept): Path {
  const original: (string | number)[] = [];
  for (const part of path) {
    const numbers = typeof part === 'number' ? kept.get(pathText(original)) : undefined;
    original.push(numbers?.[Number(part)] ?? part);
  }
  return original;
}

function currentPath(original: Path, kept: Kept): Path {
  return original.map((part, i) => {
    if (typeof part !== 'number') return part;
    return kept.get(pathText(original.slice(0, i)))?.indexOf(part) ?? part;
  });
}
