/**
 * What the walk remembers beside the panel: for how long the first sensor has shown a fire without
 * a break. From that alone, and the plan, follows by when there must be an alarm.
 */
import type { Panel } from '../../src/alarm/panel.ts';
import type { Exercised } from './walk-invariants.ts';
import { must } from './walk-invariants.ts';
import type { Letter } from './walk-letters.ts';
import { A } from './walk-letters.ts';
import { FRESHNESS_MS } from './walk-plans.ts';

export interface Ghost {
  readonly shows: 'fire' | 'burn' | null;
  /** First and last frame of the run, and since when it has been confirmed. */
  readonly sinceMs: number;
  readonly lastMs: number;
  readonly frames: number;
  readonly confirmedMs: number | null;
}

export const NO_GHOST: Ghost = { shows: null, sinceMs: 0, lastMs: 0, frames: 0, confirmedMs: null };

/** Letters that say nothing about the scene of the first sensor. */
const SCENES = ['cool', 'warm', 'grown', 'noData', 'frozen', 'off50', 'working50', 'unknown50'];

export function followGhost(ghost: Ghost, { name }: Letter, panel: Panel, nowMs: number): Ghost {
  const [hall] = panel.zones;
  const source = hall?.sources[0];
  if (hall === undefined || source === undefined) return NO_GHOST;
  const isOut = hall.disabledUntilMs !== null || hall.test !== null || hall.muted.includes(A);
  if (isOut || SCENES.includes(name)) return NO_GHOST;
  const isLate = ghost.shows !== null && nowMs - ghost.lastMs > FRESHNESS_MS;
  const known = isLate ? NO_GHOST : ghost;
  if (name !== 'fire' && name !== 'burn') return known;
  const goesOn = known.shows === name;
  const sinceMs = goesOn ? known.sinceMs : nowMs;
  const frames = goesOn ? known.frames + 1 : 1;
  const { confirmations, confirmMs } = source.plan;
  const confirmed = frames >= confirmations && nowMs - sinceMs >= confirmMs;
  const confirmedMs = goesOn ? known.confirmedMs : null;
  return {
    shows: name,
    sinceMs,
    lastMs: nowMs,
    frames,
    confirmedMs: confirmedMs ?? (confirmed ? nowMs : null),
  };
}

/** How long a confirmed fire may stand without an alarm, by the plan. */
function boundMs(panel: Panel, shows: 'fire' | 'burn'): number {
  const zone = panel.zones[0]?.plan;
  const vision = zone?.sources[0]?.limits.vision;
  if (zone === undefined || vision === undefined) return Infinity;
  // Without a model nothing holds back; with one, no longer than this after the verification.
  const heldMs = shows === 'fire' ? vision.holdBackCriticalMs : vision.holdBackMs;
  return zone.verificationMs + heldMs;
}

export function checkGhost(ghost: Ghost, panel: Panel, nowMs: number, exercised: Exercised): void {
  const { shows, confirmedMs } = ghost;
  if (shows === null || confirmedMs === null) return;
  const source = panel.zones[0]?.sources[0];
  const hasModel = source?.opinion != null;
  const limitMs = hasModel ? boundMs(panel, shows) : (panel.zones[0]?.plan.verificationMs ?? 0);
  if (nowMs - confirmedMs < limitMs) return;
  const what = 'a fire that stands is in alarm when its bounds are over';
  must({ exercised }, what, panel.zones[0]?.alarm != null);
}

export function ghostForm(ghost: Ghost, nowMs: number): string {
  const { shows, sinceMs, lastMs, frames, confirmedMs } = ghost;
  if (shows === null) return '';
  const clip = (stampMs: number) => Math.min(nowMs - stampMs, 20_000);
  const confirmed = confirmedMs === null ? null : clip(confirmedMs);
  return JSON.stringify([shows, clip(sinceMs), clip(lastMs), Math.min(frames, 3), confirmed]);
}
