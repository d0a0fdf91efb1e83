/**
 * When a trained model may hold an alarm back: where the alarm rests on fire signs alone and the
 * model is sure that each region which shows them does not burn.
 *
 * The time is counted from when the zone would first have alarmed, on the monotonic clock, and goes
 * on whatever the model says in between. It ends at once when the opinion turns or grows old, when
 * a region passes critical (which may have a short time of its own) or when a second kind of
 * evidence agrees. Without a fresh opinion there is none: the rules decide alone.
 */
import { likeliest } from '../domain/opinion.ts';
import type { Ballot, Decision } from './fusion.ts';
import { isFresh, isHarmless, opinionText } from './opinion.ts';
import type { VisionLimits } from './plan.ts';
import type { SourceState } from './source.ts';

export interface HoldBack {
  /** Must be looked at again then: its time is over, or the opinion too old. */
  readonly untilMs: number;
  /** For people: what the model says, and for how long it may be believed. */
  readonly said: string;
}

/**
 * Whether the alarm that the ballots amount to is held back now.
 * @param sinceMs since when they amount to one.
 * @param criticalSinceMs since when a region has been at or above critical; null where none is.
 */
export function heldBack(
  sources: readonly SourceState[],
  decision: Decision,
  ballots: readonly Ballot[],
  sinceMs: number,
  criticalSinceMs: number | null,
  nowMs: number,
): HoldBack | null {
  if (decision.restsOn === null) return null;
  let held: HoldBack | null = null;
  for (const source of sources) {
    const tracks = burningTracks(source, ballots);
    if (tracks === null) continue;
    const one = heldBackBy(source, tracks, sinceMs, criticalSinceMs, nowMs);
    if (one === null) return null;
    if (held === null || one.untilMs < held.untilMs) held = one;
  }
  return held;
}

/** Whether any region that votes has reached critical, if only in one frame so far. */
export function hasCritical(sources: readonly SourceState[], ballots: readonly Ballot[]): boolean {
  return ballots.some(({ kind, vote }) => {
    if (kind !== 'thermal') return false;
    if (vote.level === 'alarm') return true;
    const source = sources.find(
      ({ plan }) => plan.sensor === vote.sensor && plan.channel === vote.channel,
    );
    const critical = source?.inForce.limits.thermal.criticalCelsius ?? Infinity;
    return vote.value >= critical;
  });
}

/** Regions of a source on which an alarm rests; null where none does. */
function burningTracks(
  { plan }: SourceState,
  ballots: readonly Ballot[],
): readonly number[] | null {
  let tracks: number[] | null = null;
  const mine = ({ vote }: Ballot) => vote.sensor === plan.sensor && vote.channel === plan.channel;
  for (const heat of ballots) {
    if (heat.kind !== 'thermal' || !mine(heat)) continue;
    const critical = heat.vote.level === 'alarm';
    // What is critical but in no region is nothing that a model has seen.
    if (critical) tracks = [...(tracks ?? []), ...(heat.tracks.length > 0 ? heat.tracks : [-1])];
    for (const sign of ballots) {
      if (sign.kind !== 'fireSign' || !mine(sign)) continue;
      const both = sign.tracks.filter((track) => heat.tracks.includes(track));
      if (both.length > 0) tracks = [...(tracks ?? []), ...both];
    }
  }
  return tracks;
}

function heldBackBy(
  { opinion, plan, inForce }: SourceState,
  tracks: readonly number[],
  sinceMs: number,
  criticalSinceMs: number | null,
  nowMs: number,
): HoldBack | null {
  const limits = inForce.limits.vision;
  if (opinion === null || !isFresh(opinion, nowMs, plan.freshnessMs)) return null;
  if (!isHarmless(opinion.opinion, limits)) return null;
  if (tracks.some((track) => track !== opinion.track)) return null;
  const endMs = endOf(limits, sinceMs, criticalSinceMs);
  if (nowMs >= endMs) return null;
  const seconds = Math.round((endMs - sinceMs) / 1000);
  const what = opinionText(opinion.opinion, likeliest(opinion.opinion));
  return {
    untilMs: Math.min(endMs, opinion.atMs + plan.freshnessMs),
    said: `held back for at most ${seconds} s because the model takes it for ${what}`,
  };
}

function endOf(limits: VisionLimits, sinceMs: number, criticalSinceMs: number | null): number {
  const endMs = sinceMs + limits.holdBackMs;
  if (criticalSinceMs === null) return endMs;
  return Math.min(endMs, criticalSinceMs + limits.holdBackCriticalMs);
}
