/** What `embereye doctor` reports: one finding per thing looked at. */

/**
 * `ok`; `note`: works, and something should be known; `warning`: works, and will not do for
 * something; `failed`: does not work; `skipped`: could not be looked at, `found` says why.
 */
export type FindingState = 'ok' | 'note' | 'warning' | 'failed' | 'skipped';

export interface ProbeFinding {
  /** Group in the table: `i2c`, `serial`, `gpio`, `sensor:kitchen`, `system`, ... */
  readonly area: string;
  /** What was looked at: `/dev/i2c-1`, `MLX90640 at 0x33`. */
  readonly subject: string;
  readonly state: FindingState;
  /** What was found, with values. */
  readonly found: string;
  /** The command or configuration line that mends it; null where nothing needs mending. */
  readonly remedy: string | null;
}
