/** One client of a control socket: its requests one after another, each with its answer. */
import type { Socket } from 'node:net';
import type {
  AccessLevel,
  Command,
  CommandError,
  CommandOutcome,
  CommandRequest,
} from '../domain/command.ts';
import type { ConfigureRequest, ServiceOrder } from '../domain/command-service.ts';
import { isServiceKind, levelFor, mayGive } from '../domain/command-service.ts';
import type { Cancel, Clock } from '../domain/ports.ts';
import type { ControlAnswer } from './protocol.ts';
import {
  CONTROL_VERSION,
  LineReader,
  MAX_REQUEST_BYTES,
  parseRequest,
  STATUS,
} from './protocol.ts';
import type { RefusedAttempt } from './server.ts';

/** Who asks nothing, or does not take its answer, for so long is closed. */
export const IDLE_MS = 30_000;
/** An answer of the panel that takes longer is replaced by `overloaded`. */
export const ANSWER_MS = 5_000;

export interface ClientParts {
  readonly clock: Clock;
  readonly level: AccessLevel;
  /** As the kernel knows it; null where it cannot be asked. */
  readonly user: string | null;
  /** Of the ids of requests that bring none. */
  readonly idPrefix: string;
  readonly mayAskState: () => boolean;
  readonly state: () => unknown;
  readonly submit: (request: CommandRequest) => Promise<CommandOutcome>;
  readonly configure: ((request: ConfigureRequest) => Promise<CommandOutcome>) | null;
  readonly onRefused: (attempt: RefusedAttempt) => void;
  /** Called once. */
  readonly onEnd: () => void;
}

export class ControlClient {
  readonly #socket: Socket;
  readonly #parts: ClientParts;
  readonly #reader = new LineReader(MAX_REQUEST_BYTES);
  #asked = 0;
  #busy = false;
  #ended = false;
  #cancelIdle: Cancel = () => undefined;

  constructor(socket: Socket, parts: ClientParts) {
    this.#socket = socket;
    this.#parts = parts;
  }

