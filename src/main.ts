/**
 * The command line: parses arguments and gives every command its clock, chance and environment.
 * Nothing imports this file.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { systemClock, systemRandom } from './clock.ts';
import { number, speed, whole } from './commands/arguments.ts';
import { readConfig, runCheckConfig } from './commands/check-config.ts';
import { runDecode } from './commands/decode.ts';
import { runDemo } from './commands/demo.ts';
import { DEFAULT_EVALUATE_OPTIONS } from './commands/evaluate-recording.ts';
import type { DoctorArguments } from './commands/doctor-cli.ts';
import { doctorHere } from './commands/doctor-cli.ts';
import { runEvaluate } from './commands/evaluate.ts';
import type { CommandIo, ExitCode } from './commands/exit-codes.ts';
import { EXIT } from './commands/exit-codes.ts';
import { runLoad } from './commands/load.ts';
import { runReplay } from './commands/replay.ts';
import { runAppliance } from './commands/run.ts';
import { addSimulateBoardOptions, simulateBoardOptions } from './commands/simulate-board-cli.ts';
import type { SimulateBoardArguments } from './commands/simulate-board-cli.ts';
import { runSimulateBoard } from './commands/simulate-board.ts';
import { runWatch } from './commands/watch.ts';
import { problemText } from './config-problems.ts';
import { createLog } from './log.ts';
import { PLAN_CHECKS, zonePolicyOf } from './plan.ts';
import { VERSION } from './version.ts';

const clock = systemClock();
const random = systemRandom();
const io: CommandIo = {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
};
const here = dirname(fileURLToPath(import.meta.url));

// A reader that goes away (`| head`) ends the output, not the work with an exception.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

/** Resolves with the reason once the process is asked to end; a second signal ends it at once. */
function untilSignalled(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => resolve(signal));
    }
  });
}

function abortOnSignal(): AbortSignal {
  const controller = new AbortController();
  void untilSignalled().then(() => controller.abort());
  return controller.signal;
}

const boardIo = () => ({ ...io, clock, random, signal: abortOnSignal() });

/** Runs a command and leaves its exit code; the process ends when nothing is left to do. */
function exitWith(run: () => Promise<ExitCode> | ExitCode): Promise<void> {
  return Promise.resolve(run()).then((code) => {
    process.exitCode = code;
  });
}

/** A reader's complaint as the command line's own. */
function checked<T>(parser: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parser(text);
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
    }
  };
}

const program = new Command('embereye')
  .version(VERSION)
  .description('Edge runtime for fire detection')
  .configureHelp({ sortSubcommands: true })
  .addHelpText(
    'after',
    `
Exit codes: 0 done, 1 done and the answer is no, 2 wrong command line, 3 wrong configuration or
input, 4 something outside is missing (a port is taken, a host or file cannot be reached).`,
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage));

function command(name: string, summary: string): Command {
  return program
    .command(name)
    .description(summary)
    .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage));
}

function applianceCommands(): void {
  command('run', 'run the appliance')
    .option('--config <file>', 'configuration (default: /etc/embereye/appliance.yaml)')
    .option('--simulate', 'simulated GPIO, whatever the configuration says', false)
    .action((options: { config?: string; simulate: boolean }) =>
      exitWith(() =>
        runAppliance(
          { config: options.config ?? null, simulate: options.simulate },
          {
            ...{ io, clock, random, version: VERSION },
            environment: process.env,
            makeLog: (level) => createLog(clock, level),
            programs: here,
            residentBytes: () => process.memoryUsage.rss(),
            untilStopped: untilSignalled(),
          },
        ),
      ),
    );
  command('check-config', 'check a configuration file; exit code 3 when it has problems')
    .argument('<file>', 'configuration file')
    .option('--json', 'print the result as JSON', false)
    .action((file: string, options: { json: boolean }) =>
      exitWith(() => runCheckConfig(file, options, process.env, PLAN_CHECKS, io)),
    );
  command('doctor', 'what this machine has, what of it works, and what mends the rest')
    .argument('[file]', 'configuration (default: /etc/embereye/appliance.yaml where there is one)')
    .option('--config <file>', 'the same')
    .option('--json', 'print the findings as JSON', false)
    .option('--outputs', 'pulse each configured output, one after another', false)
    .option('--yes', 'pulse without asking', false)
    .action((file: string | undefined, options: DoctorArguments) =>
      exitWith(() =>
        doctorHere(file, options, { io, clock, random, environment: process.env, programs: here }),
      ),
    );
  command('watch', 'subscribe to an appliance and print what it publishes, one JSON line each')
    .requiredOption('--broker <url>', 'mqtt://host:port')
    .option('--filter <topic>', 'topic filter', 'embereye/v1/+/event/#')
    .action((options: { broker: string; filter: string }) =>
      exitWith(() => runWatch(options, boardIo())),
    );
}

