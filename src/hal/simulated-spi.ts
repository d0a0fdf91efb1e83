/** SPI without hardware: chips are objects behind their chip selects. */
import type { Clock } from '../domain/ports.ts';
import { spiModeRefusal, spiRefusal } from './bus-limits.ts';
import type { SpiBackend, SpiDevice, SpiOptions } from './bus-ports.ts';
import { BusQueue } from './bus-queue.ts';
import type { HalErrorKind, HalResult } from './ports.ts';
import { done, failed } from './ports.ts';
import { simulatedTransfer } from './simulated-i2c.ts';

/** What answers on a chip select: as many bytes as came. */
export interface SimulatedSpiChip {
  transfer(write: Uint8Array): Uint8Array;
}

/** A chip select in use: one chip, one mode, one transfer at a time. */
interface Select {
  readonly queue: BusQueue;
  readonly mode: number;
  users: number;
}

export class SimulatedSpi implements SpiBackend {
  readonly kind = 'simulated';
  openFault: HalErrorKind | null = null;
  transferFault: HalErrorKind | null = null;
  /** Handles that are open: a leak shows here. */
  handles = 0;
  readonly #clock: Clock;
  readonly #chips = new Map<string, SimulatedSpiChip>();
  readonly #selects = new Map<string, Select>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns what takes the device node away. */
  attach(path: string, chip: SimulatedSpiChip): () => void {
    this.#chips.set(path, chip);
    return () => {
      if (this.#chips.get(path) === chip) this.#chips.delete(path);
    };
  }

  open({ path, mode, speedHz }: SpiOptions): Promise<HalResult<SpiDevice>> {
    return Promise.resolve(this.#open(path, mode, speedHz));
  }

  #open(path: string, mode: number, speedHz: number): HalResult<SpiDevice> {
    if (this.openFault !== null) {
      return failed(this.openFault, `${path} cannot be opened (simulated ${this.openFault})`);
    }
    if (!this.#chips.has(path)) return failed('absent', `${path} is not there (simulated)`);
    const select = this.#selects.get(path) ?? { queue: new BusQueue(path), mode, users: 0 };
    if (select.mode !== mode) return spiModeRefusal(path, select.mode, mode);
    this.#selects.set(path, select);
    select.users += 1;
    this.handles += 1;
    const user = select.queue.user();
    let open = true;
    return done({
      path,
      transfer: (write) => {
        const refusal = spiRefusal(path, write.length);
        if (refusal !== null) return Promise.resolve(refusal);
        const bytes = Uint8Array.from(write);
        const ms = (8000 * bytes.length) / speedHz;
        return user.transfer(() =>
          simulatedTransfer(this.#clock, ms, () => this.#transfer(path, bytes)),
        );
      },
      close: () => {
        user.close();
        if (open) this.#release(path, select);
        open = false;
        return Promise.resolve();
      },
    });
  }

  #release(path: string, select: Select): void {
    this.handles -= 1;
    select.users -= 1;
    if (select.users === 0) this.#selects.delete(path);
  }

  #transfer(path: string, bytes: Uint8Array): HalResult<Uint8Array> {
    const chip = this.#chips.get(path);
    if (chip === undefined) return failed('absent', `${path} is gone (simulated)`);
    if (this.transferFault !== null) {
      return failed(this.transferFault, `${path}: ${this.transferFault} (simulated)`);
    }
    return done(chip.transfer(bytes));
  }
}
