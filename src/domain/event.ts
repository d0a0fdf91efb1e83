/**
 * The closed union of journal events: the system's vocabulary on one page. `type` says what
 * happened, `data` carries everything a reader needs to understand it without other messages.
 */
import type { UpdateFacts } from './update-facts.ts';
import type { AlarmRef, CustodyEntry } from './custody.ts';
import type { ClockMapping, ClockQuality, EventStamp } from './event-stamp.ts';
import type { Explanation } from './explanation.ts';
import type { ProofOutcome, ProofStage } from './proof.ts';
import type { SensorId, ZoneId } from './units.ts';
import type { DelayedRole, OutputRole } from './view.ts';

export { EVENT_SCHEMA } from './event-stamp.ts';
export type { ClockQuality, EventStamp } from './event-stamp.ts';
export type { Explanation, ModelWord, Vote, VoteUnit } from './explanation.ts';
export { VOTE_UNITS } from './explanation.ts';

export const LANES = ['alarm', 'fault', 'operator', 'system'] as const;
/** Events of one lane keep their order absolutely; lanes are independent of one another. */
export type Lane = (typeof LANES)[number];

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
  | { readonly type: 'alarmReset'; readonly data: InZone & { readonly latchedForMs: number } }
  | {
      /** No fire: a synthetic one went through the zone's alarm path, and this is how far. */
      readonly type: 'proof';
      readonly data: InZone & {
        readonly proof: string;
        readonly synthetic: true;
        /** Up to the outputs; what follows is proven by this very event. */
        readonly stages: readonly ProofStage[];
      };
    };

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
      readonly type: 'sensorDisabled';
      readonly data: ByOperator & { readonly sensor: SensorId; readonly forMs: number };
    }
  | {
      /** `origin` is `timeout` where its time was over; so in every event that ends something. */
      readonly type: 'sensorEnabled';
      readonly data: { readonly sensor: SensorId; readonly origin: string };
    }
  | {
      readonly type: 'outputDisabled';
      readonly data: ByOperator & OfOutput & { readonly forMs: number };
    }
  | { readonly type: 'outputEnabled'; readonly data: OfOutput & { readonly origin: string } }
  | {
      /** Also when the lease was renewed: it runs `forMs` from here. */
      readonly type: 'maintenanceStarted';
      readonly data: ByOperator & { readonly forMs: number };
    }
  | {
      /** Everything in `zones` is in alarm and sounds from here. */
      readonly type: 'maintenanceEnded';
      readonly data: { readonly origin: string; readonly zones: readonly ZoneId[] };
    }
  | {
      readonly type: 'soundRequested';
      readonly data: ByOperator & { readonly zones: readonly ZoneId[] };
    }
  | {
      readonly type: 'backgroundApproved';
      readonly data: ByOperator & { readonly sensor: SensorId };
    }
  | {
      readonly type: 'proofRequested';
      readonly data: ByOperator & { readonly zone: ZoneId | 'all' };
    }
  | {
      /** A central server has received the event `proof` with this id. */
      readonly type: 'proofConfirmed';
      readonly data: ByOperator & { readonly proof: string };
    }
  | {
      /** A central server has stored these alarms. */
      readonly type: 'centrallyConfirmed';
      readonly data: { readonly origin: string; readonly alarms: readonly AlarmRef[] };
    }
  | { readonly type: 'snapshotRequested'; readonly data: ByOperator }
  | {
      /** An attempt that was not carried out: refused by the panel, or never understood. */
      readonly type: 'commandRefused';
      readonly data: ByOperator & {
        /** What was asked for, as far as it could be read. */
        readonly command: string;
        readonly error: string;
        readonly detail: string;
      };
    };

interface ConfigurationData extends ByOperator {
  readonly configHash: string;
  /** The configuration before it. */
  readonly from: string;
  /** For people: why it was applied, kept or reverted. */
  readonly reason: string;
}

interface OfOutput {
  readonly output: string;
  readonly role: OutputRole;
}

/** Why delayed outputs wait no longer. */
export type DelayEnd =
  | 'timeout'
  | 'callPoint'
  | 'secondZone'
  /** A reset found the cause still there. */
  | 'alarmAgain'
  | 'command'
  | 'maintenance'
  /** Every alarm was reset: nothing sounds. */
  | 'reset';

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
      /** Maps the monotonic time of a run to the time of day: see docs/journal.md. */
      readonly type: 'clock';
      readonly data: ClockMapping & {
        /** `known`: the clock can be trusted from here; `lost`: not any more; `stepped`: moved. */
        readonly reason: 'known' | 'lost' | 'stepped';
        /** How far the wall clock was moved against the mapping before; negative is back. */
        readonly steppedByMs: number;
        readonly qualityBefore: ClockQuality;
        readonly qualityAfter: ClockQuality;
        /** Who vouches for the time; null where nobody does. */
        readonly source: 'timeService' | null;
      };
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
      /** The first alarm: these outputs wait before they warn. */
      readonly type: 'outputsDelayed';
      readonly data: {
        readonly zones: readonly ZoneId[];
        readonly delays: readonly { readonly role: DelayedRole; readonly forMs: number }[];
      };
    }
  | {
      readonly type: 'outputDelayEnded';
      readonly data: {
        readonly reason: DelayEnd;
        readonly roles: readonly DelayedRole[];
        /** Roles that still wait: only where the time of `roles` alone was over. */
        readonly waiting: readonly DelayedRole[];
        readonly afterMs: number;
      };
    }
  | {
      readonly type: 'proofFinished';
      readonly data: InZone & {
        readonly proof: string;
        readonly outcome: ProofOutcome;
        /** `schedule`, or the origin of the command. */
        readonly origin: string;
        readonly stages: readonly ProofStage[];
        /** For people: the stage that failed with its remedy, or why it was postponed. */
        readonly detail: string;
      };
    }
  | {
      /** No central server confirmed these alarms in time. */
      readonly type: 'escalated';
      readonly data: {
        readonly alarms: readonly AlarmRef[];
        readonly afterMs: number;
        /** Brokers that get them only now. */
        readonly brokers: readonly string[];
      };
    }
  | {
      /** Who has had an alarm, and when: once central server and operator have had it. */
      readonly type: 'custody';
      readonly data: InZone & {
        readonly alarm: AlarmRef;
        readonly stages: readonly CustodyEntry[];
        /** False: it was given up because too many alarms were open. */
        readonly complete: boolean;
      };
    }
  | {
      /** A new configuration is about to run on probation; the appliance restarts into it. */
      readonly type: 'configurationApplied';
      readonly data: ConfigurationData & { readonly changes: readonly string[] };
    }
  | {
      /** It has proved itself, or was confirmed. */
      readonly type: 'configurationKept';
      readonly data: ConfigurationData;
    }
  | {
      /** It is not run any more; `configHash` is the one that was given up, `from` runs instead. */
      readonly type: 'configurationReverted';
      readonly data: ConfigurationData & { readonly changes: readonly string[] };
    }
  | {
      /** A neighbour that has no broker handed us an alarm of its own. */
      readonly type: 'neighbourAlarm';
      readonly data: {
        readonly neighbour: string;
        /** Id of the neighbour's event, which is published under the neighbour's topics. */
        readonly alarm: string;
        readonly zone: string;
        readonly zoneName: string;
      };
    }
  | {
      /** Another release of this program: asked for, refused, on trial, kept or given up. */
      readonly type: 'update';
      readonly data: ByOperator & UpdateFacts;
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

/** A stamped event, exactly as journalled and published. */
export type JournalEvent = DomainEvent & EventStamp;
