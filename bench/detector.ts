/**
 * Cost of the thermal detector: microseconds and bytes per frame, for quiet pictures (nearly all of
 * a building's life), pictures with a fire, with many regions and named areas, and with glitches;
 * with and without a memory of the scene. Beside each stands the share of one core that it takes
 * when a hundred arrays send eight such pictures a second.
 */
import type { AreaSpec } from '../src/vision/areas.ts';
import { PixelMemory } from '../src/vision/pixel-memory.ts';
import {
  createThermalDetector,
  DEFAULT_THERMAL_OPTIONS,
  isRejected,
} from '../src/vision/thermal.ts';
import { spoil } from '../test/vision/artefacts.ts';
import { SceneCamera, seededRandom } from '../test/vision/scenes.ts';
import type { SceneObject } from '../test/vision/scenes.ts';
import type { Section } from './section.ts';
import { figure } from './section.ts';

const FRAMES = 64;
const ROUNDS = 1_500;
const REPEATS = 5;
/** A hundred arrays, eight pictures a second each. */
const FRAMES_PER_SECOND = 800;

interface Scenario {
  readonly name: string;
  readonly pictures: readonly Float32Array[];
  readonly areas?: readonly AreaSpec[];
  readonly memory?: boolean;
}

/** Four quarters of the picture. */
const QUARTERS: readonly AreaSpec[] = [0, 1, 2, 3].map((i) => ({
  channel: `thermal_q${i}`,
  rows: i < 2 ? [0, 11] : [12, 23],
  columns: i % 2 === 0 ? [0, 15] : [16, 31],
  ignore: false,
}));

function scenarios(): readonly Scenario[] {
  const random = seededRandom(1);
  const optics = { backgroundCelsius: 22, noiseCelsius: 0.2, blurPixels: 0.5 };
  const camera = new SceneCamera(optics, random);
  const person = { kind: 'person', row: 12, column: 10, celsius: 33 } as const;
  const fire = { kind: 'flame', row: 8, column: 20, flameCelsius: 850, areaPixels: 3 } as const;
  const thing = (row: number, column: number, celsius: number): SceneObject => ({
    kind: 'object',
    row,
    column,
    height: 2.5,
    width: 2,
    celsius,
  });
  const four = [thing(4, 6, 70), thing(16, 5, 65), thing(18, 26, 80), fire];
  const dots = Array.from({ length: 48 }, (_, i) =>
    thing(1 + 4 * Math.floor(i / 8), 1 + 4 * (i % 8), 60 + i),
  );
  const oven = new SceneCamera({ ...optics, backgroundCelsius: 70, noiseCelsius: 0.5 }, random);
  const make = (draw: () => Float32Array): Float32Array[] => Array.from({ length: FRAMES }, draw);
  const quiet = make(() => camera.picture([person]));
  const burning = make(() => camera.picture([person, fire]));
  const regions = make(() => camera.picture([person, ...four]));
  return [
    { name: 'quiet', pictures: quiet },
    { name: 'quiet, 4 areas', pictures: quiet, areas: QUARTERS },
    { name: 'quiet, with memory', pictures: quiet, memory: true },
    { name: 'fire of 3 pixels', pictures: burning },
    { name: 'fire of 3 pixels, with memory', pictures: burning, memory: true },
    { name: '4 regions', pictures: regions },
    { name: '4 regions in 4 areas, with memory', pictures: regions, areas: QUARTERS, memory: true },
    { name: '48 regions', pictures: make(() => camera.picture(dots)), memory: true },
    {
      name: '48 regions in 4 areas',
      pictures: make(() => camera.picture(dots)),
      areas: QUARTERS,
      memory: true,
    },
    { name: 'all 768 pixels hot', pictures: make(() => oven.picture([])), memory: true },
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

function measure({ pictures, areas = [], memory = false }: Scenario): {
  readonly micros: number;
  readonly bytes: number;
} {
  const { mount } = DEFAULT_THERMAL_OPTIONS;
  const detector = createThermalDetector({
    mount,
    areas,
    memory: memory ? new PixelMemory({ array: '', mount }) : null,
  });
  let atMs = 0;
  let sink = 0;
  const round = (): void => {
    for (const picture of pictures) {
      atMs += 125;
      const outcome = detector.detect(picture, { atMs, calibrated: true });
      if (isRejected(outcome)) continue;
      for (const finding of outcome) {
        if (!isRejected(finding)) sink += finding.evidence.maxCelsius;
      }
    }
  };
  for (let i = 0; i < 100; i++) round();
  let best = Infinity;
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    // Processor time: a share of a core is what it is about, whatever else the machine does.
    const start = process.cpuUsage();
    for (let i = 0; i < ROUNDS / REPEATS; i++) round();
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / ((ROUNDS / REPEATS) * FRAMES));
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
      const share = (micros * FRAMES_PER_SECOND) / 10_000;
      const figures = [
        figure(scenario.name, micros, 'us/frame', `${share.toFixed(1)} % of a core at 800 /s`),
      ];
      if (globalThis.gc === undefined) return figures;
      return [...figures, figure(`${scenario.name}, allocated`, bytes, 'bytes')];
    }),
};
