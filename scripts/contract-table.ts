/**
 * The MQTT contract as one table: each topic with its direction, delivery and type of payload.
 * Schemas, the AsyncAPI document and the tests of both are made from it.
 */
import { COMMAND_KINDS } from '../src/domain/command.ts';
import { SERVICE_KINDS } from '../src/domain/command-service.ts';
import { LANES } from '../src/domain/event.ts';
import { topicsOf } from '../src/uplink/payload.ts';

export interface ContractChannel {
  /** Name of the channel, of its message, and of its schema's file. */
  readonly name: string;
  /** With `{root}` for what stands before all topics, and `{sensor}`. */
  readonly address: string;
  /** `send`: the appliance publishes; `receive`: it listens. */
  readonly action: 'send' | 'receive';
  readonly retained: boolean;
  /** The type that the schema is made from; of a member, `Type.member`. */
  readonly type: string;
  readonly summary: string;
}

const ROOT = 'root';
const topics = topicsOf(ROOT);

const LANE_TYPES = {
  alarm: 'AlarmPayload',
  fault: 'FaultPayload',
  operator: 'OperatorPayload',
  system: 'SystemPayload',
} as const;

const LANE_SUMMARIES = {
  alarm: 'Alarms, pre-alarms, resets and proofs.',
  fault: 'Faults and supervisory conditions, raised and restored.',
  operator: 'What people and central servers asked for, and what of it ended by its time.',
  system: 'Starts, stops, the clock, verification, new sensors, delayed outputs, custody.',
} as const;

const sent = (name: string, topic: string, type: string, summary: string): ContractChannel => ({
  ...{ name, type, summary, address: addressOf(topic) },
  action: 'send',
  retained: false,
});

/** Every topic of the contract; the order is that of the documents. */
export const CONTRACT: readonly ContractChannel[] = [
  {
    ...sent('status', topics.status, 'StatusPayload', 'Birth, will and farewell.'),
    retained: true,
  },
  {
    ...sent('state', topics.state, 'StatePayload', 'A whole snapshot, on change and connect.'),
    retained: true,
  },
  ...LANES.map((lane) =>
    sent(`event-${lane}`, topics.event(lane), LANE_TYPES[lane], LANE_SUMMARIES[lane]),
  ),
  sent(
    'telemetry',
    topics.telemetry('sensor'),
    'TelemetryPayload',
    'Readings of one channel over one period.',
  ),
  sent('gap', topics.gap, 'GapPayload', 'A range that will never come, and why.'),
  sent('response', topics.response, 'ResponsePayload', 'The one answer to a command.'),
  {
    ...sent('ack', topics.ack, 'AckPayload', 'Events that a central server has stored.'),
    action: 'receive',
  },
  ...[...COMMAND_KINDS, ...SERVICE_KINDS].map((kind): ContractChannel => ({
    name: `command-${kind}`,
    address: addressOf(topics.commands.replace('+', kind)),
    action: 'receive',
    retained: false,
    type: `CommandPayloads.${kind}`,
    summary: `The command ${kind}.`,
  })),
];

/** A topic of `topicsOf` as an address with parameters. */
export function addressOf(topic: string): string {
  return topic
    .replace(/^root(?=\/)/, '{root}')
    .replace(/\/telemetry\/sensor$/, '/telemetry/{sensor}');
}

export function schemaFileOf({ name }: ContractChannel): string {
  return `${name}.schema.json`;
}