  start(): void {
    const socket = this.#socket;
    socket.on('data', (chunk: Buffer) => {
      this.#reader.push(chunk);
      // What comes while a request is under way waits in the kernel, not here.
      socket.pause();
      this.#next();
    });
    socket.on('end', () => {
      this.#ended = true;
      this.#next();
    });
    // A client that goes away is no trouble: what it asked for is done, and journalled.
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.#cancelIdle();
      this.#parts.onEnd();
    });
    this.#watch();
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Starts the time within which something must happen anew. */
  #watch(): void {
    this.#cancelIdle();
    this.#cancelIdle = this.#parts.clock.after(IDLE_MS, () => this.close());
  }

  #next(): void {
    if (this.#busy || this.#socket.destroyed) return;
    const next = this.#reader.next();
    if (next === null) {
      if (this.#ended) this.#socket.end();
      else this.#socket.resume();
      return;
    }
    this.#busy = true;
    this.#watch();
    if (next === 'tooLong') {
      const detail = `a request has at most ${MAX_REQUEST_BYTES} bytes`;
      const answer = this.#refuse(null, null, '', 'badArgument', detail);
      this.#socket.end(textOf(answer));
      return;
    }
    void this.#answer(next.line).then((text) => this.#send(text));
  }

  #send(text: string): void {
    if (this.#socket.destroyed) return;
    this.#socket.write(text, () => {
      this.#busy = false;
      this.#watch();
      this.#next();
    });
  }

  /** Never rejects. */
  async #answer(line: string): Promise<string> {
    const request = parseRequest(line);
    if (!request.ok) {
      const { requestId, user, name, error, detail } = request;
      return textOf(this.#refuse(requestId, user, name, error, detail));
    }
    const { command } = request;
    const requestId = request.requestId ?? this.#newId();
    try {
      const answer =
        command === null
          ? this.#state(requestId)
          : await this.#obey(command, requestId, request.user);
      return textOf(answer);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      const why = `it could not be carried out: ${detail}`;
      return textOf(this.#say(requestId, false, why, 'overloaded'));
    }
  }

  async #obey(
    command: Command | ServiceOrder,
    requestId: string,
    user: string | null,
  ): Promise<ControlAnswer> {
    const { level, submit, clock } = this.#parts;
    const origin = this.#origin(user);
    if (isService(command)) return this.#serve(command, requestId, user);
    const outcome = await withinTime(clock, submit({ command, requestId, origin, level }));
    return this.#told(requestId, outcome);
  }

  /** What the panel never sees: its attempts are judged and journalled from here. */
  async #serve(
    order: ServiceOrder,
    requestId: string,
    user: string | null,
  ): Promise<ControlAnswer> {
    const { level, configure, clock } = this.#parts;
    const { kind } = order;
    if (!mayGive(level, kind)) {
      const detail = `${kind} needs access level ${levelFor(kind)}, not ${level}`;
      return this.#refuse(requestId, user, kind, 'notPermitted', detail);
    }
    if (order.kind !== 'configure' || configure === null) {
      const detail = NOT_HERE[order.kind];
      return this.#refuse(requestId, user, kind, 'notApplicable', detail);
    }
    const { change } = order;
    const origin = this.#origin(user);
    const asked = configure({ change, requestId, origin, broker: null });
    const outcome = await withinTime(clock, asked);
    return outcome === null || outcome.ok
      ? this.#told(requestId, outcome)
      : this.#refuse(requestId, user, kind, outcome.error, outcome.detail);
  }

  #told(requestId: string, outcome: CommandOutcome | null): ControlAnswer {
    if (outcome === null) {
      const detail = `the panel did not answer within ${ANSWER_MS} ms; ask for status`;
      return this.#say(requestId, false, detail, 'overloaded');
    }
    return outcome.ok
      ? this.#say(requestId, true, outcome.detail)
      : this.#say(requestId, false, outcome.detail, outcome.error);
  }

  #state(requestId: string): ControlAnswer {
    if (!this.#parts.mayAskState()) {
      return this.#say(requestId, false, 'too many ask for the state; wait a second', 'overloaded');
    }
    return { ...this.#say(requestId, true, STATUS), state: this.#parts.state() };
  }

  #refuse(
    requestId: string | null,
    user: string | null,
    command: string,
    error: CommandError,
    detail: string,
  ): ControlAnswer {
    const id = requestId ?? this.#newId();
    this.#parts.onRefused({ origin: this.#origin(user), requestId: id, command, error, detail });
    return this.#say(id, false, detail, error);
  }

  #say(requestId: string | null, ok: boolean, detail: string, error?: CommandError): ControlAnswer {
    const { level } = this.#parts;
    const answer: ControlAnswer = { version: CONTROL_VERSION, requestId, ok, detail, level };
    return error === undefined ? answer : { ...answer, error };
  }

  /** The kernel's word counts; a name that the client gives itself is marked as such. */
  #origin(claimed: string | null): string {
    return `cli:${this.#parts.user ?? `${claimed ?? 'unnamed'}(claimed)`}`;
  }

  #newId(): string {
    this.#asked += 1;
    return `${this.#parts.idPrefix}-${this.#asked}`;
  }
}

/** Why what is no command of the panel is not done over these sockets. */
const NOT_HERE: Readonly<Record<ServiceOrder['kind'], string>> = {
  snapshot: 'ask for status here',
  configure: 'nothing can be configured here',
  update: 'it takes root: sudo embereye update --from FILE',
};

function isService(command: Command | ServiceOrder): command is ServiceOrder {
  return isServiceKind(command.kind);
}

function textOf(answer: ControlAnswer): string {
  return `${JSON.stringify(answer)}\n`;
}

/** Null where it takes too long. */
function withinTime<T>(clock: Clock, promise: Promise<T>): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ANSWER_MS, () => resolve(null));
    promise.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}
