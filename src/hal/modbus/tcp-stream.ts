/** A TCP connection to a Modbus unit or gateway, as bytes. */
import { Socket } from 'node:net';
import type { Clock } from '../../domain/ports.ts';
import type { ModbusAddress } from '../bus-ports.ts';
import { errorKindOf, messageOf } from '../os-errors.ts';
import type { HalError, HalErrorKind, HalResult } from '../ports.ts';
import { done, failed } from '../ports.ts';
import { lineName, settingsOf } from './address.ts';
import { remedyOf } from './trouble.ts';
import type { ByteStream } from './wire.ts';

export const CONNECT_TIMEOUT_MS = 5000;
/** The kernel asks a silent peer so often whether it is still there. */
const KEEP_ALIVE_MS = 30_000;

type TcpAddress = Extract<ModbusAddress, { kind: 'tcp' }>;

export function connectTcp(address: TcpAddress, clock: Clock): Promise<HalResult<ByteStream>> {
  const socket = new Socket();
  return new Promise((resolve) => {
    const end = (result: HalResult<ByteStream>): void => {
      cancel();
      socket.removeAllListeners();
      if (!result.ok) giveUp(socket);
      resolve(result);
    };
    const refuse = (kind: HalErrorKind, said: string, cause?: unknown): void => {
      const what = `${lineName(address)} (${settingsOf(address)}) cannot be reached: ${said}`;
      end(failed(kind, `${what}; ${remedyOf('absent', address)}`, cause));
    };
    const cancel = clock.after(CONNECT_TIMEOUT_MS, () =>
      refuse('timeout', `no answer within ${CONNECT_TIMEOUT_MS} ms`),
    );
    socket.once('error', (error) => {
      refuse(errorKindOf(error) === 'timeout' ? 'timeout' : 'absent', messageOf(error), error);
    });
    socket.once('connect', () => {
      socket.setNoDelay();
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      end(done(new TcpStream(lineName(address), socket)));
    });
    socket.connect(address.port, address.host);
  });
}

class TcpStream implements ByteStream {
  readonly #name: string;
  readonly #socket: Socket;
  #ended = false;
  #end: (error: HalError) => void = () => undefined;

  constructor(name: string, socket: Socket) {
    this.#name = name;
    this.#socket = socket;
    socket.on('error', (error) => this.#lose(messageOf(error), error));
    socket.on('end', () => this.#lose('the other side has ended the connection'));
    socket.on('close', () => this.#lose('the connection is closed'));
  }

  send(bytes: Uint8Array): void {
    if (!this.#ended) this.#socket.write(bytes);
  }

  onBytes(listener: (bytes: Uint8Array) => void): void {
    this.#socket.on('data', (bytes: Buffer) => {
      if (!this.#ended) listener(bytes);
    });
  }

  onEnd(listener: (error: HalError) => void): void {
    this.#end = listener;
  }

  discard(): Promise<void> {
    // Answers over TCP carry numbers: a late one is known as such, and bytes must stay in step.
    return Promise.resolve();
  }

  check(): Promise<HalError | null> {
    return Promise.resolve(null);
  }

  close(): Promise<void> {
    this.#ended = true;
    giveUp(this.#socket);
    return Promise.resolve();
  }

  #lose(why: string, cause?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    giveUp(this.#socket);
    this.#end(failed('absent', `${this.#name} was lost: ${why}`, cause).error);
  }
}

/** Errors that come afterwards mean nothing any more, and must not end the process. */
function giveUp(socket: Socket): void {
  socket.removeAllListeners();
  socket.on('error', () => undefined);
  socket.destroy();
}
