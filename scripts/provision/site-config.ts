/** The configuration of one site: a template with placeholders, and fields set by columns. */
import { parseDocument } from 'yaml';
import { wordsOf } from './trouble.ts';

export interface SiteConfig {
  readonly text: string;
  /** By the path of the field that a column set: the name of the column. */
  readonly setBy: ReadonlyMap<string, string>;
}

export type SiteConfigResult =
  | { readonly ok: true; readonly config: SiteConfig }
  /** `column` is null where the template itself is wrong. */
  | { readonly ok: false; readonly column: string | null; readonly problem: string };

const PLACEHOLDER = /\{\{\s*([\w.-]+)\s*\}\}/g;

/** Names of the columns that a template asks for, in their order. */
export function placeholdersIn(template: string): readonly string[] {
  return [...new Set([...template.matchAll(PLACEHOLDER)].map((match) => match[1] ?? ''))];
}

/**
 * Fills a template. Comments stay.
 * @param cells what goes to placeholders
 * @param fields dotted paths such as `uplink.brokers.0.url`, with YAML values; an index is a number
 */
export function siteConfig(
  template: string,
  deviceId: string,
  cells: ReadonlyMap<string, string>,
  fields: ReadonlyMap<string, string>,
): SiteConfigResult {
  for (const name of placeholdersIn(template)) {
    const cell = cells.get(name);
    const problem =
      cell === undefined
        ? `empty, but the template has {{${name}}}; fill it in`
        : /[\p{Cc}]/u.test(cell)
          ? 'a line break or another control character; remove it'
          : null;
    if (problem !== null) return { ok: false, column: name, problem };
  }
  const filled = template.replace(PLACEHOLDER, (_, name: string) => cells.get(name) ?? '');
  const document = parseDocument(filled);
  const [error] = document.errors;
  if (error !== undefined) {
    const problem = `not YAML once it is filled: ${error.message.split('\n')[0] ?? ''}`;
    return { ok: false, column: null, problem: `${problem}; put placeholders into quotes` };
  }
  const setBy = new Map<string, string>();
  const all = [['deviceId', ['device', 'id'], deviceId] as const, ...valuesOf(fields)];
  for (const [column, path, value] of all) {
    try {
      document.setIn(path, value);
      setBy.set(path.join('.'), column);
    } catch (cause) {
      const problem = `cannot be set in the template (${wordsOf(cause)}); correct its name`;
      return { ok: false, column, problem };
    }
  }
  return { ok: true, config: { text: document.toString({ lineWidth: 0 }), setBy } };
}

type Value = readonly [column: string, path: readonly (string | number)[], value: unknown];

function valuesOf(fields: ReadonlyMap<string, string>): readonly Value[] {
  return [...fields].map(([column, cell]) => {
    const path = column.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part));
    return [column, path, scalarOf(cell)];
  });
}

/** Numbers, true, false and null are read as YAML reads them; all else is text. */
function scalarOf(cell: string): unknown {
  const document = parseDocument(cell);
  if (document.errors.length > 0) return cell;
  const value: unknown = document.toJS();
  return typeof value === 'object' && value !== null ? cell : value;
}
