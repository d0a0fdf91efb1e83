/** Compares the table with the journals: every lane of every appliance, number by number. */
import type { Postgres } from '../central/postgres.ts';
import type { LaneDigest } from './appliance.ts';
import type { Appliances } from './appliances.ts';

interface TableLane {
  readonly device: string;
  readonly lane: string;
  readonly count: number;
  readonly first: number;
  readonly last: number;
  readonly digest: string;
}

export interface Verdict {
  readonly journalled: number;
  readonly stored: number;
  readonly alarms: number;
  readonly lanes: number;
  readonly missing: number;
  readonly invented: number;
  /** The first few of what is wrong, in words. */
  readonly problems: readonly string[];
}

const SHOWN = 10;

const TABLE = `
SELECT device, lane, count(*)::int AS count, min(seq)::int AS first, max(seq)::int AS last,
  encode(sha256(string_agg(id::text, ',' ORDER BY seq)::bytea), 'hex') AS digest
FROM event GROUP BY device, lane`;

export async function judge(postgres: Postgres, appliances: Appliances): Promise<Verdict> {
  const journals = (await appliances.digests()).filter(({ count }) => count > 0);
  const table = await postgres.query<TableLane>(TABLE);
  const key = ({ device, lane }: { device: string; lane: string }): string => `${device}/${lane}`;
  const stored = new Map(table.map((row) => [key(row), row]));
  const known = new Set(journals.map(key));
  const problems: string[] = [];
  let missing = 0;
  let invented = 0;
  for (const row of table) {
    if (known.has(key(row))) continue;
    invented += row.count;
    problems.push(`${key(row)}: ${row.count} events of a lane that no journal has`);
  }
  for (const journal of journals) {
    if (isWhole(journal, stored.get(key(journal)))) continue;
    const found = await differences(postgres, appliances, journal);
    missing += found.missing;
    invented += found.invented;
    problems.push(...found.problems);
  }
  const sum = (rows: readonly { readonly count: number }[]): number =>
    rows.reduce((total, { count }) => total + count, 0);
  return {
    journalled: sum(journals),
    stored: sum(table),
    alarms: sum(table.filter(({ lane }) => lane === 'alarm')),
    lanes: journals.length,
    missing,
    invented,
    problems: problems.slice(0, SHOWN),
  };
}

/** As many, numbered from 1 without a hole, and the same ids in the same order. */
function isWhole(journal: LaneDigest, row: TableLane | undefined): boolean {
  if (row === undefined) return false;
  const gapless = row.first === 1 && row.last === row.count;
  return gapless && row.count === journal.count && row.digest === journal.digest;
}

async function differences(postgres: Postgres, appliances: Appliances, lane: LaneDigest) {
  const { device } = lane;
  const wanted = await appliances.ids(device, lane.lane);
  const rows = await postgres.query<{ seq: string; id: string }>(
    'SELECT seq, id::text FROM event WHERE device = $1 AND lane = $2',
    [device, lane.lane],
  );
  const inTable = new Map(rows.map(({ seq, id }) => [Number(seq), id]));
  const lost = wanted.filter(({ seq, id }) => inTable.get(seq) !== id);
  const journalled = new Map(wanted.map(({ seq, id }) => [seq, id]));
  const extra = rows.filter(({ seq, id }) => journalled.get(Number(seq)) !== id);
  const name = `${device}/${lane.lane}`;
  return {
    missing: lost.length,
    invented: extra.length,
    problems: [
      ...lost.slice(0, 3).map(({ seq, id }) => `${name}: ${seq} (${id}) is missing`),
      ...extra.slice(0, 3).map(({ seq, id }) => `${name}: ${seq} (${id}) was never journalled`),
    ],
  };
}
