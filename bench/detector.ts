/**
 * Cost of the thermal detector: microseconds and bytes per frame, for quiet pictures (nearly all of
 * a building's life), pictures with a fire, and pictures with glitches.
 */
import { createThermalDetector } from '../src/vision/thermal.ts';
import { spoil } from '../test/vision/artefacts.ts';
import { SceneCamera, seededRandom } from '../test/vision/scenes.ts';
import type { Section } from './section.ts';
import { figure } from './section.ts';

const FRAMES = 64;
const ROUNDS = 1_500;
const REPEATS = 5;

interface Scenario {
  readonly name: string;
  readonly pictures: readonly Float32Array[];
}

function scenarios(): readonly Scenario[] {
  const random = seededRandom(1);
  const camera = new SceneCamera(
    { backgroundCelsius: 22, noiseCelsius: 0.2, blurPixels: 0.5 },
    random,
  );
  const person = { kind: 'person', row: 12, column: 10, celsius: 33 } as const;
  const fire = {
    kind: 'flame',
    row: 8,
    column: 20,
    flameCelsius: 850,
    areaPixels: 3,
  } as const;
  const make = (draw: () => Float32Array): Float32Array[] => Array.from({ length: FRAMES }, draw);
  return [
    { name: 'quiet', pictures: make(() => camera.picture([person])) },
    {
      name: 'fire of 3 pixels',
      pictures: make(() => camera.picture([person, fire])),
    },
    {
      name: 'a subpage at 350 C',
      pictures: make(() => spoil(camera.picture([person]), 'subpage', random)),
    },
    {
      name: 'burst of 1400..2300 C and NaN',
      pictures: make(() => spoil(camera.picture([person]), 'burst', random)),
    },
  ];
}

function measure(scenario: Scenario): {
  readonly micros: number;
  readonly bytes: number;
} {
  const detector = createThermalDetector();
  let atMs = 0;
  let sink = 0;
  const round = (): void => {
    for (const picture of scenario.pictures) {
      atMs += 125;
      const outcome = detector.detect(picture, { atMs, calibrated: true });
      if ('maxCelsius' in outcome) sink += outcome.maxCelsius;
    }
  };
  for (let i = 0; i < 100; i++) round();
  let best = Infinity;
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < ROUNDS / REPEATS; i++) round();
    const nanos = Number(process.hrtime.bigint() - start);
    best = Math.min(best, nanos / 1_000 / ((ROUNDS / REPEATS) * FRAMES));
  }
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 20; i++) round();
  const bytes = (process.memoryUsage().heapUsed - before) / (20 * FRAMES);
  if (Number.isNaN(sink)) throw new Error('the detector returned NaN');
  return { micros: best, bytes };
}

export const detectorSection: Section = {
  name: 'detector',
  title: 'Thermal detector: temperatures to evidence',
  run: async () =>
    scenarios().flatMap((scenario) => {
      const { micros, bytes } = measure(scenario);
      const time = figure(scenario.name, micros, 'us/frame');
      if (globalThis.gc === undefined) return [time];
      return [time, figure(`${scenario.name}, allocated`, bytes, 'bytes')];
    }),
};
