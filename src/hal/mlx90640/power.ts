/** A GPIO line that switches an array's supply: the only cure for an array that has hung itself. */
import type { GpioBackend, HalResult, LineAddress } from '../ports.ts';
import type { DigitalOutput } from '../ports.ts';
import { DONE } from '../ports.ts';

export class PowerSwitch {
  readonly #gpio: GpioBackend;
  readonly #name: string;
  readonly #at: LineAddress;
  #line: DigitalOutput | null = null;

  constructor(gpio: GpioBackend, name: string, at: LineAddress) {
    this.#gpio = gpio;
    this.#name = name;
    this.#at = at;
  }

  /** Switches the supply; the first call, and the one after a failure, opens the line with it. */
  set(on: boolean): HalResult {
    if (this.#line !== null) {
      const written = this.#line.write(on);
      // A line whose chip was unplugged stays dead for whoever holds it.
      if (!written.ok) this.close();
      return written;
    }
    const opened = this.#gpio.openOutput(this.#name, this.#at, on);
    if (!opened.ok) return opened;
    this.#line = opened.value;
    return DONE;
  }

  /** Gives the line up without moving it. */
  close(): void {
    this.#line?.close();
    this.#line = null;
  }
}
