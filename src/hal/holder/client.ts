/**
 * The runtime's side of the GPIO holder: hands lines over, beats, notices when the holder is gone
 * and hands everything over again to its successor. Driven by `beat` alone: no timer, no listener.
 *
 *   up ──lost, silent──► down ──back-off over, connected──► renewing ──all answered──► up
 *                         ▲────────────────lost───────────────┘
 */
import type { Clock, Random } from '../../domain/ports.ts';
import { Backoff } from '../backoff.ts';
import type { LineKeeper } from '../gpio/line-keeper.ts';
import type { Libc } from '../native/libc.ts';
import type { HalError, HalResult } from '../ports.ts';
import { DONE, done, failed } from '../ports.ts';
import { closeDescriptor } from './descriptors.ts';
import type { Answer } from './link.ts';
import { HolderLink } from './link.ts';
import type { Reply, Request } from './protocol.ts';
import { PROTOCOL_VERSION } from './protocol.ts';

export interface HolderClientOptions {
  readonly path: string;
  readonly libc: Libc;
  readonly clock: Clock;
  readonly random: Random;
  /** Starts a holder where nobody listens; must not wait. Null: somebody else starts it. */
  readonly start: (() => HalResult) | null;
}

const RETRY = { firstMs: 1000, longestMs: 30_000 };
/** A holder that answered for so long was good: the next loss starts with short waits again. */
const GOOD_AFTER_MS = 10_000;
/** A holder that leaves beats unanswered for so long hangs. */
const SILENT_MS = 5000;

interface Remembered {
  readonly request: Request;
  readonly descriptor: number | null;
}

export class HolderClient {
  /**
   * Hands lines over, each call within about 300 ms. What is kept while the holder is away is
   * handed over when it is back; the call says so. `drop` before the descriptor is closed.
   */
  readonly keeper: LineKeeper;
  readonly #options: HolderClientOptions;
  readonly #backoff: Backoff;
  /** What the holder is to have, so that a new one gets it too. */
  readonly #lines = new Map<string, Remembered>();
  /** Lines that the holder refused, and why. */
  readonly #refused = new Map<string, HalError>();
  #settled = false;
  #link: HolderLink | null = null;
  /** Why the holder is not up; null while it is. */
  #down: HalError | null;
  #linkedAtMs = 0;
  #answeredAtMs = 0;
  #retryAtMs: number;
  #closed = false;

  private constructor(options: HolderClientOptions) {
    this.#options = options;
    this.#backoff = new Backoff(RETRY, options.random);
    this.#retryAtMs = options.clock.monotonicMs();
    this.#down = failed('absent', `the GPIO holder at ${options.path} is not up yet`).error;
    this.keeper = {
      take: (key) => this.#take(key),
      keep: (key, descriptor, { set }) =>
        this.#hand({ request: { op: 'keep', key, set }, descriptor }, key),
      keepFile: (key, path, { write }) =>
        this.#hand({ request: { op: 'keepFile', key, path, write }, descriptor: null }, key),
      onLoss: (key, level) => this.#changeLoss(key, level),
      drop: (key) => this.#drop(key),
    };
  }

  /** A client that may not have reached its holder: `trouble` says why, `beat` tries again. */
  static connect(options: HolderClientOptions): HolderClient {
    const client = new HolderClient(options);
    client.#greet(true);
    return client;
  }

