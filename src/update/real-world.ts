/** Updates on a real machine: systemd, the appliance's user, RAUC where it is. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { readConfig } from '../commands/check-config.ts';
import type { Environment } from '../commands/check-config.ts';
import { configSchema } from '../config-schema.ts';
import type { UpdateSettings } from '../config-update.ts';
import type { Clock, Random } from '../domain/ports.ts';
import { PLAN_CHECKS } from '../plan.ts';
import { isoFromWallMs } from '../store/wall-time.ts';
import { lookAtUnit } from './look.ts';
import { Refused } from './refused.ts';
import { freeBytes } from './unpack.ts';
import type { Ran, UpdateTerms, UpdateWorld } from './world.ts';
import { pathsOf } from './world.ts';

export interface MachineParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly environment: Environment;
  /** What stands before all paths: a root that is prepared elsewhere. Empty: this machine. */
  readonly root: string;
  readonly arch: string;
  readonly pid: number;
  readonly say: (line: string) => void;
}

const UNIT = 'embereye.service';
export const UPDATE_UNIT = 'embereye-update.service';
const USER = 'embereye';
const TRY_OUT_MS = 120_000;
const COMMAND_MS = 60_000;
const RAUC = '/usr/bin/rauc';
const PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

export interface SiteSettings {
  readonly terms: UpdateTerms;
  /** `state.runDirectory` of the appliance. */
  readonly runDirectory: string;
}

/** From the file on this machine; where it cannot be used, the defaults, and that is said. */
export function siteSettings(
  { root, environment, say }: Pick<MachineParts, 'root' | 'environment' | 'say'>,
  file = pathsOf(root).config,
): SiteSettings {
  const read = existsSync(file) ? readConfig(file, environment, PLAN_CHECKS) : null;
  if (read?.ok === false) say(`${file} cannot be used: updates go by the default settings`);
  const { update, state } = read?.ok === true ? read.config : configSchema.parse({});
  const named = environment['EMBEREYE__state__runDirectory'];
  return { terms: termsOf(update), runDirectory: named ?? state.runDirectory };
}

function termsOf(settings: UpdateSettings): UpdateTerms {
  const { enabled, probationMinutes, steadyMinutes, waitMinutes } = settings;
  return {
    enabled,
    probationMs: probationMinutes * 60_000,
    steadyMs: steadyMinutes * 60_000,
    waitMs: waitMinutes * 60_000,
  };
}

export function machineWorld(parts: MachineParts, runDirectory: string): UpdateWorld {
  const { clock, random, root, arch, pid, say } = parts;
  return {
    ...{ clock, random, root, arch, pid, say },
    wallTime: () => isoFromWallMs(clock.wallMs()),
    look: () => lookAtUnit(runDirectory, clock),
    restart: () => restart(root, say),
    tryOut: (program, args) => run(program, args, TRY_OUT_MS, accountOf(USER)),
    freeBytes,
    markGood: existsSync(RAUC) ? () => run(RAUC, ['status', 'mark-good'], COMMAND_MS) : null,
    onStep: () => undefined,
  };
}

/** Hands the judgement of a trial to its service; false: this machine has none. */
export async function startJudge(root: string): Promise<boolean> {
  if (root !== '') return false;
  const { code } = await run('systemctl', ['start', '--no-block', UPDATE_UNIT], COMMAND_MS);
  return code === 0;
}

async function restart(root: string, say: (line: string) => void): Promise<void> {
  if (root !== '') {
    say(`nothing is started: ${root} is not the root of this machine`);
    return;
  }
  // One that has crashed often enough would not be started otherwise.
  await run('systemctl', ['reset-failed', UNIT], COMMAND_MS);
  const { code, said } = await run('systemctl', ['restart', '--no-block', UNIT], COMMAND_MS);
  if (code === 0) return;
  throw new Refused(`systemctl restart ${UNIT} failed: ${said.trim()}; start it by hand`);
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Null where there is no such user, or this process may not become another one. */
function accountOf(user: string): Account | null {
  if (process.getuid?.() !== 0) return null;
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${user}:`));
  const [, , uid = '', gid = ''] = line?.split(':') ?? [];
  return /^\d+$/.test(uid) && /^\d+$/.test(gid) ? { uid: Number(uid), gid: Number(gid) } : null;
}

/** Runs a program with next to no environment. Never rejects. */
export function run(
  program: string,
  args: readonly string[],
  limitMs: number,
  account: Account | null = null,
): Promise<Ran> {
  return new Promise((resolve) => {
    const options = {
      ...({ env: { PATH }, timeout: limitMs, killSignal: 'SIGKILL', cwd: '/' } as const),
      ...{ maxBuffer: 1024 * 1024, encoding: 'utf8' as const },
      ...(account ?? {}),
    };
    execFile(program, [...args], options, (error, out, err) => {
      if (error === null) {
        resolve({ code: 0, said: out });
        return;
      }
      const { code, killed } = error;
      const late = killed === true ? `it took longer than ${limitMs / 1000} s` : '';
      const said = [out, err, late, typeof code === 'number' ? '' : error.message];
      resolve({ code: typeof code === 'number' ? code : null, said: said.join('') });
    });
  });
}
