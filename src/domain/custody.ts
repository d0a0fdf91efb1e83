/** Who has had an alarm, and when: the chain of custody from the decision to the people. */
import type { ZoneId } from './units.ts';

/**
 * `detected`: the panel decided; `output`: its outputs were commanded; `stored`: durable in the
 * journal; `broker`: a broker took it; `central`: a central server has stored it; `operator`:
 * somebody acknowledged or reset it here or from afar.
 */
export const CUSTODY_STAGES = [
  'detected',
  'output',
  'stored',
  'broker',
  'central',
  'operator',
] as const;
export type CustodyStage = (typeof CUSTODY_STAGES)[number];

export interface CustodyEntry {
  readonly stage: CustodyStage;
  /** After the decision; null where the appliance was restarted since and cannot say. */
  readonly afterMs: number | null;
  /** ISO 8601 in UTC. */
  readonly wall: string;
  /** Name of the broker, of the central server, or the origin of the command. */
  readonly by?: string;
}

/** One alarm by its event. */
export interface AlarmRef {
  readonly id: string;
  readonly seq: number;
  readonly zone: ZoneId;
}
