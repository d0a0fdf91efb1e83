/** Commands that the panel never sees: about the appliance itself, not about its alarms. Pure. */
import type { AccessLevel, CommandError, CommandKind, CommandOutcome } from './command.ts';
import { ACCESS, ACCESS_LEVELS } from './command.ts';
import type { PanelView } from './view.ts';

/** The lowest level that each needs; see `ACCESS` for the panel's own. */
export const SERVICE_ACCESS = {
  snapshot: 'viewer',
  configure: 'installer',
} as const satisfies Readonly<Record<string, AccessLevel>>;
export type ServiceKind = keyof typeof SERVICE_ACCESS;
export const SERVICE_KINDS = Object.keys(SERVICE_ACCESS) as readonly ServiceKind[];

/** What somebody wants of the configuration. */
export type ConfigChange =
  /** `baseHash` names what the sender has seen: nobody's change is overwritten. */
  | {
      readonly kind: 'apply';
      readonly text: string;
      readonly baseHash: string;
      readonly dryRun: boolean;
    }
  /** The sender has seen the appliance work with the configuration of this hash. */
  | { readonly kind: 'confirm'; readonly hash: string }
  /** Back to one of the history, on probation like any other. */
  | { readonly kind: 'rollback'; readonly hash: string };

export type ServiceOrder =
  { readonly kind: 'snapshot' } | { readonly kind: 'configure'; readonly change: ConfigChange };

export interface ConfigureRequest {
  readonly change: ConfigChange;
  readonly requestId: string;
  readonly origin: string;
  /** The broker it came by; null: from the machine itself. */
  readonly broker: string | null;
}

/** Carries a change out, or says why not. Never rejects. */
export type Configure = (request: ConfigureRequest, panel: PanelView) => Promise<CommandOutcome>;

/** The fields of the commands on this page. */
export const SERVICE_FIELDS = ['text', 'baseHash', 'dryRun', 'confirm', 'rollback'] as const;

/** How a configuration is named: the first 16 hex digits of the SHA-256 of its text. */
export const CONFIG_HASH = /^[0-9a-f]{16}$/;

export function isServiceKind(name: string): name is ServiceKind {
  return SERVICE_KINDS.some((kind) => kind === name);
}

/** The lowest level that may give a command, the panel's or one of these. */
export function levelFor(kind: CommandKind | ServiceKind): AccessLevel {
  return isServiceKind(kind) ? SERVICE_ACCESS[kind] : ACCESS[kind];
}

/** Whether somebody of this level may give that command. */
export function mayGive(level: AccessLevel, kind: CommandKind | ServiceKind): boolean {
  return ACCESS_LEVELS.indexOf(level) >= ACCESS_LEVELS.indexOf(levelFor(kind));
}

interface Problem {
  readonly error: CommandError;
  readonly detail: string;
}

/** From the fields that somebody wrote, or to a reason why not. Never throws. */
export function readService(
  kind: ServiceKind,
  fields: Readonly<Record<string, unknown>>,
): ServiceOrder | Problem {
  if (kind === 'snapshot') return { kind };
  const change = readChange(fields);
  return 'error' in change ? change : { kind, change };
}

function readChange(fields: Readonly<Record<string, unknown>>): ConfigChange | Problem {
  const { text, baseHash, dryRun = false, confirm, rollback } = fields;
  const ways = [text, confirm, rollback].filter((way) => way !== undefined);
  if (ways.length !== 1) {
    return bad('one of "text", "confirm" and "rollback" says what to do with the configuration');
  }
  if (confirm !== undefined) {
    return isHash(confirm) ? { kind: 'confirm', hash: confirm } : badHash('confirm');
  }
  if (rollback !== undefined) {
    return isHash(rollback) ? { kind: 'rollback', hash: rollback } : badHash('rollback');
  }
  if (typeof text !== 'string') return bad('"text" must be a whole configuration as text');
  if (typeof dryRun !== 'boolean') return bad('"dryRun" must be true or false');
  if (!isHash(baseHash)) return badHash('baseHash');
  return { kind: 'apply', text, baseHash, dryRun };
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && CONFIG_HASH.test(value);
}

function badHash(field: string): Problem {
  return bad(`"${field}" must be a configuration hash: 16 hex digits, as in <root>/status`);
}

function bad(detail: string): Problem {
  return { error: 'badArgument', detail };
}
