/** One line of a batch: checked, and turned into what one unit gets. Writes nothing. */
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import type { ConfigProblem } from '../../src/config-problems.ts';
import { parseConfig } from '../../src/config.ts';
import { PLAN_CHECKS } from '../../src/plan.ts';
import { DEVICE_ID, HOST_NAME } from '../../src/seed/format.ts';
import { hostNameOf } from './seed-pack.ts';
import { placeholdersIn, siteConfig } from './site-config.ts';
import type { Site, SiteTable } from './sites.ts';
import { SITE_COLUMNS } from './sites.ts';
import { Trouble } from './trouble.ts';

/** What one unit gets, all of it checked but the identity. */
export interface SiteOrder {
  readonly line: number;
  readonly deviceId: string;
  readonly name: string | null;
  readonly site: string | null;
  readonly hostname: string;
  readonly config: string;
  readonly brokerUsername: string | null;
  readonly brokerPasswordFile: string | null;
  /** Text of a file for systemd-networkd; null: DHCP as the image has it. */
  readonly network: string | null;
}

/** Something wrong in one line; nothing is written for it. */
export interface RowProblem {
  readonly line: number;
  readonly deviceId: string | null;
  /** `column "x" = "y": what; what to do`. */
  readonly problem: string;
}

export interface Rows {
  readonly orders: readonly SiteOrder[];
  readonly problems: readonly RowProblem[];
}

const META_COLUMNS = new Set(Object.keys(SITE_COLUMNS));

/**
 * Checks every line.
 * @param folder of the CSV file, where names of files in it start from
 * @throws Trouble where a column is of no use: the whole table is meant differently
 */
export function checkRows(csv: string, table: SiteTable, template: string, folder: string): Rows {
  const placeholders = placeholdersIn(template);
  const useless = table.columns.find(
    (one) => !META_COLUMNS.has(one) && !one.includes('.') && !placeholders.includes(one),
  );
  if (useless !== undefined) {
    throw new Trouble(
      `${csv}:1: column "${useless}" is used nowhere: name a field with dots (device.name), ` +
        `write {{${useless}}} into the template, or take one of: ${[...META_COLUMNS].join(', ')}`,
    );
  }
  const absent = placeholders.find((one) => !table.columns.includes(one));
  if (absent !== undefined) {
    throw new Trouble(
      `${csv}:1: no column "${absent}", but the template has {{${absent}}}; add it`,
    );
  }
  const problems: RowProblem[] = table.bad.map((row) => ({ ...row, deviceId: null }));
  const orders: SiteOrder[] = [];
  const lineOf = new Map<string, number>();
  for (const site of table.sites) {
    const deviceId = site.cells.get('deviceId') ?? null;
    const before = deviceId === null ? undefined : lineOf.get(deviceId);
    const found =
      before === undefined
        ? orderOf(site, template, folder)
        : [cell(site, 'deviceId', `line ${before} has it already; every unit needs its own`)];
    if (deviceId !== null && before === undefined) lineOf.set(deviceId, site.line);
    if ('deviceId' in found) orders.push(found);
    else for (const problem of found) problems.push({ line: site.line, deviceId, problem });
  }
  return { orders, problems: problems.toSorted((a, b) => a.line - b.line) };
}

function cell(site: Site, column: string, words: string): string {
  const value = site.cells.get(column);
  return `column "${column}"${value === undefined ? '' : ` = ${JSON.stringify(value)}`}: ${words}`;
}

function orderOf(site: Site, template: string, folder: string): SiteOrder | readonly string[] {
  const { cells, line } = site;
  const deviceId = cells.get('deviceId');
  if (deviceId === undefined) return [cell(site, 'deviceId', 'empty; every unit needs an id')];
  if (!DEVICE_ID.test(deviceId)) {
    return [cell(site, 'deviceId', 'use 1 to 48 small letters, digits, _ or -')];
  }
  const hostname = cells.get('hostname') ?? hostNameOf(deviceId);
  const problems = [...networkProblems(site)];
  if (!HOST_NAME.test(hostname)) {
    problems.push(cell(site, 'hostname', 'use 1 to 63 of a-z, 0-9 and -, without - at its ends'));
  }
  const fields = new Map([...cells].filter(([column]) => column.includes('.')));
  const result = siteConfig(template, deviceId, cells, fields);
  if (!result.ok) {
    const { column, problem } = result;
    const words = column === null ? `the template: ${problem}` : cell(site, column, problem);
    return [...problems, words];
  }
  const { text, setBy } = result.config;
  const parsed = parseConfig(text, {}, PLAN_CHECKS);
  if (!parsed.ok) {
    return [...problems, ...parsed.problems.map((one) => configWords(site, one, setBy))];
  }
  if (problems.length > 0) return problems;
  const file = cells.get('brokerPasswordFile');
  return {
    ...{ line, deviceId, hostname, config: text, network: networkText(cells) },
    ...{ name: cells.get('name') ?? null, site: cells.get('site') ?? null },
    brokerUsername: parsed.config.uplink.brokers[0]?.username ?? null,
    brokerPasswordFile: file === undefined ? null : resolve(folder, file),
  };
}

/** A problem of the configuration, by the column that set the field, or one above or below. */
function configWords(
  site: Site,
  { path, value, problem, remedy }: ConfigProblem,
  setBy: ReadonlyMap<string, string>,
): string {
  const dotted = path.replace(/\[(\d+)\]/g, '.$1');
  const column = [...setBy].find(
    ([at]) => at === dotted || dotted.startsWith(`${at}.`) || at.startsWith(`${dotted}.`),
  )?.[1];
  if (column !== undefined) return cell(site, column, `${path}: ${problem}; ${remedy}`);
  const shown = value === undefined ? '' : ` = ${value}`;
  return `the template: ${path}${shown}: ${problem}; ${remedy}`;
}

function networkProblems(site: Site): readonly string[] {
  const { cells } = site;
  const address = cells.get('address');
  const problems: string[] = [];
  if (address !== undefined) {
    const [host = '', prefix = ''] = address.split('/');
    const most = isIP(host) === 6 ? 128 : 32;
    const isFine = isIP(host) !== 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= most;
    if (!isFine) problems.push(cell(site, 'address', 'write it with its prefix: 192.0.2.7/24'));
  }
  for (const column of ['gateway', 'dns'] as const) {
    const value = cells.get(column);
    if (value === undefined) continue;
    if (address === undefined) {
      problems.push(cell(site, column, 'means nothing without a column "address"; fill that in'));
    } else if (value.split(/\s+/).some((one) => isIP(one) === 0)) {
      problems.push(cell(site, column, 'not an address; write one such as 192.0.2.1'));
    }
  }
  return problems;
}

/** For every wired port: a unit has one. */
function networkText(cells: ReadonlyMap<string, string>): string | null {
  const address = cells.get('address');
  if (address === undefined) return null;
  const lines = ['[Match]', 'Name=e*', '', '[Network]', `Address=${address}`];
  const gateway = cells.get('gateway');
  if (gateway !== undefined) lines.push(`Gateway=${gateway}`);
  for (const one of cells.get('dns')?.split(/\s+/) ?? []) lines.push(`DNS=${one}`);
  return `${lines.join('\n')}\n`;
}
