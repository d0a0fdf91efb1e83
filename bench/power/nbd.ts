/**
 * Serves blocks to QEMU: the least of the NBD protocol that it speaks (NetworkBlockDevice/nbd,
 * doc/proto.md: fixed newstyle negotiation, simple replies, one export whatever its name).
 */
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import type { LossyBlocks } from './lossy-blocks.ts';

const GREETING = Buffer.from('NBDMAGICIHAVEOPT');
const OPTION_MAGIC = GREETING.readBigUInt64BE(8);
const OPTION_REPLY_MAGIC = 0x3e889045565a9n;
const REQUEST_MAGIC = 0x25609513;
const REPLY_MAGIC = 0x67446698;
/** Fixed newstyle, and no padding after an export name. */
const HANDSHAKE_FLAGS = 0b11;
/** The flags that follow are meant; flush and forced unit access are understood. */
const EXPORT_FLAGS = 0b1101;
const FORCED = 0b1;
const OPTION = { exportName: 1, abort: 2, info: 6, go: 7 } as const;
const ANSWER = { ack: 1, info: 3, unsupported: 0x8000_0001 } as const;
const COMMAND = { read: 0, write: 1, disconnect: 2, flush: 3 } as const;
const INVALID = 22;
const OPTION_HEAD_BYTES = 16;
const REQUEST_HEAD_BYTES = 28;

export interface BlockServer {
  /** Ends every connection at once, without an answer to what is under way. */
  stop(): Promise<void>;
}

/** Listens at a unix socket. */
export function serveBlocks(socketPath: string, blocks: LossyBlocks): Promise<BlockServer> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    new Conversation(socket, blocks);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, () =>
      resolve({
        stop: () =>
          new Promise((done) => {
            for (const socket of sockets) socket.destroy();
            server.close(() => done());
          }),
      }),
    );
  });
}

/** What is expected next: our flags echoed, options, then requests. */
type Phase = 'flags' | 'options' | 'requests';

class Conversation {
  readonly #socket: Socket;
  readonly #blocks: LossyBlocks;
  #phase: Phase = 'flags';
  #waiting = Buffer.alloc(0);

  constructor(socket: Socket, blocks: LossyBlocks) {
    this.#socket = socket;
    this.#blocks = blocks;
    const flags = Buffer.alloc(2);
    flags.writeUInt16BE(HANDSHAKE_FLAGS);
    socket.write(Buffer.concat([GREETING, flags]));
    socket.on('data', (bytes: Buffer) => {
      this.#waiting = Buffer.concat([this.#waiting, bytes]);
      while (!socket.destroyed && this.#takeOne());
    });
  }

  /** @returns whether there was a whole message. */
  #takeOne(): boolean {
    switch (this.#phase) {
      case 'flags':
        if (this.#take(4) === null) return false;
        this.#phase = 'options';
        return true;
      case 'options':
        return this.#takeOption();
      case 'requests':
        return this.#takeRequest();
    }
  }

  #take(length: number): Buffer | null {
    if (this.#waiting.length < length) return null;
    const taken = this.#waiting.subarray(0, length);
    this.#waiting = this.#waiting.subarray(length);
    return taken;
  }

  #takeOption(): boolean {
    if (this.#waiting.length < OPTION_HEAD_BYTES) return false;
    const length = this.#waiting.readUInt32BE(12);
    const message = this.#take(OPTION_HEAD_BYTES + length);
    if (message === null) return false;
    const option = message.readUInt32BE(8);
    if (message.readBigUInt64BE(0) !== OPTION_MAGIC || option === OPTION.abort) {
      this.#socket.destroy();
    } else if (option === OPTION.exportName) {
      this.#socket.write(this.#exportFacts());
      this.#phase = 'requests';
    } else if (option === OPTION.go || option === OPTION.info) {
      // Kind 0: size and flags of the export.
      this.#answerOption(
        option,
        ANSWER.info,
        Buffer.concat([Buffer.alloc(2), this.#exportFacts()]),
      );
      this.#answerOption(option, ANSWER.ack, Buffer.alloc(0));
      if (option === OPTION.go) this.#phase = 'requests';
    } else {
      this.#answerOption(option, ANSWER.unsupported, Buffer.alloc(0));
    }
    return true;
  }

  #exportFacts(): Buffer {
    const facts = Buffer.alloc(10);
    facts.writeBigUInt64BE(BigInt(this.#blocks.sizeBytes));
    facts.writeUInt16BE(EXPORT_FLAGS, 8);
    return facts;
  }

  #answerOption(option: number, kind: number, data: Buffer): void {
    const head = Buffer.alloc(20);
    head.writeBigUInt64BE(OPTION_REPLY_MAGIC);
    head.writeUInt32BE(option, 8);
    head.writeUInt32BE(kind, 12);
    head.writeUInt32BE(data.length, 16);
    this.#socket.write(Buffer.concat([head, data]));
  }

  #takeRequest(): boolean {
    if (this.#waiting.length < REQUEST_HEAD_BYTES) return false;
    const command = this.#waiting.readUInt16BE(6);
    const length = this.#waiting.readUInt32BE(24);
    const data = command === COMMAND.write ? length : 0;
    const message = this.#take(REQUEST_HEAD_BYTES + data);
    if (message === null) return false;
    if (message.readUInt32BE(0) !== REQUEST_MAGIC || command === COMMAND.disconnect) {
      this.#socket.destroy();
      return true;
    }
    const at = Number(message.readBigUInt64BE(16));
    const cookie = message.subarray(8, 16);
    if (at + length > this.#blocks.sizeBytes) {
      this.#reply(cookie, INVALID);
      return true;
    }
    const isForced = (message.readUInt16BE(4) & FORCED) !== 0;
    this.#carryOut(command, { at, length, cookie, isForced }, message.subarray(REQUEST_HEAD_BYTES));
    return true;
  }

  #carryOut(
    command: number,
    request: { at: number; length: number; cookie: Buffer; isForced: boolean },
    data: Buffer,
  ): void {
    const { at, length, cookie, isForced } = request;
    if (command === COMMAND.read) {
      this.#reply(cookie, 0, this.#blocks.read(at, length));
      return;
    }
    if (command === COMMAND.write) this.#blocks.write(at, data);
    const isFlush = command === COMMAND.flush;
    if (isFlush || isForced) this.#blocks.flush();
    this.#reply(cookie, isFlush || command === COMMAND.write ? 0 : INVALID);
  }

  #reply(cookie: Buffer, error: number, data: Buffer = Buffer.alloc(0)): void {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(REPLY_MAGIC);
    head.writeUInt32BE(error, 4);
    this.#socket.write(Buffer.concat([head, cookie, data]));
  }
}
