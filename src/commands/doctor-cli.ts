/** `embereye doctor` on the machine it runs on. */
import { join } from 'node:path';
import type { Clock, Random } from '../domain/ports.ts';
import { createKernelFiles } from '../hal/kernel-files.ts';
import { openHardware } from '../hardware.ts';
import { createLog } from '../log.ts';
import { wantedModel } from '../model-parts.ts';
import { forkModelProcess } from '../model-process.ts';
import { PLAN_CHECKS } from '../plan.ts';
import type { Environment } from './check-config.ts';
import { modelFindings } from './doctor-model.ts';
import { DEFAULT_COLUMNS } from './doctor-table.ts';
import { confirmOnTerminal, createDoctorWorld, hearSignals, isExported } from './doctor-world.ts';
import { runDoctor } from './doctor.ts';
import type { CommandIo, ExitCode } from './exit-codes.ts';
import { DEFAULT_CONFIG_FILE, kernelClock } from './run.ts';

/** As the command line gives them; `config` is another way to name the file. */
export interface DoctorArguments {
  readonly config?: string;
  readonly json: boolean;
  readonly outputs: boolean;
  readonly yes: boolean;
}

export interface DoctorSurroundings {
  readonly io: CommandIo;
  readonly clock: Clock;
  readonly random: Random;
  readonly environment: Environment;
  /** Where the bundled threads lie: dist. */
  readonly programs: string;
}

export async function doctorHere(
  file: string | undefined,
  options: DoctorArguments,
  { io, clock, random, environment, programs }: DoctorSurroundings,
): Promise<ExitCode> {
  const log = createLog(clock, 'error');
  const startModel = forkModelProcess(join(programs, 'inference.js'));
  const busThreadPath = join(programs, 'bus-thread.js');
  return runDoctor(
    { ...options, config: file ?? options.config ?? null },
    {
      io,
      environment,
      checks: PLAN_CHECKS,
      world: createDoctorWorld({
        clock,
        files: createKernelFiles({ clock }),
        adjtimex: await kernelClock(),
      }),
      defaultConfig: DEFAULT_CONFIG_FILE,
      columns: process.stdout.isTTY ? process.stdout.columns : DEFAULT_COLUMNS,
      openHardware: (config) =>
        openHardware({ config, simulate: false, clock, random, log, busThreadPath, keeper: null }),
      boxLimits: (config) => config.box,
      modelFindings: ({ model }) =>
        modelFindings(model, wantedModel(model, programs), { clock, random, start: startModel }),
      confirm: confirmOnTerminal,
      hearSignals,
      exported: isExported,
    },
  );
}
