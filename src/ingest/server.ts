/**
 * The TCP server that boards dial in to. Overload pushes back through TCP; a slow, silent, greedy
 * or hostile client costs only itself.
 */
import { type Server, type Socket, createServer } from 'node:net';
import type { SharedSessionDeps } from '../domain/line-protocol/session-deps.ts';
import type { Cancel, Clock, Log } from '../domain/ports.ts';
import { plainAddress } from './allow-list.ts';
import { type BoardStatus, boardStatuses } from './boards.ts';
import { Connection, type ConnectionEvents, type ConnectionLimits } from './connection.ts';
import type { IngestCounters, RefusalReason } from './counters.ts';
import { Turns } from './turns.ts';

export interface IngestLimits extends ConnectionLimits {
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  /**
   * A client that has said nothing for this long gives way to a new one when all places are taken.
   */
  readonly evictAfterMs: number;
  /** What is read of one client before the others have their turn. */
  readonly sliceBytes: number;
  /** Clients held back that go on in one turn; with `sliceBytes`, what a turn can cost. */
  readonly resumesPerTurn: number;
}

export const DEFAULT_LIMITS: IngestLimits = {
  maxConnections: 256,
  maxConnectionsPerAddress: 64,
  evictAfterMs: 10_000,
  idleMs: 120_000,
  unidentifiedIdleMs: 60_000,
  garbageBytes: 65_536,
  writeBufferBytes: 4_096,
  sliceBytes: 16_384,
  resumesPerTurn: 16,
};

export interface IngestServerDeps extends SharedSessionDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly ingestCounters: IngestCounters;
  readonly limits: IngestLimits;
  /** See `parseAllowList`. */
  readonly allows: (address: string) => boolean;
  /** A batch of input has been read: time for a step. Called synchronously, often. */
  readonly batchDone: () => void;
}

export type ListenResult =
  | { readonly ok: true; readonly port: number }
  | { readonly ok: false; readonly code: string; readonly message: string };

const SWEEP_MS = 100;
const BACKLOG = 128;

export class IngestServer {
  readonly #deps: IngestServerDeps;
  readonly #server: Server;
  readonly #turns: Turns;
  readonly #readBuffer: Uint8Array;
  readonly #events: ConnectionEvents;
  readonly #connections = new Set<Connection>();
  readonly #bySerial = new Map<string, Connection>();
  #cancelSweep: Cancel | null = null;
  #closing = false;

