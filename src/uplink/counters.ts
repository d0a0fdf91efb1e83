/** What the uplink counts: plain numbers that metrics and console read whenever they like. */
import type { LaneName } from './lane-source.ts';

export interface UplinkCounters {
  /** Lane items handed to the network, repeats included. */
  published: number;
  acknowledged: number;
  /** Items without an answer in time. */
  timedOut: number;
  /** Items in flight when a connection ended. */
  lost: number;
  /** Answers by which the broker refused an item. */
  rejected: number;
  /** Items given up for good; each is in the gap ledger. */
  quarantined: number;
  /** Failed reads of the journal. */
  readErrors: number;
  /** Connections made after the first. */
  reconnects: number;
  /** Times a wrong `status` (a late will) was put right. */
  statusCorrections: number;
  /** Snapshots that replaced one not yet sent. */
  statesCoalesced: number;
  commands: number;
  commandsRefused: number;
  connected: boolean;
  /** `mqtt5`, `mqtt3.1.1`, ...; null while not connected. */
  protocol: string | null;
  /** Known undelivered items; of a backlog from before the start only what was read so far. */
  readonly backlog: Record<LaneName, number>;
  /** Lanes that the broker refuses as such. */
  readonly held: Record<LaneName, boolean>;
  /** Monotonic time of the last acknowledgement; null: none yet. */
  lastAckMs: number | null;
}

export function newCounters(): UplinkCounters {
  return {
    published: 0,
    acknowledged: 0,
    timedOut: 0,
    lost: 0,
    rejected: 0,
    quarantined: 0,
    readErrors: 0,
    reconnects: 0,
    statusCorrections: 0,
    statesCoalesced: 0,
    commands: 0,
    commandsRefused: 0,
    connected: false,
    protocol: null,
    backlog: perLane(0),
    held: perLane(false),
    lastAckMs: null,
  };
}

function perLane<T>(value: T): Record<LaneName, T> {
  return {
    alarm: value,
    fault: value,
    operator: value,
    system: value,
    gap: value,
    telemetry: value,
  };
}
