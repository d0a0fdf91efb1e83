/** What an uplink is told and what it is given; see `Uplink`. */
import type { CommandOutcome, CommandRequest } from '../domain/command.ts';
import type { Clock, Journal, Log } from '../domain/ports.ts';
import type { FaultNotice } from '../domain/step.ts';
import type { Announcements } from './announcer.ts';
import type { CommandOptions, CommandServices, RefusedAttempt } from './command-desk.ts';
import type { KeyRing } from './command-keys.ts';
import type { CommandMemory } from './command-memory.ts';
import type { DeliveryDeps, DeliveryOptions } from './delivery.ts';
import { DEFAULT_LANE_LIMITS, type LaneLimits } from './lane-queue.ts';
import type { IncomingMessage, Link } from './link.ts';
import type { Birth, Identity, StateSnapshot } from './payload.ts';
import type { PresenceOptions } from './presence.ts';

export interface UplinkOptions extends DeliveryOptions, PresenceOptions {
  /** Name of the broker in cursors, faults and metrics. */
  readonly broker: string;
  /** What stands before all topics; see `defaultRoot` and `isTopicRoot`. */
  readonly root: string;
  readonly identity: Identity;
  readonly birth: Birth;
  readonly commands: CommandOptions;
  readonly limits: LaneLimits;
  /** Items of a lane read at a time, and their memory. */
  readonly pageSize: number;
  readonly pageBytes: number;
  readonly readRetryMs: number;
  readonly historicalAfterMs: number;
  /** False: nothing is delivered by itself, only what `sendAgain` is told to. */
  readonly delivers: boolean;
  /** Without a connection for this long the broker is reported as unreachable. */
  readonly unreachableAfterMs: number;
}

/** Everything but the names. */
export const DEFAULT_UPLINK_OPTIONS = {
  window: 64,
  windowBytes: 65_536,
  alarmReserve: 8,
  backlogPerSecond: 250,
  pollMs: 1000,
  stateMinIntervalMs: 200,
  refusedRetryMs: 30_000,
  correctionMinIntervalMs: 1000,
  echoWithinMs: 5000,
  echoCheckMs: 300_000,
  commands: {
    level: 'operator',
    require: 'none',
    windowSeconds: 60,
    responseTopics: [],
    perSecond: 10,
    burst: 30,
    answersPerSecond: 100,
    maxPending: 16,
    submitTimeoutMs: 5000,
  },
  limits: DEFAULT_LANE_LIMITS,
  pageSize: 128,
  pageBytes: 65_536,
  readRetryMs: 1000,
  historicalAfterMs: 60_000,
  delivers: true,
  unreachableAfterMs: 30_000,
} as const satisfies Omit<UplinkOptions, 'broker' | 'root' | 'identity' | 'birth'>;

/** What commands need besides the panel; all brokers share it. */
export interface CommandSide extends CommandServices {
  readonly memory: CommandMemory;
  readonly keys: KeyRing;
}

/** Somebody besides the uplink who listens at the broker; told of every copy of a message. */
export interface Subscriber {
  readonly filter: string;
  /** Whether copies that the broker stored are wanted. */
  readonly retained: boolean;
  matches(topic: string): boolean;
  onMessage(message: IncomingMessage): void;
}

export interface UplinkDeps extends Pick<DeliveryDeps, 'onAckLatency'> {
  readonly clock: Clock;
  /** The present wall time as ISO 8601 in UTC. */
  readonly wallTime: () => string;
  readonly log: Log;
  readonly journal: Journal;
  readonly link: Link;
  readonly state: () => StateSnapshot;
  readonly submit: (request: CommandRequest) => Promise<CommandOutcome>;
  /** Left out: there are no keys, nothing is remembered beyond this run, nothing configured. */
  readonly commands?: CommandSide;
  /** Attempts that never reached the panel, for the journal. */
  readonly onRefused: (attempt: RefusedAttempt) => void;
  /** All that concerns this broker; subjects begin with `uplink:<broker>`. */
  readonly onFault: (notice: FaultNotice) => void;
  readonly subscribers?: readonly Subscriber[];
  /** Published after each connect, behind birth and state. */
  readonly announcements?: Announcements;
}
