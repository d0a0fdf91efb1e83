/** `embereye simulate-board`: one or more well-behaved boards that look at simulated rooms. */
import { Board, type BoardOptions } from '../simulator/board.ts';
import { BoardLink } from '../simulator/board-link.ts';
import { SyntheticSource } from '../simulator/board-source.ts';
import { REAL_BOARD_TIMING } from '../simulator/board-timing.ts';
import type { FireGrowth } from '../simulator/fire.ts';
import { type PacketStyle, REAL_BOARD_STYLE } from '../simulator/packets.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { seededRandom } from '../simulator/random.ts';
import { aborted, type BoardCommandIo, parseEndpoint } from './simulate-board-io.ts';

/** Something that goes wrong with every board, `atSeconds` after the start. */
export interface ScheduledFault {
  readonly atSeconds: number;
  /** `abandon` leaves the old connection open and silent and dials a second one. */
  readonly kind: 'reboot' | 'drop' | 'abandon';
}

export interface SimulateBoardOptions {
  readonly to: string;
  /** How many boards; from the second on, serial and location get `-2`, `-3`, ... */
  readonly boards?: number;
  readonly serial?: string;
  readonly location?: string;
  readonly cadenceSeconds?: number;
  readonly mode?: 'continuous' | 'onDemand';
  /** Seconds after the start; null: nothing burns. Only the first board sees the fire. */
  readonly fireAtSeconds?: number | null;
  readonly growth?: FireGrowth;
  readonly person?: boolean;
  readonly seed?: number | string;
  readonly halfDuplex?: boolean;
  readonly commandTerminator?: 'none' | 'lf' | 'crlf' | 'any';
  readonly periodicOn?: 'PERIOD_ON' | 'PERIODIC_ON';
  readonly style?: Partial<PacketStyle>;
  readonly faults?: readonly ScheduledFault[];
}

interface RunningBoard {
  readonly board: Board;
  readonly link: BoardLink;
}

/**
 * Runs until `io.signal` fires; trouble with the connection is reported and dialled around.
 * `EXIT.ok`, or `EXIT.usage` for options that make no sense.
 */
export async function runSimulateBoard(
  options: SimulateBoardOptions,
  io: BoardCommandIo,
): Promise<ExitCode> {
  const problem = problemOf(options);
  if (problem !== null) {
    io.err(problem);
    return EXIT.usage;
  }
  const count = options.boards ?? 1;
  const running = Array.from({ length: count }, (_, i) => startBoard(options, i, io));
  const faults = (options.faults ?? []).map((fault) =>
    io.clock.after(fault.atSeconds * 1000, () => {
      for (const { link } of running) link[fault.kind]();
    }),
  );
  await aborted(io.signal);
  for (const cancel of faults) cancel();
  for (const { link } of running) link.close();
  for (const [i, { board }] of running.entries()) io.err(`board ${i + 1}: ${summary(board)}`);
  return EXIT.ok;
}

function problemOf(options: SimulateBoardOptions): string | null {
  const { boards = 1, cadenceSeconds = 1 } = options;
  try {
    parseEndpoint(options.to);
  } catch (error) {
    return `--to: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (!Number.isInteger(boards) || boards < 1 || boards > 1000) {
    return `--boards: ${boards} is not a whole number from 1 to 1000`;
  }
  if (!(cadenceSeconds > 0)) return `--cadence: ${cadenceSeconds} is not above 0 seconds`;
  return null;
}

function startBoard(
  options: SimulateBoardOptions,
  index: number,
  io: BoardCommandIo,
): RunningBoard {
  const suffix = index === 0 ? '' : `-${index + 1}`;
  const serial = (options.serial ?? 'SIM0001') + suffix;
  const seed = `${options.seed ?? 1}${suffix}`;
  const { to, fireAtSeconds = null } = options;
  const source = new SyntheticSource({
    serial,
    array: { seed },
    scene: {
      seed,
      person: options.person ?? false,
      growth: options.growth ?? 'fast',
      fireAtSeconds: index === 0 ? fireAtSeconds : null,
    },
    style: {
      ...REAL_BOARD_STYLE,
      ...options.style,
      location: (options.location ?? 'simulated room') + suffix,
    },
    startMs: io.clock.monotonicMs(),
  });
  const board = new Board(source, boardOptions(options), seededRandom(`${seed}/board`));
  const link = new BoardLink(board, {
    ...parseEndpoint(to),
    clock: io.clock,
    random: io.random,
    report: (event) => io.err(`${serial}: ${event}`),
  });
  return { board, link };
}

function boardOptions(options: SimulateBoardOptions): BoardOptions {
  const cycleMs = (options.cadenceSeconds ?? REAL_BOARD_TIMING.cycleMs / 1000) * 1000;
  // A board faster than the real one has a faster line too, or its quiet gap would be gone.
  const share = Math.min(1, cycleMs / REAL_BOARD_TIMING.cycleMs);
  return {
    timing: {
      ...REAL_BOARD_TIMING,
      cycleMs,
      wireMs: REAL_BOARD_TIMING.wireMs * share,
      readingsAfterMs: REAL_BOARD_TIMING.readingsAfterMs * share,
      eepromStretchMs: REAL_BOARD_TIMING.eepromStretchMs * share,
      eepromAfterMostMs: Math.max(
        REAL_BOARD_TIMING.eepromAfterLeastMs,
        REAL_BOARD_TIMING.eepromAfterMostMs * share,
      ),
    },
    mode: options.mode ?? 'continuous',
    halfDuplex: options.halfDuplex ?? true,
    commandTerminator: options.commandTerminator ?? 'none',
    periodicOn: options.periodicOn ?? 'PERIOD_ON',
  };
}

function summary({ counts: c }: Board): string {
  return (
    `${c.frames} frames, ${c.readings} readings, ${c.eeproms} calibrations sent; ` +
    `${c.commands} commands heard, ${c.lostCommands} lost, ${c.unknownCommands} not understood`
  );
}
