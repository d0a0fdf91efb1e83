/** Makes of the polls of one unit a single fault, raised once per kind of trouble and restored. */
import type { FaultNotice } from '../../domain/step.ts';
import type { HalError, HalErrorKind } from '../ports.ts';

/** Noise spoils a poll now and then: the reading is missing, and no fault before the second. */
const TOLERATED: Partial<Record<HalErrorKind, number>> = { timeout: 1, corrupt: 1 };

interface Trouble {
  readonly error: HalError;
  readonly times: number;
}

export class UnitHealth<G> {
  readonly #groups: readonly G[];
  readonly #subject: string;
  readonly #fault: (notice: FaultNotice) => void;
  readonly #troubles = new Map<G, Trouble>();
  #raised: HalErrorKind | null = null;

  constructor(groups: readonly G[], subject: string, fault: (notice: FaultNotice) => void) {
    this.#groups = groups;
    this.#subject = subject;
    this.#fault = fault;
  }

  failed(group: G, error: HalError): void {
    const before = this.#troubles.get(group);
    this.#troubles.set(group, { error, times: (before?.times ?? 0) + 1 });
    this.#tell();
  }

  /** @param where for the restoration: `unit 7 on /dev/ttyUSB0` */
  succeeded(group: G, where: string): void {
    if (this.#troubles.delete(group)) this.#tell(where);
  }

  /** The first group in trouble speaks for all; the fault stays while any is. */
  #tell(where = ''): void {
    const worst = this.#groups
      .map((group) => this.#troubles.get(group))
      .find((one) => one !== undefined && one.times > (TOLERATED[one.error.kind] ?? 0));
    const kind = worst?.error.kind ?? null;
    if (kind === this.#raised) return;
    if (worst === undefined && this.#troubles.size > 0) return;
    this.#raised = kind;
    this.#fault({
      fault: 'modbusUnavailable',
      subject: this.#subject,
      raised: kind !== null,
      detail: worst?.error.message ?? `${where} answers`,
    });
  }
}