  /** Why the holder does not keep every line; null: it does. */
  get trouble(): HalError | null {
    if (this.#down !== null) return this.#down;
    const [refused] = this.#refused.values();
    return refused ?? null;
  }

  /** Tries at once and starts nothing: for whoever waits for a holder that has been started. */
  lookAgain(): HalResult {
    this.#backoff.reset();
    this.#greet(false);
    return this.#verdict();
  }

  /**
   * Once a second, from the step itself: it is the step's life that the holder watches. Never
   * waits. An error: lines would not keep their level through a restart, and why; what can be done
   * about it is done by further beats.
   */
  beat(): HalResult {
    if (this.#closed) return failed('other', 'the connection to the GPIO holder is closed');
    const nowMs = this.#options.clock.monotonicMs();
    const link = this.#link;
    if (link === null) {
      if (nowMs >= this.#retryAtMs) this.#tryAgain();
      return this.#verdict();
    }
    const polled = link.poll();
    if (!polled.ok) this.#lost(link, polled.error);
    else if (link.unanswered > 0 && nowMs - this.#answeredAtMs >= SILENT_MS) {
      this.#lost(link, link.giveUp().error);
    } else {
      if (nowMs - this.#linkedAtMs >= GOOD_AFTER_MS) this.#backoff.reset();
      this.#send(link, { op: 'beat' }, null, () => undefined);
    }
    return this.#verdict();
  }

  /** All outputs have been opened: the holder releases lines that are no longer configured. */
  settled(): HalResult {
    this.#settled = true;
    if (this.#link === null || this.#down !== null) return this.#verdict();
    this.#send(this.#link, { op: 'settled' }, null, () => undefined);
    return this.#verdict();
  }

  /** Ends the connection, which sets the loss levels; the holder keeps all lines. */
  close(): void {
    this.#closed = true;
    this.#link?.close();
    this.#link = null;
    this.#down = failed('other', 'the connection to the GPIO holder is closed').error;
  }

  /** Connects, waiting for the answer: at most about 300 ms. */
  #greet(mayStart: boolean): void {
    if (this.#closed || this.#link !== null) return;
    const link = this.#open(mayStart);
    if (link === null) return;
    const hello = link.ask({ op: 'hello', version: PROTOCOL_VERSION }, null);
    if (!hello.ok) this.#lost(link, hello.error);
    else this.#greeted(link, hello.value.reply);
    if (this.#down === null) this.#renew(link);
  }

  #take(key: string): HalResult<number | null> {
    const answer = this.#ask({ op: 'take', key }, null, () => undefined);
    if (!answer.ok) return answer;
    const { reply, descriptor } = answer.value;
    if (!reply.ok) return refusedBy(reply);
    if (!('kept' in reply) || !reply.kept || descriptor === null) {
      if (descriptor !== null) closeDescriptor(descriptor);
      return done(null);
    }
    this.#lines.set(key, { request: { op: 'keep', key, set: reply.set }, descriptor });
    return done(descriptor);
  }

  #hand(line: Remembered, key: string): HalResult {
    if (this.#closed) return this.#verdict();
    this.#lines.set(key, line);
    const judge = (reply: Reply): void => this.#judge(key, reply);
    const handed = this.#ask(line.request, line.descriptor, judge);
    if (!handed.ok) return handed;
    judge(handed.value.reply);
    const refused = this.#refused.get(key);
    return refused === undefined ? DONE : { ok: false, error: refused };
  }

  /** Remembered for the next holder, too. */
  #changeLoss(key: string, level: boolean | null): void {
    const line = this.#lines.get(key);
    if (line === undefined || this.#closed) return;
    const { request, descriptor } = line;
    if (request.op === 'keep')
      this.#lines.set(key, { request: { ...request, set: level }, descriptor });
    else if (request.op === 'keepFile') {
      const write = level === null ? null : level ? '1\n' : '0\n';
      this.#lines.set(key, { request: { ...request, write }, descriptor });
    }
    if (this.#link === null) return;
    this.#send(this.#link, { op: 'onLoss', key, level }, null, (reply) => this.#judge(key, reply));
  }

  #drop(key: string): HalResult {
    this.#lines.delete(key);
    this.#refused.delete(key);
    const dropped = this.#ask({ op: 'drop', key }, null, () => undefined);
    if (!dropped.ok) return dropped;
    const { reply } = dropped.value;
    return reply.ok ? DONE : refusedBy(reply);
  }

  /** @param later hears the reply where the connection is still being renewed */
  #ask(
    request: Request,
    descriptor: number | null,
    later: (reply: Reply) => void,
  ): HalResult<Answer> {
    const link = this.#link;
    if (link === null || this.#down !== null) {
      if (link !== null) this.#send(link, request, descriptor, later);
      const { path } = this.#options;
      const away = this.#down ?? failed('other', `the GPIO holder at ${path} is away`).error;
      return { ok: false, error: away };
    }
    const answer = link.ask(request, descriptor);
    if (answer.ok) this.#answeredAtMs = this.#options.clock.monotonicMs();
    else if (!link.isOpen) this.#lost(link, answer.error);
    return answer;
  }

  /** Connects and hands everything over without waiting; the replies come with later beats. */
  #tryAgain(): void {
    const link = this.#open(true);
    if (link === null) return;
    this.#send(link, { op: 'hello', version: PROTOCOL_VERSION }, null, (reply) => {
      if (!reply.ok) this.#lost(link, refusedBy(reply).error);
    });
    this.#renew(link);
    // Answered last: then the holder has everything.
    this.#send(link, { op: 'beat' }, null, (reply) => this.#greeted(link, reply));
  }

  #open(mayStart: boolean): HolderLink | null {
    const { libc, path, clock, start } = this.#options;
    const opened = HolderLink.open(libc, path);
    if (opened.ok) {
      this.#link = opened.value;
      this.#linkedAtMs = clock.monotonicMs();
      this.#answeredAtMs = this.#linkedAtMs;
      return opened.value;
    }
    this.#lost(null, opened.error);
    if (mayStart && start !== null && opened.error.kind === 'absent') {
      const started = start();
      if (!started.ok) this.#down = started.error;
    }
    return null;
  }

  #renew(link: HolderLink): void {
    this.#refused.clear();
    for (const [key, { request, descriptor }] of this.#lines) {
      this.#send(link, request, descriptor, (reply) => this.#judge(key, reply));
    }
    if (this.#settled) this.#send(link, { op: 'settled' }, null, () => undefined);
  }

  #send(
    link: HolderLink,
    request: Request,
    descriptor: number | null,
    onReply: (reply: Reply) => void,
  ): void {
    const sent = link.send(request, descriptor, (reply, came) => {
      if (came !== null) closeDescriptor(came);
      this.#answeredAtMs = this.#options.clock.monotonicMs();
      onReply(reply);
    });
    if (sent.ok) return;
    if (!link.isOpen) this.#lost(link, sent.error);
    else if ('key' in request) this.#refused.set(request.key, sent.error);
  }

  #greeted(link: HolderLink, reply: Reply): void {
    if (reply.ok) this.#down = null;
    else this.#lost(link, refusedBy(reply).error);
  }

  #judge(key: string, reply: Reply): void {
    if (reply.ok) this.#refused.delete(key);
    else this.#refused.set(key, refusedBy(reply).error);
  }

  /** @param link null: there was none; one that has been lost already is not lost again. */
  #lost(link: HolderLink | null, error: HalError): void {
    if (this.#link !== link) return;
    this.#link?.close();
    this.#link = null;
    this.#down = error;
    this.#retryAtMs = this.#options.clock.monotonicMs() + this.#backoff.nextMs();
  }

  #verdict(): HalResult {
    const { trouble } = this;
    return trouble === null ? DONE : { ok: false, error: trouble };
  }
}

function refusedBy(reply: Reply & { readonly ok: false }): ReturnType<typeof failed> {
  return failed(reply.kind, reply.error);
}