  constructor(deps: IngestServerDeps) {
    this.#deps = deps;
    this.#readBuffer = new Uint8Array(deps.limits.sliceBytes);
    this.#turns = new Turns({
      clock: deps.clock,
      batchDone: deps.batchDone,
      resumesPerTurn: deps.limits.resumesPerTurn,
      onHold: () => (deps.ingestCounters.paused += 1),
      onTurn: () => (deps.ingestCounters.turns += 1),
    });
    this.#events = {
      onRead: (connection, bytes) => this.#mayGoOn(connection, bytes),
      onSerial: (connection, serial) => this.#claimSerial(connection, serial),
      onGone: (connection) => this.#gone(connection),
      onRefusedPacket: ({ address }, kind, start) =>
        deps.log('warn', 'packet refused', { address, kind, start }),
    };
    const options = { pauseOnConnect: true };
    this.#server = createServer(options, (socket) => this.#accept(socket));
  }

  /** Opens the port; 0 picks a free one. Trouble is a value that says what to do. */
  listen(host: string, port: number): Promise<ListenResult> {
    return new Promise((resolve) => {
      const failed = (error: NodeJS.ErrnoException): void => {
        const code = error.code ?? 'UNKNOWN';
        resolve({ ok: false, code, message: listenAdvice(code, host, port, error.message) });
      };
      this.#server.once('error', failed);
      this.#server.listen({ host, port, backlog: BACKLOG }, () => {
        this.#server.off('error', failed);
        this.#server.on('error', (error) => this.#serverTrouble(error));
        const address = this.#server.address();
        this.#scheduleSweep();
        const bound = typeof address === 'object' && address !== null ? address.port : port;
        resolve({ ok: true, port: bound });
      });
    });
  }

  boardStatuses(): readonly BoardStatus[] {
    return boardStatuses(this.#deps.registry.boards, this.#connections);
  }

  /** Stops listening and closes every connection. Packets that had not ended yet are counted. */
  close(): Promise<void> {
    this.#closing = true;
    this.#cancelSweep?.();
    this.#turns.stop();
    for (const connection of this.#connections) {
      const { unfinishedBytes } = connection.session;
      this.#deps.ingestCounters.bytesDroppedAtShutdown += unfinishedBytes;
      connection.close('shutdown');
    }
    return new Promise((resolve) => {
      // An error here means that it was not listening, which is what is wanted.
      this.#server.close(() => resolve());
    });
  }

  #accept(socket: Socket): void {
    const { clock, ingestCounters } = this.#deps;
    const address = plainAddress(socket.remoteAddress);
    const nowMs = clock.monotonicMs();
    const refusal = this.#refusalOf(address, nowMs);
    if (refusal !== null) {
      ingestCounters.refused[refusal] += 1;
      this.#deps.log('warn', 'connection refused', { address, reason: refusal });
      socket.on('error', ignoreRefused);
      socket.destroy();
      return;
    }
    ingestCounters.accepted += 1;
    ingestCounters.open += 1;
    const deps = { ...this.#deps, events: this.#events, readBuffer: this.#readBuffer };
    this.#connections.add(new Connection(socket, address, deps, nowMs));
  }

  /** A full buffer means that more is waiting: the others come first. */
  #mayGoOn(connection: Connection, bytes: number): boolean {
    if (this.#closing) return false;
    if (bytes < this.#deps.limits.sliceBytes) {
      this.#turns.wake();
      return true;
    }
    this.#turns.hold(connection);
    return false;
  }

  #refusalOf(address: string, nowMs: number): RefusalReason | null {
    const { limits, allows } = this.#deps;
    if (this.#closing) return 'closing';
    if (!allows(address)) return 'notAllowed';
    let fromAddress = 0;
    for (const connection of this.#connections) {
      if (connection.address === address) fromAddress += 1;
    }
    if (fromAddress >= limits.maxConnectionsPerAddress) return 'addressLimit';
    if (this.#connections.size < limits.maxConnections) return null;
    return this.#evict(nowMs) ? null : 'connectionLimit';
  }

  /** Makes room at the cost of the oldest client that has not said who it is. */
  #evict(nowMs: number): boolean {
    for (const connection of this.#connections) {
      const isYoung = nowMs - connection.acceptedAtMs < this.#deps.limits.evictAfterMs;
      if (connection.isIdentified || isYoung || connection.isGone) continue;
      this.#deps.log('warn', 'connection evicted', { address: connection.address });
      connection.close('evicted');
      this.#connections.delete(connection);
      return true;
    }
    return false;
  }

  /** The newest connection with a serial number wins: the board has reconnected. */
  #claimSerial(connection: Connection, serial: string): void {
    const older = this.#bySerial.get(serial);
    this.#bySerial.set(serial, connection);
    if (older === undefined || older === connection) return;
    this.#deps.log('info', 'board reconnected', { serial, address: connection.address });
    older.close('replaced');
  }

  #gone(connection: Connection): void {
    const { ingestCounters } = this.#deps;
    this.#connections.delete(connection);
    for (const [serial, holder] of this.#bySerial) {
      if (holder === connection) this.#bySerial.delete(serial);
    }
    ingestCounters.open -= 1;
    ingestCounters.closed[connection.closeReason] += 1;
    this.#turns.forget(connection);
    if (!this.#closing) this.#turns.wake();
  }

  #scheduleSweep(): void {
    this.#cancelSweep = this.#deps.clock.after(SWEEP_MS, () => {
      const nowMs = this.#deps.clock.monotonicMs();
      let wasDue = false;
      for (const connection of this.#connections) {
        if (connection.sweep(nowMs)) wasDue = true;
      }
      if (wasDue) this.#turns.wake();
      this.#scheduleSweep();
    });
  }

  #serverTrouble(error: Error): void {
    this.#deps.ingestCounters.serverErrors += 1;
    this.#deps.log('error', 'board server', { error: error.message });
  }
}

/** A refused socket is destroyed anyway; without a listener its reset would end the process. */
function ignoreRefused(): void {
  return;
}

function listenAdvice(code: string, host: string, port: number, message: string): string {
  const where = `${host}:${port}`;
  switch (code) {
    case 'EADDRINUSE':
      return `port ${where} is in use: stop the other program or choose another port`;
    case 'EACCES':
      return `port ${where} needs privileges: choose one above 1023`;
    case 'EADDRNOTAVAIL':
      return `${host} is not an address of this machine: use 0.0.0.0 for all of them`;
    default:
      return `cannot listen on ${where}: ${message}`;
  }
}
