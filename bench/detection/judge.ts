/** What the scenes must do, and the tables about what they did. */
import type { SceneClass } from './scenes.ts';
import { CLASSES } from './scenes.ts';
import type { TrialResult } from './trial.ts';

export interface Target {
  readonly name: string;
  /** Share of the scenes concerned that must meet it. */
  readonly share: number;
  concerns(result: TrialResult): boolean;
  met(result: TrialResult): boolean;
}

/** Both the fire of decisions and the ten seconds come from the design (detection and panel, 16). */
const WITHIN_SECONDS = 10;

const isFastFire = ({ scene }: TrialResult): boolean =>
  scene.kind === 'ultraFast' || scene.kind === 'fast';
const isSlow = ({ scene }: TrialResult): boolean =>
  scene.kind === 'medium' || scene.kind === 'slow' || scene.kind === 'overheating';

function notLater(seconds: number | null, than: number | null): boolean {
  return seconds !== null && than !== null && seconds <= than + WITHIN_SECONDS;
}

export const TARGETS: readonly Target[] = [
  {
    name: 'fast fires alarm within 10 s of 60 C',
    share: 0.99,
    concerns: (result) => isFastFire(result) && result.truth.limitSeconds !== null,
    met: ({ truth, outcome }) => notLater(outcome.alarmSeconds, truth.limitSeconds),
  },
  {
    name: 'slow fires and overheating pre-alarm within 10 s of 60 C',
    share: 0.99,
    concerns: (result) => isSlow(result) && result.truth.limitSeconds !== null,
    met: ({ truth, outcome }) =>
      notLater(earlier(outcome.prealarmSeconds, outcome.alarmSeconds), truth.limitSeconds),
  },
  {
    name: 'slow fires and overheating alarm within 10 s of 120 C',
    share: 0.99,
    concerns: (result) => isSlow(result) && result.truth.criticalSeconds !== null,
    met: ({ truth, outcome }) => notLater(outcome.alarmSeconds, truth.criticalSeconds),
  },
  {
    name: 'scenes below 60 C do not alarm',
    share: 1,
    concerns: ({ truth }) => truth.limitSeconds === null,
    met: ({ outcome }) => outcome.alarmSeconds === null,
  },
  {
    name: 'hot harmless things of 60 to 120 C do not alarm',
    share: 0.98,
    concerns: ({ scene, truth }) =>
      scene.kind === 'hotHarmless' && truth.limitSeconds !== null && truth.criticalSeconds === null,
    met: ({ outcome }) => outcome.alarmSeconds === null,
  },
];

/** A table of outcomes by class, the times to an alarm, and what fixed limits would have done. */
export function judge(results: readonly TrialResult[]): readonly string[] {
  const lines = ['', 'class         scenes  none  pre-alarm  alarm   raw 60 C  raw 120 C   fault'];
  for (const kind of CLASSES) {
    const own = results.filter(({ scene }) => scene.kind === kind);
    if (own.length === 0) continue;
    const count = (test: (result: TrialResult) => boolean): string =>
      String(own.filter(test).length).padStart(7);
    const alarm = count(({ outcome }) => outcome.alarmSeconds !== null);
    const warned = count(
      ({ outcome }) => outcome.alarmSeconds === null && outcome.prealarmSeconds !== null,
    );
    const none = count(
      ({ outcome }) => outcome.alarmSeconds === null && outcome.prealarmSeconds === null,
    );
    const at60 = count(({ fixedSeconds }) => fixedSeconds.at60 !== null);
    const at120 = count(({ fixedSeconds }) => fixedSeconds.at120 !== null);
    const fault = count(({ outcome }) => outcome.faultSeconds !== null);
    lines.push(
      `${kind.padEnd(12)}${count(() => true)}${none}   ${warned} ${alarm}    ${at60}    ${at120} ${fault}`,
    );
  }
  lines.push('', 'seconds from 60 C to the alarm: median, 90 %, 99 %, longest');
  for (const kind of CLASSES) lines.push(...delays(results, kind));
  return lines;
}

function delays(results: readonly TrialResult[], kind: SceneClass): string[] {
  const seconds = results
    .filter(({ scene }) => scene.kind === kind)
    .flatMap(({ truth, outcome }) =>
      truth.limitSeconds === null || outcome.alarmSeconds === null
        ? []
        : [outcome.alarmSeconds - truth.limitSeconds],
    )
    .sort((a, b) => a - b);
  if (seconds.length === 0) return [];
  const at = (share: number): string =>
    (seconds[Math.min(seconds.length - 1, Math.floor(share * seconds.length))] ?? 0)
      .toFixed(1)
      .padStart(8);
  return [`${kind.padEnd(12)}${at(0.5)}${at(0.9)}${at(0.99)}${at(1)}`];
}

function earlier(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : Math.min(a, b);
}
