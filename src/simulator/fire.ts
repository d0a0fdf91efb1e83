/**
 * A growing fire as the alarm textbooks describe it: heat release grows with the square of time,
 * the flame gets wider and taller with it, and smoke and light follow.
 */
import type { Random } from '../domain/ports.ts';
import { between } from './random.ts';

/** Heat release in kW per second squared (NFPA 72, annex on t-squared fires). */
export const GROWTH_KW_PER_S2 = {
  slow: 0.00293,
  medium: 0.01172,
  fast: 0.0469,
  ultraFast: 0.1876,
} as const;
export type FireGrowth = keyof typeof GROWTH_KW_PER_S2;

/** Heat released by a square metre of burning surface; common for furniture and packed goods. */
const KW_PER_M2 = 500;
/** A luminous flame radiates as 1 - exp(-k x thickness). */
const FLAME_ABSORPTION_PER_M = 1.1;
export const FLAME_CELSIUS = 850;

/** The fire at one moment. Sizes in metres. */
export interface FireState {
  readonly heatKw: number;
  readonly widthMetres: number;
  readonly heightMetres: number;
  /** Share of a black body's radiation at `FLAME_CELSIUS`, 0..1, flicker included. */
  readonly emissivity: number;
}

const NO_FIRE: FireState = { heatKw: 0, widthMetres: 0, heightMetres: 0, emissivity: 0 };

export interface FireOptions {
  readonly growth: FireGrowth;
  /** Growth ends here: what burns is used up no faster. */
  readonly peakKw: number;
}

export class Fire {
  readonly #options: FireOptions;
  readonly #flicker: readonly { readonly hertz: number; readonly phase: number }[];

  /** `random` draws the flicker; everything else follows from the options. */
  constructor(options: FireOptions, random: Random) {
    this.#options = options;
    this.#flicker = [1.3, 2.9, 5.3, 8.7].map((hertz) => ({
      hertz: hertz * between(random, 0.85, 1.15),
      phase: between(random, 0, 2 * Math.PI),
    }));
  }

  /** `seconds` since ignition; negative means that nothing burns yet. */
  at(seconds: number): FireState {
    if (seconds <= 0) return NO_FIRE;
    const heatKw = this.#heatKw(seconds);
    const widthMetres = Math.sqrt((4 * heatKw) / KW_PER_M2 / Math.PI);
    // Heskestad's mean flame height; small fires are at least as tall as wide.
    const meanHeight = 0.235 * heatKw ** 0.4 - 1.02 * widthMetres;
    const pulse = this.#pulse(seconds);
    return {
      heatKw,
      widthMetres,
      heightMetres: Math.max(widthMetres, meanHeight) * (1 + 0.25 * pulse),
      emissivity: (1 - Math.exp(-FLAME_ABSORPTION_PER_M * widthMetres)) * (1 + 0.15 * pulse),
    };
  }

  /**
   * Heat release that a slow thing has followed: the mean of the fire's history with an
   * exponential memory of `lagSeconds`, after a transport delay.
   */
  heatFollowed(seconds: number, delaySeconds: number, lagSeconds: number): number {
    const since = seconds - delaySeconds;
    if (since <= 0) return 0;
    // Midpoint rule over 6 time constants; the rest of the memory weighs 0.25 %.
    const steps = 24;
    const span = Math.min(since, 6 * lagSeconds);
    let followed = 0;
    for (let i = 0; i < steps; i++) {
      const age = ((i + 0.5) * span) / steps;
      followed += this.#heatKw(since - age) * Math.exp(-age / lagSeconds);
    }
    return (followed * span) / steps / lagSeconds;
  }

  #heatKw(seconds: number): number {
    return Math.min(this.#options.peakKw, GROWTH_KW_PER_S2[this.#options.growth] * seconds ** 2);
  }

  /** Flicker around 0, within -1..1. */
  #pulse(seconds: number): number {
    let sum = 0;
    for (const { hertz, phase } of this.#flicker) {
      sum += Math.sin(2 * Math.PI * hertz * seconds + phase);
    }
    return sum / this.#flicker.length;
  }
}
