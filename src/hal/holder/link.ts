/**
 * The runtime's end of one connection to the GPIO holder. The socket never blocks: the step must
 * not wait for another process. Only `ask` waits, a bounded time, for a start.
 */
import type { Libc } from '../native/libc.ts';
import { kindOfCode } from '../native/libc.ts';
import type { HalError, HalResult } from '../ports.ts';
import { DONE, done, failed } from '../ports.ts';
import { closeDescriptor } from './descriptors.ts';
import type { Reply, Request } from './protocol.ts';
import { encode, MessageReader, parseReply } from './protocol.ts';

/** @param descriptor came along; belongs to the handler */
export type OnReply = (reply: Reply, descriptor: number | null) => void;

export interface Answer {
  readonly reply: Reply;
  readonly descriptor: number | null;
}

/** `ask` looks this often, a millisecond apart. */
const LOOKS = 300;

export class HolderLink {
  readonly #libc: Libc;
  readonly #path: string;
  readonly #socket: number;
  readonly #reader = new MessageReader((descriptor) => void closeDescriptor(descriptor));
  readonly #chunk = Buffer.alloc(4096);
  /** One for each request that is not answered, in order. */
  readonly #waiting: OnReply[] = [];
  #trouble: HalError | null = null;

  private constructor(libc: Libc, path: string, socket: number) {
    this.#libc = libc;
    this.#path = path;
    this.#socket = socket;
  }

  /** Errors: `absent`: nobody listens there. `permission`: the holder is another user's. */
  static open(libc: Libc, path: string): HalResult<HolderLink> {
    const socket = libc.unixSocket(true);
    if (!socket.ok) return failed('other', `no socket for the GPIO holder: ${socket.code}`);
    const connected = libc.connect(socket.value, path);
    if (connected.ok) return done(new HolderLink(libc, path, socket.value));
    closeDescriptor(socket.value);
    const { code } = connected;
    if (code === 'ENOENT' || code === 'ECONNREFUSED') {
      return failed('absent', `no GPIO holder listens at ${path} (${code})`);
    }
    if (code === 'EAGAIN') return failed('timeout', `the GPIO holder at ${path} takes no one in`);
    return failed(kindOfCode(code), `the GPIO holder at ${path} cannot be reached: ${code}`);
  }

  get isOpen(): boolean {
    return this.#trouble === null;
  }

  /** Requests that wait for their reply. */
  get unanswered(): number {
    return this.#waiting.length;
  }

  /** Sends without waiting; an error ends the connection. */
  send(request: Request, descriptor: number | null, onReply: OnReply): HalResult {
    if (this.#trouble !== null) return { ok: false, error: this.#trouble };
    const bytes = encode(request);
    const sent = this.#libc.send(this.#socket, bytes, descriptor);
    if (!sent.ok) {
      // A descriptor that is not open is the caller's mistake, and says nothing of the connection.
      if (sent.code === 'EBADF' && descriptor !== null) {
        return failed('other', `descriptor ${descriptor} cannot be handed over: it is not open`);
      }
      // Whoever is refused may find the connection closed, and the reason still to be read.
      this.poll();
      return this.#broken(sent.code);
    }
    if (sent.value !== bytes.length) return this.#broken('a message went out in part');
    this.#waiting.push(onReply);
    return DONE;
  }

  /** Takes in the replies that are there, without waiting; an error ends the connection. */
  poll(): HalResult {
    while (this.#trouble === null) {
      const received = this.#libc.receive(this.#socket, this.#chunk);
      if (!received.ok) {
        if (received.code === 'EAGAIN' || received.code === 'EINTR') return DONE;
        return this.#broken(received.code);
      }
      const { bytes, descriptor } = received;
      if (bytes === 0) return this.#broken('it has ended');
      for (const message of this.#reader.push(this.#chunk.subarray(0, bytes), descriptor)) {
        this.#hear(message.text, message.descriptor);
      }
    }
    return { ok: false, error: this.#trouble };
  }

  /** Sends and waits for the reply, at most about 300 ms; an error ends the connection. */
  ask(request: Request, descriptor: number | null): HalResult<Answer> {
    const answers: Answer[] = [];
    const sent = this.send(request, descriptor, (reply, came) => {
      answers.push({ reply, descriptor: came });
    });
    if (!sent.ok) return sent;
    for (let look = 0; look < LOOKS; look++) {
      const polled = this.poll();
      const [answer] = answers;
      if (answer !== undefined) return done(answer);
      if (!polled.ok) return polled;
      pauseMillisecond();
    }
    return this.giveUp();
  }

  /** Ends a connection whose holder does not answer. */
  giveUp(): ReturnType<typeof failed> {
    return this.#end(
      failed('timeout', `the GPIO holder at ${this.#path} does not answer: restart it`).error,
    );
  }

  /** Harmless when repeated. Whoever waits for a reply hears nothing any more. */
  close(): void {
    this.#end(failed('other', `the connection to ${this.#path} is closed`).error);
  }

  #hear(text: string | null, descriptor: number | null): void {
    const onReply = this.#waiting.shift();
    const reply = text === null ? 'a reply without an end' : parseReply(text);
    if (onReply !== undefined && typeof reply !== 'string') {
      onReply(reply, descriptor);
      return;
    }
    if (descriptor !== null) closeDescriptor(descriptor);
    if (typeof reply !== 'string' && !reply.ok) {
      this.#end(failed(reply.kind, reply.error).error);
      return;
    }
    this.#broken(typeof reply === 'string' ? reply : 'a reply that nobody asked for');
  }

  #broken(why: string): ReturnType<typeof failed> {
    return this.#end(failed('other', `the GPIO holder at ${this.#path} is lost: ${why}`).error);
  }

  #end(error: HalError): ReturnType<typeof failed> {
    if (this.#trouble === null) {
      this.#trouble = error;
      this.#reader.discard();
      this.#waiting.length = 0;
      closeDescriptor(this.#socket);
    }
    return { ok: false, error: this.#trouble };
  }
}

const NEVER = new Int32Array(new SharedArrayBuffer(4));

/** Stops this thread, as a blocking call would. */
function pauseMillisecond(): void {
  Atomics.wait(NEVER, 0, 0, 1);
}
