/** Stand-ins for the appliance: a port that talks to boards, and a metrics page. */
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { systemClock } from '../../src/clock.ts';
import type { BoardCommandIo } from '../../src/commands/simulate-board-io.ts';
import { seededRandom } from '../../src/simulator/random.ts';

export interface TestPort {
  readonly port: number;
  readonly sockets: readonly Socket[];
  /** What connection `index` has sent so far. */
  received(index: number): string;
  /** Resolves when `condition` holds; checked after every input and end of a connection. */
  when(condition: () => boolean): Promise<void>;
  close(): Promise<void>;
}

/** Listens for boards; `onText` may answer, and sees what each connection has sent in all. */
export async function openPort(
  onText: (socket: Socket, all: string, index: number) => void = () => undefined,
): Promise<TestPort> {
  const sockets: Socket[] = [];
  const texts: string[] = [];
  const waiting: (() => void)[] = [];
  const check = (): void => {
    for (const look of [...waiting]) look();
  };
  const server = createServer((socket) => {
    const index = sockets.push(socket) - 1;
    texts.push('');
    socket.on('data', (bytes) => {
      const all = (texts[index] ?? '') + bytes.toString('latin1');
      texts[index] = all;
      onText(socket, all, index);
      check();
    });
    socket.on('error', check);
    socket.on('close', check);
    onText(socket, '', index);
    check();
  });
  await listen(server);
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    received: (index) => texts[index] ?? '',
    when: (condition) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!condition()) return;
          waiting.splice(waiting.indexOf(look), 1);
          resolve();
        };
        waiting.push(look);
        look();
      }),
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** A page whose text is made anew for each reader. */
export async function openPage(text: () => string): Promise<{ url: string; close(): void }> {
  const server = createHttpServer((_, response) => response.end(text()));
  await listen(server);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`,
    close: () => server.close(),
  };
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
}

/** A command's world with the real clock; `stop` ends the command. */
export function commandIo(): BoardCommandIo & {
  readonly lines: string[];
  readonly errors: string[];
  stop(): void;
} {
  const lines: string[] = [];
  const errors: string[] = [];
  const controller = new AbortController();
  return {
    lines,
    errors,
    out: (line) => lines.push(line),
    err: (line) => errors.push(line),
    clock: systemClock(),
    random: seededRandom('test'),
    signal: controller.signal,
    stop: () => controller.abort(),
  };
}
