/**
 * A `Link` over any `Transport`: reconnects for ever on our own schedule, keeps the time of every
 * answer with one timer, honours the broker's receive maximum, and settles every promise.
 *
 * ```
 * idle -> connecting -> connected -> waiting -> connecting -> ...
 *              \___________________/^      close() -> closed, from anywhere
 * ```
 */
import type { ClockQuality } from '../domain/event.ts';
import type { Cancel, Clock, Log, Random } from '../domain/ports.ts';
import type { CertificateTerm } from './certificates.ts';
import type {
  Link,
  LinkHandlers,
  OutgoingMessage,
  PublishResult,
  SubscribeResult,
} from './link.ts';
import { RequestTable } from './request-table.ts';
import type { Session, SessionEnd, SessionInfo, Transport } from './transport.ts';

export interface ReconnectingLinkOptions {
  /** An attempt that has no answer by then is given up. */
  readonly connectTimeoutMs: number;
  /** A message without an answer by then means that the connection is dead. */
  readonly answerTimeoutMs: number;
  /** Wait before the first repeated attempt; doubles from there. */
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
  /** Messages that may wait for room under the broker's receive maximum; more are `notSent`. */
  readonly maxWaiting: number;
}

export const DEFAULT_LINK_OPTIONS: ReconnectingLinkOptions = {
  connectTimeoutMs: 10_000,
  answerTimeoutMs: 10_000,
  retryMinMs: 500,
  retryMaxMs: 30_000,
  maxWaiting: 256,
};

export interface LinkDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** How far this machine's time may be trusted, for words on certificates; left out: unknown. */
  readonly clockQuality?: () => ClockQuality;
}

/**
 * Wait before attempt `failures + 1`: doubles up to `maxMs`, then spread over its upper half so
 * that a fleet does not return to a restarted broker all at once.
 * @param chance uniform in [0, 1).
 */
export function retryDelayMs(
  failures: number,
  limits: { readonly retryMinMs: number; readonly retryMaxMs: number },
  chance: number,
): number {
  // The exponent is capped so that years of failures do not overflow.
  const doubled = limits.retryMinMs * 2 ** Math.min(failures, 20);
  return Math.round(Math.min(doubled, limits.retryMaxMs) * (0.5 + chance / 2));
}

/**
 * Upper bound of a PUBLISH with this message (MQTT 5, 3.3): fixed header 5, length of the topic 2,
 * packet identifier 2, property length 4, correlation data 3 and message expiry 5 bytes.
 */
export function packetBytesOf({ topic, payload, correlation }: OutgoingMessage): number {
  const head = 21 + Buffer.byteLength(topic) + (correlation?.length ?? 0);
  return head + (typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length);
}

type Phase = 'idle' | 'connecting' | 'connected' | 'waiting' | 'closed';

export class ReconnectingLink implements Link {
  readonly #transport: Transport;
  readonly #deps: LinkDeps;
  readonly #options: ReconnectingLinkOptions;
  readonly #table: RequestTable;
  #handlers: LinkHandlers | null = null;
  #phase: Phase = 'idle';
  #session: Session | null = null;
  #connection = 0;
  #maximumPacketBytes = Infinity;
  #failures = 0;
  #cancelTimer: Cancel = () => undefined;
  #whenEmpty: (() => void) | null = null;
  #whenEnded: (() => void) | null = null;
  #closing: Promise<void> | null = null;

