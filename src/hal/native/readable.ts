/** Hears when a descriptor that Node cannot watch (a GPIO line, a libc socket) has something. */
import { messageOf } from '../os-errors.ts';
import type { HalResult } from '../ports.ts';
import { done, failed } from '../ports.ts';

export interface Watch {
  /** Harmless when repeated; the descriptor stays open. */
  close(): void;
}

/** Calls `ready` on the event loop while there is something to read: read it all. */
export type WatchReadable = (
  fd: number,
  ready: () => void,
  trouble: (error: Error) => void,
) => HalResult<Watch>;

/** Loads on demand, as the native parts all do. */
export async function loadWatchReadable(): Promise<HalResult<WatchReadable>> {
  try {
    const { default: epoll } = await import('epoll');
    const { Epoll } = epoll;
    return done((fd, ready, trouble) => {
      try {
        const watcher = new Epoll((error) => {
          if (error === null) ready();
          else trouble(error);
        });
        watcher.add(fd, Epoll.EPOLLIN);
        let open = true;
        return done({
          close: () => {
            if (!open) return;
            open = false;
            watcher.remove(fd).close();
          },
        });
      } catch (error) {
        return failed('other', `descriptor ${fd} cannot be watched: ${messageOf(error)}`, error);
      }
    });
  } catch (error) {
    return failed('other', `the package epoll does not load: ${messageOf(error)}`, error);
  }
}
