/** One scene through the eye, the detector and the panel; and what a fixed limit would have done. */
import type { RecordingLine } from '../../src/commands/evaluate-read.ts';
import type { EvaluateOptions, Evaluation } from '../../src/commands/evaluate-recording.ts';
import { evaluateRecording } from '../../src/commands/evaluate-recording.ts';
import { FRAME_PIXELS } from '../../src/domain/frame.ts';
import { gaussian, seededRandom } from '../../src/simulator/random.ts';
import { ARTEFACT_KINDS, lengthOf, spoil } from '../../test/vision/artefacts.ts';
import { Eye } from './optics.ts';
import type { TestScene } from './scenes.ts';

/** Moments of a scene in seconds; null where they never come. */
export interface Truth {
  /** The noiseless peak of a pixel reaches 60 C, and the critical 120 C. */
  readonly limitSeconds: number | null;
  readonly criticalSeconds: number | null;
  readonly peakCelsius: number;
}

export interface TrialResult {
  readonly scene: TestScene;
  readonly truth: Truth;
  readonly outcome: Evaluation;
  /** First frame whose highest pixel reads 60 C or more; 120 C or more. */
  readonly fixedSeconds: { readonly at60: number | null; readonly at120: number | null };
}

/** The truth is looked at this often, whatever the array's cadence. */
const TRUTH_SECONDS = 0.25;
const LIMIT_CELSIUS = 60;
const CRITICAL_CELSIUS = 120;
/** A scene ends so long after it became critical. */
const AFTERMATH_SECONDS = 30;
/** Share of frames with which damage begins. */
const DAMAGE_SHARE = 0.01;

export async function runTrial(
  scene: TestScene,
  options: EvaluateOptions,
  damaged: boolean,
): Promise<TrialResult> {
  const seen = record(scene, damaged);
  const outcome = await evaluateRecording(streamOf(seen.lines), options, (line, problem) => {
    throw new Error(`${scene.name}, line ${line}: ${problem}`);
  });
  return { scene, truth: seen.truth, outcome, fixedSeconds: seen.fixedSeconds };
}

function record(scene: TestScene, damaged: boolean) {
  const eye = new Eye(scene);
  const noise = seededRandom(`${scene.name}/noise`);
  const chance = seededRandom(`${scene.name}/damage`);
  const picture = new Float32Array(FRAME_PIXELS);
  const lines: RecordingLine[] = [];
  let limitSeconds: number | null = null;
  let criticalSeconds: number | null = null;
  let peakCelsius = -Infinity;
  const fixed: { at60: number | null; at120: number | null } = { at60: null, at120: null };
  const tick = Math.min(TRUTH_SECONDS, scene.cadenceSeconds);
  let nextFrame = 0;
  const spoiler = damaged ? damageOf(chance) : (frame: Float32Array) => frame;
  for (let seconds = 0; seconds < scene.seconds; seconds += tick) {
    const peak = eye.see(scene.patches(seconds), picture);
    peakCelsius = Math.max(peakCelsius, peak);
    if (peak >= LIMIT_CELSIUS) limitSeconds ??= seconds;
    if (peak >= CRITICAL_CELSIUS) criticalSeconds ??= seconds;
    if (criticalSeconds !== null && seconds > criticalSeconds + AFTERMATH_SECONDS) break;
    if (seconds < nextFrame) continue;
    nextFrame += scene.cadenceSeconds;
    const celsius = spoiler(eye.noisy(picture, noise));
    const highest = celsius.reduce((a, b) => (b > a ? b : a), -Infinity);
    if (highest >= LIMIT_CELSIUS) fixed.at60 ??= seconds;
    if (highest >= CRITICAL_CELSIUS) fixed.at120 ??= seconds;
    lines.push({ kind: 'celsius', line: lines.length + 1, seconds, celsius });
  }
  return { lines, truth: { limitSeconds, criticalSeconds, peakCelsius }, fixedSeconds: fixed };
}

/** Damages frames now and then, each time with another of the known kinds. */
function damageOf(random: ReturnType<typeof seededRandom>): (frame: Float32Array) => Float32Array {
  let left = 0;
  let kind: (typeof ARTEFACT_KINDS)[number] = 'singlePixel';
  const chance = {
    uniform: () => random.next(),
    below: (n: number) => Math.floor(random.next() * n),
    normal: () => gaussian(random),
  };
  return (frame) => {
    if (left === 0 && random.next() < DAMAGE_SHARE) {
      kind = ARTEFACT_KINDS[chance.below(ARTEFACT_KINDS.length)] ?? kind;
      left = lengthOf(kind);
    }
    if (left === 0) return frame;
    left -= 1;
    return spoil(frame, kind, chance);
  };
}

async function* streamOf<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
