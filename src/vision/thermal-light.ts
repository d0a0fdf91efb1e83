/** From temperatures to light, in which shares add up. */
import { HIGHEST_CELSIUS, LOWEST_CELSIUS } from './thermal-limits.ts';

/** Tells whether a value can be a temperature that the array has seen; false for NaN. */
export function isPlausible(celsius: number): boolean {
  return celsius >= LOWEST_CELSIUS && celsius <= HIGHEST_CELSIUS;
}

/** Total radiance of a black surface, without its constant: kelvins to the fourth power. */
export function radiance(celsius: number): number {
  const kelvin = celsius + 273.15;
  const square = kelvin * kelvin;
  return square * square;
}
