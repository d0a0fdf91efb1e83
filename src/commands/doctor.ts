/**
 * `embereye doctor [FILE]`: what this machine has, whether this user may use it, and whether what
 * the configuration names is really there. It changes nothing, unless it is told to pulse outputs.
 */
import { problemText } from '../config-problems.ts';
import type { Config } from '../config-schema.ts';
import type { ConfigCheck } from '../config.ts';
import type { BoxLimits } from '../hal/box/readers.ts';
import { DEFAULT_BOX_LIMITS } from '../hal/box/readers.ts';
import { boxFindings } from '../hal/doctor/box-findings.ts';
import { busFindings } from '../hal/doctor/buses.ts';
import { within } from '../hal/doctor/deadline.ts';
import { firmwareFindings } from '../hal/doctor/firmware.ts';
import { gpioFindings } from '../hal/doctor/gpio.ts';
import { serialFindings } from '../hal/doctor/serial.ts';
import { systemFindings } from '../hal/doctor/system.ts';
import type { DoctorWorld, GpioFacts } from '../hal/doctor/world.ts';
import { trouble } from '../hal/doctor/world.ts';
import type { Hardware } from '../hal/hardware.ts';
import type { HalResult, LineAddress } from '../hal/ports.ts';
import type { ProbeFinding } from '../hal/probe.ts';
import type { Environment } from './check-config.ts';
import { readConfig } from './check-config.ts';
import { configuredFindings, serialPathsOf } from './doctor-configured.ts';
import { outputFindings } from './doctor-outputs.ts';
import { grouped, tableLines } from './doctor-table.ts';
import type { CommandIo, ExitCode } from './exit-codes.ts';
import { EXIT } from './exit-codes.ts';

export interface DoctorOptions {
  /** Null: the default file where there is one, else the machine alone is listed. */
  readonly config: string | null;
  readonly json: boolean;
  /** Pulse each configured output. */
  readonly outputs: boolean;
  /** Pulse without asking. */
  readonly yes: boolean;
}

export interface DoctorDeps {
  readonly io: CommandIo;
  readonly environment: Environment;
  readonly checks: readonly ConfigCheck[];
  readonly world: DoctorWorld;
  /** Where an installed appliance has its configuration. */
  readonly defaultConfig: string;
  /** Of the terminal, for the table. */
  readonly columns: number;
  /** What probes and pulses use; opened only for a configuration. Without the GPIO holder. */
  readonly openHardware: (config: Config) => Promise<Hardware>;
  readonly boxLimits: (config: Config) => BoxLimits;
  /** What the configured model says when it is asked; left out: it is not looked at. */
  readonly modelFindings?: (config: Config) => Promise<readonly ProbeFinding[]>;
  readonly confirm: (question: string) => Promise<boolean>;
  /** From now on signals do not end this process: they abort, and cut a pulse short. */
  readonly hearSignals: () => HeardSignals;
  /** Whether sysfs has a line exported; false where it cannot be asked. */
  readonly exported: (at: LineAddress) => boolean;
}

export interface HeardSignals {
  readonly signal: AbortSignal;
  /** Signals end this process again. */
  end(): void;
}

/** A kernel driver may hold up whoever reads its files. */
const LOOK_DEADLINE_MS = 20_000;

/** What `--json` prints. */
export interface DoctorReport {
  readonly ok: boolean;
  readonly findings: readonly ProbeFinding[];
}

/**
 * `EXIT.failed` when something that was looked at does not work, `EXIT.badInput` for a broken
 * configuration, `EXIT.usage` for `--outputs` without one. Warnings and skipped checks pass.
 */
