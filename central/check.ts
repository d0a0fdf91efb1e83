/**
 * Looks through lanes that something was stored of, and tells numbers that stay missing. Whichever
 * instance comes first does it for all.
 */
import type { Database } from './database.ts';
import { type Log, pause, wordsOf } from './log.ts';
import { follow, type LaneState, type Range } from './sequence.ts';
import * as sql from './statements.ts';

export interface CheckOptions {
  readonly everyMs: number;
  /** A number that is missing for this long is told: before, it is likely to be under way. */
  readonly tellAfterMs: number;
}

/** Lanes in one transaction: whoever stores something of one of them waits for it. */
const LANES_AT_A_TIME = 50;
const SEQS_AT_A_TIME = 10_000;

interface LaneRow {
  readonly device: string;
  readonly lane: string;
  readonly checked: number;
}
interface MissingRow {
  readonly first_seq: number;
  readonly last_seq: number;
  readonly since: Date;
  readonly told: boolean;
}
type Client = Parameters<Parameters<Database['transaction']>[0]>[0];

/** Until it is stopped; trouble is told and tried again. */
export async function checkForEver(
  database: Database,
  options: CheckOptions,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const isStopped = (): boolean => signal.aborted;
  for (;;) {
    await pause(options.everyMs, signal);
    if (isStopped()) return;
    try {
      let lanes = LANES_AT_A_TIME;
      while (lanes === LANES_AT_A_TIME && !isStopped()) {
        lanes = await checkOnce(database, options, log);
      }
    } catch (error) {
      log('error', 'the numbers could not be looked through', { reason: wordsOf(error) });
    }
  }
}

/** Returns how many lanes were looked through; 0 also where another instance is at it. */
export function checkOnce(database: Database, options: CheckOptions, log: Log): Promise<number> {
  return database.transaction(async (client) => {
    const lock = await client.query<{ ok: boolean }>(sql.LOCK_CHECK);
    if (lock.rows[0]?.ok !== true) return 0;
    const { rows } = await client.query<LaneRow>(sql.DIRTY_LANES, [LANES_AT_A_TIME]);
    for (const row of rows) await checkLane(client, row);
    const { tellAfterMs } = options;
    const missing = await client.query<LaneRow & MissingRow>(sql.TELL_MISSING, [tellAfterMs]);
    for (const { device, lane, first_seq: firstSeq, last_seq: lastSeq } of missing.rows) {
      const fields = { device, lane, firstSeq, lastSeq };
      log('error', 'numbers are missing: neither stored nor declared as a gap', fields);
    }
    return rows.length;
  });
}

async function checkLane(client: Client, { device, lane, checked }: LaneRow): Promise<void> {
  const key = [device, lane];
  const missing = (await client.query<MissingRow>(sql.MISSING_OF, key)).rows;
  const found = missing.length === 0 ? [] : await seqsOf(client, sql.SEQS_WITHIN, key);
  const newer = await seqsOf(client, sql.SEQS_AFTER, [...key, checked, SEQS_AT_A_TIME]);
  const { rows } = await client.query<MissingRow>(sql.GAPS_OF, key);
  const isMore = newer.length === SEQS_AT_A_TIME;
  const limit = isMore ? (newer.at(-1) ?? checked) : Infinity;
  const before: LaneState = { checked, missing: missing.map(rangeOf) };
  const after = follow(before, [...found, ...newer], clipped(rows.map(rangeOf), limit));
  await client.query(sql.SET_CHECKED, [...key, after.checked, isMore]);
  if (JSON.stringify(after.missing) === JSON.stringify(before.missing)) return;
  await client.query(sql.DELETE_MISSING, key);
  const now = new Date();
  // What is left of a range has been missing as long as the whole of it.
  const origin = ({ first, last }: Range): MissingRow | undefined =>
    missing.find((row) => row.first_seq <= first && last <= row.last_seq);
  await client.query(sql.INSERT_MISSING, [
    ...key,
    after.missing.map(({ first }) => first),
    after.missing.map(({ last }) => last),
    after.missing.map((range) => origin(range)?.since ?? now),
    after.missing.map((range) => origin(range)?.told ?? false),
  ]);
}

async function seqsOf(client: Client, text: string, values: unknown[]): Promise<number[]> {
  const { rows } = await client.query<{ seq: number }>(text, values);
  return rows.map(({ seq }) => seq);
}

/** What lies above the numbers that were read is looked at together with them, next time. */
function clipped(ranges: readonly Range[], limit: number): Range[] {
  return ranges
    .filter(({ first }) => first <= limit)
    .map(({ first, last }) => ({ first, last: Math.min(last, limit) }));
}

function rangeOf({ first_seq: first, last_seq: last }: MissingRow): Range {
  return { first, last };
}
