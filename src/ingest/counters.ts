/** What the TCP server has done since the start. Plain numbers that metrics read. */
import { type LineCounters, createLineCounters } from '../domain/line-protocol/line-counters.ts';

/** Why the appliance closed a connection, or refused one. */
export type CloseReason =
  /** The client ended it, or its network did. */
  | 'peer'
  | 'socketError'
  /** Nothing came for longer than the idle deadline. */
  | 'idle'
  /** Nothing but errors for longer than the garbage limit. */
  | 'garbage'
  /** A newer connection announced the same serial number. */
  | 'replaced'
  /** All places were taken, and this one had not said who it was. */
  | 'evicted'
  | 'shutdown';

export type RefusalReason = 'connectionLimit' | 'addressLimit' | 'notAllowed' | 'closing';

export interface IngestCounters {
  /** What went over all lines, serial ones included if they share it. */
  readonly line: LineCounters;
  accepted: number;
  /** Open now. */
  open: number;
  readonly refused: Record<RefusalReason, number>;
  readonly closed: Record<CloseReason, number>;
  /** Times a socket was held back because it had filled the read buffer. */
  paused: number;
  /** Batches of input, each followed by a step. */
  turns: number;
  /** Bytes of packets that had begun and not ended when the appliance shut down. */
  bytesDroppedAtShutdown: number;
  /** Trouble with the listening socket after it was opened. */
  serverErrors: number;
}

export function createIngestCounters(line: LineCounters = createLineCounters()): IngestCounters {
  return {
    line,
    accepted: 0,
    open: 0,
    refused: { connectionLimit: 0, addressLimit: 0, notAllowed: 0, closing: 0 },
    closed: { peer: 0, socketError: 0, idle: 0, garbage: 0, replaced: 0, evicted: 0, shutdown: 0 },
    paused: 0,
    turns: 0,
    bytesDroppedAtShutdown: 0,
    serverErrors: 0,
  };
}