export async function runDoctor(options: DoctorOptions, deps: DoctorDeps): Promise<ExitCode> {
  const { io, world } = deps;
  const file = options.config ?? (await defaultFile(deps));
  if (file === null && options.outputs) {
    io.err('error: --outputs needs a configuration that names them');
    return EXIT.usage;
  }
  const read = file === null ? null : readConfig(file, deps.environment, deps.checks);
  if (file !== null && read?.ok === false) {
    for (const problem of read.problems) io.err(problemText(file, problem));
    return EXIT.badInput;
  }
  const config = read?.ok === true ? read.config : null;
  if (config === null) io.err('no configuration file: only what this machine has is listed');
  const gpio = await world.listGpioChips();
  const findings = [...(await machineFindings(config, gpio, deps))];
  if (config !== null) {
    const running = await isRunning(config, world);
    const hardware = await deps.openHardware(config);
    findings.push(
      ...(await configuredFindings({ config, world, hardware, gpio, running })),
      ...((await deps.modelFindings?.(config)) ?? []),
      ...(options.outputs ? await pulses(options, deps, config, hardware, running) : []),
    );
    hardware.gpio.close();
  }
  const ok = findings.every(({ state }) => state !== 'failed');
  print({ ok, findings: grouped(findings).map(inOrder) }, options, deps);
  return ok ? EXIT.ok : EXIT.failed;
}

/** What there is, whatever the configuration; a part that hangs does not hide the others. */
async function machineFindings(
  config: Config | null,
  gpio: HalResult<GpioFacts>,
  { world, boxLimits }: DoctorDeps,
): Promise<readonly ProbeFinding[]> {
  const limits = config === null ? DEFAULT_BOX_LIMITS : boxLimits(config);
  const directory = config?.state.directory ?? '/';
  const serial = config === null ? [] : serialPathsOf(config);
  const looks: readonly [area: string, look: () => Promise<readonly ProbeFinding[]>][] = [
    ['system', () => systemFindings(world)],
    ['box', () => boxFindings(world, limits, directory)],
    ['firmware', () => firmwareFindings(world)],
    ['buses', () => busFindings(world)],
    ['serial', () => serialFindings(world, serial)],
    ['gpio', () => gpioFindings(world, gpio)],
  ];
  const findings: ProbeFinding[] = [];
  for (const [area, look] of looks) {
    const ended = await within(world.clock, LOOK_DEADLINE_MS, look);
    if (ended.ok) findings.push(...ended.value);
    else findings.push(trouble(area, 'all of it', ended.error, 'look at dmesg for its driver'));
  }
  return findings;
}

/** Null where the default file does not exist. */
async function defaultFile({ world, defaultConfig }: DoctorDeps): Promise<string | null> {
  const access = await world.access(defaultConfig);
  return access.ok || access.error.kind !== 'absent' ? defaultConfig : null;
}

/** An appliance answers `/health` on the port that this configuration gives it. */
function isRunning({ http }: Config, { network }: DoctorWorld): Promise<boolean> {
  const anywhere = http.host === '0.0.0.0' || http.host === '::';
  return network.applianceAnswers(anywhere ? '127.0.0.1' : http.host, http.port);
}

async function pulses(
  { yes }: DoctorOptions,
  { world, confirm, hearSignals, exported }: DoctorDeps,
  config: Config,
  { gpio }: Hardware,
  running: boolean,
): Promise<readonly ProbeFinding[]> {
  const { clock, network } = world;
  const { enabled, host, port } = config.ingest;
  // One whose /health does not answer may still have the port of its boards, and the outputs.
  const portTaken = enabled && !running && !(await network.tryPort(host, port)).ok;
  const heard = hearSignals();
  const findings = await outputFindings({
    ...{ config, gpio, clock, exported, cut: heard.signal },
    confirm: yes ? null : confirm,
    running: running || portTaken,
  });
  heard.end();
  return findings;
}

/** The same fields in the same order, whoever found it. */
function inOrder({ area, subject, state, found, remedy }: ProbeFinding): ProbeFinding {
  return { area, subject, state, found, remedy };
}

function print(report: DoctorReport, { json }: DoctorOptions, { io, columns }: DoctorDeps): void {
  if (json) io.out(JSON.stringify(report));
  else for (const line of tableLines(report.findings, columns)) io.out(line);
}
