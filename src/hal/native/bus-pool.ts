/** All buses of one backend: each device node has one thread, however many sensors share it. */
import type { Clock } from '../../domain/ports.ts';
import type { HalResult } from '../ports.ts';
import { done, failed } from '../ports.ts';
import { SharedHandles } from '../shared-handles.ts';
import { BusConnection } from './bus-connection.ts';
import type { StartBusThread } from './bus-link.ts';
import type { BusDevice, BusRequest } from './bus-messages.ts';

export interface BusPoolOptions {
  readonly clock: Clock;
  readonly start: StartBusThread;
  /** Has `ioctl` in place of libc's: a stand-in that plays a bus, for tests and measurements. */
  readonly ioctlLibrary?: string;
}

/** One user's share of a bus. */
export interface BusHandle {
  /** As the first user opened it. */
  readonly device: BusDevice;
  transfer(request: BusRequest, withinMs: number): Promise<HalResult<Uint8Array>>;
  close(): Promise<void>;
}

export class BusPool {
  readonly #options: BusPoolOptions;
  readonly #connections: SharedHandles<BusConnection>;
  /** Threads that hang in the kernel with their device: it is not opened twice. */
  readonly #left = new Map<string, BusConnection>();

  constructor(options: BusPoolOptions) {
    this.#options = options;
    this.#connections = new SharedHandles<BusConnection>(
      async (connection) => {
        if (!(await connection.close())) this.#leave(connection);
      },
      (connection) => connection.usable,
    );
  }

  async open(device: BusDevice): Promise<HalResult<BusHandle>> {
    const { path } = device;
    const acquired = await this.#connections.acquire(path, () => this.#connect(device));
    if (!acquired.ok) return acquired;
    const shared = acquired.value;
    const connection = shared.value;
    const user = connection.queue.user();
    return done({
      device: connection.device,
      transfer: (request, withinMs) => user.transfer(() => connection.transfer(request, withinMs)),
      close: async () => {
        user.close();
        await shared.release();
      },
    });
  }

  #connect(device: BusDevice): Promise<HalResult<BusConnection>> {
    const { path } = device;
    if (this.#left.has(path)) {
      const why = `the thread that had ${path} before still hangs in the kernel`;
      return Promise.resolve(failed('absent', `${why}: restart the machine if it lasts`));
    }
    const { clock, start, ioctlLibrary = null } = this.#options;
    return BusConnection.open({ clock, start, device, ioctlLibrary }, (left) => this.#leave(left));
  }

  #leave(connection: BusConnection): void {
    const { path } = connection.device;
    this.#left.set(path, connection);
    void connection.exit.then(() => {
      if (this.#left.get(path) === connection) this.#left.delete(path);
    });
  }
}
