/** What is known of each board, for the state topic, the console and `doctor`. */
import type { Board, CalibrationStatus } from '../domain/line-protocol/board.ts';
import type { PacketError } from '../domain/line-protocol/packet-error.ts';
import type { SensorId } from '../domain/units.ts';
import type { Connection } from './connection.ts';

export interface BoardStatus {
  readonly sensor: SensorId;
  /** Serial number, location or address by which it is recognised. */
  readonly announced: string;
  readonly configured: boolean;
  /** Of the newest connection that delivered for it; null before the first. */
  readonly address: string | null;
  /** Open connections that have delivered for it: more than one while an old socket dies. */
  readonly connections: number;
  readonly mode: 'continuous' | 'onDemand';
  readonly lastPacketAtMs: number | null;
  readonly lastFrameAtMs: number | null;
  readonly packets: number;
  readonly framesDecoded: number;
  readonly framesWithheld: number;
  readonly errors: number;
  readonly lastError: PacketError | null;
  readonly calibration: CalibrationStatus;
  readonly arrayId: string | null;
}

/** One row per board, configured ones first, whether they were ever seen or not. */
export function boardStatuses(
  boards: Iterable<Board>,
  connections: Iterable<Connection>,
): readonly BoardStatus[] {
  const open = new Map<Board, number>();
  for (const { session } of connections) {
    for (const board of session.boards) open.set(board, (open.get(board) ?? 0) + 1);
  }
  return Array.from(boards, (board) => ({
    sensor: board.sensor,
    announced: board.announced,
    configured: board.configured,
    address: board.address,
    connections: open.get(board) ?? 0,
    mode: board.traits.mode,
    lastPacketAtMs: board.lastPacketAtMs,
    lastFrameAtMs: board.lastFrameAtMs,
    packets: board.packets,
    framesDecoded: board.framesDecoded,
    framesWithheld: board.framesWithheld,
    errors: board.errors,
    lastError: board.lastError,
    calibration: board.calibration,
    arrayId: board.arrayId,
  }));
}
