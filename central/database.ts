/**
 * PostgreSQL, and the only file that knows its driver. One batch is one transaction: it is stored
 * as a whole or not at all, and only then does anybody get an acknowledgement.
 */
import { readFileSync } from 'node:fs';
import { DatabaseError, Pool, type PoolClient, types } from 'pg';
import { type Batch, lanesOf } from './batch.ts';
import type { EventRow, StatusRow } from './message.ts';
import * as sql from './statements.ts';

/** What became of the events of a batch. */
export interface Stored {
  readonly inserted: number;
  /** Ids that stand in the table now, new or not: what may be acknowledged. */
  readonly standing: ReadonlySet<string>;
  readonly duplicates: number;
  readonly conflicts: readonly EventRow[];
}

/** `data`: this batch can never be stored as it is; `trouble`: later, perhaps. */
export type Failure = 'data' | 'trouble';

// Numbers of events are far below 2^53: numbers read better than text.
types.setTypeParser(types.builtins.INT8, Number);

export class Database {
  readonly #pool: Pool;
  readonly #name: string;

  /**
   * @param url postgres://user@host/database; the password better comes by PGPASSWORD or ~/.pgpass.
   * @param name of this instance, written into every row.
   */
  constructor(url: string, name: string, onError: (error: Error) => void) {
    this.#name = name;
    this.#pool = new Pool({
      connectionString: url,
      application_name: `embereye-central ${name}`,
      max: 3,
      connectionTimeoutMillis: 5000,
      // A database behind a dead link must not hold a batch for ever.
      query_timeout: 30_000,
      statement_timeout: 25_000,
      keepAlive: true,
    });
    // An idle connection that breaks is replaced; without a listener it would end the process.
    this.#pool.on('error', onError);
  }

  /** Makes the tables where they are missing. */
  async setUp(schemaFile: URL): Promise<void> {
    await this.#pool.query(readFileSync(schemaFile, 'utf8'));
  }

  /** @throws what the driver throws: see `failureOf`. */
  store(batch: Batch): Promise<Stored> {
    return this.transaction(async (client) => {
      const stored = await this.#storeEvents(client, batch.events);
      await storeOthers(client, batch, this.#name);
      const lanes = lanesOf(batch);
      if (lanes.length > 0) {
        await client.query(sql.MARK_LANES, columns(lanes, ['device', 'lane']));
      }
      return stored;
    });
  }

  /** Runs `work` in one transaction, undone when it throws. */
  async transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('BEGIN');
      const result = await work(client);
      await client.query('COMMIT');
      return result;
    } catch (error) {
      broken = await rolledBack(client);
      throw error;
    } finally {
      client.release(broken);
    }
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  async #storeEvents(client: PoolClient, events: readonly EventRow[]): Promise<Stored> {
    if (events.length === 0) {
      return { inserted: 0, standing: new Set(), duplicates: 0, conflicts: [] };
    }
    const result = await client.query<{ id: string }>(sql.INSERT_EVENTS, [
      ...columns(events, EVENT_COLUMNS),
      this.#name,
    ]);
    const fresh = new Set(result.rows.map(({ id }) => id));
    // Two events of one batch may share an id, with other content: only one of them went in.
    const others =
      fresh.size === events.length ? [] : await this.#notInserted(client, events, fresh);
    const conflicts = others.filter(({ same }) => !same).map(({ event }) => event);
    if (conflicts.length > 0) {
      const values = columns(conflicts, ['id', 'device', 'lane', 'seq', 'digest', 'payload']);
      await client.query(sql.INSERT_CONFLICTS, [...values, this.#name]);
    }
    const contradicted = new Set(conflicts);
    const standing = events.filter((event) => !contradicted.has(event)).map(({ id }) => id);
    return {
      inserted: fresh.size,
      standing: new Set(standing),
      duplicates: events.length - fresh.size - conflicts.length,
      conflicts,
    };
  }

  /** Events whose id or number was taken: `same` tells whether by the very same event. */
  async #notInserted(
    client: PoolClient,
    events: readonly EventRow[],
    fresh: ReadonlySet<string>,
  ): Promise<readonly { readonly event: EventRow; readonly same: boolean }[]> {
    const seen = new Set<string>();
    const others = events.filter(({ id }) => {
      const isFirst = fresh.has(id) && !seen.has(id);
      seen.add(id);
      return !isFirst;
    });
    const { rows } = await client.query<{ id: string }>(
      sql.SAME_EVENTS,
      columns(others, ['id', 'digest']),
    );
    const same = new Set(rows.map(({ id }) => id));
    return others.map((event) => ({ event, same: same.has(event.id) }));
  }
}

const EVENT_COLUMNS = [
  'id',
  'device',
  'lane',
  'seq',
  'type',
  'bootId',
  'monotonicMs',
  'wall',
  'clockQuality',
  'historical',
  'payload',
  'digest',
] as const;

async function storeOthers(client: PoolClient, batch: Batch, name: string): Promise<void> {
  if (batch.gaps.length > 0) {
    const names = ['device', 'lane', 'firstSeq', 'lastSeq', 'reason', 'readings'] as const;
    await client.query(sql.INSERT_GAPS, columns(batch.gaps, names));
  }
  if (batch.telemetry.length > 0) {
    const where = ['device', 'sensor', 'channel', 'row', 'wall'] as const;
    const what = ['value', 'min', 'max', 'readings', 'unit'] as const;
    await client.query(sql.INSERT_TELEMETRY, columns(batch.telemetry, [...where, ...what]));
  }
  for (const status of batch.statuses) {
    await client.query(sql.UPSERT_DEVICE, valuesOf(status));
  }
  if (batch.poison.length > 0) {
    // A topic is text of a stranger: PostgreSQL takes everything but the character 0.
    const rows = batch.poison.map((row) => ({ ...row, topic: row.topic.replaceAll('\0', '?') }));
    const values = columns(rows, ['topic', 'reason', 'payload']);
    await client.query(sql.INSERT_POISON, [...values, name]);
  }
}

function valuesOf(row: StatusRow): unknown[] {
  const { device, status, reason, bootId, connection, version, configHash, wall } = row;
  return [device, status, reason, bootId, connection, version, configHash, wall];
}

function columns<T>(rows: readonly T[], names: readonly (keyof T)[]): unknown[] {
  return names.map((name) => rows.map((row) => row[name]));
}

/** Undefined when the connection can be used again. */
async function rolledBack(client: PoolClient): Promise<Error | undefined> {
  try {
    await client.query('ROLLBACK');
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Classes 22 (data exception) and 23 (integrity) will fail again; everything else may pass. */
export function failureOf(error: unknown): Failure {
  const code = error instanceof DatabaseError ? (error.code ?? '') : '';
  return /^2[23]/.test(code) ? 'data' : 'trouble';
}
