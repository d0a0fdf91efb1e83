/** `embereye run`: the appliance, until a signal ends it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Appliance } from '../appliance.ts';
import { startAppliance } from '../appliance.ts';
import type { Config } from '../config-schema.ts';
import type { Clock, Log, Random } from '../domain/ports.ts';
import type { ClockSources } from '../hal/box/clock-state.ts';
import { clockStateOf } from '../hal/box/clock-state.ts';
import { holderDown } from '../hal/holder/pulse.ts';
import { loadLibc } from '../hal/native/libc.ts';
import { openHardware, openKeeper } from '../hardware.ts';
import { openModelClassifier } from '../model-parts.ts';
import type { Chosen } from '../remote-config/choose.ts';
import { chooseConfig } from '../remote-config/choose.ts';
import { openConfigSite } from '../remote-config/site.ts';
import { Service } from '../service/service.ts';
import type { Environment } from './check-config.ts';
import type { CommandIo, ExitCode } from './exit-codes.ts';
import { EXIT } from './exit-codes.ts';

/** Where an installed appliance has its configuration. */
export const DEFAULT_CONFIG_FILE = '/etc/embereye/appliance.yaml';

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
  const service = await Service.open({ ...deps, log: deps.makeLog('info'), pid: process.pid });
  if (!service.ok) {
    deps.io.err(`not started: ${service.error.message}`);
    return EXIT.unavailable;
  }
  const code = await runService(options, deps, service.value);
  service.value.close();
  return code;
}

async function runService(options: RunOptions, deps: RunDeps, service: Service): Promise<ExitCode> {
  const stopped = deps.untilStopped.then((reason) => ({ kind: 'stop', reason }) as const);
  for (;;) {
    const { io, environment, makeLog } = deps;
    const early = makeLog('info');
    const chosen = await chooseConfig(options.config, DEFAULT_CONFIG_FILE, {
      ...{ io, environment, log: early },
    });
    if (chosen === null) return EXIT.badInput;
    const log = makeLog(chosen.config.logLevel);
    service.prepare(chosen.config);
    const started = await startOnce(chosen, options, { ...deps, service }, log);
    if (started === null) return EXIT.failed;
    const end = await Promise.race([stopped, started.restart]);
    log('info', 'stopping', { reason: end.reason });
    if (end.kind === 'restart') service.changing(end.reason);
    else service.stopping(end.reason);
    started.rest();
    const failures = await started.appliance.stop(end.reason);
    if (end.kind === 'restart') continue;
    return failures.length === 0 ? EXIT.ok : EXIT.failed;
  }
}

interface Started {
  readonly appliance: Appliance;
  /** Resolves when another configuration is to run. */
  readonly restart: Promise<{ readonly kind: 'restart'; readonly reason: string }>;
  /** Ends what watches the run. */
  readonly rest: () => void;
}

/** Null where a configuration on probation could not be started: whoever supervises starts anew. */
async function startOnce(
  chosen: Chosen,
  options: RunOptions,
  deps: RunDeps & { readonly service: Service },
  log: Log,
): Promise<Started | null> {
  const { clock, random, version, programs, residentBytes, service } = deps;
  const { config, faults } = chosen;
  const { simulate } = options;
  const site = openConfigSite(chosen, { ...deps, log });
  try {
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
      configHash: chosen.hash,
      clockState: clockStateOf({ clock, adjtimex: await kernelClock(), exists: existsSync }),
      initialFaults: holder?.ok === false ? [...faults, holderDown(holder.error)] : faults,
      initialEvents: site.events,
      configure: site.configure,
      hooks: service.hooks,
    });
    const { boards, http, broker } = appliance.ports;
    service.running(appliance.core, http);
    log('info', 'started', { version, boards, http, broker, zones: config.zones.length });
    return { appliance, restart: site.restart, rest: site.watch(appliance.core) };
  } catch (error) {
    if (!(await site.failed(error))) throw error;
    const detail = error instanceof Error ? error.message : String(error);
    deps.io.err(`${chosen.hash}, on probation, does not start: ${detail}`);
    deps.io.err('ended, so that the next start runs the configuration before it');
    return null;
  }
}

/** How to ask the kernel whether somebody sets its clock; null where that cannot be asked. */
export async function kernelClock(): Promise<ClockSources['adjtimex']> {
  const libc = await loadLibc();
  return libc.ok ? (timex) => libc.value.adjtimex(timex) : null;
}
