/** The machine under the doctor's eyes. */
import { constants, existsSync } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { Clock } from '../domain/ports.ts';
import type { ClockSources } from '../hal/box/clock-state.ts';
import { clockStateOf } from '../hal/box/clock-state.ts';
import { statFileSystem } from '../hal/box/statfs.ts';
import type { KernelFiles } from '../hal/bus-ports.ts';
import { listGpio } from '../hal/doctor/gpio-lister.ts';
import type { DoctorWorld, PathAccess, Self } from '../hal/doctor/world.ts';
import { CdevCalls } from '../hal/gpio/cdev-calls.ts';
import { resolveLine, SYSFS_GPIO, valueFile } from '../hal/gpio-sysfs.ts';
import { loadLibc } from '../hal/native/libc.ts';
import { errorKindOf, messageOf } from '../hal/os-errors.ts';
import type { HalResult, LineAddress } from '../hal/ports.ts';
import { done, failed } from '../hal/ports.ts';
import { readWholeFile } from '../hal/read-file.ts';
import { createDoctorNetwork } from './doctor-network.ts';
import type { HeardSignals } from './doctor.ts';

/** Asks on the terminal; where there is none, or its input ends, the answer is no. */
export async function confirmOnTerminal(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // An end of the input (Ctrl-D) leaves a question without an answer.
  const ended = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
  const answer = await Promise.race([terminal.question(`${question} [y/N] `), ended]);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

/** A lost terminal must not leave a siren on, nor must a key. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export function hearSignals(): HeardSignals {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  for (const signal of SIGNALS) process.on(signal, abort);
  return {
    signal: controller.signal,
    end: () => {
      for (const signal of SIGNALS) process.off(signal, abort);
    },
  };
}

export function isExported(at: LineAddress): boolean {
  const number = resolveLine(SYSFS_GPIO, at);
  return number.ok && existsSync(dirname(valueFile(SYSFS_GPIO, number.value)));
}

export interface DoctorWorldOptions {
  readonly clock: Clock;
  readonly files: KernelFiles;
  readonly adjtimex: ClockSources['adjtimex'];
}

const FILE_LIMIT_BYTES = 1024 * 1024;

export function createDoctorWorld({ clock, files, adjtimex }: DoctorWorldOptions): DoctorWorld {
  return {
    clock,
    files,
    self: self(),
    network: createDoctorNetwork(clock),
    statFileSystem,
    clockState: clockStateOf({ clock, adjtimex, exists: existsSync }),
    readBytes: (path) => readWholeFile(path, FILE_LIMIT_BYTES),
    resolvePath,
    access: accessTo,
    listGpioChips: async () => {
      const libc = await loadLibc();
      return libc.ok ? listGpio(new CdevCalls(libc.value)) : libc;
    },
  };
}

function self(): Self {
  return {
    user: userName(),
    userId: process.getuid?.() ?? 0,
    groupIds: process.getgroups?.() ?? [],
    nodeVersion: process.version,
    architecture: process.arch,
    timeZone: new Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
}

/** A user without an entry in /etc/passwd, as in some containers, has a number only. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 0);
  }
}

async function resolvePath(path: string): Promise<HalResult<string>> {
  try {
    return done(await realpath(path));
  } catch (error) {
    return failed(errorKindOf(error), `${path} leads nowhere: ${messageOf(error)}`, error);
  }
}

const GROUP_READS_AND_WRITES = 0o060;

async function accessTo(path: string): Promise<HalResult<PathAccess>> {
  try {
    const { gid, mode } = await stat(path);
    return done({
      readable: await may(path, constants.R_OK),
      writable: await may(path, constants.W_OK),
      groupId: gid,
      groupMay: (mode & GROUP_READS_AND_WRITES) === GROUP_READS_AND_WRITES,
      mode: mode & 0o777,
    });
  } catch (error) {
    return failed(errorKindOf(error), `${path} cannot be looked at: ${messageOf(error)}`, error);
  }
}

async function may(path: string, mode: number): Promise<boolean> {
  try {
    await access(path, mode);
    return true;
  } catch {
    // The answer itself: the kernel refuses.
    return false;
  }
}
