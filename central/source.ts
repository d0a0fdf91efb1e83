/** Where messages come from, whatever broker it is. */
import type { Delivery } from './intake.ts';

export interface Source {
  /**
   * Delivers until the signal says stop, connecting again for ever; then resolves. The connection
   * stays, so that what was delivered can still be acknowledged. Rejects only for what no waiting
   * cures, with a remedy.
   * @param onDelivery resolves when there is room for more.
   */
  run(onDelivery: (delivery: Delivery) => Promise<void>, signal: AbortSignal): Promise<void>;
  /** Sends a message of our own, or leaves it where there is no connection. */
  publish(topic: string, payload: string): void;
  /** After `run` has resolved: sends what is still to be sent and closes. */
  close(): Promise<void>;
}

export interface Login {
  readonly user: string | null;
  readonly password: string | null;
  /** Files in PEM; null: plain, or what the system trusts. */
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}
