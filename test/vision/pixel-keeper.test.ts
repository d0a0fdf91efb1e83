import { describe, expect, it } from 'vitest';
import type { SensorNotice } from '../../src/domain/step.ts';
import { sensorId } from '../../src/domain/units.ts';
import { PixelKeeper } from '../../src/pixel-keeper.ts';
import { MemoryJournal } from '../../src/store/memory-journal.ts';
import type { PixelMemory } from '../../src/vision/pixel-memory.ts';
import { ManualClock } from '../hal/manual-clock.ts';
import { MINUTE, MOUNT, pixelAt } from './pixel-room.ts';
import { PIXELS, seededRandom } from './scenes.ts';

const KITCHEN = sensorId('kitchen');
const HALL = sensorId('hall');

interface World {
  readonly store: MemoryJournal;
  readonly clock: ManualClock;
  readonly notices: SensorNotice[];
  readonly lines: string[];
  readonly arrays: Map<string, string>;
  keeper: PixelKeeper;
}

async function open(store = new MemoryJournal(), arrays = new Map<string, string>()) {
  const clock = new ManualClock();
  const notices: SensorNotice[] = [];
  const lines: string[] = [];
  const keeper = await PixelKeeper.load({
    store,
    clock,
    log: (level, message, fields) => lines.push(`${level} ${message} ${JSON.stringify(fields)}`),
    notify: (notice) => notices.push(notice),
    arrayAt: (sensor) => arrays.get(sensor) ?? null,
  });
  const world: World = { store, clock, notices, lines, arrays, keeper };
  return world;
}

/** Lets a memory see a scene for a time, a picture every 4 s. */
function show(
  { clock }: World,
  memory: PixelMemory,
  forMs: number,
  spotCelsius = 22,
  suspect = false,
): void {
  const random = seededRandom(1);
  for (let ms = 0; ms < forMs; ms += 4_000) {
    const picture = Float32Array.from({ length: PIXELS }, () => 22 + 0.3 * random.uniform());
    picture[pixelAt(5, 6)] = spotCelsius + 0.3 * random.uniform();
    clock.advance(4_000);
    memory.observe(picture, { atMs: clock.monotonicMs(), suspect, hot: null });
  }
}

async function textOf(world: World, sensor: string): Promise<string | undefined> {
  return (await world.store.loadAll('pixelMemory')).get(sensor);
}

describe('the keeper of pixel memories', () => {
  it('gives the same memory to every caller, one for each sensor', async () => {
    const { keeper } = await open();
    const memory = keeper.memoryOf(KITCHEN, MOUNT);
    expect(keeper.memoryOf(KITCHEN, MOUNT)).toBe(memory);
    expect(keeper.memoryOf(HALL, MOUNT)).not.toBe(memory);
  });

  it('saves every ten minutes and at the end, and goes on from there', async () => {
    const world = await open();
    const memory = world.keeper.memoryOf(KITCHEN, MOUNT);
    show(world, memory, 5 * MINUTE);
    expect(await textOf(world, KITCHEN)).toBeUndefined();
    show(world, memory, 6 * MINUTE);
    const early = await textOf(world, KITCHEN);
    expect(early).toMatch(/^embereye-pixels 1 - 0 /);
    show(world, memory, 8 * MINUTE);
    expect(await textOf(world, KITCHEN)).toBe(early);
    world.keeper.stop();
    expect(world.clock.pending).toBe(0);
    const late = await textOf(world, KITCHEN);
    expect(late).toBe(memory.toMemory());
    expect(late).not.toBe(early);

    const next = await open(world.store);
    expect(next.keeper.memoryOf(KITCHEN, MOUNT).toMemory()).toBe(late);
    expect(next.lines).toEqual([]);
  });

  it('saves nothing before anything was learnt', async () => {
    const world = await open();
    show(world, world.keeper.memoryOf(KITCHEN, MOUNT), MINUTE);
    world.keeper.stop();
    expect(await textOf(world, KITCHEN)).toBeUndefined();
  });

  it('starts anew where a memory cannot be read, with a line in the log', async () => {
    const store = new MemoryJournal();
    store.put('pixelMemory', KITCHEN, 'rubbish');
    const { keeper, lines } = await open(store);
    expect(keeper.memoryOf(KITCHEN, MOUNT).isLearnt).toBe(false);
    expect(lines).toEqual([
      expect.stringMatching(
        /^warn the learnt background is not used, .*"sensor":"kitchen".*memory/,
      ),
    ]);
  });

  it('names an array that becomes known, and starts anew with another one', async () => {
    const world = await open();
    const memory = world.keeper.memoryOf(KITCHEN, MOUNT);
    show(world, memory, 5 * MINUTE);
    world.arrays.set(KITCHEN, '021c5626618b');
    show(world, memory, 12_000);
    expect([memory.array, memory.isLearnt]).toEqual(['021c5626618b', true]);
    world.keeper.arrayIs(KITCHEN, '021c5626618b');
    expect(memory.isLearnt).toBe(true);
    world.arrays.set(KITCHEN, '0000aaaa1111');
    world.keeper.arrayIs(KITCHEN, '0000aaaa1111');
    expect([memory.array, memory.isLearnt]).toEqual(['0000aaaa1111', false]);
    expect(world.lines).toEqual([expect.stringMatching(/^info another array/)]);
  });

  it('tells of a lasting change once, and again when it is approved', async () => {
    const world = await open();
    const memory = world.keeper.memoryOf(KITCHEN, MOUNT);
    show(world, memory, 5 * MINUTE);
    show(world, memory, 150 * MINUTE, 45, true);
    expect(world.notices).toEqual([
      {
        kind: 'backgroundChanged',
        sensor: KITCHEN,
        raised: true,
        detail: expect.stringMatching(
          /^1 pixel, most at row 5, column 6: 2[23]\.\d C warmer/,
        ) as string,
      },
    ]);
    const approval = world.keeper.approve(KITCHEN);
    expect(approval).toMatchObject({ ok: true });
    expect(world.notices.slice(1)).toEqual([
      expect.objectContaining({ kind: 'backgroundChanged', sensor: KITCHEN, raised: false }),
    ]);
    expect(await textOf(world, KITCHEN)).toBe(memory.toMemory());
    show(world, memory, 150 * MINUTE, 45);
    expect(world.notices).toHaveLength(2);
  });

  it('approves nothing of a sensor without pictures, and says what to do', async () => {
    const { keeper } = await open();
    const { ok, detail } = keeper.approve(KITCHEN);
    expect(ok).toBe(false);
    expect(detail).toMatch(/sensor "kitchen" has sent no thermal picture .* check its name/);
  });

  it('spreads the writing of many memories', async () => {
    const world = await open();
    const memories = Array.from({ length: 12 }, (_, i) =>
      world.keeper.memoryOf(sensorId(`s${i}`), MOUNT),
    );
    const random = seededRandom(2);
    const stored = async (): Promise<number> => (await world.store.loadAll('pixelMemory')).size;
    const sizes: number[] = [];
    for (let ms = 0; ms < 11 * MINUTE; ms += 5_000) {
      const picture = Float32Array.from({ length: PIXELS }, () => 22 + 0.3 * random.uniform());
      world.clock.advance(5_000);
      const info = { atMs: world.clock.monotonicMs(), suspect: false, hot: null };
      for (const memory of memories) memory.observe(picture, info);
      sizes.push(await stored());
    }
    const steps = sizes.map((size, i) => size - (sizes[i - 1] ?? 0));
    expect([sizes.at(-1), Math.max(...steps)]).toEqual([12, 4]);
  });
});
