/**
 * The holder's socket in the file system. Two holders that start at once must not both believe that
 * they have it, and the file of a dead one must not be in the way: a finished socket is linked to
 * its path in one step that fails if there is one, and a stale file is moved aside before it is
 * judged, so that a live one can be put back.
 */
import { chmodSync, linkSync, lstatSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Libc, SystemResult } from '../native/libc.ts';
import { errorKindOf, messageOf } from '../os-errors.ts';
import type { HalResult } from '../ports.ts';
import { done, failed } from '../ports.ts';
import { closeDescriptor } from './descriptors.ts';

/** The kernel takes 107 bytes; what is left is for the names used on the way. */
export const SOCKET_PATH_LIMIT = 88;

const BACKLOG = 8;
const ROUNDS = 5;

/** Null: the path can name the holder's socket. */
export function pathProblem(path: string): ReturnType<typeof failed> | null {
  const bytes = Buffer.byteLength(path);
  if (path.startsWith('/') && bytes <= SOCKET_PATH_LIMIT) return null;
  return failed(
    'other',
    `${path} cannot name the GPIO holder's socket: use an absolute path of at most ` +
      `${SOCKET_PATH_LIMIT} bytes (it has ${bytes})`,
  );
}

/** Tells the file of one socket from that of another; null where there is none. */
export function identityOf(path: string): string | null {
  try {
    const found = lstatSync(path, { throwIfNoEntry: false });
    // Some file systems give the number of a removed file to the next one.
    return found === undefined ? null : `${found.ino}:${found.birthtimeMs}`;
  } catch {
    return null; // its folder cannot be read: as good as gone, for every runtime too
  }
}

/**
 * A listening, non-blocking socket at `path`, for its owner alone (mode 0600).
 * Errors: `busy`: a holder listens there. `permission`, `absent`, `other`: none can be made.
 */
export function publishSocket(libc: Libc, path: string, pid: number): HalResult<number> {
  const unusable = pathProblem(path);
  if (unusable !== null) return unusable;
  const own = `${path}.${pid}`;
  let socket: number | null = null;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    rmSync(own, { force: true });
    socket = must('socket', libc.unixSocket(true));
    must('bind', libc.bind(socket, own));
    // Before it listens nobody can have connected.
    chmodSync(own, 0o600);
    must('listen', libc.listen(socket, BACKLOG));
    if (publish(libc, path, own, `${path}.old.${pid}`)) return done(socket);
    closeDescriptor(socket);
    return failed('busy', `${path}: another GPIO holder listens there`);
  } catch (error) {
    if (socket !== null) closeDescriptor(socket);
    const why = `${path}: no socket for the GPIO holder: ${messageOf(error)}`;
    return failed(errorKindOf(error), why, error);
  } finally {
    rmSync(own, { force: true });
  }
}

/** False where a live holder has the path. Throws where files cannot be linked or moved. */
function publish(libc: Libc, path: string, own: string, aside: string): boolean {
  for (let round = 0; round < ROUNDS; round++) {
    if (happened('EEXIST', () => linkSync(own, path))) return true;
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) continue;
    if (!found.isSocket()) throw new Error('what is there is no socket: remove it');
    if (listens(libc, path)) return false;
    // Where it has just been taken away, or replaced, by another holder: look again.
    if (!happened('ENOENT', () => renameSync(path, aside))) continue;
    const isLive = listens(libc, aside);
    if (isLive) happened('EEXIST', () => linkSync(aside, path));
    rmSync(aside, { force: true });
    if (isLive) return false;
  }
  throw new Error('other holders keep taking it');
}

/** False where it ended with that code; other errors are thrown. */
function happened(unless: 'EEXIST' | 'ENOENT', action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === unless) return false;
    throw error;
  }
}

/** Whether somebody accepts connections; a doubt counts as somebody. */
function listens(libc: Libc, path: string): boolean {
  const socket = must('socket', libc.unixSocket(true));
  const connected = libc.connect(socket, path);
  closeDescriptor(socket);
  return connected.ok || (connected.code !== 'ECONNREFUSED' && connected.code !== 'ENOENT');
}

function must(call: string, result: SystemResult): number {
  if (result.ok) return result.value;
  throw Object.assign(new Error(`${call}: ${result.code}`), { code: result.code });
}
