/**
 * The scenes of the test set: rooms with fires that grow with the square of time, things that
 * overheat, hot things that belong there, and everyday warmth. A seed gives a scene; what happens
 * in it is a function of time.
 *
 * Fire: heat release alpha t^2 (NFPA 72 annex B: slow 0.00293, medium 0.01172, fast 0.0469,
 * ultra-fast 0.1876 kW/s^2); base area from 500 kW/m^2; flame height 0.235 Q^0.4 - 1.02 D
 * (Heskestad); puffing 1.5/sqrt(D) Hz (Pagni); emissivity 1 - exp(-k D).
 */
import { FRAME_COLUMNS, FRAME_PIXELS, FRAME_ROWS } from '../../src/domain/frame.ts';
import type { SeededRandom } from '../../src/simulator/random.ts';
import { between, gaussian, integerBetween, seededRandom } from '../../src/simulator/random.ts';
import type { Patch } from './optics.ts';

export const CLASSES = [
  'ultraFast',
  'fast',
  'medium',
  'slow',
  'overheating',
  'hotHarmless',
  'cool',
] as const;
export type SceneClass = (typeof CLASSES)[number];

export interface TestScene {
  readonly name: string;
  readonly kind: SceneClass;
  /** What it is, for people: "kettle at 3.2 m". */
  readonly what: string;
  readonly cadenceSeconds: number;
  readonly seconds: number;
  readonly blurPixels: number;
  readonly noiseCelsius: number;
  readonly background: Float32Array;
  /** Calls must go forward in time: flicker is drawn as they come. */
  patches(seconds: number): readonly Patch[];
}

const ALPHA = { slow: 0.00293, medium: 0.01172, fast: 0.0469, ultraFast: 0.1876 } as const;
const CADENCES = [4.09, 1, 1 / 8] as const;
const LENSES = [
  { width: 55, height: 35 },
  { width: 110, height: 75 },
] as const;

interface Place {
  readonly distance: number;
  /** Pixels a metre, across and down. */
  readonly across: number;
  readonly down: number;
  readonly column: number;
  readonly row: number;
  readonly room: number;
}

type Act = (place: Place, random: SeededRandom) => { what: string; patches: TestScene['patches'] };

/** Scene number `index` of a class; the same seed gives the same set. */
export function testScene(seed: number, kind: SceneClass, index: number): TestScene {
  const random = seededRandom(`${seed}/${kind}/${index}`);
  const place = placeOf(random.fork('place'));
  const acts = ACTS[kind];
  const act = acts[index % acts.length] ?? acts[0];
  if (act === undefined) throw new Error(`no act for ${kind}`);
  const { what, patches } = act(place, random.fork('act'));
  const people = index % 4 === 3 ? walker(place, random.fork('person')) : () => [];
  const cadenceSeconds = CADENCES[Math.floor(index / acts.length) % CADENCES.length] ?? 1;
  return {
    name: `${kind}-${index}`,
    kind,
    what: `${what} at ${place.distance.toFixed(1)} m`,
    cadenceSeconds,
    seconds: kind === 'slow' || kind === 'overheating' ? 1200 : 600,
    blurPixels: between(random, 0.35, 0.6),
    noiseCelsius: between(random, 0.12, 0.35),
    background: backgroundOf(place.room, random.fork('walls')),
    patches: (seconds) => [...patches(seconds), ...people(seconds)],
  };
}

function placeOf(random: SeededRandom): Place {
  const lens = LENSES[integerBetween(random, 0, 1)] ?? LENSES[0];
  const distance = between(random, 1, 8);
  const span = (degrees: number) => 2 * distance * Math.tan((degrees * Math.PI) / 360);
  return {
    distance,
    across: FRAME_COLUMNS / span(lens.width),
    down: FRAME_ROWS / span(lens.height),
    column: between(random, 3, FRAME_COLUMNS - 3),
    row: between(random, 8, FRAME_ROWS - 2),
    room: between(random, 5, 38),
  };
}

