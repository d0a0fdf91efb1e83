/** The kernel's I2C buses, `/dev/i2c-N`: combined transfers, each bus in a thread of its own. */
import type { Clock } from '../domain/ports.ts';
import { i2cRefusal } from './bus-limits.ts';
import type { I2cBackend, I2cBus } from './bus-ports.ts';
import { ADAPTER_TIMEOUT_MS } from './native/bus-i2c.ts';
import { busThreads } from './native/bus-link.ts';
import { BusPool } from './native/bus-pool.ts';
import type { HalResult } from './ports.ts';
import { done } from './ports.ts';

export interface LinuxBusOptions {
  readonly clock: Clock;
  /** The bundled thread of a bus: dist/bus-thread.js. */
  readonly threadPath: string;
  /** Has `ioctl` in place of libc's: a stand-in that plays a bus, for tests and measurements. */
  readonly ioctlLibrary?: string;
}

/** No adapter is slower; what the speed really is cannot be asked. */
const SLOWEST_BITS_PER_MS = 10;
const BITS_PER_BYTE = 9;

export function createLinuxI2c({ threadPath, ...options }: LinuxBusOptions): I2cBackend {
  const pool = new BusPool({ ...options, start: busThreads(threadPath) });
  return {
    kind: 'linux',
    async open(path): Promise<HalResult<I2cBus>> {
      const opened = await pool.open({ kind: 'i2c', path });
      if (!opened.ok) return opened;
      const handle = opened.value;
      return done({
        path,
        transfer: (address, write, readBytes) => {
          const refusal = i2cRefusal(path, address, write.length, readBytes);
          if (refusal !== null) return Promise.resolve(refusal);
          const bits = (write.length + readBytes) * BITS_PER_BYTE;
          const withinMs = ADAPTER_TIMEOUT_MS + bits / SLOWEST_BITS_PER_MS;
          const copy = Uint8Array.from(write);
          return handle.transfer({ kind: 'i2c', address, write: copy, readBytes }, withinMs);
        },
        close: () => handle.close(),
      });
    },
  };
}
