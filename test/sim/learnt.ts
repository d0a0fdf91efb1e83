/** What the arrays have learnt of their rooms, looked at from outside. */
import { FRAME_PIXELS } from '../../src/domain/frame.ts';
import type { PixelMemory } from '../../src/vision/pixel-memory.ts';
import type { Room } from './room.ts';
import type { World } from './world.ts';

/** A wall warms a little; nobody's flame is that cool. */
const SAME_WITHIN_CELSIUS = 3;
const STARTED_WITHIN_MS = 20_000;
const UPRIGHT = { rotate: 0, mirror: false } as const;

function memoryOf(world: World, room: Room): PixelMemory | null {
  const memory = world.process?.keeper?.memoryOf(room.sensor, UPRIGHT) ?? null;
  return memory?.isLearnt === true ? memory : null;
}

function pixelsOf(memory: PixelMemory): Float32Array {
  return Float32Array.from({ length: FRAME_PIXELS }, (_, i) => memory.backgroundCelsius(i));
}

/** The warmest difference of a pixel that is known in both. */
function warmed(before: Float32Array, after: Float32Array): number {
  return before.reduce((most, value, i) => {
    const by = (after[i] ?? value) - value;
    return by > most ? by : most;
  }, 0);
}

/** A fire begins: when it ends, nothing of it has become background. */
export function expectNotLearnt(world: World, room: Room, forMs: number): void {
  const memory = memoryOf(world, room);
  if (memory === null) return;
  const before = pixelsOf(memory);
  world.clock.after(forMs - 1_000, () => {
    if (memoryOf(world, room) !== memory) return;
    const by = warmed(before, pixelsOf(memory));
    const detail = (): string => `the background of ${room.id} is ${by.toFixed(1)} C warmer`;
    world.score.expect('fireNotLearnt', by < SAME_WITHIN_CELSIUS, detail);
  });
}

/** A stop in good order begins: what was known is known again after the start. */
export function expectLearnt(world: World): void {
  for (const room of world.rooms) {
    const memory = memoryOf(world, room);
    if (memory === null) continue;
    const before = pixelsOf(memory);
    world.clock.after(STARTED_WITHIN_MS, () => {
      if (world.process?.core == null) return;
      const again = memoryOf(world, room);
      const by = again === null ? Infinity : warmed(before, pixelsOf(again));
      const detail = (): string => `${room.id}: learnt ${again !== null}, ${by.toFixed(1)} C off`;
      world.score.expect('backgroundKept', by < SAME_WITHIN_CELSIUS, detail);
    });
  }
}
