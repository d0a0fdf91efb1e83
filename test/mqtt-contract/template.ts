/**
 * Renders the few forms of template that discovery uses, as Home Assistant's template language
 * defines them; anything else is an error.
 */
import { runInNewContext } from 'node:vm';

const FOUND =
  /^\{% set found = value_json\.(\w+)((?: \| selectattr\('\w+', 'eq', '[\w-]+'\))+) \| list %\}/;
const SHOWN = /^\{\{ (.*) \}\}$/;

/** What the template makes of a payload: `True`, `False`, `None`, or the text of a value. */
export function render(template: string, payload: Readonly<Record<string, unknown>>): string {
  const [set = '', list = '', filters = ''] = FOUND.exec(template) ?? [];
  const [, shown] = SHOWN.exec(template.slice(set.length)) ?? [];
  if (shown === undefined) throw new Error(`no template of ours: ${template}`);
  const found = set === '' ? null : filtered(payload[list], filters);
  const value: unknown = runInNewContext(toScript(shown), { value_json: payload, found });
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (value === undefined) throw new Error(`${template} finds nothing`);
  return value === null ? 'None' : JSON.stringify(value).replaceAll('"', '');
}

/** Fields that a template reads of what it finds. */
export function fieldsRead(template: string): readonly string[] {
  return [...template.matchAll(/found\[0\]\.(\w+)/g)].map(([, field = '']) => field);
}

function filtered(list: unknown, filters: string): readonly unknown[] {
  if (!Array.isArray(list)) throw new Error('no list');
  let rest = list as Record<string, unknown>[];
  for (const [, name = '', wanted] of filters.matchAll(/'(\w+)', 'eq', '([\w-]+)'/g)) {
    rest = rest.filter((one) => one[name] === wanted);
  }
  return rest;
}

/** An empty list is false there, and true in the language that we borrow for it. */
function toScript(expression: string): string {
  const [, whole] = /^\((.*)\) if found else none$/.exec(expression) ?? [];
  if (whole !== undefined) return `found.length > 0 ? (${toScript(whole)}) : null`;
  const [, then, test] = /^(\S+) if (.*) else none$/.exec(expression) ?? [];
  if (then !== undefined && test !== undefined) return `(${toScript(test)}) ? ${then} : null`;
  const [, item, items] = /^(\S+) in (\[.*\])$/.exec(expression) ?? [];
  if (item !== undefined && items !== undefined) return `${items}.includes(${item})`;
  return expression.replace(' is not none', ' !== null').replace(' | count', '.length');
}
