/**
 * Reading sockets into one buffer that all of them share.
 *
 * Node offers this (`onread`) for sockets that dial out, not for those that a server accepts. There
 * it makes a new 64 kB buffer for each read, which under a flood is garbage faster than it is
 * collected (140 MB resident where 65 MB do), and takes 64 kB of one client before the next has its
 * turn. So the accepted socket's handle moves into a new socket. Should a version of Node keep its
 * handles elsewhere, the accepted socket is used as it is: slower, and right.
 */
import { Socket, type SocketConstructorOpts } from 'node:net';

export interface ReadOptions {
  /** Shared: `onBytes` must take what it needs before it returns. */
  readonly buffer: Uint8Array;
  /** Returns whether to go on reading; after false, `resume` the socket. */
  readonly onBytes: (bytes: Uint8Array) => boolean;
}

/**
 * Starts reading `accepted`, which must have been accepted paused (`pauseOnConnect`).
 *
 * @returns the socket to use from now on; `accepted` is of no use any more
 */
export function readInto(accepted: Socket, options: ReadOptions): Socket {
  const handle: unknown = Reflect.get(accepted, '_handle');
  const socket =
    typeof handle === 'object' && handle !== null ? moved(accepted, handle, options) : accepted;
  if (socket === accepted) {
    socket.on('data', (bytes) => {
      if (typeof bytes !== 'string' && !options.onBytes(bytes)) socket.pause();
    });
  }
  socket.resume();
  return socket;
}

function moved(accepted: Socket, handle: object, options: ReadOptions): Socket {
  Reflect.set(accepted, '_handle', null);
  // Without its handle this closes nothing; it only leaves the server's list.
  accepted.destroy();
  const { buffer, onBytes } = options;
  const callback = (count: number, bytes: Uint8Array): boolean => onBytes(bytes.subarray(0, count));
  const withHandle: SocketConstructorOpts & { handle: object; onread: object } = {
    handle,
    onread: { buffer, callback },
  };
  return new Socket(withHandle);
}
