/** From an untrusted message to a command, or to a reason why not; pure. */
import type { AccessLevel, Command, CommandError, CommandKind } from '../domain/command.ts';
import { COMMAND_KINDS, isPermitted } from '../domain/command.ts';
import { COMMAND_FIELDS, readCommand } from '../domain/command-read.ts';
import type { ServiceOrder } from '../domain/command-service.ts';
import { isServiceKind, readService, SERVICE_FIELDS } from '../domain/command-service.ts';
import type { JsonFields } from './command-json.ts';
import { readJsonObject } from './command-json.ts';

/** What the sender may write; all fields are optional, no others are accepted. */
const FIELDS: readonly string[] = [
  'requestId',
  ...COMMAND_FIELDS,
  ...SERVICE_FIELDS,
  'issuedAt',
  'expiresInSeconds',
  'counter',
  'actor',
  'keyId',
  'token',
];
/** What a signed command consists of: `command` is the JSON of all the others, as text. */
const ENVELOPE: readonly string[] = ['keyId', 'signature', 'command'];
export const COMMAND_NAMES = COMMAND_KINDS;

/** What senders of that level may ask of the appliance. */
export function acceptedAt(level: AccessLevel): readonly CommandKind[] {
  return COMMAND_KINDS.filter((kind) => isPermitted(level, kind));
}

const MAX_PAYLOAD_BYTES = 4096;
/** `configure` carries a whole configuration. */
const MAX_CONFIGURE_BYTES = 262_144;
/** How long a command with a time of issue, but without an expiry of its own, may be under way. */
const DEFAULT_EXPIRY_SECONDS = 30;
/** Where nobody says how long a signed command may be valid. */
const DEFAULT_WINDOW_SECONDS = 60;
/** How far the sender's clock may be ahead of ours. */
const MAX_AHEAD_SECONDS = 60;
const TOKEN = /^[A-Za-z0-9_.:@-]{1,64}$/;
const SIGNATURE = /^[A-Za-z0-9+/_=-]{20,128}$/;
const MAX_TOKEN_CHARS = 512;

/** What came with a command to show who sent it; checked by nobody yet. */
export type Credential =
  | { readonly kind: 'none' }
  | { readonly kind: 'token'; readonly keyId: string; readonly token: string }
  | {
      readonly kind: 'signature';
      readonly keyId: string;
      readonly signature: string;
      readonly command: string;
    };

