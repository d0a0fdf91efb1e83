/** Beats for the step, and turns what the holder's client says into a fault of the appliance. */
import type { FaultNotice } from '../../domain/step.ts';
import type { HalError, HalErrorKind, HalResult } from '../ports.ts';

/** What of the client is needed here. */
export interface Beating {
  beat(): HalResult;
}

/** The holder takes a runtime for hung after 5 s without a beat. */
const BEAT_MS = 1000;

export class HolderPulse {
  readonly #client: Beating;
  #beatAtMs = -Infinity;
  /** Kind of the raised fault; null while all lines are kept. */
  #raised: HalErrorKind | null = null;

  constructor(client: Beating) {
    this.#client = client;
  }

  /**
   * Call it with every step, after the outputs have been driven: a step that ends beats.
   * @returns `gpioHolderDown` with subject `gpio`, once per kind of trouble, and its end.
   */
  beat(nowMs: number): readonly FaultNotice[] {
    if (nowMs - this.#beatAtMs < BEAT_MS) return [];
    this.#beatAtMs = nowMs;
    const beaten = this.#client.beat();
    if (!beaten.ok) {
      if (beaten.error.kind === this.#raised) return [];
      this.#raised = beaten.error.kind;
      return [holderDown(beaten.error)];
    }
    if (this.#raised === null) return [];
    this.#raised = null;
    const detail = 'the GPIO holder keeps every output again';
    return [{ fault: 'gpioHolderDown', subject: 'gpio', raised: false, detail }];
  }
}

/** The fault where there is no holder at all (`openHolder` failed). */
export function holderDown({ message }: HalError): FaultNotice {
  const detail =
    `${message}; outputs work, but would not keep their level through a restart, and nobody ` +
    'would drop the fault relay: see docs/gpio-holder.md';
  return { fault: 'gpioHolderDown', subject: 'gpio', raised: true, detail };
}
