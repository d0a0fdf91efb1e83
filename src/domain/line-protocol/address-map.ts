/**
 * Which location a client address stands for, for boards that say neither. Kept in the store;
 * imported and exported as JSON `{"ip": "loc"}` or as CSV with the header `ip,loc_id`.
 */
import type { KeyedStore } from '../ports.ts';
import { MAX_NAME_BYTES } from './packets.ts';

export const CSV_HEADER = 'ip,loc_id';
const MAX_ADDRESSES = 1024;

export type AddressEntries = ReadonlyMap<string, string>;

export type AddressImport =
  | { readonly ok: true; readonly entries: AddressEntries }
  | { readonly ok: false; readonly errors: readonly string[] };

/** Addresses and locations that survive a restart. */
export class AddressMap {
  readonly #store: KeyedStore;
  readonly #entries: Map<string, string>;

  private constructor(store: KeyedStore, entries: Map<string, string>) {
    this.#store = store;
    this.#entries = entries;
  }

  static async load(store: KeyedStore): Promise<AddressMap> {
    return new AddressMap(store, new Map(await store.loadAll('address')));
  }

  get(address: string): string | undefined {
    return this.#entries.get(address);
  }

  get entries(): AddressEntries {
    return this.#entries;
  }

  /** Adds or changes entries; connections that are open keep the name they have. */
  merge(entries: AddressEntries): void {
    for (const [address, location] of entries) {
      if (this.#entries.get(address) === location) continue;
      this.#entries.set(address, location);
      this.#store.put('address', address, location);
    }
  }

  remove(address: string): void {
    if (this.#entries.delete(address)) this.#store.remove('address', address);
  }
}

export function addressesToJson(entries: AddressEntries): string {
  return `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`;
}

export function addressesToCsv(entries: AddressEntries): string {
  const lines = [...entries].map(([address, location]) => `${quoted(address)},${quoted(location)}`);
  return `${[CSV_HEADER, ...lines].join('\n')}\n`;
}

/** Reads what `addressesToJson` writes; reports every problem at once. */
export function addressesFromJson(text: string): AddressImport {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { ok: false, errors: [`not JSON: ${why}`] };
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return { ok: false, errors: ['expected one object: {"192.168.1.20": "kitchen"}'] };
  }
  const pairs = Object.entries(parsed).map(
    ([address, location]) => ['', address, location] as const,
  );
  return collect(pairs);
}

/** Reads what `addressesToCsv` writes (quotes doubled within quotes); reports every problem. */
export function addressesFromCsv(text: string): AddressImport {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  if (lines[0]?.trim() !== CSV_HEADER) {
    return { ok: false, errors: [`line 1: expected the header "${CSV_HEADER}"`] };
  }
  const pairs: (readonly [string, string, unknown])[] = [];
  const errors: string[] = [];
  for (const [index, line] of lines.entries()) {
    if (index === 0 || line.trim() === '') continue;
    const fields = csvFields(line);
    const [address, location] = fields ?? [];
    if (fields?.length !== 2 || address === undefined) {
      errors.push(`line ${index + 1}: expected two fields, ip and loc_id`);
    } else pairs.push([`line ${index + 1}: `, address, location]);
  }
  const collected = collect(pairs);
  if (collected.ok && errors.length === 0) return collected;
  return { ok: false, errors: collected.ok ? errors : [...errors, ...collected.errors] };
}

function collect(pairs: readonly (readonly [string, string, unknown])[]): AddressImport {
  const entries = new Map<string, string>();
  const errors: string[] = [];
  for (const [where, rawAddress, rawLocation] of pairs) {
    const address = rawAddress.trim();
    const location = typeof rawLocation === 'string' ? rawLocation.trim() : null;
    if (!/^[0-9a-fA-F.:]{3,45}$/.test(address)) {
      errors.push(`${where}"${address}" is no IP address`);
    } else if (location === null || location === '' || location.length > MAX_NAME_BYTES) {
      errors.push(`${where}${address}: the location must be a text of 1..${MAX_NAME_BYTES}`);
    } else if (entries.has(address)) {
      errors.push(`${where}${address} stands twice`);
    } else entries.set(address, location);
  }
  if (entries.size > MAX_ADDRESSES) errors.push(`more than ${MAX_ADDRESSES} addresses`);
  return errors.length > 0 ? { ok: false, errors } : { ok: true, entries };
}

function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

/** The fields of one CSV line; null where a quote is not closed or stands inside a field. */
function csvFields(line: string): string[] | null {
  const fields: string[] = [];
  const field = /"((?:[^"]|"")*)"|([^",]*)/y;
  for (let at = 0; ; at = field.lastIndex + 1) {
    field.lastIndex = at;
    const found = field.exec(line);
    if (found === null) return null;
    fields.push(found[1]?.replaceAll('""', '"') ?? found[2] ?? '');
    if (field.lastIndex === line.length) return fields;
    if (line[field.lastIndex] !== ',') return null;
  }
}