export interface ParsedCommand {
  readonly ok: true;
  readonly command: Command | ServiceOrder;
  readonly requestId: string | null;
  readonly actor: string | null;
  readonly credential: Credential;
  /** Of a signed command: higher than any before it from that key. */
  readonly counter: number | null;
  readonly issuedMs: number | null;
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

export interface ParseContext {
  /**
   * Our wall time, or null while the clock is not known to be right: the age of a command cannot
   * be judged then, and clean start keeps stored ones away in any case.
   */
  readonly wallMs: number | null;
  /** No signed command is valid for longer. */
  readonly windowSeconds?: number;
}

/** Never throws. */
export function parseCommand(
  message: CommandMessage,
  context: ParseContext,
): ParsedCommand | RefusedCommand {
  const maxBytes = message.name === 'configure' ? MAX_CONFIGURE_BYTES : MAX_PAYLOAD_BYTES;
  const outer = readJsonObject(message.payload, maxBytes);
  if (typeof outer === 'string') return refuse(NOBODY, 'badArgument', outer);
  const opened = openEnvelope(outer, maxBytes);
  if ('detail' in opened) return refuse(NOBODY, opened.error, opened.detail);
  const { fields, credential } = opened;
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
  const isSigned = credential.kind === 'signature';
  const fresh = checkFresh(fields, message.expirySeconds, context, isSigned);
  if ('error' in fresh) return refuse(from, fresh.error, fresh.detail);
  if (isSigned && requestId === null) {
    return refuse(from, 'badArgument', 'a signed command needs a "requestId" of its own');
  }
  const command = isServiceKind(message.name)
    ? readService(message.name, fields)
    : readCommand(message.name, fields);
  return 'error' in command
    ? refuse(from, command.error, command.detail)
    : { ok: true, command, credential, ...from, ...fresh };
}

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

function bad(detail: string): Problem {
  return { error: 'badArgument', detail };
}

interface Opened {
  readonly fields: JsonFields;
  readonly credential: Credential;
}

/** The command itself, and what was put around it. */
function openEnvelope(outer: JsonFields, maxBytes: number): Opened | Problem {
  const { keyId, signature, command, token } = outer;
  if (signature === undefined && command === undefined) {
    if (token === undefined) {
      return keyId === undefined
        ? { fields: outer, credential: { kind: 'none' } }
        : bad('a "keyId" comes with a "token", or with "signature" and "command"');
    }
    const isToken = typeof token === 'string' && token.length <= MAX_TOKEN_CHARS;
    if (!isToken) return bad(`"token" must be a text of at most ${MAX_TOKEN_CHARS} characters`);
    return isName(keyId)
      ? { fields: outer, credential: { kind: 'token', keyId, token } }
      : bad(badToken('keyId'));
  }
  if (!Object.keys(outer).every((key) => ENVELOPE.includes(key))) {
    return bad(`a signed command has the fields ${ENVELOPE.join(', ')} and no others`);
  }
  if (!isName(keyId)) return bad(badToken('keyId'));
  if (typeof signature !== 'string' || !SIGNATURE.test(signature)) {
    return bad('"signature" must be a signature in base64');
  }
  if (typeof command !== 'string') return bad('"command" must be the JSON of the command as text');
  const fields = readJsonObject(Buffer.from(command), maxBytes);
  if (typeof fields === 'string') return bad(`in "command": ${fields}`);
  if ('keyId' in fields || 'token' in fields) {
    return bad('in "command": "keyId" and "token" do not belong into a signed command');
  }
  return { fields, credential: { kind: 'signature', keyId, signature, command } };
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && TOKEN.test(value);
}

/** Null when absent, undefined when unusable. */
function readToken(fields: JsonFields, key: string): string | null | undefined {
  const value = fields[key];
  if (value === undefined) return null;
  return isName(value) ? value : undefined;
}

function badToken(key: string): string {
  return `"${key}" must be a text of 1..64 letters, digits and _ . : @ -`;
}

interface Fresh {
  readonly counter: number | null;
  readonly issuedMs: number | null;
}

function checkFresh(
  fields: JsonFields,
  expirySeconds: number | null,
  { wallMs, windowSeconds = DEFAULT_WINDOW_SECONDS }: ParseContext,
  isSigned: boolean,
): Fresh | Problem {
  if (expirySeconds !== null && expirySeconds <= 0) {
    return { error: 'stale', detail: 'the message expired on its way' };
  }
  const { issuedAt, expiresInSeconds = DEFAULT_EXPIRY_SECONDS, counter = null } = fields;
  if (typeof expiresInSeconds !== 'number' || !(expiresInSeconds > 0)) {
    return bad('"expiresInSeconds" must be a number above 0');
  }
  if (counter !== null && !(Number.isSafeInteger(counter) && Number(counter) >= 0)) {
    return bad('"counter" must be a whole number, 0 or more');
  }
  const counted = counter === null ? null : Number(counter);
  const issuedMs = issuedAt === undefined ? null : readTime(issuedAt);
  if (Number.isNaN(issuedMs)) return bad('"issuedAt" must be a time as in ISO 8601');
  if (isSigned && counted === null) {
    if (issuedMs === null) return bad('a signed command needs "issuedAt" or "counter"');
    if (wallMs === null) {
      const why =
        'the clock here is not set, so its age cannot be judged: sign it with a "counter"';
      return { error: 'stale', detail: why };
    }
  }
  if (wallMs !== null && issuedMs !== null) {
    const validSeconds = isSigned ? Math.min(expiresInSeconds, windowSeconds) : expiresInSeconds;
    const stale = checkAge((wallMs - issuedMs) / 1000, validSeconds);
    if (stale !== null) return { error: 'stale', detail: stale };
  }
  return { counter: counted, issuedMs };
}

/** NaN where it is none. */
function readTime(value: unknown): number {
  return typeof value === 'string' ? Date.parse(value) : NaN;
}

function checkAge(ageSeconds: number, validSeconds: number): string | null {
  if (ageSeconds > validSeconds) {
    return `issued ${ageSeconds.toFixed(1)} s ago, valid for ${validSeconds} s`;
  }
  if (-ageSeconds > MAX_AHEAD_SECONDS) {
    return `issued ${(-ageSeconds).toFixed(1)} s in the future: check both clocks`;
  }
  return null;
}
