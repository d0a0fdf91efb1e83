/** Topics of the contract, as MQTT writes them and as NATS writes the same thing. Pure. */

export const LANES = ['alarm', 'fault', 'operator', 'system'] as const;
export type Lane = (typeof LANES)[number];

/** What a topic says about its message; `other` is for people and other programs. */
export type Meaning =
  | { readonly kind: 'event'; readonly device: string; readonly lane: Lane }
  | { readonly kind: 'telemetry'; readonly device: string; readonly sensor: string }
  | { readonly kind: 'gap' | 'status'; readonly device: string }
  | { readonly kind: 'other' };

const ID = /^[a-z0-9_-]{1,48}$/;

/** `embereye/v1` may stand before device ids: levels of letters, digits, `_` and `-`. */
export function isPrefix(text: string): boolean {
  return (
    text.length <= 200 && text.split('/').every((level) => /^[A-Za-z0-9_-]{1,64}$/.test(level))
  );
}

/**
 * @param prefix what stands before the device id: `embereye/v1`.
 * @returns `null` for a topic below the prefix that breaks the contract.
 */
export function meaningOf(prefix: string, topic: string): Meaning | null {
  if (!topic.startsWith(`${prefix}/`)) return { kind: 'other' };
  const [device = '', kind = '', leaf = '', ...rest] = topic.slice(prefix.length + 1).split('/');
  if (kind !== 'event' && kind !== 'telemetry' && kind !== 'gap' && kind !== 'status') {
    return { kind: 'other' };
  }
  if (!ID.test(device) || rest.length > 0) return null;
  if (kind === 'event') {
    const lane = LANES.find((name) => name === leaf);
    return lane === undefined ? null : { kind, device, lane };
  }
  if (kind === 'telemetry') return ID.test(leaf) ? { kind, device, sensor: leaf } : null;
  return leaf === '' ? { kind, device } : null;
}

/** What an instance reads, as MQTT filters. */
export function filtersOf(prefix: string): readonly string[] {
  return [
    `${prefix}/+/event/+`,
    `${prefix}/+/gap`,
    `${prefix}/+/telemetry/+`,
    `${prefix}/+/status`,
  ];
}

/** Where the acknowledgement of events goes. */
export function ackTopic(prefix: string, device: string): string {
  return `${prefix}/${device}/ack`;
}

/**
 * The subject under which NATS carries an MQTT topic or filter: `/` is `.`, `+` is `*`, `#` is `>`.
 * @throws RangeError for what has no place in a subject: dots, spaces, empty levels.
 */
export function subjectOf(topic: string): string {
  const tokens = topic.split('/');
  if (tokens.some((token) => !/^(?:[^\s.*>+#]+|\+|#)$/.test(token))) {
    throw new RangeError(
      `"${topic}" cannot be a subject: use levels without dots, spaces, * and >, none empty`,
    );
  }
  return tokens.map((token) => (token === '+' ? '*' : token === '#' ? '>' : token)).join('.');
}

/** The MQTT topic of a subject; what NATS's own MQTT stream puts before it is taken away. */
export function topicOf(subject: string): string {
  const bare = subject.startsWith(MQTT_STORE) ? subject.slice(MQTT_STORE.length) : subject;
  return bare.replaceAll('.', '/');
}

/** NATS keeps QoS 1 messages of MQTT under this, in the stream `$MQTT_msgs`. */
export const MQTT_STORE = '$MQTT.msgs.';