/** Bands and boxes of a few degrees, a cool window, a warm lamp. */
function backgroundOf(room: number, random: SeededRandom): Float32Array {
  const tilt = between(random, -1.5, 1.5);
  const boxes = Array.from({ length: integerBetween(random, 1, 5) }, () => ({
    column: between(random, 0, FRAME_COLUMNS),
    row: between(random, 0, FRAME_ROWS),
    width: between(random, 2, 12),
    height: between(random, 2, 9),
    celsius: between(random, -4, 6),
  }));
  return Float32Array.from({ length: FRAME_PIXELS }, (_, i) => {
    const column = i % FRAME_COLUMNS;
    const row = Math.floor(i / FRAME_COLUMNS);
    let celsius = room + tilt * (0.5 - row / FRAME_ROWS) + 0.2 * gaussian(random);
    for (const box of boxes) {
      const inside = Math.abs(column - box.column) < box.width / 2;
      if (inside && Math.abs(row - box.row) < box.height / 2) celsius += box.celsius;
    }
    return celsius;
  });
}

/** A patch of a size in metres around a point of the place, moved by pixels. */
function patch(
  place: Place,
  size: { readonly width: number; readonly height: number },
  celsius: number,
  share: number,
  moved: { readonly x: number; readonly y: number } = { x: 0, y: 0 },
): Patch {
  const halfWidth = (size.width * place.across) / 2;
  const column = place.column + moved.x;
  const bottom = place.row + moved.y;
  return {
    left: column - halfWidth,
    right: column + halfWidth,
    top: bottom - size.height * place.down,
    bottom,
    celsius,
    share,
  };
}

/** Numbers around 0 with a memory of `seconds`: what flames and hands do. */
function wander(random: SeededRandom, memorySeconds: number): (seconds: number) => number {
  let atSeconds = 0;
  let value = gaussian(random);
  return (seconds) => {
    const keep = Math.exp(-Math.max(0, seconds - atSeconds) / memorySeconds);
    value = value * keep + gaussian(random) * Math.sqrt(1 - keep * keep);
    atSeconds = seconds;
    return value;
  };
}

const fire =
  (growth: keyof typeof ALPHA): Act =>
  (place, random) => {
    const startSeconds = between(random, 60, 90);
    const flameCelsius = between(random, 800, 1000);
    const absorbs = between(random, 0.8, 2.5);
    const restless = between(random, 0.1, 0.3);
    const phase = between(random, 0, 1);
    const height = wander(random.fork('height'), 0.15);
    const lean = wander(random.fork('lean'), 0.4);
    return {
      what: `${growth} fire`,
      patches: (seconds) => {
        const since = seconds - startSeconds;
        if (since <= 0) return [];
        const kilowatts = Math.min(ALPHA[growth] * since * since, 1500);
        const base = Math.sqrt(kilowatts / 500);
        const tall = Math.max(0.235 * kilowatts ** 0.4 - 1.02 * base, 0.3 * base);
        const puff = 0.5 * Math.sin(2 * Math.PI * ((1.5 / Math.sqrt(base)) * since + phase));
        const now = tall * Math.max(0.3, 1 + restless * (height(seconds) + puff));
        const share = 1 - Math.exp(-absorbs * base);
        const x = 0.15 * base * lean(seconds) * place.across;
        const bed = patch(place, { width: base, height: 0.2 * base }, 450, 0.9);
        const body = patch(place, { width: 0.8 * base, height: 0.6 * now }, flameCelsius, share);
        const tip = patch(
          place,
          { width: 0.5 * base, height: now },
          flameCelsius - 150,
          0.5 * share,
          { x, y: 0 },
        );
        return [bed, body, tip];
      },
    };
  };

const overheating: Act = (place, random) => {
  const size = { width: between(random, 0.06, 0.5), height: between(random, 0.05, 0.4) };
  const perMinute = between(random, 2, 15);
  const final = between(random, 130, 260);
  const start = between(random, 60, 120);
  return {
    what: `cabinet heating ${perMinute.toFixed(0)} C/min`,
    patches: (seconds) => {
      const minutes = Math.max(0, seconds - start) / 60;
      const reach = final - place.room;
      const celsius = place.room + reach * (1 - Math.exp((-perMinute * minutes) / reach));
      return [patch(place, size, celsius, 0.95)];
    },
  };
};

/** Things that are at, or go to, some temperature without burning. */
function warmThing(
  what: string,
  size: readonly [low: number, high: number],
  celsius: readonly [low: number, high: number],
  course: (random: SeededRandom) => (seconds: number) => number,
): Act {
  return (place, random) => {
    const width = between(random, ...size);
    const height = width * between(random, 0.6, 1.6);
    const peak = between(random, ...celsius);
    const level = course(random.fork('course'));
    return {
      what: `${what} of ${peak.toFixed(0)} C`,
      patches: (seconds) => {
        const now = place.room + (peak - place.room) * level(seconds);
        return now <= place.room ? [] : [patch(place, { width, height }, now, 0.95)];
      },
    };
  };
}

