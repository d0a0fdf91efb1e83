/** Chance from a seed: the same seed gives the same world, board and noise. */
import type { Random } from '../domain/ports.ts';

export interface SeededRandom extends Random {
  /**
   * A generator of its own for one part of the world. It depends on this generator's seed and on
   * `name` alone, so that adding a part does not shift the numbers of the others.
   */
  fork(name: string): SeededRandom;
}

/** Small fast counter generator (sfc32: 128 bits of state, period at least 2^32). */
export function seededRandom(seed: number | string): SeededRandom {
  const text = String(seed);
  let a = hash32(text, 0x9e3779b9);
  let b = hash32(text, 0x243f6a88);
  let c = hash32(text, 0xb7e15162);
  let counter = 1;
  const uint32 = (): number => {
    const result = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + result) | 0;
    return result >>> 0;
  };
  // The first numbers still show the seed; these are thrown away.
  for (let i = 0; i < 12; i++) uint32();
  return {
    uint32,
    next: () => uint32() / 2 ** 32,
    fork: (name) => seededRandom(`${text}/${name}`),
  };
}

/** A normally distributed number, mean 0 and standard deviation 1 (Box and Muller, 1958). */
export function gaussian(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
  return radius * Math.cos(2 * Math.PI * random.next());
}

/** Uniform in [low, high). */
export function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random.next();
}

/** A whole number in low..high, both included. */
export function integerBetween(random: Random, low: number, high: number): number {
  return Math.floor(between(random, low, high + 1));
}

/** FNV-1a over the UTF-16 units of `text`, finished so that near texts give far numbers. */
function hash32(text: string, start: number): number {
  let hash = start | 0;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
