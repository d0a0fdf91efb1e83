/**
 * I2C buses without hardware: devices are objects at addresses, transfers take as long as their
 * bits would, and everything that goes wrong on a wire can be made to go wrong.
 */
import type { Clock } from '../domain/ports.ts';
import { i2cPlace, i2cRefusal } from './bus-limits.ts';
import type { I2cBackend, I2cBus } from './bus-ports.ts';
import type { RunningTransfer } from './bus-queue.ts';
import { BusQueue } from './bus-queue.ts';
import type { HalErrorKind, HalResult } from './ports.ts';
import { done, failed } from './ports.ts';

/** What hangs on a simulated bus. Null: it does not acknowledge. Fewer bytes: a short read. */
export interface SimulatedI2cDevice {
  transfer(write: Uint8Array, readBytes: number): Uint8Array | null;
}

export interface SimulatedI2cOptions {
  readonly clock: Clock;
  /** Bits a second on every bus, default 400,000. */
  readonly speedHz?: number;
}

interface Wire {
  readonly devices: Map<number, SimulatedI2cDevice>;
  plugged: boolean;
  readonly queue: BusQueue;
}

/** Nine clock cycles a byte, and the address byte of each direction. */
const BITS_PER_BYTE = 9;

export class SimulatedI2c implements I2cBackend {
  readonly kind = 'simulated';
  /** Refuses openings. */
  openFault: HalErrorKind | null = null;
  /** Fails every transfer: `other` is EIO, `timeout` a stuck bus. */
  transferFault: HalErrorKind | null = null;
  speedHz: number;
  /** Handles that are open: a leak shows here. */
  handles = 0;
  transfers = 0;
  readonly #clock: Clock;
  readonly #wires = new Map<string, Wire>();

  constructor({ clock, speedHz = 400_000 }: SimulatedI2cOptions) {
    this.#clock = clock;
    this.speedHz = speedHz;
  }

  /** Puts a bus there. */
  plug(path: string): void {
    this.#wire(path).plugged = true;
  }

  /** Takes the bus away under its users. */
  unplug(path: string): void {
    this.#wire(path).plugged = false;
  }

  /** Puts a device on a bus, in place of what was at that address; returns what removes it. */
  attach(path: string, address: number, device: SimulatedI2cDevice): () => void {
    this.plug(path);
    const { devices } = this.#wire(path);
    devices.set(address, device);
    return () => {
      if (devices.get(address) === device) devices.delete(address);
    };
  }

  open(path: string): Promise<HalResult<I2cBus>> {
    return Promise.resolve(this.#open(path));
  }

  #open(path: string): HalResult<I2cBus> {
    const wire = this.#wire(path);
    if (this.openFault !== null) {
      return failed(this.openFault, `${path} cannot be opened (simulated ${this.openFault})`);
    }
    if (!wire.plugged) return failed('absent', `${path} is not there (simulated)`);
    const user = wire.queue.user();
    let open = true;
    this.handles += 1;
    return done({
      path,
      transfer: (address, write, readBytes) => {
        const refusal = i2cRefusal(path, address, write.length, readBytes);
        if (refusal !== null) return Promise.resolve(refusal);
        const bytes = Uint8Array.from(write);
        return user.transfer(() => this.#run(path, wire, address, bytes, readBytes));
      },
      close: () => {
        if (open) this.handles -= 1;
        open = false;
        user.close();
        return Promise.resolve();
      },
    });
  }

  #wire(path: string): Wire {
    const known = this.#wires.get(path);
    if (known !== undefined) return known;
    const wire: Wire = { devices: new Map(), plugged: false, queue: new BusQueue(path) };
    this.#wires.set(path, wire);
    return wire;
  }

  /** Takes its time, then happens; abandoned before that it leaves the device as it was. */
  #run(
    path: string,
    wire: Wire,
    address: number,
    write: Uint8Array,
    readBytes: number,
  ): RunningTransfer {
    const bytes = write.length + readBytes + (write.length > 0 && readBytes > 0 ? 2 : 1);
    return simulatedTransfer(this.#clock, (1000 * bytes * BITS_PER_BYTE) / this.speedHz, () =>
      this.#transfer(path, wire, address, write, readBytes),
    );
  }

  #transfer(
    path: string,
    wire: Wire,
    address: number,
    write: Uint8Array,
    readBytes: number,
  ): HalResult<Uint8Array> {
    const at = i2cPlace(path, address);
    this.transfers += 1;
    if (!wire.plugged) return failed('absent', `${path} is gone (simulated)`);
    if (this.transferFault !== null) {
      return failed(this.transferFault, `${at}: ${this.transferFault} (simulated)`);
    }
    const answer = wire.devices.get(address)?.transfer(write, readBytes) ?? null;
    if (answer === null) return failed('noAnswer', `${at}: not acknowledged (simulated)`);
    if (answer.length < readBytes) {
      return failed('corrupt', `${at}: ${answer.length} of ${readBytes} bytes (simulated)`);
    }
    return done(answer.slice());
  }
}

/** For simulated buses: `happen` runs after `ms`, unless the user has gone by then. */
export function simulatedTransfer(
  clock: Clock,
  ms: number,
  happen: () => HalResult<Uint8Array>,
): RunningTransfer {
  let abandon: () => void = () => undefined;
  const result = new Promise<HalResult<Uint8Array>>((resolve) => {
    const cancel = clock.after(ms, () => resolve(happen()));
    abandon = () => {
      cancel();
      resolve(failed('other', 'abandoned (simulated)'));
    };
  });
  return { result, abandon };
}
