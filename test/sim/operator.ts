/** A person on the spot and one at the centre: silences, resets, waits until fires are out. */
import type { SimulatedGpio } from '../../src/hal/simulated-gpio.ts';
import { between, type SeededRandom } from '../../src/simulator/random.ts';
import type { SimulatedBroker } from '../../src/uplink/simulated-link.ts';
import type { Ledger } from './ledger.ts';
import type { SimClock } from './sim-clock.ts';
import { BUTTONS, CHIP, ROOT } from './site.ts';

const LOOKS_EVERY_MS = 5_000;
const PRESS_MS = 200;
const PATIENCE_MS = 25_000;
/** After the flames are out, what is left of evidence needs this long to go. */
export const COOLING_MS = 30_000;

export interface OperatorDeps {
  readonly clock: SimClock;
  readonly random: SeededRandom;
  readonly gpio: SimulatedGpio;
  readonly broker: SimulatedBroker;
  readonly ledger: Ledger;
  /** When the last fire of a zone went out; Infinity while it burns, -Infinity for none. */
  readonly outSinceMs: (zone: string) => number;
  readonly onRequest: (requestId: string) => void;
}

type Wish = 'silence' | 'reset';

export class Operator {
  readonly #deps: OperatorDeps;
  readonly #asked: { readonly wish: Wish; readonly atMs: number }[] = [];
  readonly #silenceAfter = new Map<string, number>();
  #requests = 0;
  #lastResetMs = -Infinity;

  constructor(deps: OperatorDeps) {
    this.#deps = deps;
    this.#look();
  }

  /** Whether somebody asked for that within the last `withinMs`. */
  askedWithin(wish: Wish, withinMs: number): boolean {
    const sinceMs = this.#deps.clock.monotonicMs() - withinMs;
    return this.#asked.some((each) => each.wish === wish && each.atMs >= sinceMs);
  }

  /** By button, or by a command of the centre. */
  ask(wish: Wish): void {
    const { clock, random, gpio, broker } = this.#deps;
    this.#asked.push({ wish, atMs: clock.monotonicMs() });
    if (random.next() < 0.5) {
      gpio.setLevel(CHIP, BUTTONS[wish], true);
      clock.after(PRESS_MS, () => gpio.setLevel(CHIP, BUTTONS[wish], false));
      return;
    }
    this.#requests += 1;
    const requestId = `sim-${this.#requests}`;
    const publish = (): void =>
      broker.publish(`${ROOT}/command/${wish}`, JSON.stringify({ requestId }));
    publish();
    // A person who hears nothing presses again; the same request must not be carried out twice.
    if (random.next() < 0.3) clock.after(1_000, publish);
    this.#deps.onRequest(requestId);
  }

  #look(): void {
    const { clock, random, ledger, outSinceMs } = this.#deps;
    clock.after(LOOKS_EVERY_MS, () => {
      const nowMs = clock.monotonicMs();
      for (const [zone, { sinceMs, silenced }] of ledger.latched) {
        const waits = this.#silenceAfter.get(zone) ?? between(random, 10_000, 60_000);
        this.#silenceAfter.set(zone, waits);
        if (!silenced && nowMs - sinceMs > waits && !this.askedWithin('silence', PATIENCE_MS)) {
          this.ask('silence');
        }
      }
      const zones = [...ledger.latched.keys()];
      const areOut = zones.every((zone) => nowMs - outSinceMs(zone) > COOLING_MS);
      if (zones.length > 0 && areOut && nowMs - this.#lastResetMs > PATIENCE_MS) {
        this.#lastResetMs = nowMs;
        this.#silenceAfter.clear();
        this.ask('reset');
      }
      this.#look();
    });
  }
}
