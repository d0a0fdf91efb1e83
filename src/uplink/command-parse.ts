/** From an untrusted message to a command, or to a reason why not; pure. */
import type { AccessLevel, Command, CommandError, CommandKind } from '../domain/command.ts';
import { COMMAND_KINDS, isPermitted } from '../domain/command.ts';
import { COMMAND_FIELDS, readCommand } from '../domain/command-read.ts';

/** What the sender may write; all fields are optional, no others are accepted. */
const FIELDS: readonly string[] = [
  'requestId',
  ...COMMAND_FIELDS,
  'issuedAt',
  'expiresInSeconds',
  'actor',
];
export const COMMAND_NAMES = COMMAND_KINDS;

/** What senders of that level may ask of the appliance. */
export function acceptedAt(level: AccessLevel): readonly CommandKind[] {
  return COMMAND_KINDS.filter((kind) => isPermitted(level, kind));
}

const MAX_PAYLOAD_BYTES = 4096;
/** How long a command with a time of issue, but without an expiry of its own, may be under way. */
const DEFAULT_EXPIRY_SECONDS = 30;
/** How far the sender's clock may be ahead of ours. */
const MAX_AHEAD_SECONDS = 60;
const TOKEN = /^[A-Za-z0-9_.:@-]{1,64}$/;

export interface ParsedCommand {
  readonly ok: true;
  readonly command: Command;
  readonly requestId: string | null;
  readonly actor: string | null;
}

export interface RefusedCommand {
  readonly ok: false;
  /** Where one could be read, so that the sender can match the answer. */
  readonly requestId: string | null;
  /** Who claims to have sent it, where that could be read. */
  readonly actor: string | null;
  readonly error: CommandError;
  readonly detail: string;
}

export interface CommandMessage {
  /** Last level of the topic. */
  readonly name: string;
  readonly payload: Uint8Array;
  readonly retained: boolean;
  /** What is left of the sender's expiry, where the protocol carries one. */
  readonly expirySeconds: number | null;
}

/**
 * @param now.wallMs our wall time, or null while the clock is not known to be right: the age of a
 * command cannot be judged then, and clean start keeps stored ones away in any case.
 */
export function parseCommand(
  message: CommandMessage,
  now: { readonly wallMs: number | null },
): ParsedCommand | RefusedCommand {
  const fields = readFields(message.payload);
  if (typeof fields === 'string') return refuse(NOBODY, 'badArgument', fields);
  const requestId = readToken(fields, 'requestId');
  const actor = readToken(fields, 'actor');
  const from = { requestId: requestId ?? null, actor: actor ?? null };
  if (requestId === undefined) return refuse(from, 'badArgument', badToken('requestId'));
  if (message.retained) {
    const why = 'a retained command is refused: it would be carried out at each connect';
    return refuse(from, 'stale', why);
  }
  const unknown = Object.keys(fields).find((key) => !FIELDS.includes(key));
  if (unknown !== undefined) {
    const why = `unknown field "${unknown.slice(0, 32)}"; known are ${FIELDS.join(', ')}`;
    return refuse(from, 'badArgument', why);
  }
  if (actor === undefined) return refuse(from, 'badArgument', badToken('actor'));
  const age = checkAge(fields, message.expirySeconds, now.wallMs);
  if (age !== null) return refuse(from, age.error, age.detail);
  const command = readCommand(message.name, fields);
  return 'error' in command
    ? refuse(from, command.error, command.detail)
    : { ok: true, command, ...from };
}

type Fields = Readonly<Record<string, unknown>>;
interface Problem {
  readonly error: CommandError;
  readonly detail: string;
}

interface Sender {
  readonly requestId: string | null;
  readonly actor: string | null;
}

const NOBODY: Sender = { requestId: null, actor: null };

function refuse(from: Sender, error: CommandError, detail: string): RefusedCommand {
  return { ok: false, ...from, error, detail };
}

/** The fields, or what is wrong with the payload. An empty payload is a command without fields. */
function readFields(payload: Uint8Array): Fields | string {
  if (payload.byteLength === 0) return {};
  if (payload.byteLength > MAX_PAYLOAD_BYTES) {
    return `the payload has ${payload.byteLength} bytes; at most ${MAX_PAYLOAD_BYTES} are read`;
  }
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return 'the payload is no JSON object';
    }
    return { ...value };
  } catch {
    // The parser's own words quote the payload, which may hold anything.
    return 'the payload is not JSON in UTF-8';
  }
}

/** Null when absent, undefined when unusable. */
function readToken(fields: Fields, key: string): string | null | undefined {
  const value = fields[key];
  if (value === undefined) return null;
  return typeof value === 'string' && TOKEN.test(value) ? value : undefined;
}

function badToken(key: string): string {
  return `"${key}" must be a text of 1..64 letters, digits and _ . : @ -`;
}

function checkAge(
  fields: Fields,
  expirySeconds: number | null,
  wallMs: number | null,
): Problem | null {
  if (expirySeconds !== null && expirySeconds <= 0) {
    return { error: 'stale', detail: 'the message expired on its way' };
  }
  const { issuedAt, expiresInSeconds = DEFAULT_EXPIRY_SECONDS } = fields;
  if (typeof expiresInSeconds !== 'number' || !(expiresInSeconds > 0)) {
    return { error: 'badArgument', detail: '"expiresInSeconds" must be a number above 0' };
  }
  if (issuedAt === undefined) return null;
  const issuedMs = typeof issuedAt === 'string' ? Date.parse(issuedAt) : NaN;
  if (Number.isNaN(issuedMs)) {
    return { error: 'badArgument', detail: '"issuedAt" must be a time as in ISO 8601' };
  }
  if (wallMs === null) return null;
  const ageSeconds = (wallMs - issuedMs) / 1000;
  if (ageSeconds > expiresInSeconds) {
    const age = ageSeconds.toFixed(1);
    return { error: 'stale', detail: `issued ${age} s ago, valid for ${expiresInSeconds} s` };
  }
  if (-ageSeconds > MAX_AHEAD_SECONDS) {
    const ahead = (-ageSeconds).toFixed(1);
    return { error: 'stale', detail: `issued ${ahead} s in the future: check both clocks` };
  }
  return null;
}
