/**
 * `npm run proof:chaos -- [--kind K] [--rounds N] [--seed S] [--json] [--out DIR]`: alarms while
 * something breaks, again and again: see docs/chaos.md. Exit code 1 on any violation, 2 on a wrong
 * option. `--kind all`, which is the default, runs every kind that can run here.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { KINDS } from './kinds/index.ts';
import { runProbe } from './probe.ts';
import { type ProofResult, runProof } from './proof.ts';
import { summaryOf, tableOf } from './report.ts';

const program = fileURLToPath(import.meta.url);
const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      kind: { type: 'string', default: 'all' },
      rounds: { type: 'string', default: '20' },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
      out: { type: 'string', default: join(tmpdir(), 'embereye-chaos-violations') },
    },
  });
  const { kind: name, seed, json, out } = values;
  const rounds = Number(values.rounds);
  const kinds = KINDS.filter((kind) => name === 'all' || kind.name === name);
  if (kinds.length === 0) {
    say(`--kind ${name}: one of all, ${KINDS.map((kind) => kind.name).join(', ')}`);
    return 2;
  }
  if (!Number.isInteger(rounds) || rounds < 1) {
    say(`--rounds ${values.rounds}: write a whole number above 0`);
    return 2;
  }
  const results: ProofResult[] = [];
  for (const kind of kinds) {
    const result = await runProof({ kind, rounds, seed, program, out, say });
    results.push(result);
    if (!json) process.stdout.write(`${tableOf(result)}\n`);
  }
  process.stdout.write(json ? `${JSON.stringify(results)}\n` : `${summaryOf(results)}\n`);
  return results.every(({ ok }) => ok) ? 0 : 1;
}

if (process.argv[2] === 'probe') {
  const [host = '', port = '', lines = '', sirenLine = ''] = process.argv.slice(3);
  runProbe(host, Number(port), lines, Number(sirenLine));
} else process.exit(await main());
