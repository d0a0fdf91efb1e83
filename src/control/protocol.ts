/**
 * What travels over the control sockets: one JSON object a line, in both directions. A request
 * names a command of `domain/command.ts`, or `status`; each gets exactly one answer, in its order.
 */
import type { AccessLevel, Command, CommandError } from '../domain/command.ts';
import { COMMAND_FIELDS, readCommand } from '../domain/command-read.ts';
import type { ServiceOrder } from '../domain/command-service.ts';
import { isServiceKind, readService, SERVICE_FIELDS } from '../domain/command-service.ts';

/** Raised when a client would have to change. */
export const CONTROL_VERSION = 1;
/** Longest request. Answers have no limit: a state of hundreds of zones is long. */
export const MAX_REQUEST_BYTES = 4096;
/** The one request that changes nothing. */
export const STATUS = 'status';

const FIELDS: readonly string[] = [
  'version',
  'requestId',
  'name',
  'user',
  ...COMMAND_FIELDS,
  ...SERVICE_FIELDS,
];
const TOKEN = /^[A-Za-z0-9_.:@-]{1,64}$/;

export interface ControlAnswer {
  readonly version: typeof CONTROL_VERSION;
  readonly requestId: string | null;
  readonly ok: boolean;
  /** For people. */
  readonly detail: string;
  readonly error?: CommandError;
  /** Of the socket that was asked. */
  readonly level: AccessLevel;
  /** The whole state, to `status`. */
  readonly state?: unknown;
}

export type ControlRequest =
  | {
      readonly ok: true;
      readonly requestId: string | null;
      readonly user: string | null;
      /** Null asks for the state. */
      readonly command: Command | ServiceOrder | null;
    }
  | {
      readonly ok: false;
      readonly requestId: string | null;
      readonly user: string | null;
      /** What was asked for, as far as it could be read. */
      readonly name: string;
      readonly error: CommandError;
      readonly detail: string;
    };

/** Reads one line. Never throws. */
export function parseRequest(line: string): ControlRequest {
  const fields = readObject(line);
  const requestId = fields === null ? null : token(fields['requestId']);
  const user = fields === null ? null : token(fields['user']);
  const asked = fields?.['name'];
  const name = typeof asked === 'string' ? asked.slice(0, 32) : '';
  const refuse = (error: CommandError, detail: string): ControlRequest => {
    const from = { requestId: requestId ?? null, user: user ?? null };
    return { ok: false, ...from, name, error, detail };
  };
  if (fields === null) return refuse('badArgument', 'a request is one JSON object on one line');
  if (fields['version'] !== CONTROL_VERSION) {
    const detail = `"version" must be ${CONTROL_VERSION}: this appliance speaks no other`;
    return refuse('badArgument', detail);
  }
  if (requestId === undefined) return refuse('badArgument', badToken('requestId'));
  if (user === undefined) return refuse('badArgument', badToken('user'));
  if (typeof asked !== 'string') return refuse('badArgument', '"name" must be a command or status');
  const unknown = Object.keys(fields).find((key) => !FIELDS.includes(key));
  if (unknown !== undefined) {
    const detail = `unknown field "${unknown.slice(0, 32)}"; known are ${FIELDS.join(', ')}`;
    return refuse('badArgument', detail);
  }
  if (asked === STATUS) return { ok: true, requestId, user, command: null };
  const command = isServiceKind(asked) ? readService(asked, fields) : readCommand(asked, fields);
  return 'error' in command
    ? refuse(command.error, command.detail)
    : { ok: true, requestId, user, command };
}

function readObject(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
    return { ...value };
  } catch {
    // The parser's own words quote the line, which may hold anything.
    return null;
  }
}

/** Null when absent, undefined when unusable. */
function token(value: unknown): string | null | undefined {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' && TOKEN.test(value) ? value : undefined;
}

function badToken(key: string): string {
  return `"${key}" must be a text of 1..64 letters, digits and _ . : @ -`;
}

/** Cuts bytes into lines; a line that grows over the limit is told once and ends the reading. */
export class LineReader {
  readonly #limitBytes: number;
  #held: Buffer = Buffer.alloc(0);

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  push(chunk: Buffer): void {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
  }

  /** The next whole line without its end; `tooLong`; or null where more bytes are needed. */
  next(): { readonly line: string } | 'tooLong' | null {
    const end = this.#held.indexOf(0x0a);
    if (end > this.#limitBytes || (end < 0 && this.#held.length > this.#limitBytes)) {
      this.#held = Buffer.alloc(0);
      return 'tooLong';
    }
    if (end < 0) return null;
    const line = this.#held.toString('utf8', 0, end);
    this.#held = this.#held.subarray(end + 1);
    return { line: line.endsWith('\r') ? line.slice(0, -1) : line };
  }
}
