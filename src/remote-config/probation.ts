/** Watches a configuration on probation until it may be kept or must be reverted. */
import type { Cancel, Clock } from '../domain/ports.ts';
import type { Look } from './health.ts';
import { illnesses, whyNotNow } from './health.ts';
import type { Baseline } from './state.ts';

export interface ProbationParts {
  readonly clock: Clock;
  readonly probationMs: number;
  /** It is kept once it has been well for so long without a break. */
  readonly steadyMs: number;
  readonly baseline: Baseline;
  /** The broker it came by; null: from the machine itself. */
  readonly broker: string | null;
  readonly mustBeConfirmed: boolean;
  readonly isConfirmed: () => boolean;
  readonly look: () => Look;
  /** Called once, with the reason for people. */
  readonly onVerdict: (verdict: 'kept' | 'reverted', reason: string) => void;
}

const LOOK_EVERY_MS = 500;
const REASONS_TOLD = 3;

/**
 * Begins now. At the end of the time a configuration that is not well is reverted, but not while a
 * fire may burn: the one that found it goes on until nobody is in danger by a restart.
 */
export function watchProbation(parts: ProbationParts): Cancel {
  const { clock, probationMs, steadyMs, baseline, broker, look, onVerdict } = parts;
  const startedMs = clock.monotonicMs();
  let wellSinceMs: number | null = null;
  let cancel: Cancel = () => undefined;
  const judge = (): void => {
    const nowMs = clock.monotonicMs();
    const seen = look();
    const wrong = illnesses(baseline, seen, broker);
    wellSinceMs = wrong.length === 0 ? (wellSinceMs ?? nowMs) : null;
    const isSteady = wellSinceMs !== null && nowMs - wellSinceMs >= steadyMs;
    const isConfirmed = !parts.mustBeConfirmed || parts.isConfirmed();
    if (isSteady && isConfirmed) {
      onVerdict('kept', `well for ${Math.round(steadyMs / 1000)} s${confirmedText(parts)}`);
      return;
    }
    if (nowMs - startedMs >= probationMs && whyNotNow(seen.view) === null) {
      const reasons = wrong.length > 0 ? wrong : [isSteady ? NOT_CONFIRMED : 'not well for long'];
      onVerdict('reverted', reasons.slice(0, REASONS_TOLD).join('; '));
      return;
    }
    cancel = clock.after(LOOK_EVERY_MS, judge);
  };
  cancel = clock.after(LOOK_EVERY_MS, judge);
  return () => cancel();
}

const NOT_CONFIRMED = 'the central server did not confirm it in time';

function confirmedText({ isConfirmed }: ProbationParts): string {
  return isConfirmed() ? ' and confirmed' : '';
}
