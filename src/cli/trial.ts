/** Commands that need no site: the demo, a load test, a simulated board. */
import { join } from 'node:path';
import { number, whole } from '../commands/arguments.ts';
import { runDemo } from '../commands/demo.ts';
import { runLoad } from '../commands/load.ts';
import { addSimulateBoardOptions, simulateBoardOptions } from '../commands/simulate-board-cli.ts';
import type { SimulateBoardArguments } from '../commands/simulate-board-cli.ts';
import { runSimulateBoard } from '../commands/simulate-board.ts';
import type { CliWorld } from './world.ts';
import { boardIo } from './world.ts';

/** Adds `demo`, `load` and `simulate-board`. */
export function addTrialCommands(world: CliWorld): void {
  addDemo(world);
  addLoad(world);
  const { command, checked, exitWith } = world;
  addSimulateBoardOptions(
    command('simulate-board', 'a well-behaved sensor board with a physical scene'),
    checked,
  ).action((options: SimulateBoardArguments) =>
    exitWith(() => runSimulateBoard(simulateBoardOptions(options), boardIo(world))),
  );
}

function addDemo(world: CliWorld): void {
  const { io, clock, random, version, programs, checked, exitWith } = world;
  world
    .command('demo', 'an appliance, a simulated board whose scene catches fire, and a subscriber')
    .option(
      '--seconds <n>',
      'end by itself; exit code 0 only if the alarm was delivered',
      checked(number),
    )
    .option('--plain', 'lines of text instead of a picture', false)
    .action((options: { seconds?: number; plain: boolean }) =>
      exitWith(() =>
        runDemo(
          { seconds: options.seconds ?? null, plain: options.plain || !world.isTerminal },
          {
            ...{ io, clock, random, version },
            program: join(programs, 'embereye.js'),
            writerPath: join(programs, 'store-writer.js'),
            residentBytes: () => world.residentBytes(),
            untilStopped: world.untilSignalled(),
          },
        ),
      ),
    );
}

interface LoadArguments {
  readonly clients: number;
  readonly packets?: number;
  readonly duration?: number;
  readonly rate: number;
  readonly includeFrames: boolean;
  readonly framesOnly: boolean;
  readonly host: string;
  readonly port: number;
  readonly metrics?: string;
  readonly statsFile?: string;
  readonly seed?: string;
  readonly json: boolean;
}

function addLoad(world: CliWorld): void {
  const { command, checked, exitWith } = world;
  command('load', 'load test: what the appliance made of it, beside what was offered')
    .option('--clients <n>', 'boards', checked(whole), 20)
    .option('--packets <n>', 'packets of each client', checked(whole))
    .option('--duration <seconds>', 'instead of, or beside, --packets', checked(number))
    .option('--rate <n>', 'packets a second of each client; 0 is flat out', checked(number), 0)
    .option('--include-frames', 'frames and readings in turn', false)
    .option('--frames-only', 'frames alone', false)
    .option('--host <host>', 'the appliance', '127.0.0.1')
    .option('--port <port>', 'its board port', checked(whole), 4888)
    .option('--metrics <url>', 'its metrics page (default: port 9090 of the same host)')
    .option('--stats-file <file>', 'write the report here too')
    .option('--seed <text>', 'the same boards again; without it new ones')
    .option('--json', 'print the report as JSON', false)
    .action((options: LoadArguments) =>
      exitWith(() =>
        runLoad(
          {
            ...options,
            packets: options.packets ?? null,
            durationSeconds: options.duration ?? null,
            metricsUrl: options.metrics ?? `http://${options.host}:9090/metrics`,
            statsFile: options.statsFile ?? null,
          },
          boardIo(world),
        ),
      ),
    );
}
