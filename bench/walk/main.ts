/**
 * `npm run proof:walk -- --length N [--plan NAME] [--zones 2] [--few] [--states N]`: walks the panel through all
 * sequences of inputs of a length, and says what it has seen.
 */
import { parseArgs } from 'node:util';
import { USUAL, walk } from '../../test/alarm/walk.ts';
import { FEW, WALKS } from '../../test/alarm/walk-plans.ts';

const { values } = parseArgs({
  options: {
    length: { type: 'string', default: '4' },
    plan: { type: 'string' },
    zones: { type: 'string' },
    few: { type: 'boolean', default: false },
    states: { type: 'string', default: '2000000' },
  },
});

const all = values.few ? FEW : WALKS;
const wanted = values.zones === '2' ? 'two zones' : values.plan;
const plans = all.filter(({ name }) => wanted === undefined || name === wanted);
const depth = Number(values.length);
if (plans.length === 0 || !Number.isInteger(depth) || depth < 1) {
  const known = all.map(({ name }) => name).join(', ');
  console.error(`proof:walk: --length must be 1 or more, and --plan one of: ${known}`);
  process.exit(2);
}
const exercised = new Map<string, number>();
for (const plan of plans) {
  const startedMs = performance.now();
  const mostStates = Number(values.states);
  const walked = walk(plan, { ...USUAL, depth, mostStates, compare: 1_000, exercised });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
  const cut = walked.states >= mostStates ? '; cut at this many states' : '';
  console.log(
    `${plan.name}: ${plan.letters.length} letters, length ${depth}: ${walked.transitions} steps, ` +
      `${walked.states} states (new at each length: ${walked.newAtDepth.join(', ')}), ` +
      `${walked.merged} merged, ${walked.compared} compared, ${seconds} s${cut}`,
  );
}
for (const [name, times] of exercised) console.log(`${String(times).padStart(9)}  ${name}`);
