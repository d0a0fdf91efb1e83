/** What the installer says about one board, and what is assumed of one that nobody configured. */
import type { SensorId } from '../units.ts';
import { ascii } from './bytes.ts';
import type { BoardMode, CommandKind, SchedulerOptions } from './schedule.ts';

/** How a board's thermal words become temperatures. */
export type Decoding =
  /** True temperatures; `reflectedCelsius` null: 8 C below the array's ambient. */
  | {
      readonly kind: 'mlx90640';
      readonly emissivity: number;
      readonly reflectedCelsius: number | null;
    }
  /** What the old simulators mean; unsafe for a real array. Offset -100..100 C. */
  | { readonly kind: 'legacy'; readonly offsetCelsius: number };

/** Everything about a board that its firmware or its place decides. */
export interface BoardTraits {
  readonly mode: BoardMode;
  /** Time between two `REQUEST1` of an on-demand board, 1000..3600000. */
  readonly pollMs: number;
  /** Expected cycle of a continuous board. */
  readonly cadenceMs: number;
  /** What ends a command; boards seen so far ignore commands that end with CR LF. */
  readonly terminator: '' | '\n' | '\r\n';
  readonly periodCommand: 'PERIOD_ON' | 'PERIODIC_ON';
  /** Words 832 and 833 of its frames are the control register and the subpage. */
  readonly driverTail: boolean;
  readonly decoding: Decoding;
}

/** An EEPROM answer stretches one cycle of a board from 4.09 to 4.89 s. */
export const EEPROM_STRETCH_MS = 800;

/** One configured board. The first of `serial`, `location`, `address` that fits decides. */
export interface BoardProfile extends BoardTraits {
  readonly sensor: SensorId;
  readonly match: {
    readonly serial?: string;
    readonly location?: string;
    readonly address?: string;
  };
}

/** What is assumed of a board that the configuration does not name. */
export const DEFAULT_TRAITS: BoardTraits = {
  mode: 'continuous',
  pollMs: 3_000,
  cadenceMs: 4_090,
  terminator: '',
  periodCommand: 'PERIOD_ON',
  driverTail: false,
  decoding: { kind: 'mlx90640', emissivity: 0.95, reflectedCelsius: null },
};

/** The bytes that say `command` to a board with these traits. */
export function commandBytes(command: CommandKind, traits: BoardTraits): Uint8Array {
  const words = { period: traits.periodCommand, request: 'REQUEST1', eeprom: 'EEPROM1' };
  return ascii(words[command] + traits.terminator);
}

/** What the command scheduler needs to know. */
export function schedulerOptionsOf(traits: BoardTraits): SchedulerOptions {
  return {
    mode: traits.mode,
    pollMs: traits.pollMs,
    cadenceMs: traits.cadenceMs,
    wantsEeprom: traits.decoding.kind === 'mlx90640',
  };
}
