/** What we listen to at a broker; a subscription that it refuses is asked for again and again. */
import type { Cancel, Clock, Log } from '../domain/ports.ts';
import type { SubscribeResult } from './link.ts';

export interface Subscription {
  readonly filter: string;
  /** Whether copies that the broker stored are wanted. */
  readonly retained: boolean;
}

export interface SubscriptionsDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly retryMs: number;
  readonly subscribe: (
    filter: string,
    options: { readonly retained: boolean },
  ) => Promise<SubscribeResult>;
  /** What is refused now, for people; null: nothing. */
  readonly onRefused: (detail: string | null) => void;
}

export class Subscriptions {
  readonly #deps: SubscriptionsDeps;
  readonly #refused = new Map<string, string>();
  #connection = 0;
  #cancels: Cancel[] = [];

  constructor(deps: SubscriptionsDeps) {
    this.#deps = deps;
  }

  /** A new connection: nothing of an earlier one holds. */
  connected(wanted: readonly Subscription[]): void {
    this.disconnected();
    for (const one of wanted) void this.#ask(one, this.#connection);
  }

  disconnected(): void {
    this.#connection += 1;
    for (const cancel of this.#cancels) cancel();
    this.#cancels = [];
  }

  async #ask(one: Subscription, connection: number): Promise<void> {
    const { clock, log, retryMs, subscribe } = this.#deps;
    const { filter, retained } = one;
    const result = await subscribe(filter, { retained });
    if (connection !== this.#connection) return;
    if (result.kind === 'subscribed') {
      if (this.#refused.delete(filter)) this.#tell();
      return;
    }
    if (!this.#refused.has(filter)) {
      log('error', 'the broker did not accept a subscription', { filter, reason: result.reason });
    }
    this.#refused.set(filter, result.reason);
    this.#tell();
    this.#cancels.push(clock.after(retryMs, () => void this.#ask(one, connection)));
  }

  #tell(): void {
    const list = [...this.#refused].map(([filter, reason]) => `${filter} (${reason})`);
    const detail =
      `the broker does not let us listen to ${list.join(', ')}: allow it in its access rules; ` +
      'commands and confirmations do not arrive by this broker';
    this.#deps.onRefused(list.length === 0 ? null : detail);
  }
}
