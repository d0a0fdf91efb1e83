/** How much may wait in memory to become durable. */
export interface PendingLimits {
  readonly events: number;
  /** Of event text, all lanes together. */
  readonly eventBytes: number;
  readonly telemetryRows: number;
  readonly keyedRows: number;
  readonly gaps: number;
}

export const DEFAULT_PENDING_LIMITS: PendingLimits = {
  events: 20_000,
  eventBytes: 16 * 1024 * 1024,
  telemetryRows: 20_000,
  keyedRows: 5000,
  gaps: 5000,
};
