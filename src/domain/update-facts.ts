/** What an event says about another release of this program. */

export interface UpdateFacts {
  /** Names what happened: it is told once. */
  readonly update: string;
  readonly phase: 'requested' | 'refused' | 'started' | 'confirmed' | 'rolledBack';
  readonly version: string;
  /** What ran before; after a roll-back it runs again. */
  readonly fromVersion: string;
  /** Where it lies; null while it lies nowhere. */
  readonly slot: 'factory' | 'a' | 'b' | null;
  /** For people. */
  readonly reason: string;
  /** ISO 8601 in UTC, as the clock had it when it happened. */
  readonly at: string;
}
