/** The holder's end of one connection: the runtime that the lines belong to. */
import type { Log } from '../../domain/ports.ts';
import type { Libc } from '../native/libc.ts';
import type { HalErrorKind, HalResult } from '../ports.ts';
import { failed } from '../ports.ts';
import { closeDescriptor } from './descriptors.ts';
import type { KeptLines } from './kept-lines.ts';
import type { ReceivedMessage, Reply, Request } from './protocol.ts';
import {
  encode,
  MESSAGE_LIMIT,
  MessageReader,
  parseRequest,
  PROTOCOL_VERSION,
} from './protocol.ts';

export interface SessionOptions {
  /** Non-blocking; belongs to the session. */
  readonly socket: number;
  /** Process at the other end. */
  readonly peer: number;
  readonly libc: Libc;
  readonly lines: KeptLines;
  readonly log: Log;
  /** Process id of the holder. */
  readonly pid: number;
  /** A message has come that shows the runtime at work. */
  readonly alive: () => void;
}

/** Chunks read in one turn: a flood must not keep the holder from looking at its clock. */
const CHUNKS_PER_TURN = 32;

interface Answer {
  readonly reply: Reply;
  /** Descriptor that goes with it; stays the holder's. */
  readonly comes: number | null;
}

const DONE_ANSWER: Answer = { reply: { ok: true }, comes: null };

export class Session {
  readonly peer: number;
  readonly #options: SessionOptions;
  readonly #reader: MessageReader;
  readonly #chunk = Buffer.alloc(4096);
  #greeted = false;
  #isOutdated = false;
  #over: string | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.peer = options.peer;
    this.#reader = new MessageReader((descriptor) => this.#discard(descriptor));
  }

  /** It has said hello: a runtime, and not somebody who only connected. */
  get greeted(): boolean {
    return this.#greeted;
  }

  /** It is a runtime of another version: the lines are released, and this holder is of no use. */
  get isOutdated(): boolean {
    return this.#isOutdated;
  }

  /** Why the connection cannot go on; null while it can. */
  get over(): string | null {
    return this.#over;
  }

  /** Reads and answers what is there, without waiting. */
  turn(): void {
    const { libc, socket } = this.#options;
    for (let chunks = 0; chunks < CHUNKS_PER_TURN && this.#over === null; chunks++) {
      const received = libc.receive(socket, this.#chunk);
      if (!received.ok) {
        if (received.code === 'EAGAIN' || received.code === 'EINTR') return;
        this.#over = received.code;
        return;
      }
      const { bytes, descriptor } = received;
      if (bytes === 0) {
        if (descriptor !== null) this.#discard(descriptor);
        this.#over = 'closed';
        return;
      }
      const messages = this.#reader.push(this.#chunk.subarray(0, bytes), descriptor);
      for (const message of messages) this.#answer(message);
    }
  }

  /** Harmless only once. */
  close(): void {
    this.#reader.discard();
    this.#discard(this.#options.socket);
  }

  #answer({ text, descriptor }: ReceivedMessage): void {
    const request = text === null ? `longer than ${MESSAGE_LIMIT} bytes` : parseRequest(text);
    const isKeep = typeof request !== 'string' && request.op === 'keep' && this.#greeted;
    if (descriptor !== null && !isKeep) this.#discard(descriptor);
    if (typeof request === 'string') {
      this.#options.log('warn', 'message refused', { peer: this.peer, detail: request });
      this.#send(refusal('corrupt', request), null);
      return;
    }
    if (request.op !== 'hello' && !this.#greeted) {
      this.#send(refusal('other', 'say hello first'), null);
      return;
    }
    const { reply, comes } = this.#obey(request, descriptor);
    this.#send(reply, comes);
    if (this.#greeted) this.#options.alive();
  }

  /** @returns the reply and the descriptor that goes with it. */
  #obey(request: Request, descriptor: number | null): Answer {
    const { lines } = this.#options;
    switch (request.op) {
      case 'hello':
        return { reply: this.#greet(request.version), comes: null };
      case 'beat':
        return DONE_ANSWER;
      case 'keep': {
        const { key, set } = request;
        if (descriptor !== null) return answerOf(lines.keep(key, descriptor, set));
        return answerOf(failed('other', `${key} is not kept: no descriptor came along`));
      }
      case 'keepFile':
        return answerOf(lines.keepFile(request.key, request.path, request.write));
      case 'onLoss':
        lines.onLoss(request.key, request.level);
        return DONE_ANSWER;
      case 'take': {
        const line = lines.take(request.key);
        const reply = { ok: true, kept: line !== null, set: line?.set ?? null } as const;
        return { reply, comes: line?.descriptor ?? null };
      }
      case 'drop':
        lines.drop(request.key);
        return DONE_ANSWER;
      case 'settled':
        this.#settled();
        return DONE_ANSWER;
    }
  }

  #greet(version: number): Reply {
    const { log, lines, pid } = this.#options;
    if (version === PROTOCOL_VERSION) {
      this.#greeted = true;
      lines.begin();
      log('info', 'runtime connected', { peer: this.peer, lines: lines.size });
      return { ok: true, version, pid };
    }
    // Without its lines the runtime would have no outputs at all until somebody came.
    this.#isOutdated = Number.isInteger(version) && version > 0;
    if (this.#isOutdated) lines.releaseAll();
    const detail =
      `the holder speaks version ${PROTOCOL_VERSION}, the runtime version ${version}: ` +
      (this.#isOutdated
        ? 'it has released its lines and ends, so that one of the same version can be started'
        : 'that is none');
    log('error', 'runtime refused', { peer: this.peer, detail });
    return refusal('other', detail);
  }

  #settled(): void {
    const released = this.#options.lines.settled();
    if (released.length === 0) return;
    const keys = released.join(' ');
    this.#options.log('warn', 'lines released: no longer configured', { keys });
  }

  /** Replies are small and few: a runtime that leaves them unread until none fits is broken. */
  #send(reply: Reply, descriptor: number | null): void {
    if (this.#over !== null) return;
    const bytes = encode(reply);
    const sent = this.#options.libc.send(this.#options.socket, bytes, descriptor);
    if (!sent.ok) this.#over = `reply not taken: ${sent.code}`;
    else if (sent.value !== bytes.length) this.#over = 'reply taken in part';
  }

  #discard(descriptor: number): void {
    const trouble = closeDescriptor(descriptor);
    if (trouble !== null) this.#options.log('error', 'not closed', { detail: trouble });
  }
}

export function refusal(kind: HalErrorKind, error: string): Reply {
  return { ok: false, kind, error };
}

function answerOf(result: HalResult): Answer {
  if (result.ok) return DONE_ANSWER;
  return { reply: refusal(result.error.kind, result.error.message), comes: null };
}
