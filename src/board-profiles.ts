/** From the configuration to what the line protocol is told about boards; pure. */
import type { Config } from './config-schema.ts';
import type { BoardProfile, BoardTraits } from './domain/line-protocol/board-profile.ts';
import { sensorId } from './domain/units.ts';

const TERMINATORS = { none: '', lf: '\n', crlf: '\r\n' } as const;

/** The settings of a board, named or not. */
export function traitsOf(board: Config['ingest']['unknownBoards']): BoardTraits {
  return {
    mode: board.mode,
    pollMs: board.pollSeconds * 1000,
    cadenceMs: board.cadenceSeconds * 1000,
    terminator: TERMINATORS[board.terminator],
    periodCommand: board.periodCommand,
    driverTail: board.driverTail,
    decoding: board.decoding,
  };
}

/** Every configured board; one without a `match` is recognised by its id. */
export function boardProfilesOf(config: Config): readonly BoardProfile[] {
  return config.boards.map((board) => {
    const { serial, location, address } = board.match;
    const named = serial !== undefined || location !== undefined || address !== undefined;
    const match = named
      ? {
          ...(serial === undefined ? {} : { serial }),
          ...(location === undefined ? {} : { location }),
          ...(address === undefined ? {} : { address }),
        }
      : { serial: board.id, location: board.id };
    return { ...traitsOf(board), sensor: sensorId(board.id), match };
  });
}
