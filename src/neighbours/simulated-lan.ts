/** A network without wires: datagrams between ports, with faults to order. */
import type { Clock, Random } from '../domain/ports.ts';
import type { LanEvents, LanPort, OpenLan } from './lan-port.ts';

export interface LanFaults {
  /** Share of datagrams that get lost, 0..1. */
  loss: number;
  /** Share that arrives twice, 0..1. */
  doubled: number;
  /** Longest time under way; each takes a random part of it, so that they overtake. */
  delayMs: number;
  /** Ports that nobody reaches, and that reach nobody. */
  readonly cutOff: Set<number>;
}

export class SimulatedLan {
  readonly faults: LanFaults = { loss: 0, doubled: 0, delayMs: 1, cutOff: new Set() };
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #ports = new Map<number, LanEvents>();
  #next = 40_000;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  readonly open: OpenLan = (at, events) => {
    const port = at.port === 0 ? this.#next++ : at.port;
    if (this.#ports.has(port)) {
      return Promise.resolve({ ok: false, error: `port ${port} is in use` });
    }
    this.#ports.set(port, events);
    let open = true;
    const value: LanPort = {
      port,
      send: (bytes, to) => {
        if (open) this.#carry(port, to.port, Uint8Array.from(bytes));
      },
      close: () => {
        open = false;
        if (this.#ports.get(port) === events) this.#ports.delete(port);
        return Promise.resolve();
      },
    };
    return Promise.resolve({ ok: true, value });
  };

  /** As if somebody on the network had sent it. */
  inject(bytes: Uint8Array, to: number): void {
    this.#ports.get(to)?.onDatagram(bytes);
  }

  #carry(from: number, to: number, bytes: Uint8Array): void {
    const { loss, doubled, delayMs, cutOff } = this.faults;
    if (cutOff.has(from) || cutOff.has(to) || this.#random.next() < loss) return;
    const copies = this.#random.next() < doubled ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      this.#clock.after(this.#random.next() * delayMs, () => {
        if (!cutOff.has(to)) this.inject(bytes, to);
      });
    }
  }
}
