/** A server on a real port of the loopback, and clients to torment it. */
import { type Socket, connect } from 'node:net';
import { once } from 'node:events';
import { sleep, systemClock } from '../../src/clock.ts';
import type { BoardProfile } from '../../src/domain/line-protocol/board-profile.ts';
import type { Cancel, Clock } from '../../src/domain/ports.ts';
import { createIngestCounters } from '../../src/ingest/counters.ts';
import {
  DEFAULT_LIMITS,
  IngestServer,
  type IngestLimits,
  type ListenResult,
} from '../../src/ingest/server.ts';
import { createWorld } from '../line-protocol/world.ts';

/** Real timers, but time can be told to have passed. */
export function skewedClock(): Clock & { skip(ms: number): void } {
  const real = systemClock();
  let skewMs = 0;
  return { ...real, monotonicMs: () => real.monotonicMs() + skewMs, skip: (ms) => (skewMs += ms) };
}

/** Time by hand: nothing runs before it is asked for. */
export class ManualClock implements Clock {
  nowMs = 0;
  #soon: (() => void)[] = [];

  monotonicMs(): number {
    return this.nowMs;
  }
  wallMs(): number {
    return 0;
  }
  after(): Cancel {
    throw new Error('no timers here');
  }
  soon(run: () => void): Cancel {
    this.#soon.push(run);
    return () => void (this.#soon = this.#soon.filter((other) => other !== run));
  }

  /** Runs what was asked to run soon; what that asks for waits for the next call. */
  runSoon(): number {
    const due = this.#soon;
    this.#soon = [];
    for (const run of due) run();
    return due.length;
  }
}

export interface StandOptions {
  readonly limits?: Partial<IngestLimits>;
  readonly allows?: (address: string) => boolean;
  readonly profiles?: readonly BoardProfile[];
}

export async function openStand(options: StandOptions = {}) {
  const world = await createWorld({ profiles: options.profiles ?? [] });
  const clock = skewedClock();
  const counters = createIngestCounters(world.counters);
  const logs: string[] = [];
  let batches = 0;
  const batchListeners: (() => void)[] = [];
  const server = new IngestServer({
    ...world.shared,
    clock,
    ingestCounters: counters,
    log: (level, message) => void logs.push(`${level}: ${message}`),
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    allows: options.allows ?? (() => true),
    batchDone: () => {
      batches += 1;
      for (const listener of batchListeners) listener();
    },
  });
  const listening = await server.listen('127.0.0.1', 0);
  if (!listening.ok) throw new Error(listening.message);
  const { port } = listening;
  const clients: Client[] = [];
  return {
    world,
    clock,
    counters,
    logs,
    server,
    port,
    batches: () => batches,
    onBatch: (listener: () => void) => batchListeners.push(listener),
    dial: async (): Promise<Client> => {
      const client = new Client(port);
      clients.push(client);
      await client.opened;
      return client;
    },
    until: (condition: () => boolean) => until(clock, condition),
    close: async (): Promise<void> => {
      for (const client of clients) client.socket.destroy();
      await server.close();
    },
  };
}

export class Client {
  readonly socket: Socket;
  readonly opened: Promise<unknown>;
  received = '';
  isClosed = false;

  constructor(port: number) {
    this.socket = connect({ host: '127.0.0.1', port });
    this.opened = once(this.socket, 'connect');
    this.socket.on('data', (bytes) => (this.received += bytes.toString('latin1')));
    // A reset is how a refusal looks from here; `isClosed` tells.
    this.socket.on('error', () => (this.isClosed = true));
    this.socket.on('close', () => (this.isClosed = true));
  }

  say(text: string): void {
    this.socket.write(Buffer.from(text, 'latin1'));
  }
}

/** Waits for real events; the test's own time-out is the only limit. */
export async function until(clock: Clock, condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(clock, 2);
}

export async function listenOn(server: IngestServer, port: number): Promise<ListenResult> {
  return server.listen('127.0.0.1', port);
}
