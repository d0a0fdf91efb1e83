/** The proof's result as a table for people. */
import { PHASES } from './evidence.ts';
import type { ProofResult } from './proof.ts';

const MEANING = {
  beforeDecision: 'smoke sent, not decided',
  outputToCommit: 'between output and commit',
  commitToPuback: 'between commit and PUBACK',
  brokerAway: 'committed, broker away',
  afterPuback: 'everything acknowledged',
} as const;
const BAR_CHARACTERS = 40;

export function tableOf(result: ProofResult): string {
  const { kills, phases, judgement, betweenShare } = result;
  const histogram = PHASES.map((phase) => {
    const bar = '#'.repeat(Math.round((BAR_CHARACTERS * phases[phase]) / Math.max(1, kills)));
    return `  ${MEANING[phase].padEnd(28)}${String(phases[phase]).padStart(4)}  ${bar}`;
  });
  const share = (betweenShare * 100).toFixed(0);
  const rows: [string, string | number][] = [
    ['kills -9', kills],
    ['further kills during a start', result.killsAtStart],
    ['restarts of the broker', result.brokerRestarts],
    ['duration', `${result.seconds.toFixed(0)} s`],
    ['slowest start to healthy', `${result.slowestStartMs.toFixed(0)} ms`],
    ['events decided', judgement.decided],
    ['events acknowledged (PUBACK)', judgement.acknowledged],
    ['events at the subscriber', judgement.received],
    ['duplicates, content alike', judgement.duplicates],
    ['alarms among them', judgement.alarms],
    ['commands answered with ok', judgement.commandsAnswered],
    ['rises of the siren seen', result.sirenRises],
    ...Object.entries(judgement.violations).map(([name, found]): [string, string] => [
      `violations: ${name}`,
      found.length === 0 ? '0' : `${found.length}: ${found.slice(0, 5).join(', ')}`,
    ]),
  ];
  return [
    'Moment of each kill, in the life of the newest event:',
    ...histogram,
    `  between output and acknowledgement: ${share} % (required: 30 %)`,
    '',
    ...rows.map(([name, value]) => `${name.padEnd(36)}${value}`),
    '',
    result.ok ? 'proved: nothing was lost' : 'NOT PROVED',
    '',
  ].join('\n');
}
