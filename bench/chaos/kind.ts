/** What a kind of chaos is: how its stage differs, and what it does in each round. */
import type { Cleanup } from './cleanup.ts';
import type { Round } from './round.ts';
import type { Folders, Setting } from './stage.ts';

export interface Acting {
  readonly setting: Setting;
  /** The alarms, the fault and the recovery; the rounds' end is the same for all. */
  round(round: Round): Promise<void>;
}

export interface Kind {
  readonly name: string;
  /** For the table. */
  readonly what: string;
  /** Why it cannot run here, or null. */
  missing(): string | null;
  /** Least share of faults between output and acknowledgement, 0..1. */
  readonly betweenShare: number;
  /** Events may be lost when the fault has hit every copy, and are then told. */
  readonly mayDestroy: boolean;
  prepare(folders: Folders, cleanup: Cleanup): Acting;
}
