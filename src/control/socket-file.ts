/**
 * A listening unix socket in the file system whose mode and group are right before anybody can
 * connect: it is made in a folder that only this process may enter, and then moved to its path,
 * which also replaces the file of a dead process in one step.
 */
import { chmodSync, chownSync, lstatSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';

/** What the kernel takes, less its end. */
export const SOCKET_PATH_LIMIT = 107;
/** Reading and writing for owner and group, nothing for others. */
const SOCKET_MODE = 0o660;
const FOLDER_MODE = 0o755;

export interface SocketFile {
  readonly path: string;
  /** Group that may connect; null: the group of this process. */
  readonly gid: number | null;
  /** Names the folder in which it is made. */
  readonly pid: number;
}

/** @returns how to take it away again, or why there is none */
export async function publishSocket(
  server: Server,
  { path, gid, pid }: SocketFile,
): Promise<{ readonly remove: () => void } | { readonly trouble: string }> {
  const folder = join(dirname(path), `.new-${pid}`);
  const made = join(folder, 's');
  const longest = Math.max(Buffer.byteLength(path), Buffer.byteLength(made));
  if (longest > SOCKET_PATH_LIMIT) {
    const limit = `a socket's path has at most ${SOCKET_PATH_LIMIT} bytes, this one ${longest}`;
    return { trouble: `${path}: ${limit}: choose a shorter state.runDirectory` };
  }
  try {
    const isNew = mkdirSync(dirname(path), { recursive: true }) !== undefined;
    // Also where a service's umask shuts others out: who may what is a matter of each socket.
    if (isNew) chmodSync(dirname(path), FOLDER_MODE);
    const inTheWay = await occupant(path);
    if (inTheWay !== null) return { trouble: `${path}: ${inTheWay}` };
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { mode: 0o700 });
    await listen(server, made);
    if (gid !== null) chownSync(made, -1, gid);
    chmodSync(made, SOCKET_MODE);
    renameSync(made, path);
    const own = identityOf(path);
    return {
      remove: () => {
        if (identityOf(path) === own) rmSync(path, { force: true });
      },
    };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { trouble: `${path}: no socket can be made: ${why}` };
  } finally {
    clear(folder);
  }
}

/** Where it cannot be removed there is none, or the trouble is told already: it must not throw. */
function clear(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // An empty folder of this process is left, which the next start of the same number removes.
  }
}

/** What must not be replaced, in words; null where the path is free or was left by the dead. */
async function occupant(path: string): Promise<string | null> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return null;
  if (!found.isSocket()) return 'what is there is no socket: remove it';
  return (await isLive(path)) ? 'another appliance listens there: stop it first' : null;
}

/** Whether somebody accepts connections; a doubt counts as somebody. */
function isLive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function identityOf(path: string): string | null {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found === undefined ? null : `${found.dev}:${found.ino}`;
}
