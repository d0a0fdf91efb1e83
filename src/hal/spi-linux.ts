/** The kernel's SPI devices, `/dev/spidevN.M`: each chip select in a thread of its own. */
import { spiModeRefusal, spiRefusal } from './bus-limits.ts';
import type { SpiBackend, SpiDevice, SpiOptions } from './bus-ports.ts';
import type { LinuxBusOptions } from './i2c-linux.ts';
import { busThreads } from './native/bus-link.ts';
import { BusPool } from './native/bus-pool.ts';
import type { HalResult } from './ports.ts';
import { done } from './ports.ts';

/** Other chip selects of the controller come first; spidev itself has no time-out. */
const CONTROLLER_MS = 1000;
const BITS_PER_BYTE = 8;

export function createLinuxSpi({ threadPath, ...options }: LinuxBusOptions): SpiBackend {
  const pool = new BusPool({ ...options, start: busThreads(threadPath) });
  return {
    kind: 'linux',
    async open({ path, mode, speedHz }: SpiOptions): Promise<HalResult<SpiDevice>> {
      const opened = await pool.open({ kind: 'spi', path, mode });
      if (!opened.ok) return opened;
      const handle = opened.value;
      const { device } = handle;
      if (device.kind === 'spi' && device.mode !== mode) {
        await handle.close();
        return spiModeRefusal(path, device.mode, mode);
      }
      return done({
        path,
        transfer: (write) => {
          const refusal = spiRefusal(path, write.length);
          if (refusal !== null) return Promise.resolve(refusal);
          const withinMs = CONTROLLER_MS + (1000 * BITS_PER_BYTE * write.length) / speedHz;
          const copy = Uint8Array.from(write);
          return handle.transfer({ kind: 'spi', write: copy, speedHz }, withinMs);
        },
        close: () => handle.close(),
      });
    },
  };
}
