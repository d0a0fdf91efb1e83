/**
 * Several addresses of one destination behind one transport: tries them in order, and goes back to
 * the first once that has been reachable for a while. There is one cursor, because to the link
 * above it is one broker whose connection ended: what was not acknowledged is sent again.
 *
 * ```
 * first --fails `tries` times--> next --fails--> ... --> first again, one try each from here on
 *   ^                              |
 *   +-- probed well for a while ---+   the while doubles each time that a return did not last
 * ```
 */
import type { Cancel, Clock, Log } from '../domain/ports.ts';
import type { CertificateTerm } from './certificates.ts';
import type { Will } from './link.ts';
import type { Session, SessionEnd, SessionEvents, Transport } from './transport.ts';

export interface FailoverAddress {
  readonly transport: Transport;
  /** Looks whether it would take us, beside the running connection; null: it would. */
  readonly probe: (answer: (trouble: string | null) => void) => Cancel;
}

export interface FailoverOptions {
  /** Failed attempts at an address before the next one is taken. */
  readonly tries: number;
  /** A connection that lasted so long makes the failures before it forgotten. */
  readonly steadyMs: number;
  readonly probeEveryMs: number;
  /** The first address must answer every probe for so long before it is used again. */
  readonly failBackAfterMs: number;
  /** Bound of what the doubling makes of it. */
  readonly failBackMaxMs: number;
  /** How long a return waits for a moment in which nothing is unanswered. */
  readonly quietWithinMs: number;
}

export const DEFAULT_FAILOVER: FailoverOptions = {
  tries: 3,
  steadyMs: 30_000,
  probeEveryMs: 15_000,
  failBackAfterMs: 120_000,
  failBackMaxMs: 3_600_000,
  quietWithinMs: 2000,
};

export interface FailoverDeps {
  readonly clock: Clock;
  readonly log: Log;
}

/** @param addresses at least one, the preferred one first. */
export class FailoverTransport implements Transport {
  readonly #addresses: readonly FailoverAddress[];
  readonly #options: FailoverOptions;
  readonly #deps: FailoverDeps;
  readonly #failures: number[];
  #index = 0;
  /** Returns to the first address that did not last, in a row. */
  #failedReturns = 0;
  #returnedAtMs: number | null = null;
  #session: PlacedSession | null = null;
  #probing: Cancel = () => undefined;

  constructor(
    addresses: readonly FailoverAddress[],
    deps: FailoverDeps,
    options: FailoverOptions = DEFAULT_FAILOVER,
  ) {
    this.#addresses = addresses;
    this.#deps = deps;
    this.#options = options;
    this.#failures = addresses.map(() => 0);
  }

  /** The address that is in use or tried next. */
  get address(): string {
    return this.#present.transport.address;
  }

  get #present(): FailoverAddress {
    const present = this.#addresses[this.#index];
    if (present === undefined) throw new RangeError('a transport needs an address');
    return present;
  }

  certificates(): Promise<readonly CertificateTerm[]> {
    return this.#present.transport.certificates?.() ?? Promise.resolve([]);
  }

  begin(will: Will | null, events: SessionEvents): Session {
    const { transport } = this.#present;
    const place = { index: this.#index, address: transport.address };
    const session: PlacedSession = new PlacedSession(this.#deps.clock, {
      onOpen: (info) => {
        if (place.index > 0) this.#probeFor(session, events);
        events.onOpen({ ...info, place });
      },
      onMessage: (message) => events.onMessage(message),
      onEnded: (end) => {
        const changed = this.#over(session);
        events.onEnded(changed ? { ...end, retryAtOnce: true } : end);
      },
      onDropped: () => this.#over(session),
    });
    this.#session = session;
    session.start(transport, will);
    return session;
  }

  /** Books the end of a session. @returns whether another address is next that deserves haste. */
  #over(session: PlacedSession): boolean {
    if (this.#session !== session) return false;
    this.#session = null;
    this.#probing();
    if (session.leaving) return false;
    const { steadyMs, tries } = this.#options;
    const wasSteady = session.openForMs >= steadyMs;
    const failures = (wasSteady ? 0 : (this.#failures[this.#index] ?? 0)) + 1;
    this.#failures[this.#index] = failures;
    if (failures < tries || this.#addresses.length === 1) return false;
    return this.#next();
  }

  #next(): boolean {
    const from = this.address;
    if (this.#index === 0) this.#judgeReturn();
    this.#index = (this.#index + 1) % this.#addresses.length;
    this.#deps.log('warn', 'the next address of the broker is tried', { from, to: this.address });
    // After a whole round nothing answers anywhere: then there is no haste.
    return this.#index > 0 && (this.#failures[this.#index] ?? 0) < this.#options.tries;
  }

  /** The first address is left: did it serve for as long as it had to be proven? */
  #judgeReturn(): void {
    const { clock } = this.#deps;
    const backForMs = clock.monotonicMs() - (this.#returnedAtMs ?? -Infinity);
    this.#failedReturns = backForMs < this.#provenAfterMs ? this.#failedReturns + 1 : 0;
    this.#returnedAtMs = null;
  }

  get #provenAfterMs(): number {
    const { failBackAfterMs, failBackMaxMs } = this.#options;
    return Math.min(failBackAfterMs * 2 ** Math.min(this.#failedReturns, 20), failBackMaxMs);
  }

  /** Looks at the first address for as long as `session`, on another one, lasts. */
  #probeFor(session: PlacedSession, events: SessionEvents): void {
    const { clock, log } = this.#deps;
    const { probeEveryMs } = this.#options;
    let goodSinceMs: number | null = null;
    const again = (): void => {
      this.#probing = clock.after(probeEveryMs, probe);
    };
    const answered = (trouble: string | null): void => {
      const nowMs = clock.monotonicMs();
      if (trouble === null) goodSinceMs ??= nowMs;
      else goodSinceMs = null;
      if (goodSinceMs === null || nowMs - goodSinceMs < this.#provenAfterMs) {
        again();
        return;
      }
      log('info', 'the first address of the broker answers again; going back to it', {
        from: this.address,
        to: this.#addresses[0]?.transport.address ?? '',
      });
      this.#goBack(session, events);
    };
    const probe = (): void => {
      this.#probing = this.#addresses[0]?.probe(answered) ?? again;
    };
    again();
  }

  #goBack(session: PlacedSession, events: SessionEvents): void {
    this.#probing = session.whenQuiet(this.#options.quietWithinMs, () => {
      const reason = `going back from ${this.address} to the first address`;
      this.#index = 0;
      this.#returnedAtMs = this.#deps.clock.monotonicMs();
      session.leave();
      this.#session = null;
      events.onEnded({ reason, byPeer: false, retryAtOnce: true });
    });
  }
}

