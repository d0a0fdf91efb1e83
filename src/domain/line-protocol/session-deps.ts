/** What a `BoardSession` needs of the world around it: everything but sockets and serial lines. */
import type { Random } from '../ports.ts';
import type { BoardRegistry } from './board-registry.ts';
import type { PacketError } from './packet-error.ts';
import type { ThermalDeps } from './thermal-intake.ts';

/** What all sessions of the appliance share. */
export interface SharedSessionDeps extends ThermalDeps {
  readonly registry: BoardRegistry;
  readonly random: Random;
}

export interface BoardSessionDeps extends SharedSessionDeps {
  /**
   * Client address without port, or the path of a serial line: the board's last resort of a name.
   */
  readonly address: string;
  /**
   * Puts a command on the line. Returns false when the line would not take it (its buffer is full);
   * the scheduler then treats it like one that was lost.
   */
  readonly send: (command: Uint8Array) => boolean;
  /** The board announced its serial number; called each time. */
  readonly onSerial?: (serial: string) => void;
  /** A refused packet; at most one a second, all are counted. */
  readonly onError?: (error: PacketError) => void;
}
