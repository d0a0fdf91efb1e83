/** Findings as a table for people: grouped by area, words wrapped, failures marked and repeated. */
import type { FindingState, ProbeFinding } from '../hal/probe.ts';

const HEAD = ['area', 'what', 'state', 'found', 'what to do'] as const;
const GAP = '  ';
/** Widest columns of names; what is longer is broken. */
const MOST_NAME_COLUMNS = [20, 30, 7] as const;
const LEAST_TEXT_COLUMNS = 24;
export const DEFAULT_COLUMNS = 120;

const STATE_WORDS: Readonly<Record<FindingState, string>> = {
  ok: 'ok',
  note: 'note',
  warning: 'warning',
  failed: 'FAILED',
  skipped: 'skipped',
};

/** Areas in the order of their first finding. */
export function grouped(findings: readonly ProbeFinding[]): readonly ProbeFinding[] {
  const areas = [...new Set(findings.map(({ area }) => area))];
  return areas.flatMap((area) => findings.filter((one) => one.area === area));
}

/** Lines of at most `columns` characters, as far as single words allow. */
export function tableLines(findings: readonly ProbeFinding[], columns: number): readonly string[] {
  const rows = grouped(findings).map(cellsOf);
  const widths = widthsOf(rows, columns);
  const lines = [...rowLines([...HEAD], widths), widths.map((n) => '-'.repeat(n)).join(GAP)];
  let area = '';
  for (const [name = '', ...rest] of rows) {
    lines.push(...rowLines([name === area ? '' : name, ...rest], widths));
    area = name;
  }
  return [...lines, '', ...summaryLines(findings)];
}

/** How many of what, and every failure once more, where the eye ends up. */
export function summaryLines(findings: readonly ProbeFinding[]): readonly string[] {
  const failures = findings.filter(({ state }) => state === 'failed');
  const count = (state: FindingState) => findings.filter((one) => one.state === state).length;
  const counts =
    `${failures.length} failed, ${count('warning')} warnings, ${count('note')} notes, ` +
    `${count('skipped')} skipped, ${count('ok')} ok`;
  return [
    ...failures.flatMap(({ area, subject, found, remedy }) => [
      `FAILED ${area}: ${subject}: ${found}`,
      ...(remedy === null ? [] : [`  -> ${remedy}`]),
    ]),
    counts,
  ];
}

function cellsOf({ area, subject, state, found, remedy }: ProbeFinding): readonly string[] {
  return [area, subject, STATE_WORDS[state], found, remedy ?? ''].map(printable);
}

/** What devices say of themselves may hold anything; a terminal obeys some of it. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]+/gu, ' ');
}

function widthsOf(rows: readonly (readonly string[])[], columns: number): readonly number[] {
  const longest = HEAD.map((head, i) =>
    Math.max(head.length, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  const names = MOST_NAME_COLUMNS.map((most, i) => Math.min(most, longest[i] ?? most));
  const taken = names.reduce((sum, width) => sum + width, 0) + 4 * GAP.length;
  const room = Math.max(2 * LEAST_TEXT_COLUMNS, columns - taken);
  const todo = Math.min(Math.floor(room / 2), longest[4] ?? 0);
  return [...names, Math.min(room - todo, longest[3] ?? room), todo];
}

function rowLines(cells: readonly string[], widths: readonly number[]): readonly string[] {
  const wrapped = cells.map((cell, i) => wrap(cell, widths[i] ?? LEAST_TEXT_COLUMNS));
  const height = Math.max(...wrapped.map((lines) => lines.length));
  return Array.from({ length: height }, (_, row) =>
    wrapped
      .map((lines, i) => (lines[row] ?? '').padEnd(widths[i] ?? 0))
      .join(GAP)
      .trimEnd(),
  );
}

/** At blanks where there are any, else within words. */
function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const blank = rest.lastIndexOf(' ', width);
    const at = blank > 0 ? blank : width;
    lines.push(rest.slice(0, at));
    rest = rest.slice(at).trimStart();
  }
  return [...lines, rest];
}
