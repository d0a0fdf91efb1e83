/** Pure: what a broker of MQTT 5 grants when it accepts us, and whether that is enough. */

/** The properties of its CONNACK that we look at (MQTT 5, 3.2.2.3). */
export interface GrantedProperties {
  readonly receiveMaximum?: number | undefined;
  readonly maximumPacketSize?: number | undefined;
  readonly maximumQoS?: number | undefined;
  readonly retainAvailable?: boolean | undefined;
  readonly wildcardSubscriptionAvailable?: boolean | undefined;
}

export interface BrokerTerms {
  readonly receiveMaximum: number;
  /** Null: no limit. */
  readonly maximumPacketBytes: number | null;
  /** Whether it keeps messages for whoever asks later. */
  readonly retains: boolean;
  /** Why nothing can be delivered there at all, with the remedy; null: it can. */
  readonly useless: string | null;
  /** What is missing though events are delivered, with the remedy; null: nothing. */
  readonly unsuitable: string | null;
}

const NO_QOS =
  'the broker takes only QoS 0, by which an event is lost without a trace: allow QoS 1 there ' +
  '(mosquitto: max_qos), or use another broker';
const NO_RETAIN =
  'the broker keeps no retained messages: status and state are not there for whoever asks later; ' +
  'allow them there (mosquitto: retain_available true); events are delivered';
const NO_WILDCARDS =
  'the broker takes no subscription with wildcards: commands cannot reach this appliance; allow ' +
  'them there; events are delivered';
/** Retain not supported, QoS not supported (MQTT 5, 2.4). */
const RETAIN_REFUSED = 0x9a;
const QOS_REFUSED = 0x9b;

/** Of an accepted connection; version 3.1.1 has no properties and grants everything. */
export function termsOf(granted: GrantedProperties | undefined): BrokerTerms {
  const retains = granted?.retainAvailable !== false;
  const lacks = [
    ...(retains ? [] : [NO_RETAIN]),
    ...(granted?.wildcardSubscriptionAvailable === false ? [NO_WILDCARDS] : []),
  ];
  return {
    receiveMaximum: granted?.receiveMaximum ?? 65_535,
    maximumPacketBytes: granted?.maximumPacketSize ?? null,
    retains,
    useless: granted?.maximumQoS === 0 ? NO_QOS : null,
    unsuitable: lacks.length === 0 ? null : lacks.join('; '),
  };
}

/** A broker that refuses a connection for its will: it wants one without `retain`. */
export function refusesRetain(code: number): boolean {
  return code === RETAIN_REFUSED;
}

/** Why a refused connection can never succeed; null where it may another time. */
export function uselessBy(code: number): string | null {
  return code === QOS_REFUSED ? NO_QOS : null;
}
