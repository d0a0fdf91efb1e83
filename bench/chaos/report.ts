/** Results as a table for people: one line for each kind, then each kind by itself. */
import { OUTPUT_BUDGET_MS } from './latency.ts';
import { PHASES } from './moment.ts';
import type { ProofResult } from './proof.ts';

const MEANING = {
  beforeOutput: 'before the output',
  outputToCommit: 'between output and commit',
  commitToAck: 'between commit and acknowledgement',
  outputToAck: 'between output and acknowledgement',
  afterAck: 'after the acknowledgement',
} as const;
const BAR_CHARACTERS = 40;
const COLUMNS = ['kind', 'rounds', 'seconds', 'lost', 'duplicates', 'worst output', 'result'];
const WIDTHS = [15, 8, 9, 6, 12, 14, 10];

export function summaryOf(results: readonly ProofResult[]): string {
  const rows = results.map((result) => {
    const { kind, rounds, seconds, lost, duplicates, outputs, skipped, ok } = result;
    if (skipped !== null) return [kind, '-', '-', '-', '-', '-', `skipped: ${skipped}`];
    const worst = `${outputs.worstMs.toFixed(1)} ms`;
    const judged = ok ? 'proved' : 'NOT PROVED';
    return [kind, rounds, seconds.toFixed(0), lost, duplicates, worst, judged].map(String);
  });
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(WIDTHS[i] ?? 10))
      .join('')
      .trimEnd();
  return [COLUMNS, ...rows].map(line).join('\n');
}

export function tableOf(result: ProofResult): string {
  const { kind, what, seed, rounds, skipped, outputs, moments, judged } = result;
  const head = `${kind}: ${what}`;
  if (skipped !== null) return `${head}\n  skipped: ${skipped}\n`;
  const total = PHASES.reduce((sum, phase) => sum + moments.phases[phase], 0);
  const bar = (label: string, count: number): string => {
    const filled = '#'.repeat(Math.round((BAR_CHARACTERS * count) / Math.max(1, total)));
    return `    ${label.padEnd(38)}${String(count).padStart(5)}  ${filled}`.trimEnd();
  };
  const share = (moments.betweenShare * 100).toFixed(0);
  const asked = result.betweenRequired > 0 ? ` (required: ${result.betweenRequired * 100} %)` : '';
  const row = (label: string, value: string | number): string => `  ${label.padEnd(40)}${value}`;
  return [
    head,
    row('rounds, seed', `${rounds}, ${seed}`),
    row('duration', `${result.seconds.toFixed(0)} s`),
    row('events received, repetitions alike', `${judged.received}, ${judged.repeated}`),
    row('lost, duplicates', `${result.lost}, ${result.duplicates}`),
    row('destroyed by the fault and told as a gap', judged.declaredLost),
    row('slowest start to healthy', `${result.slowestStartMs.toFixed(0)} ms`),
    row(`outputs (budget ${OUTPUT_BUDGET_MS} ms)`, outputs.count),
    row(
      '  half, 99 %, worst',
      [outputs.p50Ms, outputs.p99Ms, outputs.worstMs].map(inMs).join(', '),
    ),
    row(
      '  late by the machine, its longest stall',
      `${outputs.excused}, ${inMs(outputs.longestStallMs)}`,
    ),
    `  the fault, in the life of the alarm beside it (${share} % between output and end${asked}):`,
    ...PHASES.map((phase) => bar(MEANING[phase], moments.phases[phase])),
    '  the fault, counted from the output:',
    ...moments.bins.map(({ label, count }) => bar(label, count)),
    '  exercised:',
    ...Object.entries(result.exercised).map(([name, count]) => `    ${name}: ${count}`),
    ...result.violations.map((text) => `  VIOLATION: ${text}`),
    result.ok ? '  proved' : '  NOT PROVED',
    '',
  ].join('\n');
}

const inMs = (ms: number): string => `${ms.toFixed(2)} ms`;
