import net from 'node:net';

/** A wire that can be cut, frozen (bytes vanish, as on a half-open link) or unplugged. */
export class TcpProxy {
  readonly #target: () => number;
  readonly #pairs = new Set<readonly [net.Socket, net.Socket]>();
  #server: net.Server | null = null;
  #port = 0;
  #frozen = false;

  constructor(target: () => number) {
    this.#target = target;
  }

  get port(): number {
    return this.#port;
  }

  async plug(): Promise<void> {
    const server = net.createServer((near) => this.#forward(near));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    const address = server.address();
    if (address !== null && typeof address === 'object') this.#port = address.port;
    this.#server = server;
  }

  /** From now on connections are refused; those there are end. */
  async unplug(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    const closed = new Promise<void>((resolve) =>
      server ? server.close(() => resolve()) : resolve(),
    );
    this.cut();
    await closed;
  }

  cut(): void {
    for (const [near, far] of this.#pairs) {
      near.destroy();
      far.destroy();
    }
  }

  freeze(): void {
    this.#frozen = true;
  }

  /** New connections work again; those that were frozen have lost bytes and stay useless. */
  thaw(): void {
    this.#frozen = false;
  }

  #forward(near: net.Socket): void {
    const far = net.connect(this.#target(), '127.0.0.1');
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    let useless = this.#frozen;
    const pass = (to: net.Socket) => (chunk: Buffer) => {
      useless ||= this.#frozen;
      if (!useless) to.write(chunk);
    };
    near.on('data', pass(far));
    far.on('data', pass(near));
    for (const socket of pair) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#pairs.delete(pair);
        near.destroy();
        far.destroy();
      });
    }
  }
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
