/** Trouble with a line that does not keep it from working, for whoever opened the backend. */

/**
 * `bias`: the chip does not do what was asked of its pad resistor. `edges`: the line has no
 * interrupt and is sampled. `keeper`: the line works and is not kept through a restart of this
 * process.
 */
export interface GpioNotice {
  readonly kind: 'bias' | 'edges' | 'keeper';
  /** Name of the line, as in the configuration. */
  readonly name: string;
  /** What is wrong, where, and what to do. */
  readonly detail: string;
}

export type GpioNoticeListener = (notice: GpioNotice) => void;
