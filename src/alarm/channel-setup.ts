/** What an analog channel is besides its role: its range, its circuit, how it behaves at rest. */
import type { Role } from '../domain/evidence.ts';
import type { Gas, GasDivider } from '../domain/gas.ts';
import { USUAL_DIVIDER } from '../domain/gas.ts';

/** What 0 and 100 % of full scale stand for. */
export interface ChannelRange {
  readonly low: number;
  readonly high: number;
}

export interface ChannelSetup {
  /** In ppm or Celsius, by the role; null where percent of full scale is all there is. */
  readonly range: ChannelRange | null;
  /** The circuit around a heated gas sensor. */
  readonly divider: GasDivider;
  /** Whose concentration is estimated for show; null: none. */
  readonly gas: Gas | null;
  /** The harmless end of the range is a normal reading, not a broken wire. */
  readonly restsAtRail: boolean;
  /** Silence after which a heated sensor is taken to have been without supply. */
  readonly warmUpAgainMs: number;
}

/** Fills in what a role's channels usually are. */
export function channelSetup(role: Role, given: Partial<ChannelSetup> = {}): ChannelSetup {
  return {
    range: null,
    divider: USUAL_DIVIDER,
    gas: null,
    // A transmitter of ppm or degrees reports a broken wire by itself; 0 ppm is clean air.
    restsAtRail: role === 'carbonMonoxide' || role === 'heat',
    warmUpAgainMs: 600_000,
    ...given,
  };
}

/** Time in which a channel of this role warms up where nothing is said: a heated gas sensor. */
export function usualWarmUpMs(role: Role): number {
  return role === 'gas' ? 180_000 : 0;
}

/**
 * A reading in the unit of its range.
 * @param percent of full scale, 0..100; without a range it is returned as it is
 */
export function inRange(percent: number, range: ChannelRange | null): number {
  return range === null ? percent : range.low + (percent / 100) * (range.high - range.low);
}
