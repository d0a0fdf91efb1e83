/**
 * The control sockets: one for each access level, and whoever may open its file has that level. So
 * the file system decides who may do what, and the panel refuses what a level may not.
 *
 * Nothing here may disturb the step: clients, the length of a request and the rate of whole states
 * are bounded, a client has one request under way, and one that stalls is closed.
 */
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type {
  AccessLevel,
  CommandError,
  CommandOutcome,
  CommandRequest,
} from '../domain/command.ts';
import { ACCESS_LEVELS } from '../domain/command.ts';
import type { ConfigureRequest } from '../domain/command-service.ts';
import type { Clock, Log } from '../domain/ports.ts';
import { ControlClient } from './connection.ts';
import { publishSocket } from './socket-file.ts';

/** An attempt that was answered without the panel. */
export interface RefusedAttempt {
  readonly origin: string;
  readonly requestId: string;
  readonly command: string;
  readonly error: CommandError;
  readonly detail: string;
}

export interface ControlParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Where the sockets lie: `viewer.sock`, `operator.sock`, `installer.sock`. */
  readonly directory: string;
  /** Group that may use each socket; null: the group of this process. */
  readonly groups: Readonly<Record<AccessLevel, number | null>>;
  readonly pid: number;
  /** Differs from run to run: ids that are given out must not come again after a restart. */
  readonly runId: string;
  /** The user at the other end as the kernel knows it; null where it cannot be asked. */
  readonly userOf: (socket: Socket) => string | null;
  readonly state: () => unknown;
  readonly submit: (request: CommandRequest) => Promise<CommandOutcome>;
  /** Null: the configuration cannot be changed. */
  readonly configure: ((request: ConfigureRequest) => Promise<CommandOutcome>) | null;
  /** For the journal; bounded by itself. */
  readonly onRefused: (attempt: RefusedAttempt) => void;
}

export interface ControlServer {
  /** What could not be opened, by level; the appliance works without. */
  readonly troubles: ReadonlyMap<AccessLevel, string>;
  close(): Promise<void>;
}

/** Clients of one socket at a time. */
export const MAX_CLIENTS = 16;
/** Whole states that all clients together may ask for, a second. */
const STATES_PER_SECOND = 10;

/** Opens what can be opened. Never rejects. */
export async function startControl(parts: ControlParts): Promise<ControlServer> {
  const troubles = new Map<AccessLevel, string>();
  const doors: Door[] = [];
  const states = new Allowance(parts.clock, STATES_PER_SECOND);
  for (const level of ACCESS_LEVELS) {
    const door = new Door(level, parts, states);
    const trouble = await door.open();
    if (trouble === null) doors.push(door);
    else troubles.set(level, trouble);
  }
  return {
    troubles,
    close: async () => {
      await Promise.all(doors.map((door) => door.close()));
    },
  };
}

/** So many a second, as many at once. */
export class Allowance {
  readonly #clock: Clock;
  readonly #perSecond: number;
  #left: number;
  #filledAtMs: number;

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#left = perSecond;
    this.#filledAtMs = clock.monotonicMs();
  }

  take(): boolean {
    const nowMs = this.#clock.monotonicMs();
    const gained = ((nowMs - this.#filledAtMs) / 1000) * this.#perSecond;
    this.#left = Math.min(this.#perSecond, this.#left + gained);
    this.#filledAtMs = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}

/** One socket and those who came in by it. */
class Door {
  readonly #level: AccessLevel;
  readonly #parts: ControlParts;
  readonly #states: Allowance;
  readonly #clients = new Set<ControlClient>();
  readonly #server: Server;
  #remove: () => void = () => undefined;
  #accepted = 0;

  constructor(level: AccessLevel, parts: ControlParts, states: Allowance) {
    this.#level = level;
    this.#parts = parts;
    this.#states = states;
    // A client may say that it has asked everything, and still wants its answers.
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
    this.#server.maxConnections = MAX_CLIENTS;
    this.#server.on('drop', () => this.#log('warn', 'too many clients of a control socket'));
  }

  /** @returns why it is not open, or null */
  async open(): Promise<string | null> {
    const { directory, groups, pid } = this.#parts;
    const path = join(directory, `${this.#level}.sock`);
    const published = await publishSocket(this.#server, { path, gid: groups[this.#level], pid });
    if ('trouble' in published) {
      this.#server.close();
      return published.trouble;
    }
    this.#remove = published.remove;
    this.#server.on('error', (error) => {
      this.#log('error', 'control socket', { detail: error.message });
    });
    return null;
  }

  close(): Promise<void> {
    this.#remove();
    for (const client of this.#clients) client.close();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #accept(socket: Socket): void {
    const { clock, userOf, submit, configure, state, onRefused } = this.#parts;
    const level = this.#level;
    this.#accepted += 1;
    const client = new ControlClient(socket, {
      ...{ clock, level, submit, configure, state, onRefused },
      user: userOf(socket),
      mayAskState: () => this.#states.take(),
      idPrefix: `cli-${this.#parts.runId}-${level}-${this.#accepted}`,
      onEnd: () => this.#clients.delete(client),
    });
    this.#clients.add(client);
    client.start();
  }

  #log(level: 'warn' | 'error', message: string, more: Record<string, string> = {}): void {
    this.#parts.log(level, message, { access: this.#level, ...more });
  }
}
