/**
 * Growing fires as one array sees them: flame area grows with the square of time, flickers, and is
 * seen by two subpages at different moments. What counts as truth is the hottest pixel without noise
 * and without flicker.
 */
import { COLUMNS, ROWS, SceneCamera, peakOf } from './scenes.ts';
import type { Chance, Optics, SceneObject } from './scenes.ts';

export interface FireScene {
  readonly optics: Optics;
  readonly flameCelsius: number;
  /** Seconds from ignition until the hottest pixel passes 60 C. */
  readonly secondsTo60: number;
  /** Seconds before ignition. */
  readonly quietSeconds: number;
  readonly periodSeconds: number;
  /** Relative deviation of the flame's area from frame to frame. */
  readonly flicker: number;
  readonly people: boolean;
  /** Seconds after ignition at which the recording ends. */
  readonly burnSeconds: number;
  /** Largest flame, in pixels. */
  readonly largestPixels: number;
}

export interface FireFrame {
  readonly seconds: number;
  readonly celsius: Float32Array;
  readonly truthCelsius: number;
}

/** Frames of the scene, and the moments at which the truth passes 60 and 120 C. */
export interface Fire {
  readonly frames: readonly FireFrame[];
  readonly passes60: number;
  readonly passes120: number;
}

/** An array that is read at 4 Hz has a quarter of a second between its subpages. */
const SUBPAGE_SECONDS = 0.25;

export function makeFire(scene: FireScene, random: Chance): Fire {
  const camera = new SceneCamera(scene.optics, random);
  const row = 2 + random.uniform() * (ROWS - 4);
  const column = 2 + random.uniform() * (COLUMNS - 4);
  const flame = (areaPixels: number): SceneObject => ({
    kind: 'flame',
    row,
    column,
    flameCelsius: scene.flameCelsius,
    areaPixels,
  });
  const areaAt60 = areaFor(60, (area) => peakOf(camera.truth([flame(area)])));
  const areaAt120 = areaFor(120, (area) => peakOf(camera.truth([flame(area)])));
  const area = (seconds: number): number =>
    seconds <= 0 ? 0 : Math.min(areaAt60 * (seconds / scene.secondsTo60) ** 2, scene.largestPixels);
  const unrest = (): number => Math.max(0.2, 1 + scene.flicker * random.normal());
  const skew = Math.min(scene.periodSeconds / 2, SUBPAGE_SECONDS);
  const start = random.uniform() * scene.periodSeconds;
  const frames: FireFrame[] = [];
  for (let i = 0; ; i++) {
    const seconds = start + i * scene.periodSeconds;
    const burning = seconds - scene.quietSeconds;
    if (burning > scene.burnSeconds) break;
    const others: SceneObject[] = scene.people ? [walker(seconds)] : [];
    const seen = (at: number): SceneObject[] =>
      area(at) > 0 ? [...others, flame(area(at) * unrest())] : others;
    frames.push({
      seconds,
      celsius: camera.torn(seen(burning - skew), seen(burning)),
      truthCelsius: peakOf(camera.truth(area(burning) > 0 ? [flame(area(burning))] : [])),
    });
  }
  return {
    frames,
    passes60: scene.quietSeconds + scene.secondsTo60,
    passes120: scene.quietSeconds + scene.secondsTo60 * Math.sqrt(areaAt120 / areaAt60),
  };
}

/** Flame area at which the picture's truth reaches `celsius`. */
function areaFor(celsius: number, truth: (area: number) => number): number {
  let low = 0;
  let high = 0.5;
  for (let i = 0; i < 16; i++) {
    const middle = (low + high) / 2;
    if (truth(middle) < celsius) low = middle;
    else high = middle;
  }
  return high;
}

function walker(seconds: number): SceneObject {
  const column = (seconds * 0.7) % 60;
  return { kind: 'person', row: 9, column: column < 30 ? column : 60 - column, celsius: 33 };
}
