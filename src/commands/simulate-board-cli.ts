/** The options of `simulate-board`, and how they become the board's. */
import type { Command } from 'commander';
import { GROWTH_KW_PER_S2 } from '../simulator/fire.ts';
import type { FireGrowth } from '../simulator/fire.ts';
import { number, oneOf, whole } from './arguments.ts';
import type { SimulateBoardOptions } from './simulate-board.ts';

export interface SimulateBoardArguments {
  readonly to: string;
  readonly boards: number;
  readonly serial?: string;
  readonly location?: string;
  readonly cadence?: number;
  readonly mode: 'continuous' | 'onDemand';
  readonly fireAt?: number;
  readonly growth: FireGrowth;
  readonly person: boolean;
  readonly seed: string;
  readonly halfDuplex: boolean;
  readonly terminator: 'none' | 'lf' | 'crlf' | 'any';
  readonly periodCommand: 'PERIOD_ON' | 'PERIODIC_ON';
  readonly digitalKey: 'DIO' | 'MPY30';
  readonly rebootAt?: number;
  readonly dropAt?: number;
  readonly abandonAt?: number;
}

type Parser<T> = (text: string) => T;

/** @param checked turns a reader's RangeError into the command line's own. */
export function addSimulateBoardOptions(
  command: Command,
  checked: <T>(parser: Parser<T>) => Parser<T>,
): Command {
  const growths = Object.keys(GROWTH_KW_PER_S2) as FireGrowth[];
  return command
    .requiredOption('--to <host:port>', 'the appliance')
    .option('--boards <n>', 'how many; the first one sees the fire', checked(whole), 1)
    .option('--serial <name>', 'serial number that it announces')
    .option('--location <name>', 'location that it announces')
    .option('--cadence <seconds>', 'of frames; the real board has 4.09', checked(number))
    .option(
      '--mode <mode>',
      'continuous or onDemand',
      checked(oneOf(['continuous', 'onDemand'])),
      'continuous',
    )
    .option('--fire-at <seconds>', 'after the start', checked(number))
    .option('--growth <kind>', growths.join(', '), checked(oneOf(growths)), 'fast')
    .option('--person', 'somebody walks through the scene', false)
    .option('--seed <text>', 'of array and scene', '1')
    .option('--no-half-duplex', 'commands during a frame do no harm')
    .option(
      '--terminator <kind>',
      'what must end a command: none, lf, crlf or any',
      checked(oneOf(['none', 'lf', 'crlf', 'any'])),
      'none',
    )
    .option(
      '--period-command <word>',
      'the word that starts streaming',
      checked(oneOf(['PERIOD_ON', 'PERIODIC_ON'])),
      'PERIOD_ON',
    )
    .option('--digital-key <key>', 'DIO or MPY30', checked(oneOf(['DIO', 'MPY30'])), 'DIO')
    .option('--reboot-at <seconds>', 'the board reboots', checked(number))
    .option('--drop-at <seconds>', 'the connection is reset', checked(number))
    .option('--abandon-at <seconds>', 'dials again beside the old connection', checked(number));
}

/** Leaves out what was not given, so that the board's own defaults hold. */
export function simulateBoardOptions(given: SimulateBoardArguments): SimulateBoardOptions {
  const { rebootAt, dropAt, abandonAt, serial, location, cadence } = given;
  const faults = [
    { kind: 'reboot' as const, atSeconds: rebootAt },
    { kind: 'drop' as const, atSeconds: dropAt },
    { kind: 'abandon' as const, atSeconds: abandonAt },
  ].flatMap(({ kind, atSeconds }) => (atSeconds === undefined ? [] : [{ kind, atSeconds }]));
  const { to, boards, mode, growth, person, seed, halfDuplex } = given;
  return {
    ...{ to, boards, mode, growth, person, seed, halfDuplex, faults },
    fireAtSeconds: given.fireAt ?? null,
    commandTerminator: given.terminator,
    periodicOn: given.periodCommand,
    style: { digitalKey: given.digitalKey },
    ...(serial === undefined ? {} : { serial }),
    ...(location === undefined ? {} : { location }),
    ...(cadence === undefined ? {} : { cadenceSeconds: cadence }),
  };
}