interface PlacedEvents extends SessionEvents {
  /** The link gave the session up by itself: for silence, or because it is closed. */
  onDropped(): void;
}

/** A session of one address: knows how long it was open, and what is unanswered. */
class PlacedSession implements Session {
  readonly #clock: Clock;
  readonly #events: PlacedEvents;
  #session: Session | null = null;
  #openedAtMs: number | null = null;
  #unanswered = 0;
  #over = false;
  #leaving = false;
  #onQuiet: () => void = () => undefined;

  constructor(clock: Clock, events: PlacedEvents) {
    this.#clock = clock;
    this.#events = events;
  }

  get openForMs(): number {
    return this.#openedAtMs === null ? 0 : this.#clock.monotonicMs() - this.#openedAtMs;
  }

  /** It ends because we want it to, not because the address failed. */
  get leaving(): boolean {
    return this.#leaving;
  }

  start(transport: Transport, will: Will | null): void {
    this.#session = transport.begin(will, {
      onOpen: (info) => {
        this.#openedAtMs = this.#clock.monotonicMs();
        this.#events.onOpen(info);
      },
      onMessage: (message) => this.#events.onMessage(message),
      onEnded: (end: SessionEnd) => {
        this.#over = true;
        this.#events.onEnded(end);
      },
    });
  }

  publish: Session['publish'] = (message, answered) => {
    this.#unanswered += 1;
    this.#session?.publish(message, (answer) => {
      this.#unanswered -= 1;
      answered(answer);
      if (this.#unanswered === 0) this.#onQuiet();
    });
  };

  subscribe: Session['subscribe'] = (...args) => this.#session?.subscribe(...args);

  goodbye(): void {
    this.#leaving = true;
    this.#session?.goodbye();
  }

  destroy(): void {
    const wasOver = this.#over;
    this.#over = true;
    this.#session?.destroy();
    if (!wasOver) this.#events.onDropped();
  }

  /** Without a goodbye: the broker then says in our name that we are gone from there. */
  leave(): void {
    this.#leaving = true;
    this.#over = true;
    this.#session?.destroy();
  }

  /** Runs once nothing is unanswered, or after the time; the returned function cancels it. */
  whenQuiet(withinMs: number, run: () => void): Cancel {
    let cancelSoon: Cancel = () => undefined;
    const cancelTimer = this.#clock.after(withinMs, () => finish());
    const cancel = (): void => {
      this.#onQuiet = () => undefined;
      cancelSoon();
      cancelTimer();
    };
    const finish = (): void => {
      cancel();
      run();
    };
    // Not within an answer: the link above is at work with it.
    this.#onQuiet = () => {
      cancelSoon = this.#clock.soon(() => {
        if (this.#unanswered === 0) finish();
      });
    };
    if (this.#unanswered === 0) this.#onQuiet();
    return cancel;
  }
}
