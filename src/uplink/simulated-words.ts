/** What a broker in memory is made of: messages, faults to inject, the rule of filters; pure. */
import type { OutgoingMessage, TextMessage } from './link.ts';

/** What the network and the broker do to one message. */
export type Fate =
  | 'deliver'
  /** Delivered, but the answer never comes. */
  | 'loseAck'
  /** Delivered twice, as a broker may after a repeated message. */
  | 'duplicate'
  | 'reject'
  /** Acknowledged and thrown away, as 3.1.1 brokers do with what they do not allow. */
  | 'swallow'
  /** The broker hangs up on it, without having taken it. */
  | 'hangUp'
  /** Delivered; then the connection breaks before the answer. */
  | 'breakAfter';

export interface BrokerFaults {
  /** Refuses connections, and ends those there are when set through `goDown`. */
  down: boolean;
  /** Takes connections and bytes and answers nothing. */
  halfOpen: boolean;
  /** Time from a message to its answer. */
  latencyMs: number;
  /** Which filters it accepts. */
  mayRead: (filter: string) => boolean;
  /** False: it hands out no retained message to who comes later. */
  keeps: boolean;
  /** Decides each message; the default delivers. */
  fate: (message: TextMessage) => Fate;
}

export interface BrokerMessage {
  readonly topic: string;
  /** As text, which bytes that are none do not survive; `bytes` are what came. */
  readonly payload: string;
  readonly bytes: Uint8Array;
  readonly retain: boolean;
  readonly correlation: Uint8Array | null;
}

/** As the broker takes it from a client. */
export function brokerMessage(
  message: OutgoingMessage,
  correlation: Uint8Array | null,
): BrokerMessage {
  const { topic, payload, retain } = message;
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  return { topic, payload: textOf(payload), bytes, retain, correlation };
}

/** Bytes that are no text do not survive it. */
export function textOf(payload: string | Uint8Array): string {
  return typeof payload === 'string' ? payload : Buffer.from(payload).toString();
}

/** MQTT's rule for topic filters: `+` one level, `#` all that follow. */
export function matches(filter: string, topic: string): boolean {
  const wanted = filter.split('/');
  const levels = topic.split('/');
  for (const [index, part] of wanted.entries()) {
    if (part === '#') return true;
    if (levels[index] === undefined || (part !== '+' && part !== levels[index])) return false;
  }
  return wanted.length === levels.length;
}