  constructor(
    transport: Transport,
    deps: LinkDeps,
    options: ReconnectingLinkOptions = DEFAULT_LINK_OPTIONS,
  ) {
    this.#transport = transport;
    this.#deps = deps;
    this.#options = options;
    this.#table = new RequestTable(deps.clock, options, {
      onExpired: () =>
        this.#giveUp(
          `no answer within ${options.answerTimeoutMs} ms from ${this.address}, which had taken ` +
            `the connection: the broker hangs, or the link is dead on the way`,
        ),
      onEmpty: () => this.#whenEmpty?.(),
    });
  }

  get address(): string {
    return this.#transport.address;
  }

  /** Terms of the certificates that the transport uses; none where it uses none. */
  certificates(): Promise<readonly CertificateTerm[]> {
    return this.#transport.certificates?.() ?? Promise.resolve([]);
  }

  open(handlers: LinkHandlers): void {
    if (this.#phase !== 'idle') throw new Error('a link is opened once');
    this.#handlers = handlers;
    this.#attempt();
  }

  publish(message: OutgoingMessage): Promise<PublishResult> {
    if (this.#phase !== 'connected' || this.#closing !== null) {
      return Promise.resolve({ kind: 'notSent', reason: 'not connected' });
    }
    const bytes = this.#maximumPacketBytes === Infinity ? 0 : packetBytesOf(message);
    if (bytes > this.#maximumPacketBytes) {
      // Sent all the same it would end the connection, and with it every other message in flight.
      const limit = `the broker takes packets of at most ${this.#maximumPacketBytes} bytes`;
      const reason = `too large: about ${bytes} bytes, and ${limit}: raise its limit`;
      return Promise.resolve({ kind: 'rejected', reason });
    }
    return this.#table.publish(message);
  }

  subscribe(filter: string, options: { readonly retained: boolean }): Promise<SubscribeResult> {
    if (this.#phase !== 'connected') {
      return Promise.resolve({ kind: 'failed', reason: 'not connected' });
    }
    return this.#table.subscribe(filter, options);
  }

  close(deadlineMs: number): Promise<void> {
    this.#closing ??= this.#close(deadlineMs);
    return this.#closing;
  }

  async #close(deadlineMs: number): Promise<void> {
    if (this.#phase === 'connected') {
      await new Promise<void>((resolve) => {
        const cancel = this.#deps.clock.after(deadlineMs, resolve);
        this.#whenEnded = () => {
          cancel();
          resolve();
        };
        // Goodbye before the last answers would throw messages away that are nearly delivered.
        this.#whenEmpty = () => this.#session?.goodbye();
        if (this.#table.isEmpty) this.#whenEmpty();
      });
    }
    this.#cancelTimer();
    this.#dropSession({ reason: 'closed', byPeer: false, retryAtOnce: false });
    const wasClosed = this.#phase === 'closed';
    this.#phase = 'closed';
    if (!wasClosed) {
      this.#handlers?.onState({ kind: 'disconnected', reason: 'closed', retryInMs: null });
    }
  }

  #attempt(): void {
    const handlers = this.#handlers;
    if (handlers === null || this.#closing !== null) return;
    this.#phase = 'connecting';
    this.#connection += 1;
    // A session speaks only while it is the current one: late events of an old one are nobody's.
    let current: Session | null = null;
    const isCurrent = (): boolean => current !== null && this.#session === current;
    current = this.#transport.begin(handlers.will(this.#connection), {
      onOpen: (info) => {
        if (isCurrent()) this.#opened(info);
      },
      onMessage: (message) => {
        if (isCurrent()) handlers.onMessage(message);
      },
      onEnded: (end) => {
        if (isCurrent()) this.#ended(end);
      },
    });
    this.#session = current;
    this.#cancelTimer = this.#deps.clock.after(this.#options.connectTimeoutMs, () =>
      this.#giveUp(
        `no answer from ${this.address} within ${this.#options.connectTimeoutMs} ms of connecting`,
      ),
    );
  }

  #opened(info: SessionInfo): void {
    if (this.#phase !== 'connecting' || this.#session === null) return;
    this.#cancelTimer();
    this.#phase = 'connected';
    this.#table.begin(this.#session, info.receiveMaximum, () => {
      // An accepted connection proves little (some brokers drop us right after); an answer does.
      this.#failures = 0;
    });
    const { maximumPacketBytes = null, ...shown } = info;
    this.#maximumPacketBytes = maximumPacketBytes ?? Infinity;
    this.#handlers?.onState({ kind: 'connected', connection: this.#connection, ...shown });
  }

  #giveUp(reason: string): void {
    this.#ended({ reason, byPeer: false, retryAtOnce: false });
  }

  #ended(end: SessionEnd): void {
    this.#cancelTimer();
    this.#dropSession(end);
    if (this.#closing !== null) {
      this.#whenEnded?.();
      return;
    }
    this.#phase = 'waiting';
    const delayMs = end.retryAtOnce
      ? 0
      : retryDelayMs(this.#failures, this.#options, this.#deps.random.next());
    this.#failures += 1;
    this.#cancelTimer = this.#deps.clock.after(delayMs, () => this.#attempt());
    this.#deps.log('warn', 'broker connection ended', {
      broker: this.address,
      reason: end.reason,
      retryInMs: delayMs,
    });
    const { reason, unsuitable } = end;
    const state = { kind: 'disconnected', reason, retryInMs: delayMs } as const;
    this.#handlers?.onState(unsuitable === undefined ? state : { ...state, unsuitable });
  }

  #dropSession(end: SessionEnd): void {
    const session = this.#session;
    this.#session = null;
    this.#table.end(end);
    session?.destroy();
  }
}
