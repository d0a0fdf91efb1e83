/**
 * Takes commands from the network to the panel and the answers back. Each message gets exactly one
 * answer; a repeated request id gets the first answer again and is not carried out again.
 */
import type {
  AccessLevel,
  CommandError,
  CommandOutcome,
  CommandRequest,
} from '../domain/command.ts';
import type { Clock, Log } from '../domain/ports.ts';
import { parseCommand } from './command-parse.ts';
import type { UplinkCounters } from './counters.ts';
import type { IncomingMessage, OutgoingMessage, PublishResult } from './link.ts';
import { type Identity, responseMessage, type Topics } from './payload.ts';

export interface CommandOptions {
  /** Access level of whoever may publish on the command topics; the broker's rules decide who. */
  readonly level: AccessLevel;
  /** Where answers may go besides `<root>/response`. */
  readonly responseTopics: readonly string[];
  /** Commands under way; more are answered `overloaded`. */
  readonly maxPending: number;
  /** Remembered requests; the oldest answered one is forgotten first. */
  readonly maxRemembered: number;
  /** An answer of the panel later than this is replaced by `overloaded`. */
  readonly submitTimeoutMs: number;
}

export interface CommandDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: UplinkCounters;
  readonly topics: Topics;
  readonly identity: Identity;
  readonly isClockRight: () => boolean;
  readonly submit: (request: CommandRequest) => Promise<CommandOutcome>;
  /** Told of attempts that never reached the panel, for the journal; bounded by itself. */
  readonly onRefused: (attempt: RefusedAttempt) => void;
  readonly publish: (message: OutgoingMessage) => Promise<PublishResult>;
}

/** An attempt that was answered without the panel. */
export interface RefusedAttempt {
  readonly origin: string;
  readonly requestId: string;
  /** As it was named; at most 32 characters. */
  readonly command: string;
  readonly error: CommandError;
  readonly detail: string;
}

interface Remembered {
  /** What was asked, to notice an id that is used for two different commands. */
  readonly asked: string;
  readonly outcome: Promise<CommandOutcome>;
  answered: boolean;
}

export class CommandDesk {
  readonly #options: CommandOptions;
  readonly #deps: CommandDeps;
  readonly #remembered = new Map<string, Remembered>();
  #pending = 0;
  #made = 0;

  constructor(options: CommandOptions, deps: CommandDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** @param name last level of the topic. Never rejects. */
  async handle(name: string, message: IncomingMessage): Promise<void> {
    this.#deps.counters.commands += 1;
    const outcome = await this.#outcomeOf(name, message);
    if (!outcome.ok) this.#deps.counters.commandsRefused += 1;
    const response = responseMessage(
      this.#responseTopic(message),
      this.#deps.identity,
      name.slice(0, 32),
      outcome,
      message.correlation,
    );
    const result = await this.#deps.publish(response);
    if (result.kind === 'acknowledged') return;
    // The sender asks again with the same id, and is answered from memory.
    this.#deps.log('warn', 'the answer to a command was not delivered', {
      requestId: outcome.requestId,
      result: result.kind,
    });
  }

  async #outcomeOf(name: string, message: IncomingMessage): Promise<CommandOutcome> {
    const { clock, isClockRight } = this.#deps;
    const wallMs = isClockRight() ? clock.wallMs() : null;
    const parsed = parseCommand({ ...message, name }, { wallMs });
    const requestId = parsed.requestId ?? this.#requestIdFor(message.correlation);
    const origin = `mqtt:${parsed.actor ?? 'unnamed'}`;
    const refuse = (error: CommandError, detail: string): CommandOutcome => {
      this.#deps.onRefused({ origin, requestId, command: name.slice(0, 32), error, detail });
      return { requestId, ok: false, error, detail };
    };
    if (!parsed.ok) return refuse(parsed.error, parsed.detail);
    const asked = JSON.stringify(parsed.command);
    const known = this.#remembered.get(requestId);
    if (known !== undefined) {
      if (known.asked === asked) return known.outcome;
      const detail = 'this requestId was used for another command: choose a new one';
      return refuse('badArgument', detail);
    }
    if (this.#pending >= this.#options.maxPending || !this.#makeRoom()) {
      return refuse('overloaded', 'too many commands at a time');
    }
    const { level } = this.#options;
    return this.#execute({ command: parsed.command, requestId, origin, level }, asked);
  }

  #execute(request: CommandRequest, asked: string): Promise<CommandOutcome> {
    this.#pending += 1;
    const submitted = this.#submit(request);
    const entry: Remembered = { asked, outcome: submitted, answered: false };
    this.#remembered.set(request.requestId, entry);
    void submitted.then(() => {
      entry.answered = true;
      this.#pending -= 1;
    });
    // A late outcome stays remembered: whoever asks again gets the true one.
    return this.#withTimeout(request.requestId, submitted);
  }

  async #submit(request: CommandRequest): Promise<CommandOutcome> {
    try {
      return await this.#deps.submit(request);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      this.#deps.log('error', 'a command failed', { requestId: request.requestId, detail });
      return overloaded(request.requestId, 'the command could not be carried out');
    }
  }

  #withTimeout(requestId: string, outcome: Promise<CommandOutcome>): Promise<CommandOutcome> {
    const { submitTimeoutMs } = this.#options;
    return new Promise((resolve) => {
      const cancel = this.#deps.clock.after(submitTimeoutMs, () =>
        resolve(overloaded(requestId, `no answer from the panel within ${submitTimeoutMs} ms`)),
      );
      void outcome.then((settled) => {
        cancel();
        resolve(settled);
      });
    });
  }

  /** Forgets answered requests, oldest first, until there is room for one more. */
  #makeRoom(): boolean {
    for (const [requestId, { answered }] of this.#remembered) {
      if (this.#remembered.size < this.#options.maxRemembered) return true;
      if (answered) this.#remembered.delete(requestId);
    }
    return this.#remembered.size < this.#options.maxRemembered;
  }

  /** Correlation data is an id too; with neither, a repeat cannot be told from a new request. */
  #requestIdFor(correlation: Uint8Array | null): string {
    if (correlation !== null && correlation.byteLength > 0) {
      return `correlation-${Buffer.from(correlation).toString('hex').slice(0, 64)}`;
    }
    this.#made += 1;
    return `mqtt-${this.#deps.identity.bootId.slice(0, 8)}-${this.#made}`;
  }

  #responseTopic(message: IncomingMessage): string {
    const { responseTopic } = message;
    if (responseTopic !== null && this.#options.responseTopics.includes(responseTopic)) {
      return responseTopic;
    }
    return this.#deps.topics.response;
  }
}

function overloaded(requestId: string, detail: string): CommandOutcome {
  return { requestId, ok: false, error: 'overloaded', detail };
}
