/**
 * Judges a release on trial from what it shows to the outside; pure. The release before it asks
 * these questions, never the new one itself.
 */
import { illnesses } from '../remote-config/health.ts';
import { disturbText, mayBeDisturbed } from '../service/disturb.ts';
import type { Looked } from './look.ts';
import type { Trial } from './state.ts';

export interface ProbationTerms {
  /** It is rolled back when it has not proved itself by then. */
  readonly probationMs: number;
  /** It has proved itself once it was well for so long without a break. */
  readonly steadyMs: number;
  /** Starts within the probation; one more is a crash loop. */
  readonly mostStarts: number;
}

/** What one look found. */
export interface Sighting {
  readonly looked: Looked;
  /** Why the launcher has given the trial up already; null: it has not. */
  readonly givenUp: string | null;
}

export interface ProbationMemory {
  readonly startedMs: number;
  readonly wellSinceMs: number | null;
  /** Runs of the new release that were seen. */
  readonly boots: readonly string[];
  /** What was wrong last, for people. */
  readonly wrong: readonly string[];
}

export type Verdict =
  | { readonly kind: 'wait'; readonly why: string }
  | { readonly kind: 'confirm'; readonly reason: string }
  | { readonly kind: 'rollBack'; readonly reason: string };

export function beginProbation(nowMs: number): ProbationMemory {
  return { startedMs: nowMs, wellSinceMs: null, boots: [], wrong: ['it has not answered yet'] };
}

const REASONS_TOLD = 3;

/** One look further. */
export function judge(
  memory: ProbationMemory,
  { looked, givenUp }: Sighting,
  trial: Pick<Trial, 'version' | 'baseline'>,
  terms: ProbationTerms,
  nowMs: number,
): { readonly memory: ProbationMemory; readonly verdict: Verdict } {
  if (givenUp !== null) return { memory, verdict: { kind: 'rollBack', reason: givenUp } };
  const wrong = wrongWith(looked, trial);
  const boots = bootsWith(memory.boots, looked, trial);
  // Another run than before: what was well was the run that ended.
  const isSame = boots.length === memory.boots.length;
  const wellSinceMs = wrong.length > 0 ? null : isSame ? (memory.wellSinceMs ?? nowMs) : nowMs;
  const next = { ...memory, wellSinceMs, boots, wrong };
  const decide = (verdict: Verdict) => ({ memory: next, verdict });
  if (boots.length > terms.mostStarts) {
    return decide({ kind: 'rollBack', reason: `it was started ${boots.length} times` });
  }
  if (wellSinceMs !== null && nowMs - wellSinceMs >= terms.steadyMs) {
    const reason = `well for ${Math.round(terms.steadyMs / 1000)} s`;
    return decide({ kind: 'confirm', reason });
  }
  if (nowMs - memory.startedMs < terms.probationMs) {
    const now = wrong.length === 0 ? 'it is well' : wrong.slice(0, REASONS_TOLD).join('; ');
    return decide({ kind: 'wait', why: now });
  }
  const busy = whoIsInDanger(looked);
  if (busy !== null) return decide({ kind: 'wait', why: `it is to be rolled back after: ${busy}` });
  const reason = wrong.length === 0 ? 'not well for long enough' : wrong.slice(0, REASONS_TOLD);
  return decide({ kind: 'rollBack', reason: [reason].flat().join('; ') });
}

/** What is worse than it was; empty: nothing. */
function wrongWith(
  looked: Looked,
  { version, baseline }: Pick<Trial, 'version' | 'baseline'>,
): readonly string[] {
  if (looked.kind === 'absent') return ['nobody answers at its control socket'];
  if (looked.kind === 'failed') return [looked.why];
  const { unit, look } = looked.sight;
  if (unit.version !== version) return [`version ${unit.version} runs, not ${version}`];
  if (baseline !== null) return illnesses(baseline, look, null);
  return look.steps ? [] : ['no steps are made'];
}

function bootsWith(
  boots: readonly string[],
  looked: Looked,
  { version }: Pick<Trial, 'version'>,
): readonly string[] {
  if (looked.kind !== 'seen' || looked.sight.unit.version !== version) return boots;
  const { bootId } = looked.sight.unit;
  return boots.includes(bootId) ? boots : [...boots, bootId];
}

/**
 * Why it may not be ended just now although it has failed; null: it may. One that makes no steps,
 * or does not answer, protects nobody.
 */
function whoIsInDanger(looked: Looked): string | null {
  if (looked.kind !== 'seen' || !looked.sight.look.steps) return null;
  const { ok, reasons } = mayBeDisturbed(looked.sight.look.view);
  return ok ? null : disturbText(reasons);
}
