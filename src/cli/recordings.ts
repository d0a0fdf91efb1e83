/** Commands about recordings: decode, evaluate and replay them. */
import { join } from 'node:path';
import { oneOf, positive, speed } from '../commands/arguments.ts';
import { runDecode } from '../commands/decode.ts';
import type { EvaluateArguments } from '../commands/evaluate-cli.ts';
import { evaluateHere } from '../commands/evaluate-cli.ts';
import { runModelCheck } from '../commands/model.ts';
import { runReplay } from '../commands/replay.ts';
import type { TuneArguments } from '../commands/tune-cli.ts';
import { instant, tuneHere } from '../commands/tune-cli.ts';
import { wantedModel } from '../model-parts.ts';
import type { StartModelProcess } from '../model-process.ts';
import { forkModelProcess } from '../model-process.ts';
import type { CliWorld } from './world.ts';
import { boardIo } from './world.ts';

/** Adds `decode`, `evaluate`, `model`, `replay` and `tune`. */
export function addRecordingCommands(world: CliWorld): void {
  const { command, exitWith, checked, io } = world;
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
    .option('--sensor <id>', 'with --config: its mounting, areas and zones; else: only its frames')
    .option('--hours <which>', 'working, off or unknown', checked(oneOf(HOURS)))
    .option('--period <seconds>', 'of recordings without times', checked(positive), 4.09)
    .option('--model <file>', 'this model instead of the configured or shipped one', true)
    .option('--no-model', 'the rules alone')
    .option('--json', 'print JSON lines', false)
    .action((paths: string[], options: EvaluateArguments) =>
      exitWith(() => evaluateHere(paths, options, { ...world, startModel: modelOf(world) })),
    );
  addModelCheck(world);
  addTune(world);
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
      ) => exitWith(() => runReplay(file, options, boardIo(world))),
    );
}

/** `embereye tune`; its words about the model are those of `evaluate`. */
function addTune(world: CliWorld): void {
  const { command, exitWith, checked } = world;
  command('tune', 'recorded days under this configuration and a proposed one, side by side')
    .requiredOption('--recordings <path>', 'folder of days, incidents, .ndjson files; or one file')
    .requiredOption('--config <file>', 'the present configuration')
    .option('--proposed <file>', 'the proposed one; without it the present one beside the record')
    .option('--labels <file>', 'JSON: what was a fire and what a nuisance')
    .option('--from <time>', 'only from here on, such as 2026-05-04T06:00:00Z', checked(instant))
    .option('--to <time>', 'only before this', checked(instant))
    .option('--sensor <id>', 'only this sensor; the owner of frames that name none')
    .option('--period <seconds>', 'of frames without times', checked(positive), 4.09)
    .option('--model <file>', 'this model; or "recorded": the opinions of the record', true)
    .option('--no-model', 'the rules alone')
    .option('--suggest', 'limits that the times called nuisances would not have reached', false)
    .option('--json', 'print one JSON object', false)
    .action((options: TuneArguments) =>
      exitWith(() => tuneHere(options, { ...world, startModel: modelOf(world) })),
    );
}

/** `embereye model check [FILE]`; without a file the shipped one. */
function addModelCheck(world: CliWorld): void {
  const { command, exitWith, programs } = world;
  command('model', 'the trained model')
    .argument('<what>', 'check: whether a file can be used as the model', checkOnly(world))
    .argument('[file]', 'ONNX file (default: the shipped one)')
    .option('--json', 'print the verdict as JSON', false)
    .action((_: string, file: string | undefined, options: { json: boolean }) => {
      const wanted = wantedModel({ file: file ?? null, sha256: null, threads: 1 }, programs);
      return exitWith(() => runModelCheck(wanted, options, { ...world, start: modelOf(world) }));
    });
}

function checkOnly({ checked }: CliWorld): (text: string) => string {
  return checked(oneOf(['check']));
}

const HOURS = ['working', 'off', 'unknown'] as const;

function modelOf({ programs }: CliWorld): StartModelProcess {
  return forkModelProcess(join(programs, 'inference.js'));
}
