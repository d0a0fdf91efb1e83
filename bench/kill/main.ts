/**
 * `npm run proof:kill [-- --kills N] [--json] [--seed N]`: kills the appliance with SIGKILL again and
 * again while zones alarm, operators command and the broker restarts, most of the time a few
 * milliseconds after the siren line rose; then compares what was decided (ring and journal at
 * each kill) and acknowledged (PUBACKs on the wire) with what an independent subscriber has.
 * Exit code 1 when anything is missing, differs, or too few kills fell where they hurt.
 */
import { parseArgs } from 'node:util';
import { killOnRise } from './trigger.ts';
import { runProof } from './proof.ts';
import { tableOf } from './report.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kills: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});

if (positionals[0] === 'trigger') {
  const [, pid = '', file = '', delayMs = ''] = positionals;
  killOnRise(Number(pid), file, Number(delayMs));
} else {
  const kills = Number(values.kills);
  if (!Number.isInteger(kills) || kills < 1) {
    process.stderr.write(`--kills ${values.kills}: write a whole number above 0\n`);
    process.exit(2);
  }
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const result = await runProof({ kills, seed: values.seed, say });
  process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : tableOf(result));
  process.exitCode = result.ok ? 0 : 1;
}
