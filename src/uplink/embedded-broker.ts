/** A small MQTT 3.1.1 broker inside the process, for the demo and for tests; nothing durable. */
import net from 'node:net';
import type { Aedes } from 'aedes';

export interface EmbeddedBroker {
  readonly host: string;
  /** The port that was really taken, also when 0 was asked for. */
  readonly port: number;
  /** Ends all connections and frees the port. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts a broker that accepts everybody who reaches it: bind it to the loopback only.
 * @param options.port 0 takes any free port.
 * @throws Error naming host, port and remedy when the port cannot be taken.
 */
export async function startEmbeddedBroker(
  options: { readonly host?: string; readonly port?: number } = {},
): Promise<EmbeddedBroker> {
  const host = options.host ?? '127.0.0.1';
  // Loaded only where it is wanted: it takes 5 MB.
  const { Aedes: Broker } = await import('aedes');
  const aedes = await Broker.createBroker();
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    aedes.handle(socket);
  });
  try {
    const port = await listen(server, host, options.port ?? 0);
    let stopped: Promise<void> | null = null;
    return {
      host,
      port,
      stop: () => (stopped ??= stop(aedes, server, sockets)),
    };
  } catch (error) {
    await closeAedes(aedes);
    throw error;
  }
}

function listen(server: net.Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE'
          ? 'the port is in use: stop the other broker or choose another port'
          : cause.message;
      reject(new Error(`cannot start the embedded broker at ${host}:${port}: ${why}`, { cause }));
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(address !== null && typeof address === 'object' ? address.port : port);
    });
  });
}

async function stop(aedes: Aedes, server: net.Server, sockets: Set<net.Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // Aedes waits for clients it knows; sockets that never said CONNECT are ours to end.
  await closeAedes(aedes);
  for (const socket of sockets) socket.destroy();
  await closed;
}

function closeAedes(aedes: Aedes): Promise<void> {
  return new Promise((resolve) => aedes.close(resolve));
}
