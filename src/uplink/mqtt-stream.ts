/**
 * What MQTT.js gets in place of the socket. Its own packets pass through; publications and their
 * answers go past it, because its way of a publication costs as much as all the rest of a drain
 * (docs/decisions/0013). Packets of both stay whole: MQTT.js corks the stream around each of its.
 */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { OutgoingMessage } from './link.ts';
import type { Manner } from './mqtt-options.ts';
import { AnswerFilter, PublishBatch } from './mqtt-wire.ts';

/** @param code reason code of the answer; 0: the broker has it. */
export type OnPublished = (code: number) => void;

/**
 * Identifiers of publications, used in turn, so that a late second answer finds nobody; those above
 * are left to MQTT.js for subscriptions, because one in use by one kind of packet must not be used
 * by another (MQTT 5, 2.2.1).
 */
export const MAX_PUBLISH_ID = 0x0fff;
const MAX_ID = 0xffff;

export class MqttStream extends Duplex {
  readonly #socket: Socket;
  readonly #batch: PublishBatch;
  readonly #filter: AnswerFilter;
  /** By identifier. No `Map`, for the reason that `RequestTable` has for its slots. */
  readonly #waiting = new Array<OnPublished | null>(MAX_PUBLISH_ID + 1).fill(null);
  #lastId = 0;
  #flushing = false;

  constructor(socket: Socket, version: Manner['version']) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    this.#batch = new PublishBatch(version);
    this.#filter = new AnswerFilter({
      onAnswer: (id, code) => this.#answer(id, code),
      onOther: (bytes) => {
        if (!this.push(bytes)) socket.pause();
      },
    });
    socket.on('data', (chunk: Buffer) => this.#filter.take(chunk));
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  /** Not more than `MAX_PUBLISH_ID` may be unanswered. */
  publish(message: OutgoingMessage, onPublished: OnPublished): void {
    const id = this.#nextId();
    this.#waiting[id] = onPublished;
    if (!this.#batch.add(message, id)) {
      this.#flush();
      this.#batch.add(message, id);
    }
    if (this.#flushing) return;
    this.#flushing = true;
    // Behind the promises of this turn: what they publish goes in the same write.
    process.nextTick(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#flush();
    this.#socket.write(chunk, done);
  }

  override _writev(
    chunks: readonly { readonly chunk: Buffer }[],
    done: (error?: Error | null) => void,
  ): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'buffer', done);
  }

  override _final(done: () => void): void {
    this.#flush();
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#waiting.fill(null);
    this.#socket.destroy();
    done(error);
  }

  #flush(): void {
    if (this.#batch.isEmpty || this.destroyed) return;
    const bytes = this.#batch.take();
    this.#socket.write(bytes, () => this.#batch.giveBack(bytes));
  }

  #answer(id: number, code: number): void {
    const onPublished = this.#waiting[id] ?? null;
    if (onPublished === null) return;
    this.#waiting[id] = null;
    onPublished(code);
  }

  #nextId(): number {
    do this.#lastId = this.#lastId >= MAX_PUBLISH_ID ? 1 : this.#lastId + 1;
    while (this.#waiting[this.#lastId] !== null);
    return this.#lastId;
  }
}

/** Identifiers for MQTT.js, of the range that publications leave to it. */
export class SubscriptionIds {
  readonly #used = new Set<number>();
  #last = MAX_PUBLISH_ID;

  allocate(): number | null {
    if (this.#used.size >= MAX_ID - MAX_PUBLISH_ID) return null;
    do this.#last = this.#last >= MAX_ID ? MAX_PUBLISH_ID + 1 : this.#last + 1;
    while (this.#used.has(this.#last));
    this.#used.add(this.#last);
    return this.#last;
  }

  getLastAllocated(): number | null {
    return this.#last === MAX_PUBLISH_ID ? null : this.#last;
  }

  register(id: number): boolean {
    if (this.#used.has(id)) return false;
    this.#used.add(id);
    return true;
  }

  deallocate(id: number): void {
    this.#used.delete(id);
  }

  clear(): void {
    this.#used.clear();
  }
}
