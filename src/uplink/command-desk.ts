/**
 * Takes commands from the network to the panel, or to the appliance itself, and the answers back.
 * Each message gets exactly one answer; a repeated request id gets the first answer again, also
 * after a restart, and is not carried out again.
 */
import type { CommandError, CommandOutcome, CommandRequest } from '../domain/command.ts';
import type { ConfigureRequest, RolloutRequest, ServiceOrder } from '../domain/command-service.ts';
import { isServiceKind, levelFor, mayGive } from '../domain/command-service.ts';
import type { Clock, Log } from '../domain/ports.ts';
import type { GateOptions, Passed } from './command-gate.ts';
import { CommandGate, staleness } from './command-gate.ts';
import type { KeyRing } from './command-keys.ts';
import type { CommandMemory, NewRequest } from './command-memory.ts';
import type { ParsedCommand } from './command-parse.ts';
import { parseCommand } from './command-parse.ts';
import { Rate } from './command-rate.ts';
import type { UplinkCounters } from './counters.ts';
import type { IncomingMessage, TextMessage, PublishResult } from './link.ts';
import { type Identity, responseMessage, type Topics } from './payload.ts';

export interface CommandOptions extends GateOptions {
  /** No signed command is valid for longer. */
  readonly windowSeconds: number;
  /** Where answers may go besides `<root>/response`. */
  readonly responseTopics: readonly string[];
  /** Commands under way; more are answered `overloaded`. */
  readonly maxPending: number;
  /** An answer of the panel later than this is replaced by `overloaded`. */
  readonly submitTimeoutMs: number;
  /** Messages a second that are answered at all. */
  readonly answersPerSecond: number;
}

/** What a command may ask of the appliance besides the panel. */
export interface CommandServices {
  /** Publishes a whole `state`, and journals who asked for it. */
  readonly snapshot: (request: { readonly requestId: string; readonly origin: string }) => void;
  /** Null: the configuration is not changed from afar. */
  readonly configure: ((request: ConfigureRequest) => Promise<CommandOutcome>) | null;
  /** Null: no update is taken from afar. */
  readonly update: ((request: RolloutRequest) => Promise<CommandOutcome>) | null;
}

export interface CommandDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: UplinkCounters;
  readonly topics: Topics;
  readonly identity: Identity;
  /** The broker that commands come by. */
  readonly broker: string;
  readonly isClockRight: () => boolean;
  readonly submit: (request: CommandRequest) => Promise<CommandOutcome>;
  readonly services: CommandServices;
  /** Shared by all brokers: a command that comes by two of them is one. */
  readonly memory: CommandMemory;
  readonly keys: KeyRing;
  /** Told of attempts that never reached the panel, for the journal; bounded by itself. */
  readonly onRefused: (attempt: RefusedAttempt) => void;
  readonly publish: (message: TextMessage) => Promise<PublishResult>;
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

/** Whole states for whoever asks: each is journalled, and the retained one is as good. */
const SNAPSHOTS_PER_SECOND = 0.1;
const SNAPSHOT_BURST = 5;

export class CommandDesk {
  readonly #options: CommandOptions;
  readonly #deps: CommandDeps;
  readonly #gate: CommandGate;
  readonly #answers: Rate;
  readonly #snapshots: Rate;
  #pending = 0;
  #made = 0;

  constructor(options: CommandOptions, deps: CommandDeps) {
    const { clock, keys, topics } = deps;
    this.#options = options;
    this.#deps = deps;
    this.#gate = new CommandGate(options, clock, keys, topics.root);
    this.#answers = new Rate(clock, options.answersPerSecond, options.answersPerSecond);
    this.#snapshots = new Rate(clock, SNAPSHOTS_PER_SECOND, SNAPSHOT_BURST);
  }

