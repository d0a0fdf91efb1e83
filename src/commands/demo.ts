/**
 * `embereye demo`: the appliance on its embedded default, with a simulated board whose scene
 * catches fire and a subscriber of its own. Board and subscriber are processes of their own, which
 * know the appliance by its ports alone.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Appliance } from '../appliance.ts';
import { startAppliance } from '../appliance.ts';
import type { Config } from '../config-schema.ts';
import { parseConfig } from '../config.ts';
import type { Clock, Random } from '../domain/ports.ts';
import { simulatedHardware } from '../hal/simulated-hardware.ts';
import { silentLog } from '../log.ts';
import type { DemoView } from './demo-view.ts';
import { createDemoView } from './demo-view.ts';
import { startChild } from './demo-child.ts';
import type { CommandIo, ExitCode } from './exit-codes.ts';
import { EXIT } from './exit-codes.ts';

export interface DemoOptions {
  /** Ends by itself after this long; null runs until a signal. */
  readonly seconds: number | null;
  /** Lines of text instead of a picture. */
  readonly plain: boolean;
}

export interface DemoDeps {
  readonly io: CommandIo;
  readonly clock: Clock;
  readonly random: Random;
  readonly version: string;
  /** The bundled command line, for the two other processes. */
  readonly program: string;
  readonly writerPath: string;
  readonly residentBytes: () => number;
  readonly untilStopped: Promise<string>;
}

const ZONE = 'demo-room';
const BOARD = 'demo-board';
const CADENCE_SECONDS = 1;
const FIRE_AT_SECONDS = 6;

interface Folders {
  readonly state: string;
  /** On tmpfs where the system has one that everybody may use. */
  readonly run: string;
}

const SHARED_MEMORY = '/dev/shm';

function makeFolders(): Folders {
  const memory = existsSync(SHARED_MEMORY) ? SHARED_MEMORY : tmpdir();
  return {
    state: mkdtempSync(join(tmpdir(), 'embereye-demo-')),
    run: mkdtempSync(join(memory, 'embereye-demo-')),
  };
}

function removeFolders({ state, run }: Folders): void {
  for (const folder of [state, run]) rmSync(folder, { recursive: true, force: true });
}

/** The embedded default, with one room and everything on ports that are free. */
function demoConfig({ state, run }: Folders): Config {
  const result = parseConfig(
    JSON.stringify({
      device: { id: 'demo', name: 'EmberEye demo' },
      state: { directory: state, runDirectory: run, telemetrySeconds: 1 },
      ingest: { host: '127.0.0.1', port: 0 },
      http: { host: '127.0.0.1', port: 0 },
      boards: [{ id: BOARD, match: { serial: 'DEMO1' }, cadenceSeconds: CADENCE_SECONDS }],
      zones: [
        {
          id: ZONE,
          name: 'Demo room',
          sensors: [
            { sensor: BOARD, channel: 'thermal', role: 'thermal' },
            { sensor: BOARD, channel: 'ADC1', role: 'smoke' },
            { sensor: BOARD, channel: 'ADC2', role: 'flame' },
            { sensor: BOARD, channel: 'DIO', role: 'flameDigital' },
          ],
        },
      ],
      gpio: {
        backend: 'simulated',
        outputs: [
          { id: 'siren', role: 'siren', line: 17 },
          { id: 'strobe', role: 'strobe', line: 27 },
          { id: 'fault-relay', role: 'faultRelay', line: 22 },
        ],
      },
      uplink: { embeddedBroker: { enabled: true, port: 0 } },
    }),
    {},
  );
  if (!result.ok)
    throw new Error(`the embedded demo is broken: ${JSON.stringify(result.problems)}`);
  return result.config;
}

/** `EXIT.ok` when the alarm reached the subscriber; without `seconds` also when nobody waited. */
export async function runDemo(options: DemoOptions, deps: DemoDeps): Promise<ExitCode> {
  const { io, clock } = deps;
  const folders = makeFolders();
  const view = createDemoView({ plain: options.plain, io, clock });
  const appliance = await startDemoAppliance(folders, view, deps);
  const { boards, broker } = appliance.ports;
  if (boards === null || broker === null) {
    io.err('the demo could not open its ports on 127.0.0.1');
    await appliance.stop('no ports');
    removeFolders(folders);
    return EXIT.unavailable;
  }
  const outcome = { delivered: false };
  const subscriber = startChild(deps.program, watchArguments(broker), (line) => {
    if (view.received(line) === 'alarm') outcome.delivered = true;
  });
  const board = startChild(deps.program, boardArguments(boards), () => undefined);
  view.start(() => appliance.core.runtime.view());
  const timeUp = new Promise<string>((resolve) => {
    if (options.seconds !== null) clock.after(options.seconds * 1000, () => resolve('time is up'));
  });
  const reason = await Promise.race([deps.untilStopped, timeUp]);
  view.stop();
  await board.stop();
  await appliance.stop(reason);
  await subscriber.stop();
  removeFolders(folders);
  io.out(view.summary(outcome.delivered));
  return outcome.delivered || options.seconds === null ? EXIT.ok : EXIT.failed;
}

function startDemoAppliance(folders: Folders, view: DemoView, deps: DemoDeps): Promise<Appliance> {
  const { clock, random, version, writerPath, residentBytes } = deps;
  return startAppliance({
    ...{ clock, random, version, writerPath, residentBytes },
    config: demoConfig(folders),
    configHash: 'demo',
    log: silentLog,
    hardware: simulatedHardware(clock),
    clockState: () => 'unsynchronised',
    hooks: { onFrame: (_, celsius) => view.frame(celsius) },
  });
}

function watchArguments(port: number): string[] {
  return ['watch', '--broker', `mqtt://127.0.0.1:${port}`, '--filter', 'embereye/v1/demo/event/#'];
}

function boardArguments(port: number): string[] {
  const settings = { serial: 'DEMO1', location: 'Demo room', seed: '7', growth: 'ultraFast' };
  return [
    ...['simulate-board', '--to', `127.0.0.1:${port}`, '--person'],
    ...['--cadence', String(CADENCE_SECONDS), '--fire-at', String(FIRE_AT_SECONDS)],
    ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
  ];
}
