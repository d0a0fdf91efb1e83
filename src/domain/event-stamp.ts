/** What every event carries besides what happened: who, which number, when. */
import type { DeviceId } from './units.ts';

/** How far a stamp's wall time may be trusted. */
export type ClockQuality = 'synchronised' | 'unsynchronised';

export const EVENT_SCHEMA = 1;

/** What every event carries besides what happened. */
export interface EventStamp {
  readonly schema: typeof EVENT_SCHEMA;
  /** UUIDv7: unique for ever, never below the last stored one. */
  readonly id: string;
  readonly deviceId: DeviceId;
  /** Gapless per lane, from 1. */
  readonly seq: number;
  /** Changes with every start of the appliance. */
  readonly bootId: string;
  /** Time since an arbitrary start; never goes back within one `bootId`. */
  readonly monotonicMs: number;
  /** ISO 8601 in UTC. */
  readonly wall: string;
  readonly clockQuality: ClockQuality;
}

/** One instant on both clocks of a run. */
export interface ClockMapping {
  /** The run that `monotonicMs` belongs to. */
  readonly bootId: string;
  readonly monotonicMs: number;
  /** ISO 8601 in UTC, at the same instant. */
  readonly wall: string;
}