  /** @param name last level of the topic. Never rejects. */
  async handle(name: string, message: IncomingMessage): Promise<void> {
    this.#deps.counters.commands += 1;
    if (!this.#answers.take()) {
      this.#drop(name);
      return;
    }
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

  /** A flood that would use up the way to the broker with its answers; the journal has a number. */
  #drop(name: string): void {
    this.#deps.counters.commandsRefused += 1;
    this.#deps.onRefused({
      origin: 'mqtt:unread',
      requestId: this.#requestIdFor(null),
      command: name.slice(0, 32),
      error: 'overloaded',
      detail: `more than ${this.#options.answersPerSecond} commands a second are not answered`,
    });
  }

  #outcomeOf(name: string, message: IncomingMessage): Promise<CommandOutcome> {
    const { clock, isClockRight } = this.#deps;
    const wallMs = isClockRight() ? clock.wallMs() : null;
    const { windowSeconds } = this.#options;
    const parsed = parseCommand({ ...message, name }, { wallMs, windowSeconds });
    const requestId = parsed.requestId ?? this.#requestIdFor(message.correlation);
    const claimed = `mqtt:${parsed.actor ?? 'unnamed'}`;
    const refuse: Refuse = (error, detail, origin = claimed) => {
      this.#deps.onRefused({ origin, requestId, command: name.slice(0, 32), error, detail });
      return Promise.resolve({ requestId, ok: false, error, detail });
    };
    if (!parsed.ok) return refuse(parsed.error, parsed.detail);
    const passed = this.#gate.pass(name, parsed);
    if (!passed.ok) return refuse(passed.error, passed.detail);
    // No sender can write the brackets itself: they say that the key has been checked.
    const origin = passed.keyId === null ? claimed : `${claimed}(${passed.keyId})`;
    return this.#known(parsed, passed, { requestId, origin }, (error, detail) =>
      refuse(error, detail, origin),
    );
  }

  /** Of somebody who may command: answered before, contradictory, too old, or new. */
  #known(parsed: ParsedCommand, passed: Passed, who: Who, refuse: Refuse): Promise<CommandOutcome> {
    const { memory } = this.#deps;
    const { command, counter, issuedMs } = parsed;
    const { keyId } = passed;
    const request: NewRequest = {
      ...{ keyId, requestId: who.requestId, issuedMs },
      asked: JSON.stringify(command),
    };
    const known = memory.recall(request);
    if (known !== null && !known.isSame) {
      const detail = 'this requestId was used for another command: choose a new one';
      return refuse('badArgument', detail);
    }
    if (known !== null && known.outcome !== null) return known.outcome;
    // One that a restart interrupted is given again: panel and configuration know what they did.
    const stale = known === null ? staleness(parsed, memory) : null;
    if (stale !== null) return refuse(stale.error, stale.detail);
    const denied = isServiceKind(command.kind) ? this.#deny(command, passed) : null;
    if (denied !== null) return refuse(denied.error, denied.detail);
    if (this.#pending >= this.#options.maxPending || !memory.makeRoom()) {
      return refuse('overloaded', 'too many commands at a time');
    }
    if (keyId !== null && counter !== null && known === null) memory.useCounter(keyId, counter);
    return this.#execute(request, () => this.#carryOut(command, passed, who));
  }

  /** What the panel does itself for its own commands. */
  #deny(command: ParsedCommand['command'], { level }: Passed): Denied | null {
    const { kind } = command;
    if (!mayGive(level, kind)) {
      const detail = `${kind} needs access level ${levelFor(kind)}, not ${level}`;
      return { error: 'notPermitted', detail };
    }
    if (kind === 'snapshot' && !this.#snapshots.take()) {
      return { error: 'overloaded', detail: 'too many whole states: the retained one is as good' };
    }
    const { configure, update } = this.#deps.services;
    if (kind === 'configure' && configure === null) return off('uplink.commands.configure');
    if (kind === 'update' && update === null) return off('update.remote');
    return null;
  }

  #execute(request: NewRequest, carryOut: () => Promise<CommandOutcome>): Promise<CommandOutcome> {
    this.#pending += 1;
    // It is remembered, and on its way to the disk, before anything is done about it.
    const submitted = Promise.resolve().then(carryOut);
    this.#deps.memory.keep(request, submitted);
    void submitted.then(() => {
      this.#pending -= 1;
    });
    // A late outcome stays remembered: whoever asks again gets the true one.
    return this.#withTimeout(request.requestId, submitted);
  }

  async #carryOut(
    command: ParsedCommand['command'],
    { level }: Passed,
    who: Who,
  ): Promise<CommandOutcome> {
    const { submit, log } = this.#deps;
    try {
      return isService(command)
        ? await this.#serve(command, who)
        : await submit({ command, ...who, level });
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      log('error', 'a command failed', { requestId: who.requestId, detail });
      return overloaded(who.requestId, 'the command could not be carried out');
    }
  }

  #serve(order: ServiceOrder, who: Who): Promise<CommandOutcome> {
    const { services, broker } = this.#deps;
    const asked =
      order.kind === 'configure'
        ? services.configure?.({ change: order.change, ...who, broker })
        : order.kind === 'update' && services.update?.({ rollout: order.rollout, ...who });
    if (asked) return this.#journalled(order.kind, asked, who);
    services.snapshot(who);
    const { requestId } = who;
    return Promise.resolve({ requestId, ok: true, detail: 'a whole state is being published' });
  }

  /** Refusals are journalled from here: the panel never sees them. */
  async #journalled(command: string, asked: Promise<CommandOutcome>, who: Who) {
    const outcome = await asked;
    if (outcome.ok) return outcome;
    const { error, detail } = outcome;
    this.#deps.onRefused({ ...who, command, error, detail });
    return outcome;
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

function off(setting: string): Denied {
  return { error: 'notApplicable', detail: `${setting} is not enabled on this appliance` };
}

function overloaded(requestId: string, detail: string): CommandOutcome {
  return { requestId, ok: false, error: 'overloaded', detail };
}

interface Who {
  readonly requestId: string;
  readonly origin: string;
}

interface Denied {
  readonly error: CommandError;
  readonly detail: string;
}

type Refuse = (error: CommandError, detail: string, origin?: string) => Promise<CommandOutcome>;

function isService(command: ParsedCommand['command']): command is ServiceOrder {
  return isServiceKind(command.kind);
}
