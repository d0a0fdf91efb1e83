/**
 * Topics and payloads of the contract with central servers; pure. Every payload is JSON with a
 * `schema` number; field names are those of the domain types.
 */
import type { CommandOutcome } from '../domain/command.ts';
import type {
  AlarmEvent,
  ClockQuality,
  EventStamp,
  FaultEvent,
  JournalEvent,
  Lane,
  OperatorEvent,
  SystemEvent,
} from '../domain/event.ts';
import type { ChainHeads, Gap, TelemetryRow } from '../domain/ports.ts';
import { isId } from '../domain/units.ts';
import type { PanelView } from '../domain/view.ts';
import type { TextMessage } from './link.ts';

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
  /** Changes with every start of the appliance. */
  readonly bootId: string;
}

/** In every payload that is not an event. */
interface Head {
  readonly schema: typeof PAYLOAD_SCHEMA;
  readonly deviceId: string;
}

/** There, and true, only where it was older than a minute when it was sent. */
interface Aged {
  readonly historical?: true;
}

interface OnLane<L extends Lane> extends EventStamp, Aged {
  readonly lane: L;
}

/** Alarms, pre-alarms, resets and proofs. */
export type AlarmPayload = OnLane<'alarm'> & AlarmEvent;
/** Faults and supervisory conditions, raised and restored. */
export type FaultPayload = OnLane<'fault'> & FaultEvent;
/** What people and central servers asked for, and what of it ended by its time. */
export type OperatorPayload = OnLane<'operator'> & OperatorEvent;
/** Starts, stops, the clock, verification, new sensors, delayed outputs, proofs, custody. */
export type SystemPayload = OnLane<'system'> & SystemEvent;

/** One event, exactly as journalled; `historical` is there, and true, only for old ones. */
export type EventPayload = AlarmPayload | FaultPayload | OperatorPayload | SystemPayload;

export function eventMessage(
  topics: Topics,
  event: JournalEvent,
  historical: boolean,
): TextMessage {
  const payload: EventPayload = historical ? { ...event, historical: true } : event;
  return plain(topics.event(event.lane), payload);
}

/** One reading of a channel, or the sum of several; the numbers are in `unit`. */
export interface TelemetryPayload extends Head, TelemetryRow, Aged {
  /** Number of the row; rows that were thinned or dropped leave gaps. */
  readonly row: number;
}

/** Null when the row cannot be published because its sensor is no id. */
export function telemetryMessage(
  topics: Topics,
  identity: Identity,
  row: TelemetryRow & { readonly row: number },
  historical: boolean,
): TextMessage | null {
  if (!isId(row.sensor)) return null;
  const payload: TelemetryPayload = {
    ...headOf(identity),
    ...row,
    ...(historical ? { historical: true } : {}),
  };
  return plain(topics.telemetry(row.sensor), payload);
}

/** A range that will never come, and why. */
export interface GapPayload extends Head, Gap {}

export function gapMessage(topics: Topics, identity: Identity, gap: Gap): TextMessage {
  const payload: GapPayload = { ...headOf(identity), ...gap };
  return plain(topics.gap, payload);
}

export interface Birth {
  readonly version: string;
  /** SHA-256 of the configuration that runs, in hex. */
  readonly configHash: string;
  /** What a central server may ask of this appliance: names of commands and of payload parts. */
  readonly capabilities: readonly string[];
}

interface StatusHead extends Head, Identity {
  /** Counts within a boot: with `bootId` it tells a late will from a current one. */
  readonly connection: number;
}

/** The appliance is there. */
export interface OnlinePayload extends StatusHead, Birth {
  readonly status: 'online';
  /** Wall time of the birth, ISO 8601 in UTC. */
  readonly wall: string;
}

/** It went: by its own words, or by those of the broker that lost it. */
export interface OfflinePayload extends StatusHead {
  readonly status: 'offline';
  /** For people; `connection lost` in the will, which has no time: nobody knows its moment. */
  readonly reason: string;
}

export type StatusPayload = OnlinePayload | OfflinePayload;

export function birthPayload(
  identity: Identity,
  connection: number,
  birth: Birth,
  wall: string,
): OnlinePayload {
  const { version, configHash, capabilities } = birth;
  const head = { ...headOf(identity), bootId: identity.bootId, connection };
  return { ...head, status: 'online', wall, version, configHash, capabilities };
}

/** What the broker says in our name when it loses us, and what we say when we stop. */
export function offlinePayload(
  identity: Identity,
  connection: number,
  reason: string,
): OfflinePayload {
  const head = { ...headOf(identity), bootId: identity.bootId, connection };
  return { ...head, status: 'offline', reason };
}

export function statusMessage(topics: Topics, status: StatusPayload): TextMessage {
  return { topic: topics.status, payload: JSON.stringify(status), retain: true };
}

/** The whole picture at one moment; ages in it count from `monotonicMs`. */
export interface StateSnapshot extends PanelView {
  readonly clockQuality: ClockQuality;
  /** Where the hash chain of each lane ends; lanes without a durable event are left out. */
  readonly journal: ChainHeads;
}

/** When a snapshot was taken. */
export interface Stamp {
  /** ISO 8601 in UTC. */
  readonly wall: string;
  /** Times in the snapshot whose names end in `Ms` count from the same start as this one. */
  readonly monotonicMs: number;
}

/** A whole snapshot: nothing of an earlier one is needed to read it. */
export interface StatePayload extends Head, Identity, Stamp, StateSnapshot {}

export function stateMessage(
  topics: Topics,
  identity: Identity,
  stamp: Stamp,
  snapshot: StateSnapshot,
): TextMessage {
  const { bootId } = identity;
  const payload: StatePayload = { ...headOf(identity), bootId, ...stamp, ...snapshot };
  return { topic: topics.state, payload: JSON.stringify(payload), retain: true };
}

interface ResponseHead extends Head {
  /** Name of the command, at most 32 characters. */
  readonly command: string;
}

/** The one answer to a command. */
export type ResponsePayload = ResponseHead & CommandOutcome;

export function responseMessage(
  topic: string,
  identity: Identity,
  command: string,
  outcome: CommandOutcome,
  correlation: Uint8Array | null,
): TextMessage {
  const payload: ResponsePayload = { ...headOf(identity), command, ...outcome };
  const message = plain(topic, payload);
  return correlation === null ? message : { ...message, correlation };
}

function headOf({ deviceId }: Identity): Head {
  return { schema: PAYLOAD_SCHEMA, deviceId };
}

function plain(topic: string, payload: object): TextMessage {
  return { topic, payload: JSON.stringify(payload), retain: false };
}
