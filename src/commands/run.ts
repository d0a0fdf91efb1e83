/** `embereye run`: the appliance, until a signal ends it. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startAppliance } from '../appliance.ts';
import { problemText } from '../config-problems.ts';
import type { Config } from '../config-schema.ts';
import { parseConfig } from '../config.ts';
import type { Clock, Log, Random } from '../domain/ports.ts';
import type { FaultNotice } from '../domain/step.ts';
import type { ClockSources } from '../hal/box/clock-state.ts';
import { clockStateOf } from '../hal/box/clock-state.ts';
import { holderDown } from '../hal/holder/pulse.ts';
import { loadLibc } from '../hal/native/libc.ts';
import { openHardware, openKeeper } from '../hardware.ts';
import { keepKnownGood, readKnownGood } from '../known-good.ts';
import { openModelClassifier } from '../model-parts.ts';
import { PLAN_CHECKS } from '../plan.ts';
import type { Environment } from './check-config.ts';
import type { CommandIo, ExitCode } from './exit-codes.ts';
import { EXIT } from './exit-codes.ts';

/** Where an installed appliance has its configuration. */
export const DEFAULT_CONFIG_FILE = '/etc/embereye/appliance.yaml';
const DEFAULT_STATE_DIRECTORY = '/var/lib/embereye';

export interface RunOptions {
  /** Null: the default file where there is one, else the embedded default. */
  readonly config: string | null;
  /** Simulated GPIO whatever the configuration says. */
  readonly simulate: boolean;
}

export interface RunDeps {
  readonly io: CommandIo;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly random: Random;
  readonly makeLog: (level: Config['logLevel']) => Log;
  readonly version: string;
  /** Where the bundled threads and processes lie: dist. */
  readonly programs: string;
  readonly residentBytes: () => number;
  /** Resolves with the reason when the appliance is to stop. */
  readonly untilStopped: Promise<string>;
}

/** `EXIT.badInput` when neither the configuration nor a last known-good one is valid. */
export async function runAppliance(options: RunOptions, deps: RunDeps): Promise<ExitCode> {
  const chosen = chooseConfig(options, deps);
  if (chosen === null) return EXIT.badInput;
  const { config, text, faults } = chosen;
  const log = deps.makeLog(config.logLevel);
  const { clock, random, version, programs, residentBytes } = deps;
  const { simulate } = options;
  const holder = await openKeeper({
    ...{ config, simulate, clock, random },
    holderPath: join(programs, 'gpio-holder.js'),
  });
  const keeping = holder?.ok === true ? holder.value : null;
  const hardware = await openHardware({
    ...{ config, simulate, clock, random, log },
    busThreadPath: join(programs, 'bus-thread.js'),
    keeper: keeping?.keeper ?? null,
  });
  const appliance = await startAppliance({
    ...{ config, clock, random, log, version, residentBytes, hardware, holder: keeping },
    writerPath: join(programs, 'store-writer.js'),
    openModel: (parts) => openModelClassifier(config.model, programs, parts),
    configHash: createHash('sha256').update(text).digest('hex').slice(0, 16),
    clockState: clockStateOf({ clock, adjtimex: await kernelClock(), exists: existsSync }),
    initialFaults: holder?.ok === false ? [...faults, holderDown(holder.error)] : faults,
  });
  const { boards, http, broker } = appliance.ports;
  log('info', 'started', { version, boards, http, broker, zones: config.zones.length });
  const reason = await deps.untilStopped;
  log('info', 'stopping', { reason });
  const failures = await appliance.stop(reason);
  return failures.length === 0 ? EXIT.ok : EXIT.failed;
}

interface Chosen {
  readonly config: Config;
  readonly text: string;
  readonly faults: readonly FaultNotice[];
}

/** The configuration to run; a broken one is reported and replaced by the last that worked. */
function chooseConfig(options: RunOptions, { io, environment }: RunDeps): Chosen | null {
  const file = options.config ?? (existsSync(DEFAULT_CONFIG_FILE) ? DEFAULT_CONFIG_FILE : null);
  if (file === null) io.err('no configuration file: running the embedded default');
  const name = file ?? '(embedded default)';
  const text = file === null ? '' : readText(file, io);
  const result = text === null ? null : parseConfig(text, environment, PLAN_CHECKS);
  if (text !== null && result?.ok === true) {
    const failure = keepKnownGood(result.config.state.directory, text);
    const faults = failure === null ? [] : [configFault('configNotKept', failure)];
    return { config: result.config, text, faults };
  }
  const problems = result?.ok === false ? result.problems : [];
  for (const problem of problems) io.err(problemText(name, problem));
  const known = readKnownGood(environment['EMBEREYE__state__directory'] ?? stateDirectoryIn(text));
  const fallback = known === null ? null : parseConfig(known, environment, PLAN_CHECKS);
  if (known === null || fallback?.ok !== true) {
    io.err(`${name}: not started: correct it, and check it with: embereye check-config ${name}`);
    return null;
  }
  io.err(`${name}: refused; the last configuration that worked runs instead`);
  const detail = `${name} has ${Math.max(1, problems.length)} problems and was refused`;
  return { config: fallback.config, text: known, faults: [configFault('configRefused', detail)] };
}

/** How to ask the kernel whether somebody sets its clock; null where that cannot be asked. */
export async function kernelClock(): Promise<ClockSources['adjtimex']> {
  const libc = await loadLibc();
  return libc.ok ? (timex) => libc.value.adjtimex(timex) : null;
}

function configFault(fault: string, detail: string): FaultNotice {
  return { fault, subject: 'config', raised: true, detail };
}

function readText(file: string, io: CommandIo): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    io.err(`${file}: cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

/** A broken file may still say where the last known-good one lies. */
function stateDirectoryIn(text: string | null): string {
  const named = /^state:\s*(?:#.*)?\n(?:[ \t]+.*\n)*?[ \t]+directory:[ \t]*["']?([^"'\s#]+)/m;
  return named.exec(text ?? '')?.[1] ?? DEFAULT_STATE_DIRECTORY;
}
