/** Serial lines made of pseudo-terminals: socat joins each to a socket that the test listens on. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';

export const hasSocat = spawnSync('socat', ['-V']).status === 0;

/** The far end of a pseudo-terminal whose near end has a name that survives replugging. */
export class PtyBoard {
  readonly path: string;
  readonly received: Buffer[] = [];
  onReceive: (bytes: Buffer) => void = () => undefined;
  readonly #directory: string;
  readonly #socketPath: string;
  readonly #server: Server;
  #socket: Socket | null = null;
  #socat: ChildProcess | null = null;

  private constructor(directory: string) {
    this.#directory = directory;
    this.path = join(directory, 'ttyBoard');
    this.#socketPath = join(directory, 'board.sock');
    this.#server = createServer((socket) => {
      this.#socket = socket;
      socket.on('data', (bytes: Buffer) => {
        this.received.push(bytes);
        this.onReceive(bytes);
      });
      socket.on('error', () => socket.destroy());
    });
  }

  /** An unplugged board: `plug` makes its path appear. */
  static async create(): Promise<PtyBoard> {
    const board = new PtyBoard(mkdtempSync(join(tmpdir(), 'pty-')));
    await new Promise<void>((resolve) => board.#server.listen(board.#socketPath, resolve));
    return board;
  }

  async plug(): Promise<void> {
    const terminal = `PTY,link=${this.path},raw,echo=0`;
    this.#socket = null;
    this.#socat = spawn('socat', [terminal, `UNIX-CONNECT:${this.#socketPath}`]);
    await vi.waitFor(() => {
      if (this.#socket === null || !existsSync(this.path)) throw new Error('socat is not up yet');
    }, 5000);
  }

  async unplug(): Promise<void> {
    const socat = this.#socat;
    this.#socat = null;
    if (socat === null) return;
    const gone = new Promise((resolve) => socat.once('exit', resolve));
    socat.kill('SIGTERM');
    await gone;
  }

  /** Resolves when the bytes are on their way. */
  send(bytes: Uint8Array): void {
    this.#socket?.write(bytes);
  }

  async close(): Promise<void> {
    await this.unplug();
    this.#socket?.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
