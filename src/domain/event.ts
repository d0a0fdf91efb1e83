/**
 * The closed union of journal events: the system's vocabulary on one page. `type` says what
 * happened, `data` carries everything a reader needs to understand it without other messages.
 */
import type { Role, SourceRef } from './evidence.ts';
import type { DeviceId, SensorId, ZoneId } from './units.ts';

export const LANES = ['alarm', 'fault', 'operator', 'system'] as const;
/** Events of one lane keep their order absolutely; lanes are independent of one another. */
export type Lane = (typeof LANES)[number];

/** How far a stamp's wall time may be trusted. */
export type ClockQuality = 'synchronised' | 'unsynchronised';

/** One piece of evidence for an alarm, with its value and the distance to its limit. */
export interface Vote extends SourceRef {
  readonly role: Role;
  readonly rule: string;
  readonly level: 'suspect' | 'alarm';
  readonly value: number;
  readonly limit: number;
  readonly unit: 'celsius' | 'percentAboveIdle' | 'state' | 'ratio' | 'celsiusPerMinute';
  readonly ageMs: number;
  /** Where and how, for people: "row 12, column 5, 6 pixels, rising 34 C/min". */
  readonly note: string;
}

/** Why the panel decided as it did; the same text in journal, MQTT and console. */
export interface Explanation {
  readonly summary: string;
  readonly votes: readonly Vote[];
  readonly stale: readonly SourceRef[];
  readonly faulty: readonly SourceRef[];
  readonly disabled: readonly SourceRef[];
  readonly uncalibrated: readonly SourceRef[];
  /** Sum of the weights of the voting roles, capped at 1: shown, never compared. */
  readonly confidence: number;
}

interface InZone {
  readonly zone: ZoneId;
  readonly zoneName: string;
}
interface ByOperator {
  readonly origin: string;
  readonly requestId: string;
}

/** Everything that can happen, by lane. */
export type AlarmEvent =
  | { readonly type: 'alarm'; readonly data: InZone & { readonly explanation: Explanation } }
  | { readonly type: 'preAlarm'; readonly data: InZone & { readonly explanation: Explanation } }
  | { readonly type: 'preAlarmEnded'; readonly data: InZone & { readonly afterMs: number } }
  | { readonly type: 'alarmReset'; readonly data: InZone & { readonly latchedForMs: number } };

/** `subject` names what failed: a sensor id, `store`, `uplink:<broker>`, `output:<id>`, ... */
export interface FaultData {
  readonly fault: string;
  readonly subject: string;
  readonly zone: ZoneId | null;
  readonly detail: string;
}
export type FaultEvent =
  | { readonly type: 'faultRaised'; readonly data: FaultData }
  | { readonly type: 'faultRestored'; readonly data: FaultData & { readonly afterMs: number } }
  | { readonly type: 'supervisoryRaised'; readonly data: FaultData }
  | { readonly type: 'supervisoryRestored'; readonly data: FaultData };

export type OperatorEvent =
  | {
      readonly type: 'acknowledged';
      readonly data: ByOperator & { readonly zones: readonly ZoneId[] };
    }
  | { readonly type: 'silenced'; readonly data: ByOperator & { readonly zones: readonly ZoneId[] } }
  | {
      readonly type: 'resetRequested';
      readonly data: ByOperator & { readonly zones: readonly ZoneId[] };
    }
  | { readonly type: 'disabled'; readonly data: ByOperator & InZone & { readonly forMs: number } }
  | { readonly type: 'enabled'; readonly data: InZone & { readonly origin: string } }
  | {
      readonly type: 'testStarted';
      readonly data: ByOperator & InZone & { readonly forMs: number };
    }
  | { readonly type: 'testEnded'; readonly data: InZone & { readonly origin: string } }
  | {
      readonly type: 'commandRefused';
      readonly data: ByOperator & { readonly error: string; readonly detail: string };
    };

export type SystemEvent =
  | {
      readonly type: 'started';
      readonly data: {
        readonly version: string;
        readonly configHash: string;
        readonly restoredAlarms: readonly ZoneId[];
        readonly recoveredEvents: number;
      };
    }
  | { readonly type: 'stopped'; readonly data: { readonly reason: string } }
  | {
      readonly type: 'clock';
      readonly data: { readonly wall: string; readonly steppedByMs: number };
    }
  | {
      readonly type: 'verifying';
      readonly data: InZone & { readonly explanation: Explanation };
    }
  | { readonly type: 'verifyingEnded'; readonly data: InZone & { readonly confirmed: boolean } }
  | {
      readonly type: 'sensorAppeared';
      readonly data: {
        readonly sensor: SensorId;
        readonly zone: ZoneId;
        readonly address: string;
        readonly announced: string;
      };
    }
  | {
      readonly type: 'arraySwapped';
      readonly data: { readonly sensor: SensorId; readonly was: string; readonly is: string };
    }
  | {
      readonly type: 'ringOverflow';
      readonly data: { readonly lostEvents: number };
    };

/** What the panel and the runtime say happened, before it has a number and a time. */
export type DomainEvent =
  | ({ readonly lane: 'alarm' } & AlarmEvent)
  | ({ readonly lane: 'fault' } & FaultEvent)
  | ({ readonly lane: 'operator' } & OperatorEvent)
  | ({ readonly lane: 'system' } & SystemEvent);

export const EVENT_SCHEMA = 1;

/** A stamped event, exactly as journalled and published. */
export type JournalEvent = DomainEvent & {
  readonly schema: typeof EVENT_SCHEMA;
  /** UUIDv7: unique for ever, never below the last stored one. */
  readonly id: string;
  readonly deviceId: DeviceId;
  /** Gapless per lane, from 1. */
  readonly seq: number;
  readonly bootId: string;
  readonly monotonicMs: number;
  /** ISO 8601 in UTC. */
  readonly wall: string;
  readonly clockQuality: ClockQuality;
};
