/**
 * Topics and payloads of the contract with central servers; pure. Every payload is JSON with a
 * `schema` number; field names are those of the domain types.
 */
import type { CommandOutcome } from '../domain/command.ts';
import type { ClockQuality, JournalEvent, Lane } from '../domain/event.ts';
import type { ChainHeads, Gap, TelemetryRow } from '../domain/ports.ts';
import { isId } from '../domain/units.ts';
import type { PanelView } from '../domain/view.ts';
import type { OutgoingMessage } from './link.ts';

/** Version of every payload on this page; raised when a reader would have to change. */
export const PAYLOAD_SCHEMA = 1;

export interface Topics {
  readonly root: string;
  readonly status: string;
  readonly state: string;
  readonly gap: string;
  readonly response: string;
  /** Filter for all commands; the last level is the command's name. */
  readonly commands: string;
  /** Where central servers confirm events that they have stored. */
  readonly ack: string;
  event(lane: Lane): string;
  /** @throws RangeError when `sensor` is no id. */
  telemetry(sensor: string): string;
}

/** Dots, spaces and wildcards in a level end the connection at some brokers. */
const LEVEL = /^[A-Za-z0-9_-]{1,64}$/;
const MAX_ROOT_LENGTH = 200;

/** Tells whether `root` may stand before all topics: levels of letters, digits, `_` and `-`. */
export function isTopicRoot(root: string): boolean {
  return root.length <= MAX_ROOT_LENGTH && root.split('/').every((level) => LEVEL.test(level));
}

/** The root where the configuration names none. */
export function defaultRoot(deviceId: string): string {
  return `embereye/v1/${deviceId}`;
}

/** @throws RangeError when `root` is none; check configuration with `isTopicRoot` first. */
export function topicsOf(root: string): Topics {
  if (!isTopicRoot(root)) {
    throw new RangeError(
      `"${root}" is no topic root: use levels of 1..64 letters, digits, _ and -, joined by /`,
    );
  }
  return {
    root,
    status: `${root}/status`,
    state: `${root}/state`,
    gap: `${root}/gap`,
    response: `${root}/response`,
    commands: `${root}/command/+`,
    ack: `${root}/ack`,
    event: (lane) => `${root}/event/${lane}`,
    telemetry: (sensor) => {
      if (!isId(sensor)) throw new RangeError(`"${sensor}" is no sensor id`);
      return `${root}/telemetry/${sensor}`;
    },
  };
}

/** Who speaks, in every payload that is not an event (events carry it themselves). */
export interface Identity {
  readonly deviceId: string;
  readonly bootId: string;
}

/** One event, exactly as journalled; `historical` is there, and true, only for old ones. */
export function eventMessage(
  topics: Topics,
  event: JournalEvent,
  historical: boolean,
): OutgoingMessage {
  const payload = historical ? { ...event, historical: true } : event;
  return plain(topics.event(event.lane), payload);
}

/** Null when the row cannot be published because its sensor is no id. */
export function telemetryMessage(
  topics: Topics,
  identity: Identity,
  row: TelemetryRow & { readonly row: number },
  historical: boolean,
): OutgoingMessage | null {
  if (!isId(row.sensor)) return null;
  return plain(topics.telemetry(row.sensor), {
    schema: PAYLOAD_SCHEMA,
    deviceId: identity.deviceId,
    ...row,
    ...(historical ? { historical: true } : {}),
  });
}

export function gapMessage(topics: Topics, identity: Identity, gap: Gap): OutgoingMessage {
  return plain(topics.gap, { schema: PAYLOAD_SCHEMA, deviceId: identity.deviceId, ...gap });
}

export interface Birth {
  readonly version: string;
  readonly configHash: string;
  /** What a central server may ask of this appliance: names of commands and of payload parts. */
  readonly capabilities: readonly string[];
}

/** `connection` counts within a boot: with `bootId` it tells a late will from a current one. */
export interface StatusPayload extends Partial<Birth> {
  readonly schema: number;
  readonly deviceId: string;
  readonly bootId: string;
  readonly connection: number;
  readonly status: 'online' | 'offline';
  readonly reason?: string;
  /** Wall time of the birth; a will has none, because nobody knows when it will be needed. */
  readonly wall?: string;
}

export function birthPayload(
  identity: Identity,
  connection: number,
  birth: Birth,
  wall: string,
): StatusPayload {
  const { version, configHash, capabilities } = birth;
  return {
    ...statusHead(identity, connection, 'online'),
    wall,
    version,
    configHash,
    capabilities,
  };
}

/** What the broker says in our name when it loses us, and what we say when we stop. */
export function offlinePayload(
  identity: Identity,
  connection: number,
  reason: string,
): StatusPayload {
  return { ...statusHead(identity, connection, 'offline'), reason };
}

function statusHead(
  identity: Identity,
  connection: number,
  status: 'online' | 'offline',
): StatusPayload {
  const { deviceId, bootId } = identity;
  return { schema: PAYLOAD_SCHEMA, deviceId, bootId, connection, status };
}

export function statusMessage(topics: Topics, status: StatusPayload): OutgoingMessage {
  return { topic: topics.status, payload: JSON.stringify(status), retain: true };
}

/** The whole picture at one moment; ages in it count from `monotonicMs`. */
export interface StateSnapshot extends PanelView {
  readonly clockQuality: ClockQuality;
  /** Where the hash chain of each lane ends; lanes without a durable event are left out. */
  readonly journal: ChainHeads;
}

export function stateMessage(
  topics: Topics,
  identity: Identity,
  stamp: { readonly wall: string; readonly monotonicMs: number },
  snapshot: StateSnapshot,
): OutgoingMessage {
  const { deviceId, bootId } = identity;
  const payload = { schema: PAYLOAD_SCHEMA, deviceId, bootId, ...stamp, ...snapshot };
  return { topic: topics.state, payload: JSON.stringify(payload), retain: true };
}

export function responseMessage(
  topic: string,
  identity: Identity,
  command: string,
  outcome: CommandOutcome,
  correlation: Uint8Array | null,
): OutgoingMessage {
  const payload = {
    schema: PAYLOAD_SCHEMA,
    deviceId: identity.deviceId,
    command,
    ...outcome,
  };
  const message = plain(topic, payload);
  return correlation === null ? message : { ...message, correlation };
}

function plain(topic: string, payload: object): OutgoingMessage {
  return { topic, payload: JSON.stringify(payload), retain: false };
}
