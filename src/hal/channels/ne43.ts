/**
 * Quality of a 4..20 mA loop: NAMUR recommendation NE 43 (edition 2003, confirmed in 2021). A
 * transmitter that works stays within 3.8..20.5 mA, also when what it measures is beyond its range;
 * one that has failed goes below 3.6 or above 21 mA, and a broken wire gives none at all.
 *
 *   faultLow | low, usable |        valid         | high, usable | faultHigh
 *          3.6           3.8                    20.5             21             mA
 */
export const NE43 = {
  faultBelowMilliamps: 3.6,
  validFromMilliamps: 3.8,
  validToMilliamps: 20.5,
  faultAboveMilliamps: 21,
} as const;

/**
 * Our own: a better state needs this much more than its limit, so that a current that trembles on a
 * limit does not make a fault that comes and goes. A worse state is taken at once.
 */
export const NE43_HYSTERESIS_MILLIAMPS = 0.05;

export type LoopState = 'faultLow' | 'low' | 'valid' | 'high' | 'faultHigh';

const SEVERITY: Readonly<Record<LoopState, number>> = {
  valid: 0,
  low: 1,
  high: 1,
  faultLow: 2,
  faultHigh: 2,
};

/** The state of a current by itself. */
export function loopStateOf(milliamps: number): LoopState {
  if (milliamps < NE43.faultBelowMilliamps) return 'faultLow';
  if (milliamps > NE43.faultAboveMilliamps) return 'faultHigh';
  if (milliamps < NE43.validFromMilliamps) return 'low';
  return milliamps > NE43.validToMilliamps ? 'high' : 'valid';
}

/** The state of a loop, with hysteresis towards better states. */
export class LoopQuality {
  #state: LoopState = 'valid';

  classify(milliamps: number): LoopState {
    const plain = loopStateOf(milliamps);
    if (SEVERITY[plain] >= SEVERITY[this.#state]) this.#state = plain;
    else {
      const wasLow = this.#state === 'low' || this.#state === 'faultLow';
      const margin = wasLow ? -NE43_HYSTERESIS_MILLIAMPS : NE43_HYSTERESIS_MILLIAMPS;
      this.#state = loopStateOf(milliamps + margin);
    }
    return this.#state;
  }

  /** What was known has been lost with the connection. */
  restart(): void {
    this.#state = 'valid';
  }
}

/** For people: what a state means and what to do; null for states whose readings are used. */
export function loopTrouble(state: LoopState, milliamps: number): string | null {
  const current = `${milliamps.toFixed(2)} mA`;
  if (state === 'faultLow') {
    return (
      `${current}, below ${NE43.faultBelowMilliamps} mA: wire broken, no loop supply, or the ` +
      'transmitter reports its own failure; check the wire and 24 V first'
    );
  }
  if (state === 'faultHigh') {
    return (
      `${current}, above ${NE43.faultAboveMilliamps} mA: short circuit, or the transmitter ` +
      'reports its own failure; check the wire, then the transmitter'
    );
  }
  return null;
}
