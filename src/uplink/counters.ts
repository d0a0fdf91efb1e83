/** What the uplink counts: plain numbers that metrics and console read whenever they like. */
import type { CertificateTerm } from './certificates.ts';
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
  /** Times a `state` that the broker had lost or changed was published again. */
  stateCorrections: number;
  /** The address in use, 0 being the first; null while not connected. */
  addressIndex: number | null;
  /** Times another address of the entry was taken, back to the first included. */
  addressSwitches: number;
  /** Whole days until the certificates in use end, by kind; the smallest of each. */
  certificateDays: Readonly<Partial<Record<CertificateTerm['kind'], number>>>;
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
  /** Items that the broker did not take, kept and offered again: alarms only. */
  readonly aside: Record<LaneName, number>;
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
    stateCorrections: 0,
    addressIndex: null,
    addressSwitches: 0,
    certificateDays: {},
    statesCoalesced: 0,
    commands: 0,
    commandsRefused: 0,
    connected: false,
    protocol: null,
    backlog: perLane(0),
    held: perLane(false),
    aside: perLane(0),
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
