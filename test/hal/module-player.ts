/** A simulated GY-MCU90640 that sends by the clock over a simulated serial line. */
import type { Cancel } from '../../src/domain/ports.ts';
import type { SimulatedBoardEnd } from '../../src/hal/simulated-serial.ts';
import type { GyMcu90640 } from '../../src/simulator/gy-mcu90640.ts';
import type { ManualClock } from './manual-clock.ts';

export class ModulePlayer {
  readonly #clock: ManualClock;
  readonly #end: SimulatedBoardEnd;
  readonly #module: GyMcu90640;
  readonly #periodMs: number;
  #cancel: Cancel;

  constructor(clock: ManualClock, end: SimulatedBoardEnd, module: GyMcu90640, rateHz: number) {
    this.#clock = clock;
    this.#end = end;
    this.#module = module;
    this.#periodMs = 1000 / rateHz;
    end.onReceive((bytes) => module.hear(bytes));
    this.#cancel = clock.after(this.#periodMs, () => this.#send());
  }

  stop(): void {
    this.#cancel();
  }

  #send(): void {
    const bytes = this.#module.period(this.#clock.monotonicMs() / 1000);
    // As a real line delivers: in pieces that know nothing of frames.
    for (let at = 0; at < bytes.length; at += 500) this.#end.send(bytes.subarray(at, at + 500));
    this.#cancel = this.#clock.after(this.#periodMs, () => this.#send());
  }
}
