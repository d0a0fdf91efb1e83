/** What has gone over the boards' lines since the start. Plain numbers that metrics read. */
import type { NoDataReason } from '../evidence.ts';
import { NO_PACKET_ERRORS, type PacketErrorKind } from './packet-error.ts';
import type { PacketKind } from './packets.ts';
import type { CommandKind } from './schedule.ts';

export interface LineCounters {
  /** Bytes taken in, and those outside packets other than line ends. */
  bytes: number;
  strayBytes: number;
  /** Packets that were read without error, by kind. */
  readonly packets: Record<PacketKind, number>;
  /** Values that reached the evidence bank. */
  readings: number;
  /** Frames whose 768 temperatures were computed and handed on. */
  framesDecoded: number;
  /** Frames that were complete but could not be believed or compensated, by reason. */
  readonly framesWithheld: Partial<Record<NoDataReason, number>>;
  /** Calibrations read from boards and accepted; refused ones. */
  calibrationsAccepted: number;
  calibrationsRefused: number;
  readonly errors: Record<PacketErrorKind, number>;
  /** Commands handed to the line; those that it did not take because it was not being read. */
  readonly commandsSent: Record<CommandKind, number>;
  commandsDropped: number;
  /** Packets that had to wait for their connection's identity. */
  packetsHeld: number;
}

export function createLineCounters(): LineCounters {
  return {
    bytes: 0,
    strayBytes: 0,
    packets: { sensor: 0, frame: 0, eeprom: 0, serialno: 0, locid: 0 },
    readings: 0,
    framesDecoded: 0,
    framesWithheld: {},
    calibrationsAccepted: 0,
    calibrationsRefused: 0,
    errors: { ...NO_PACKET_ERRORS },
    commandsSent: { period: 0, request: 0, eeprom: 0 },
    commandsDropped: 0,
    packetsHeld: 0,
  };
}
