/**
 * The line to one broker, as the uplink sees it: messages with an answer each, no protocol words.
 * Every promise below settles: with the broker's answer, with `timedOut`, or when the connection
 * ends. Nothing is kept across connections: what is not acknowledged is the sender's to repeat.
 */

import type { CertificateTerm } from './certificates.ts';

/** One message, always at least once. `correlation` is echoed for replies to commands. */
export interface OutgoingMessage {
  readonly topic: string;
  /** Text goes out as UTF-8. */
  readonly payload: string | Uint8Array;
  readonly retain: boolean;
  readonly correlation?: Uint8Array;
  /** The broker drops it when nobody has taken it by then, where the protocol knows that (5). */
  readonly expirySeconds?: number;
}

/** A message of the JSON contract. */
export interface TextMessage extends OutgoingMessage {
  readonly payload: string;
}

export type PublishResult =
  | { readonly kind: 'acknowledged' }
  /** The broker took the message apart and said no; sending it again at once is pointless. */
  | { readonly kind: 'rejected'; readonly reason: string }
  /** No answer within the link's limit; the link has given the connection up because of it. */
  | { readonly kind: 'timedOut' }
  /** The connection ended first. The broker may or may not have the message. */
  | { readonly kind: 'connectionLost'; readonly reason: string; readonly byPeer: boolean }
  /** Never handed to the network: not connected, closed, or too many waiting. */
  | { readonly kind: 'notSent'; readonly reason: string };

export type SubscribeResult =
  { readonly kind: 'subscribed' } | { readonly kind: 'failed'; readonly reason: string };

export interface IncomingMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** True for a copy that the broker had stored before we subscribed. */
  readonly retained: boolean;
  readonly responseTopic: string | null;
  readonly correlation: Uint8Array | null;
  /** What is left of the sender's expiry; null when it set none or the protocol has none. */
  readonly expirySeconds: number | null;
}

export interface Connected {
  readonly kind: 'connected';
  /** Counts attempts since the link was opened, so that birth and will of one attempt match. */
  readonly connection: number;
  /** For people and metrics: `mqtt5`, `mqtt3.1.1`, `simulated`. */
  readonly protocol: string;
  /** How many messages may be unanswered at a time. */
  readonly receiveMaximum: number;
  /** What this broker cannot do for us though it is connected, with the remedy; null: nothing. */
  readonly unsuitable?: string | null;
  /** Where the link has several addresses: the one in use, 0 being the first. */
  readonly place?: { readonly index: number; readonly address: string };
}

export type LinkState =
  | Connected
  | {
      readonly kind: 'disconnected';
      /** In clear words, with the address, never with a secret. */
      readonly reason: string;
      /** Null once the link is closed for good. */
      readonly retryInMs: number | null;
      /** The broker answered, and can never serve us as it is: why, with the remedy. */
      readonly unsuitable?: string;
    };

/** What the broker publishes for us when it loses us. */
export interface Will {
  readonly topic: string;
  readonly payload: string | Uint8Array;
  /** Left out: true. */
  readonly retain?: boolean;
}

export interface LinkHandlers {
  /** Called on every change, and for every failed attempt. */
  onState(state: LinkState): void;
  onMessage(message: IncomingMessage): void;
  /** Asked before each attempt: the will carries something that names the attempt. */
  will(connection: number): Will | null;
}

export interface Link {
  /** Where this link leads, for people: `mqtts://broker.example:8883`. Without credentials. */
  readonly address: string;
  /** Connects now, and again for ever until `close`. Call once. */
  open(handlers: LinkHandlers): void;
  /** Messages reach the broker in the order of the calls. */
  publish(message: OutgoingMessage): Promise<PublishResult>;
  /** @param retained whether copies stored by the broker are wanted, where it can tell. */
  subscribe(filter: string, options: { readonly retained: boolean }): Promise<SubscribeResult>;
  /**
   * Waits for answers still due, says goodbye (so that no will is published) and ends; after
   * `deadlineMs` it ends without that. Resolves in any case and never rejects.
   */
  close(deadlineMs: number): Promise<void>;
  /** Terms of the certificates in use, read anew; left out: there are none. Never rejects. */
  certificates?(): Promise<readonly CertificateTerm[]>;
}
