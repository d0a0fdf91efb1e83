/** Options that every driver of a board with a thermal array shares. */
import type { BoardTraits } from '../domain/line-protocol/board-profile.ts';
import type { OptionsOf } from './option-fields.ts';
import { choice, flag, number, optional } from './option-fields.ts';

export const thermalFields = {
  decoding: choice(
    'How thermal words become temperatures; legacy gives the degrees of old simulators',
    ['mlx90640', 'legacy'],
    'mlx90640',
  ),
  emissivity: number('Emissivity of what is looked at', { min: 0.05, max: 1 }, 0.95),
  reflectedCelsius: optional(
    number('Reflected temperature; left out: 8 C below the array', { min: -100, max: 300 }),
  ),
  offsetCelsius: number('Legacy decoding: added to every pixel', { min: -100, max: 100 }, 0),
  driverTail: flag('Words 832 and 833 of a frame are control register and subpage', false),
} as const;

export function thermalTraits(
  options: OptionsOf<typeof thermalFields>,
): Pick<BoardTraits, 'decoding' | 'driverTail'> {
  const { emissivity, reflectedCelsius, offsetCelsius, driverTail } = options;
  if (options.decoding === 'legacy') {
    return { decoding: { kind: 'legacy', offsetCelsius }, driverTail };
  }
  return { decoding: { kind: 'mlx90640', emissivity, reflectedCelsius }, driverTail };
}
