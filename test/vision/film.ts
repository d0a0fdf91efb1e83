/** Films of made-up scenes through a detector: what it says of each frame. */
import type { RegionEvidence, ThermalEvidence } from '../../src/domain/evidence.ts';
import {
  createThermalDetector,
  DEFAULT_THERMAL_OPTIONS,
  isRejected,
} from '../../src/vision/thermal.ts';
import type { AreaFinding, ThermalDetectorOptions } from '../../src/vision/thermal.ts';
import { SceneCamera, seededRandom } from './scenes.ts';
import type { Chance, SceneObject } from './scenes.ts';

export const OPTICS = { backgroundCelsius: 22, noiseCelsius: 0.2, blurPixels: 0.5 };

export type Scene = (seconds: number) => readonly SceneObject[];

/** Moments of frames: eight a second, one a second, and a board's with gaps. */
export const PACES: readonly (readonly [name: string, times: (seconds: number) => number[]])[] = [
  ['8 Hz', (seconds) => Array.from({ length: seconds * 8 }, (_, i) => i / 8)],
  ['1 Hz', (seconds) => Array.from({ length: seconds }, (_, i) => i)],
  ['4.09 s with gaps', (seconds) => boardTimes(seconds)],
];

/** Every 4.09 s, now and then a second late, one frame in eight missing. */
function boardTimes(seconds: number): number[] {
  const times: number[] = [];
  for (let i = 0; i * 4.09 < seconds; i++) {
    if (i % 8 !== 5) times.push(i * 4.09 + (i % 5 === 3 ? 0.9 : 0));
  }
  return times;
}

export interface Shot {
  readonly seconds: number;
  readonly findings: readonly AreaFinding[];
}

/** Shows a scene to a new detector; frames that it refuses are left out. */
export function film(
  scene: Scene,
  times: readonly number[],
  options: Partial<ThermalDetectorOptions> = {},
  spoil: (picture: Float32Array, index: number, random: Chance) => Float32Array = (same) => same,
): readonly Shot[] {
  const random = seededRandom(7);
  const camera = new SceneCamera(OPTICS, random);
  const detector = createThermalDetector({ ...DEFAULT_THERMAL_OPTIONS, ...options });
  return times.flatMap((seconds, i) => {
    const picture = spoil(camera.picture(scene(seconds)), i, random);
    const outcome = detector.detect(picture, { atMs: seconds * 1_000, calibrated: true });
    return isRejected(outcome) ? [] : [{ seconds, findings: [...outcome] }];
  });
}

/** What the shot says of the first area, or of a named one. */
export function evidenceOf(shot: Shot | undefined, channel?: string): ThermalEvidence {
  const finding = shot?.findings.find((each) => channel === undefined || each.channel === channel);
  if (finding === undefined || isRejected(finding)) throw new Error('no evidence');
  return finding.evidence;
}

/** Regions whose peak is within two pixels of a place, over the whole film. */
export function regionsAt(
  shots: readonly Shot[],
  row: number,
  column: number,
): readonly RegionEvidence[] {
  return shots.flatMap((shot) =>
    evidenceOf(shot).regions.filter(
      (region) => Math.abs(region.row - row) <= 2 && Math.abs(region.column - column) <= 2,
    ),
  );
}

export function thing(
  celsius: number,
  row: number,
  column: number,
  height = 2.5,
  width = 2,
): SceneObject {
  return { kind: 'object', row, column, height, width, celsius };
}

/** A flame whose area in pixels grows by `pace` times the square of the time since `start`. */
export function growing(
  row: number,
  column: number,
  start: number,
  seconds: number,
  pace = 0.0005,
) {
  const burning = Math.max(0, seconds - start);
  const areaPixels = Math.min(pace * burning * burning, 3);
  return { kind: 'flame', row, column, flameCelsius: 850, areaPixels } as const;
}

/** Default limits of a zone from which a sign counts. */
export function isFireLike({ signs }: Pick<RegionEvidence, 'signs'>): boolean {
  const { riseCelsiusPerMinute, growthPixelsPerMinute, flickerCelsius } = signs;
  return (
    (riseCelsiusPerMinute ?? 0) >= 30 ||
    (growthPixelsPerMinute ?? 0) >= 15 ||
    (flickerCelsius ?? 0) >= 5
  );
}
