/** Asks a running appliance on this machine: one request, one answer. */
import { connect } from 'node:net';
import { join } from 'node:path';
import type { AccessLevel } from '../domain/command.ts';
import { ACCESS_LEVELS, COMMAND_ERRORS } from '../domain/command.ts';
import type { Clock } from '../domain/ports.ts';
import type { ControlAnswer } from './protocol.ts';
import { CONTROL_VERSION } from './protocol.ts';
import { SOCKET_PATH_LIMIT } from './socket-file.ts';

/** Longer than the appliance itself waits for its panel. */
export const ASK_TIMEOUT_MS = 8_000;
/** More than a whole state of the largest appliance. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

export type Asked =
  | { readonly kind: 'answered'; readonly answer: ControlAnswer }
  /** Nobody listens there. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'forbidden' }
  /** Hung up before it said anything: too many ask there, or it stops. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'failed'; readonly why: string };

/** Sends one request to one socket. Never rejects. */
export function askSocket(path: string, request: object, clock: Clock): Promise<Asked> {
  if (Buffer.byteLength(path) > SOCKET_PATH_LIMIT) {
    const why = `${path}: no socket has so long a path: choose a shorter state.runDirectory`;
    return Promise.resolve({ kind: 'failed', why });
  }
  return new Promise((resolve) => {
    const socket = connect(path);
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (asked: Asked): void => {
      cancel();
      socket.destroy();
      resolve(asked);
    };
    const cancel = clock.after(ASK_TIMEOUT_MS, () =>
      settle({ kind: 'failed', why: `no answer within ${ASK_TIMEOUT_MS / 1000} s` }),
    );
    socket.on('connect', () => socket.write(`${JSON.stringify(request)}\n`));
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) settle({ kind: 'failed', why: 'the answer has no end' });
      else if (chunk.includes(0x0a)) settle(readAnswer(Buffer.concat(chunks).toString('utf8')));
    });
    const hungUp: Asked = { kind: 'failed', why: 'it ended in the middle of its answer' };
    socket.on('end', () => settle(bytes === 0 ? { kind: 'busy' } : hungUp));
    socket.on('error', (error: NodeJS.ErrnoException) => settle(kindOf(error)));
  });
}

function kindOf({ code, message }: NodeJS.ErrnoException): Asked {
  if (code === 'ENOENT' || code === 'ECONNREFUSED') return { kind: 'absent' };
  if (code === 'EACCES' || code === 'EPERM') return { kind: 'forbidden' };
  if (code === 'EPIPE' || code === 'ECONNRESET') return { kind: 'busy' };
  return { kind: 'failed', why: message };
}

/** The first line of what came. */
function readAnswer(text: string): Asked {
  try {
    const raw: unknown = JSON.parse(text.slice(0, text.indexOf('\n')));
    const answer = answerOf(raw);
    if (answer !== null) return { kind: 'answered', answer };
  } catch {
    // Told below: the parser's own words would quote the answer.
  }
  return { kind: 'failed', why: 'the answer is not one of this version' };
}

function answerOf(raw: unknown): ControlAnswer | null {
  if (typeof raw !== 'object' || raw === null) return null;
  const fields = raw as Readonly<Record<string, unknown>>;
  const { ok, detail } = fields;
  const level = ACCESS_LEVELS.find((known) => known === fields['level']);
  const error = COMMAND_ERRORS.find((known) => known === fields['error']);
  if (fields['version'] !== CONTROL_VERSION || level === undefined) return null;
  if (typeof ok !== 'boolean' || typeof detail !== 'string') return null;
  const id = fields['requestId'];
  return {
    version: CONTROL_VERSION,
    requestId: typeof id === 'string' ? id : null,
    ok,
    detail,
    level,
    ...(error === undefined ? {} : { error }),
    ...(fields['state'] === undefined ? {} : { state: fields['state'] }),
  };
}

/**
 * Asks by the lowest socket that is enough, else by a higher one; where none of them is permitted,
 * by a lower one: the appliance then refuses, and its journal knows of the attempt. A request that
 * was heard before its socket hung up is not carried out twice: it bears the same id.
 */
export async function askAppliance(
  directory: string,
  needed: AccessLevel,
  request: object,
  clock: Clock,
): Promise<Asked> {
  const at = ACCESS_LEVELS.indexOf(needed);
  const order = [...ACCESS_LEVELS.slice(at), ...ACCESS_LEVELS.slice(0, at).reverse()];
  let worst: Asked = { kind: 'absent' };
  for (const level of order) {
    const isEnough = ACCESS_LEVELS.indexOf(level) >= at;
    // It has a socket that is permitted; a lower one would only say that it is too low.
    if (worst.kind === 'busy' && !isEnough) break;
    const asked = await askSocket(join(directory, `${level}.sock`), request, clock);
    if (asked.kind === 'answered' || asked.kind === 'failed') return asked;
    // One that is full of clients must not keep out those who may use another.
    if (asked.kind === 'busy' || worst.kind === 'absent') worst = asked;
  }
  return worst;
}
