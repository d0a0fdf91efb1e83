/**
 * One attempt to talk to a broker, without schedule, time-outs or limits: those live once, in
 * `reconnecting-link.ts`, for the real and the simulated transport alike.
 */
import type { CertificateTerm } from './certificates.ts';
import type { IncomingMessage, OutgoingMessage, SubscribeResult, Will } from './link.ts';

export interface SessionInfo {
  readonly protocol: string;
  readonly receiveMaximum: number;
  /** Largest packet that the broker takes, in bytes; left out or null: it set no limit. */
  readonly maximumPacketBytes?: number | null;
  /** What this broker cannot do for us though it is connected, with the remedy; null: nothing. */
  readonly unsuitable?: string | null;
  /** Where an entry has several addresses: which one this is, from 0, and its URL. */
  readonly place?: Place;
}

export interface Place {
  readonly index: number;
  readonly address: string;
}

export interface SessionEnd {
  readonly reason: string;
  /** The other side ended it, as opposed to silence or our own decision. */
  readonly byPeer: boolean;
  /** The next attempt will be made differently, so it need not wait. */
  readonly retryAtOnce: boolean;
  /** The broker answered, and can never serve us as it is: why, with the remedy. */
  readonly unsuitable?: string;
}

/** After `onEnded`, or after `Session.destroy`, nothing more is called. */
export interface SessionEvents {
  onOpen(info: SessionInfo): void;
  onMessage(message: IncomingMessage): void;
  /** The attempt failed or the session ended; called at most once. */
  onEnded(end: SessionEnd): void;
}

export type BrokerAnswer =
  { readonly kind: 'acknowledged' } | { readonly kind: 'rejected'; readonly reason: string };

export interface Session {
  /** `answered` may never be called; the caller keeps the time. */
  publish(message: OutgoingMessage, answered: (answer: BrokerAnswer) => void): void;
  subscribe(
    filter: string,
    options: { readonly retained: boolean },
    answered: (result: SubscribeResult) => void,
  ): void;
  /** Says goodbye so that no will is published; `onEnded` follows if the peer plays along. */
  goodbye(): void;
  /** Ends at once and silently. Safe to call twice. */
  destroy(): void;
}

export interface Transport {
  readonly address: string;
  /** Starts an attempt. Never throws: trouble comes through `onEnded`, not before returning. */
  begin(will: Will | null, events: SessionEvents): Session;
  /** Terms of the certificates in use, read anew; left out: there are none. Never rejects. */
  certificates?(): Promise<readonly CertificateTerm[]>;
}
