/** Operator commands, wherever they come from: console, MQTT, CLI, a key switch. */
import type { ZoneId } from './units.ts';

/** Access levels 1, 2, 3 of fire-alarm practice. */
export type AccessLevel = 'viewer' | 'operator' | 'installer';

export type Command =
  | { readonly kind: 'acknowledge'; readonly zone: ZoneId | 'all' }
  | { readonly kind: 'silence' }
  | { readonly kind: 'reset'; readonly zone: ZoneId | 'all' }
  | { readonly kind: 'disable'; readonly zone: ZoneId; readonly forMs: number }
  | { readonly kind: 'enable'; readonly zone: ZoneId }
  | { readonly kind: 'test'; readonly zone: ZoneId; readonly forMs: number };

export interface CommandRequest {
  readonly command: Command;
  /** Unique per request: a repeated id is answered again and not executed again. */
  readonly requestId: string;
  /** Who and from where, for the journal: for example `mqtt:central-1`, `input:reset-button`. */
  readonly origin: string;
  readonly level: AccessLevel;
}

export type CommandOutcome =
  | { readonly requestId: string; readonly ok: true; readonly detail: string }
  | {
      readonly requestId: string;
      readonly ok: false;
      readonly error: CommandError;
      readonly detail: string;
    };

export type CommandError =
  | 'unknownCommand'
  | 'unknownZone'
  | 'badArgument'
  | 'notPermitted'
  | 'stale'
  | 'notApplicable'
  | 'overloaded';
