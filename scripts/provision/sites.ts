/** The table of sites of a batch: a CSV file, a unit a line. */
import { parse } from 'csv-parse/sync';
import { Trouble, wordsOf } from './trouble.ts';

/** Columns with a meaning of their own; others are fields of the configuration or placeholders. */
export const SITE_COLUMNS = {
  deviceId: 'device.id of the unit',
  name: 'name on the label',
  site: 'site, for label and inventory',
  hostname: 'default: deviceId with - for _',
  address: 'fixed address with its prefix, such as 192.0.2.7/24; empty: DHCP',
  gateway: 'router, where address is given',
  dns: 'name servers, with blanks between them',
  brokerPasswordFile: 'file with the password at the broker, from the folder of the CSV file',
} as const;
export type SiteColumn = keyof typeof SITE_COLUMNS;

export interface Site {
  /** Line in the file where it starts, from 1. */
  readonly line: number;
  /** What stands in each column, without blanks at its ends; empty cells are left out. */
  readonly cells: ReadonlyMap<string, string>;
}

/** A row that is none, with why. */
export interface BadRow {
  readonly line: number;
  readonly problem: string;
}

export interface SiteTable {
  readonly columns: readonly string[];
  readonly sites: readonly Site[];
  readonly bad: readonly BadRow[];
}

interface Row {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

/**
 * Reads the table. Cells part at commas, semicolons or tabs, as the first line does.
 * @throws Trouble where the file as a whole cannot be read, with the line
 */
export function readSites(name: string, text: string): SiteTable {
  const rows = parsed(name, text);
  const [head, ...rest] = rows;
  if (head === undefined) throw new Trouble(`${name}: empty; write a line of columns, then sites`);
  const columns = head.record.map((cell) => cell.trim());
  checkColumns(name, columns);
  const sites: Site[] = [];
  const bad: BadRow[] = [];
  let before = head;
  for (const row of rest) {
    const line = before.info.lines + 1;
    before = row;
    const { record } = row;
    if (record.every((cell) => cell.trim() === '')) continue;
    if (record.length !== columns.length) {
      const problem =
        `${record.length} cells, but the first line has ${columns.length} columns; add what is ` +
        'missing, and put a cell with a comma into quotes';
      bad.push({ line, problem });
      continue;
    }
    const filled = columns.flatMap((column, i) => {
      const cell = (record[i] ?? '').trim();
      return cell === '' ? [] : [[column, cell] as const];
    });
    sites.push({ line, cells: new Map(filled) });
  }
  return { columns, sites, bad };
}

function parsed(name: string, text: string): readonly Row[] {
  const [first = ''] = text.split('\n', 1);
  const count = (mark: string): number => first.split(mark).length;
  const delimiter = [',', ';', '\t'].reduce((a, b) => (count(b) > count(a) ? b : a));
  try {
    const options = { bom: true, delimiter, info: true, relax_column_count: true } as const;
    // With `info` each record comes with where it stood, which the types do not tell.
    const rows: unknown = parse(text, { ...options, skip_empty_lines: false });
    return rows as readonly Row[];
  } catch (error) {
    throw new Trouble(`${name}: ${wordsOf(error)}; mend the quotes of that line`);
  }
}

function checkColumns(name: string, columns: readonly string[]): void {
  const where = `${name}:1`;
  if (!columns.includes('deviceId')) {
    throw new Trouble(
      `${where}: no column deviceId; the columns are ${columns.join(', ')}. Write their names ` +
        'into the first line',
    );
  }
  const twice = columns.find((column, i) => columns.indexOf(column) !== i);
  if (twice !== undefined) throw new Trouble(`${where}: column "${twice}" twice; remove one`);
  const empty = columns.indexOf('');
  if (empty >= 0) throw new Trouble(`${where}: column ${empty + 1} has no name; write one`);
}
