/** Commands that the panel never sees: about the appliance itself, not about its alarms. Pure. */
import type { AccessLevel, CommandError, CommandKind, CommandOutcome } from './command.ts';
import { ACCESS, ACCESS_LEVELS } from './command.ts';
import type { PanelView } from './view.ts';

/** The lowest level that each needs; see `ACCESS` for the panel's own. */
export const SERVICE_ACCESS = {
  snapshot: 'viewer',
  configure: 'installer',
  update: 'installer',
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

/** Daily hours in which an update may start, as `HH:MM`; `to` before `from` is the next day's. */
export interface RolloutWindow {
  readonly from: string;
  readonly to: string;
  readonly utc: boolean;
}

/** Another release of this program, and who of many appliances is meant, and when. */
export interface Rollout {
  readonly url: string;
  readonly version: string;
  /** Only the first so many percent of all appliances; null: all. */
  readonly percentage: number | null;
  /** Null: the configured hours, or any. */
  readonly window: RolloutWindow | null;
}

export type ServiceOrder =
  | { readonly kind: 'snapshot' }
  | { readonly kind: 'configure'; readonly change: ConfigChange }
  | { readonly kind: 'update'; readonly rollout: Rollout };

export interface RolloutRequest {
  readonly rollout: Rollout;
  readonly requestId: string;
  readonly origin: string;
}

/** Takes an update, or says why not; what becomes of it is told by events. Never rejects. */
export type RequestUpdate = (request: RolloutRequest, panel: PanelView) => Promise<CommandOutcome>;

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
export const SERVICE_FIELDS = [
  ...(['text', 'baseHash', 'dryRun', 'confirm', 'rollback'] as const),
  ...(['url', 'version', 'percentage', 'window'] as const),
] as const;

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
  if (kind === 'update') {
    const rollout = readRollout(fields);
    return 'error' in rollout ? rollout : { kind, rollout };
  }
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

const URL_TEXT = /^https?:\/\/[!-~]{1,1000}$/;
const VERSION_TEXT = /^[0-9A-Za-z.+-]{1,64}$/;

/** The fields of `update`, or what is wrong with them. Never throws. */
export function readRollout(fields: Readonly<Record<string, unknown>>): Rollout | Problem {
  const { url, version, percentage = null, window = null } = fields;
  if (typeof url !== 'string' || !URL_TEXT.test(url)) {
    return bad('"url" must be the address of a release: http:// or https://');
  }
  if (typeof version !== 'string' || !VERSION_TEXT.test(version)) {
    return bad('"version" must be the version of the release at "url"');
  }
  const isShare = typeof percentage === 'number' && percentage >= 0 && percentage <= 100;
  if (percentage !== null && !isShare) return bad('"percentage" must be a number from 0 to 100');
  if (window === null) return { url, version, percentage, window };
  const hours = readWindow(window);
  return hours === null
    ? bad('"window" must be {"from": "HH:MM", "to": "HH:MM"}, with "utc": true for UTC')
    : { url, version, percentage, window: hours };
}

function readWindow(raw: unknown): RolloutWindow | null {
  if (typeof raw !== 'object' || raw === null) return null;
  const { from, to, utc = false, ...others } = raw as Readonly<Record<string, unknown>>;
  if (typeof from !== 'string' || typeof to !== 'string' || typeof utc !== 'boolean') return null;
  return Object.keys(others).length === 0 ? { from, to, utc } : null;
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
