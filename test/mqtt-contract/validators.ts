/** The published schemas, compiled; every message of the contract finds its own by its topic. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import { CONTRACT, type ContractChannel, schemaFileOf } from '../../scripts/contract-table.ts';

const FOLDER = join(import.meta.dirname, '../../docs/contract');

/** As committed, not as generated now: it is the files that readers get. */
export function publishedSchema(channel: ContractChannel): Record<string, unknown> {
  const text = readFileSync(join(FOLDER, schemaFileOf(channel)), 'utf8');
  return JSON.parse(text) as Record<string, unknown>;
}

export class Validators {
  readonly #ajv = new Ajv({ allErrors: true, allowUnionTypes: true });
  readonly #compiled = new Map<string, ValidateFunction>();

  constructor() {
    for (const channel of CONTRACT) {
      this.#compiled.set(channel.name, this.#ajv.compile(publishedSchema(channel)));
    }
  }

  /** What is wrong with a payload; nothing when it fits. */
  problems(name: string, payload: unknown): readonly string[] {
    const validate = this.#compiled.get(name);
    if (validate === undefined) return [`no channel ${name}`];
    if (validate(payload)) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message }) => `${name}${instancePath}: ${message ?? ''}`,
    );
  }
}

/** The channel of a topic; null where the contract has none. */
export function channelOf(root: string, topic: string): ContractChannel | null {
  const found = CONTRACT.find(({ address }) => {
    const pattern = address.replace('{root}', root).replace('{sensor}', '[a-z0-9_-]{1,48}');
    return new RegExp(`^${pattern}$`).test(topic);
  });
  return found ?? null;
}
