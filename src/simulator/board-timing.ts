/** How fast a board is. */

/** Durations in milliseconds of the board's clock. */
export interface BoardTiming {
  /** From frame to frame. */
  readonly cycleMs: number;
  /** From the end of the frame to the readings. */
  readonly readingsAfterMs: number;
  /** How long a frame or an EEPROM packet is on the wire. */
  readonly wireMs: number;
  /** `EEPROM1` is answered after a time between these two, in a quiet gap. */
  readonly eepromAfterLeastMs: number;
  readonly eepromAfterMostMs: number;
  /** An EEPROM answer makes its cycle longer by this. */
  readonly eepromStretchMs: number;
  readonly bootMs: number;
}

/** As measured on a real board: a cycle of 4.09 s, of 4.89 s with an EEPROM answer in it. */
export const REAL_BOARD_TIMING: BoardTiming = {
  cycleMs: 4090,
  readingsAfterMs: 490,
  wireMs: 290,
  eepromAfterLeastMs: 900,
  eepromAfterMostMs: 3000,
  eepromStretchMs: 800,
  bootMs: 1500,
};

/** The same board `speed` times faster; Infinity waits for nothing. */
export function atSpeed(timing: BoardTiming, speed: number): BoardTiming {
  return {
    cycleMs: timing.cycleMs / speed,
    readingsAfterMs: timing.readingsAfterMs / speed,
    wireMs: timing.wireMs / speed,
    eepromAfterLeastMs: timing.eepromAfterLeastMs / speed,
    eepromAfterMostMs: timing.eepromAfterMostMs / speed,
    eepromStretchMs: timing.eepromStretchMs / speed,
    bootMs: timing.bootMs / speed,
  };
}