/** From nothing to all within `rise` seconds, from a time in the scene on. */
const rises = (low: number, high: number) => (random: SeededRandom) => {
  const start = between(random, 60, 150);
  const rise = between(random, low, high);
  return (seconds: number) => (seconds < start ? 0 : 1 - Math.exp((-3 * (seconds - start)) / rise));
};
const linear = (low: number, high: number) => (random: SeededRandom) => {
  const start = between(random, 60, 150);
  const rise = between(random, low, high);
  return (seconds: number) => Math.min(1, Math.max(0, (seconds - start) / rise));
};
/** There from one moment to the next, and gone again later. */
const appears = (random: SeededRandom) => {
  const start = between(random, 60, 200);
  const stays = between(random, 40, 300);
  return (seconds: number) => (seconds >= start && seconds < start + stays ? 1 : 0);
};
/** Sun between clouds: light that changes within seconds on metal that follows in a minute. */
const clouds = (random: SeededRandom) => {
  const veil = wander(random, 45);
  const inertia = between(random, 15, 90);
  let level = 0.8;
  let atSeconds = 0;
  return (seconds: number) => {
    const light = 1 / (1 + Math.exp(-2 - 2 * veil(seconds)));
    level += (light - level) * (1 - Math.exp(-(seconds - atSeconds) / inertia));
    atSeconds = seconds;
    return level;
  };
};

const steaming: Act = (place, random) => {
  const kettle = warmThing('kettle', [0.15, 0.22], [92, 100], linear(120, 240))(place, random);
  const cloud = wander(random.fork('steam'), 0.5);
  return {
    what: kettle.what,
    patches: (seconds) => {
      const body = kettle.patches(seconds);
      const hot = (body[0]?.celsius ?? 0) > 85;
      if (!hot) return body;
      const steam = { width: 0.2, height: 0.5 };
      const share = 0.15 * Math.max(0, 1 + cloud(seconds));
      return [...body, patch(place, steam, 75, Math.min(0.5, share), { x: 0, y: -3 })];
    },
  };
};

function walker(place: Place, random: SeededRandom): (seconds: number) => readonly Patch[] {
  const period = between(random, 15, 60);
  const warm = between(random, 28, 34);
  return (seconds) => {
    const across = Math.abs(((seconds / period) % 2) - 1);
    const at = { ...place, column: 2 + across * (FRAME_COLUMNS - 4), row: FRAME_ROWS };
    return [
      patch(at, { width: 0.45, height: 1.45 }, Math.max(warm - 3, place.room), 0.95),
      patch(at, { width: 0.2, height: 1.7 }, Math.max(warm + 1, place.room), 0.95),
    ];
  };
}

const ACTS: Readonly<Record<SceneClass, readonly Act[]>> = {
  ultraFast: [fire('ultraFast')],
  fast: [fire('fast')],
  medium: [fire('medium')],
  slow: [fire('slow')],
  overheating: [overheating],
  hotHarmless: [
    steaming,
    warmThing('radiator', [0.6, 1.2], [65, 85], rises(200, 500)),
    warmThing('sunlit metal', [0.3, 1.5], [62, 85], clouds),
    warmThing('pan', [0.2, 0.35], [80, 118], linear(60, 200)),
    warmThing('cup carried in', [0.08, 0.12], [70, 90], appears),
    warmThing('oven door opened', [0.4, 0.6], [75, 118], appears),
    warmThing('heater switched on', [0.2, 0.5], [80, 115], rises(40, 150)),
    warmThing('machine at work', [0.2, 0.8], [65, 110], rises(400, 900)),
  ],
  cool: [
    warmThing('hot drink', [0.07, 0.1], [40, 57], appears),
    warmThing('radiator', [0.6, 1.2], [40, 57], rises(200, 500)),
    warmThing('sun patch', [0.5, 2], [38, 56], clouds),
    warmThing('open door', [0.8, 1], [36, 45], appears),
    warmThing('laptop', [0.2, 0.35], [36, 48], rises(200, 600)),
  ],
};
