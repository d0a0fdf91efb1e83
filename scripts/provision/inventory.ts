/** `inventory.jsonl`: every unit that was enrolled, renewed or retired. Nothing in it is secret. */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { missing, Trouble, wordsOf } from './trouble.ts';

export interface InventoryRecord {
  readonly event: 'enrolled' | 'renewed' | 'retired';
  /** ISO 8601. */
  readonly at: string;
  readonly deviceId: string;
  readonly name: string | null;
  readonly site: string | null;
  /** Of the certificate: upper-case hex; SHA-256 in lower-case hex. */
  readonly serial: string | null;
  readonly fingerprint: string | null;
  /** ISO 8601; null: the certificate came from an authority elsewhere, or there is none. */
  readonly validTo: string | null;
  /** Where it was reached, or `offline`. */
  readonly via: string;
  /** Name of the login at the broker, never its password. */
  readonly brokerUsername: string | null;
}

/** Name of the file in the folder of an authority, where no other is given. */
export const INVENTORY_FILE = 'inventory.jsonl';

/** @throws Trouble where it cannot be written. */
export function appendInventory(file: string, record: InventoryRecord): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    appendFileSync(file, `${JSON.stringify(record)}\n`, { mode: 0o600, flush: true });
  } catch (error) {
    throw missing(`the inventory ${file} cannot be written: ${wordsOf(error)}`);
  }
}

/** All records, oldest first. @throws Trouble that names a damaged line. */
export function readInventory(file: string): readonly InventoryRecord[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line, i) => {
      if (line === '') return [];
      try {
        return [JSON.parse(line) as InventoryRecord];
      } catch {
        throw new Trouble(`${file}:${i + 1}: not JSON; mend the line or restore the file`);
      }
    });
}

/** The newest record of a unit; null: it was never enrolled. */
export function standingOf(
  records: readonly InventoryRecord[],
  deviceId: string,
): InventoryRecord | null {
  return records.findLast((record) => record.deviceId === deviceId) ?? null;
}
