/** Starting a GPIO holder, and finding the one that is there. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Clock, Random } from '../../domain/ports.ts';
import { loadLibc } from '../native/libc.ts';
import { messageOf } from '../os-errors.ts';
import type { HalResult } from '../ports.ts';
import { DONE, done, failed } from '../ports.ts';
import { HolderClient } from './client.ts';
import { pathProblem } from './socket-file.ts';

export const HOLDER_SOCKET = 'gpio-holder.sock';
export const HOLDER_LOG = 'gpio-holder.log';

/** Node itself, and the path of gpio-holder.js. */
export interface HolderCommand {
  readonly command: string;
  readonly args: readonly string[];
}

export interface StartHolderOptions extends HolderCommand {
  /** Of the socket; the log goes beside it. */
  readonly path: string;
}

export interface OpenHolderOptions {
  /** `auto`: start one where none listens. `external`: the service manager does. */
  readonly mode: 'auto' | 'external' | 'off';
  /** Null: `gpio-holder.sock` in the run directory. */
  readonly socketPath: string | null;
  readonly runDirectory: string;
  readonly holder: HolderCommand;
  readonly clock: Clock;
  readonly random: Random;
}

/** Node with its packages is up within a quarter of a second on a PC, within two on a small Pi. */
const START_MS = 3000;
const LOOK_EVERY_MS = 25;
/** A log from former starts that is larger is begun anew: it lies on tmpfs. */
const LOG_LIMIT_BYTES = 256 * 1024;

/**
 * The connection to the GPIO holder, up or not: `trouble` says why not, `beat` goes on trying. Open
 * it before the lines. Null: `off`. An error: this machine cannot have one (no system calls, an
 * impossible path), and never will.
 */
export async function openHolder(
  options: OpenHolderOptions,
): Promise<HalResult<HolderClient> | null> {
  const { mode, runDirectory, holder, clock, random } = options;
  if (mode === 'off') return null;
  const path = options.socketPath ?? join(runDirectory, HOLDER_SOCKET);
  const unusable = pathProblem(path);
  if (unusable !== null) return unusable;
  const libc = await loadLibc();
  if (!libc.ok) return libc;
  const start = mode === 'auto' ? () => startHolder({ ...holder, path }) : null;
  const client = HolderClient.connect({ path, libc: libc.value, clock, random, start });
  const untilMs = clock.monotonicMs() + (mode === 'auto' ? START_MS : 0);
  while (client.trouble?.kind === 'absent' && clock.monotonicMs() < untilMs) {
    await new Promise<void>((resolve) => void clock.after(LOOK_EVERY_MS, resolve));
    client.lookAgain();
  }
  return done(client);
}

/**
 * Starts a holder that outlives this process: a session of its own, no terminal, no variables of
 * the environment. Does not wait for it: one that ends at once says why in its log.
 */
export function startHolder({ command, args, path }: StartHolderOptions): HalResult {
  const folder = dirname(path);
  const logPath = join(folder, HOLDER_LOG);
  let log: number | null = null;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const size = statSync(logPath, { throwIfNoEntry: false })?.size ?? 0;
    log = openSync(logPath, size > LOG_LIMIT_BYTES ? 'w' : 'a', 0o600);
    const child = spawn(command, [...args, '--socket', path, '--on-demand'], {
      detached: true,
      stdio: ['ignore', 'ignore', log],
      cwd: '/',
      env: {},
    });
    // What could not be started has no process id; the event says no more than that.
    child.on('error', () => undefined);
    child.unref();
    if (child.pid !== undefined) return DONE;
    return failed('other', `the GPIO holder does not start: ${command} cannot be executed`);
  } catch (error) {
    const why = `the GPIO holder (${command} ${args.join(' ')}) does not start`;
    return failed('other', `${why}: ${messageOf(error)}`, error);
  } finally {
    if (log !== null) closeSync(log);
  }
}
