/** Turns what the parser and the schema found into problems that an installer can act on. */
import type { z } from 'zod';

export interface ConfigProblem {
  /** Line in the file, from 1; null when the problem is not in the file. */
  readonly line: number | null;
  /** Where in the configuration: `zones[0].limits.thermalCelsius`, or a variable's name. */
  readonly path: string;
  /** What stands there, shortened; undefined when nothing does. */
  readonly value: string | undefined;
  readonly problem: string;
  readonly remedy: string;
}

export type Path = readonly (string | number)[];

/** `zones[0].limits` in the way people write it. */
export function pathText(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? part : `.${part}`;
  }
  return text === '' ? '(top level)' : text;
}

/** The value as written, at most 60 characters; secrets never stand in a configuration. */
export function valueText(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) return typeof value;
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

export interface Finding {
  readonly path: Path;
  readonly problem: string;
  readonly remedy: string;
}

/** One schema issue becomes one finding per offending key or value. */
export function findingsOf(issue: z.core.$ZodIssue, knownKeys: (path: Path) => readonly string[]) {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key): Finding => {
      const known = knownKeys(path);
      const near = nearest(key, known);
      return {
        path: [...path, key],
        problem: 'unknown field',
        remedy:
          near === null ? `remove it; fields here: ${known.join(', ')}` : `did you mean "${near}"?`,
      };
    });
  }
  return [{ path, ...explain(issue) }];
}

function explain(issue: z.core.$ZodIssue): { problem: string; remedy: string } {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined && !('received' in issue && issue.received === 'nan')
        ? { problem: 'missing', remedy: `add it: ${article(issue.expected)}` }
        : { problem: `not ${article(issue.expected)}`, remedy: `write ${article(issue.expected)}` };
    case 'too_small':
      return {
        problem: 'too small',
        remedy: `use ${String(issue.minimum)} or more${lengthWord(issue.origin)}`,
      };
    case 'too_big':
      return {
        problem: 'too large',
        remedy: `use ${String(issue.maximum)} or less${lengthWord(issue.origin)}`,
      };
    case 'invalid_value':
      return {
        problem: 'not one of the allowed values',
        remedy: `use one of: ${issue.values.map(String).join(', ')}`,
      };
    case 'invalid_format':
      return {
        problem: 'not in the right form',
        remedy: `must match ${issue.pattern ?? issue.format}`,
      };
    case 'invalid_union':
      return { problem: 'not one of the allowed forms', remedy: 'see docs/configuration.md' };
    default:
      return { problem: issue.message, remedy: 'see docs/configuration.md' };
  }
}

function article(expected: string): string {
  if (expected === 'int') return 'a whole number';
  return /^[aeiou]/.test(expected) ? `an ${expected}` : `a ${expected}`;
}

function lengthWord(origin: string): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' ? ' entries' : '';
}

/** The closest known word within a third of its length, or null. */
export function nearest(word: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(2, Math.ceil(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitute = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substitute, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** One problem as a line for people. */
export function problemText(file: string, problem: ConfigProblem): string {
  const where = problem.line === null ? file : `${file}:${problem.line}`;
  const value = problem.value === undefined ? '' : ` = ${problem.value}`;
  return `${where}: ${problem.path}${value}: ${problem.problem}; ${problem.remedy}`;
}