function demoCommand(): void {
  command('demo', 'an appliance, a simulated board whose scene catches fire, and a subscriber')
    .option(
      '--seconds <n>',
      'end by itself; exit code 0 only if the alarm was delivered',
      checked(number),
    )
    .option('--plain', 'lines of text instead of a picture', false)
    .action((options: { seconds?: number; plain: boolean }) =>
      exitWith(() =>
        runDemo(
          { seconds: options.seconds ?? null, plain: options.plain || !process.stdout.isTTY },
          {
            ...{ io, clock, random, version: VERSION },
            program: join(here, 'embereye.js'),
            writerPath: join(here, 'store-writer.js'),
            residentBytes: () => process.memoryUsage.rss(),
            untilStopped: untilSignalled(),
          },
        ),
      ),
    );
}

function recordingCommands(): void {
  command('decode', 'temperatures of recorded words: one JSON line for each input line or frame')
    .argument('<file>', 'JSON lines {"eeprom","ram","emissivity"?,"reflected_c"?}, or FILE.gz')
    .option('--json', 'JSON output (the only form there is)', true)
    .option('--stream', 'the file is a recorded byte stream of a board', false)
    .action((file: string, options: { stream: boolean }) =>
      exitWith(() => runDecode(file, options, io)),
    );
  command('evaluate', 'recordings through the real detection and panel, in virtual time')
    .argument('<path...>', 'recordings (.ndjson, .ndjson.gz) or folders of them')
    .option('--config <file>', 'limits and detection settings')
    .option('--period <seconds>', 'of recordings without times', checked(number), 4.09)
    .option('--json', 'print JSON lines', false)
    .action((paths: string[], options: { config?: string; period: number; json: boolean }) =>
      exitWith(() => evaluate(paths, options)),
    );
  command('replay', 'play a recorded byte stream as its board would, obeying commands')
    .argument('<file>', 'recorded bytes, or FILE.gz')
    .requiredOption('--to <host:port>', 'the appliance')
    .option('--speed <factor>', 'times the pace of the real board, or max', checked(speed), 1)
    .option('--loop', 'start again at the end', false)
    .option('--json', 'print the result as JSON', false)
    .action(
      (
        file: string,
        options: { to: string; speed: number | 'max'; loop: boolean; json: boolean },
      ) => exitWith(() => runReplay(file, options, boardIo())),
    );
}

function evaluate(
  paths: readonly string[],
  options: { readonly config?: string; readonly period: number; readonly json: boolean },
): Promise<ExitCode> | ExitCode {
  const common = {
    ...DEFAULT_EVALUATE_OPTIONS,
    json: options.json,
    periodSeconds: options.period,
  };
  if (options.config === undefined) return runEvaluate(paths, common, io);
  const { config: file } = options;
  const result = readConfig(file, process.env, PLAN_CHECKS);
  if (result.ok) {
    return runEvaluate(paths, { ...common, policy: zonePolicyOf(result.config) }, io);
  }
  for (const problem of result.problems) io.err(problemText(file, problem));
  return EXIT.badInput;
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

function loadCommands(): void {
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
          boardIo(),
        ),
      ),
    );
  addSimulateBoardOptions(
    command('simulate-board', 'a well-behaved sensor board with a physical scene'),
    checked,
  ).action((options: SimulateBoardArguments) =>
    exitWith(() => runSimulateBoard(simulateBoardOptions(options), boardIo())),
  );
}

applianceCommands();
demoCommand();
recordingCommands();
loadCommands();
await program.parseAsync();
