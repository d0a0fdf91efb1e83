/**
 * The GPIO holder: keeps the output lines of one runtime through its end and restart. It decides
 * nothing; it holds descriptors, and on loss of the runtime (its connection ends, or its step no
 * longer beats) sets those lines that have a level for that.
 *
 *   no runtime ──hello──► connected ──no beat for hangMs──► hung
 *       ▲                  │     ▲                          │  │
 *       └──────closed──────┘     └───────────beat───────────┘  │
 *       └──────closed──────────────────────────────────────────┘
 *   Entering `hung` or `no runtime` sets the loss levels.
 */
import { rmSync } from 'node:fs';
import type { Cancel, Clock, Log } from '../../domain/ports.ts';
import type { Libc } from '../native/libc.ts';
import { kindOfCode } from '../native/libc.ts';
import type { Watch, WatchReadable } from '../native/readable.ts';
import type { HalResult } from '../ports.ts';
import { done, failed } from '../ports.ts';
import { closeDescriptor } from './descriptors.ts';
import { KeptLines } from './kept-lines.ts';
import type { Reply } from './protocol.ts';
import { encode } from './protocol.ts';
import { refusal, Session } from './session.ts';
import { identityOf, publishSocket } from './socket-file.ts';

export interface HolderOptions {
  /** Of the socket; absolute, at most `SOCKET_PATH_LIMIT` bytes. */
  readonly path: string;
  /** A runtime that is connected and does not beat for so long hangs. */
  readonly hangMs: number;
  /** Ends when it has no runtime and nothing to keep: for one that a runtime starts itself. */
  readonly onDemand: boolean;
  /** Who may connect, beside root. */
  readonly uid: number;
  readonly pid: number;
  readonly libc: Libc;
  /** Null where the package does not load: sockets are then looked at every 50 ms. */
  readonly watch: WatchReadable | null;
  readonly clock: Clock;
  readonly log: Log;
  /** The holder has closed by itself (`onDemand`, or a runtime of another version came). */
  readonly ended: () => void;
}

const TICK_MS = 250;
const UNWATCHED_TICK_MS = 50;
/** An on-demand holder waits this long for a runtime that may be restarting. */
const LINGER_MS = 10_000;
/** Connections taken in one turn. */
const ACCEPTS_PER_TURN = 16;

export class Holder {
  readonly #options: HolderOptions;
  readonly #lines: KeptLines;
  #listener: number;
  #identity: string | null;
  #listenerWatch: Watch | null;
  #session: Session | null = null;
  #sessionWatch: Watch | null = null;
  #aliveAtMs: number;
  #hangs = false;
  /** Null while a runtime is connected. */
  #aloneSinceMs: number | null;
  #cancelTick: Cancel;
  #closed = false;

  private constructor(options: HolderOptions, listener: number) {
    this.#options = options;
    this.#lines = new KeptLines(options.libc, options.log);
    this.#aliveAtMs = options.clock.monotonicMs();
    this.#aloneSinceMs = this.#aliveAtMs;
    this.#listener = listener;
    this.#identity = identityOf(options.path);
    this.#listenerWatch = this.#watch(listener, () => this.#accept());
    this.#cancelTick = this.#later();
  }

  /** Errors: `busy`: another holder listens at the path; others: no socket can be made there. */
  static open(options: HolderOptions): HalResult<Holder> {
    const listener = publishSocket(options.libc, options.path, options.pid);
    return listener.ok ? done(new Holder(options, listener.value)) : listener;
  }

  /** Releases every line: what it does next is for the pad's resistors. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelTick();
    this.#endSession();
    this.#listenerWatch?.close();
    this.#discard(this.#listener);
    if (this.#isOwnSocket()) rmSync(this.#options.path, { force: true });
    this.#lines.releaseAll();
  }

  #later(): Cancel {
    const { clock, watch } = this.#options;
    return clock.after(watch === null ? UNWATCHED_TICK_MS : TICK_MS, () => this.#tick());
  }

  /** Reads before it judges: after a pause of its own, beats may be waiting. */
  #tick(): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#accept();
    this.#turn();
    if (this.#closed) return;
    this.#judge(nowMs);
    this.#lines.setDue();
    this.#mendSocket();
    if (this.#isUseless(nowMs)) {
      this.#end('no runtime, and nothing to keep');
      return;
    }
    this.#cancelTick = this.#later();
  }

  #end(why: string): void {
    this.#options.log('info', `ends: ${why}`);
    this.close();
    this.#options.ended();
  }

  #judge(nowMs: number): void {
    const session = this.#session;
    const { hangMs, log } = this.#options;
    const silentMs = nowMs - this.#aliveAtMs;
    if (session === null || silentMs < hangMs) return;
    if (!session.greeted) {
      log('warn', 'connection closed: no hello', { peer: session.peer });
      this.#endSession();
    } else if (!this.#hangs) {
      this.#hangs = true;
      log('error', 'runtime hangs', { peer: session.peer, silentMs: Math.round(silentMs) });
      this.#lines.lose();
    }
  }

  #turn(): void {
    const session = this.#session;
    if (session === null) return;
    session.turn();
    if (session.isOutdated) {
      this.#end('the runtime is of another version');
      return;
    }
    if (session.over === null) return;
    const { log } = this.#options;
    const { greeted, peer, over } = session;
    this.#endSession();
    if (!greeted) return;
    log('warn', 'runtime gone', { peer, why: over, lines: this.#lines.size });
    this.#lines.lose();
  }

  #accept(): void {
    const { libc } = this.#options;
    for (let accepted = 0; accepted < ACCEPTS_PER_TURN && !this.#closed; accepted++) {
      const socket = libc.accept(this.#listener);
      if (!socket.ok) return;
      const peer = this.#admit(socket.value);
      if (peer.ok) this.#begin(socket.value, peer.value);
      else this.#refuse(socket.value, refusal(peer.error.kind, peer.error.message));
    }
  }

  /** The process at the other end, if it may have the lines. */
  #admit(socket: number): HalResult<number> {
    const { libc, uid, log } = this.#options;
    const peer = libc.peer(socket);
    if (!peer.ok) return failed(kindOfCode(peer.code), `who connects is unknown: ${peer.code}`);
    if (peer.uid !== uid && peer.uid !== 0) {
      log('warn', 'connection refused: another user', { peer: peer.pid, uid: peer.uid });
      return failed('permission', `user ${peer.uid} may not use the GPIO holder of user ${uid}`);
    }
    // Its end may be waiting to be read, behind this connection.
    this.#turn();
    if (this.#closed) return failed('absent', 'the GPIO holder ends');
    if (this.#session?.greeted === true) {
      log('warn', 'connection refused: busy', { peer: peer.pid, present: this.#session.peer });
      const present = this.#session.peer;
      return failed('busy', `another runtime is connected to the GPIO holder: process ${present}`);
    }
    return done(peer.pid);
  }

  #refuse(socket: number, reply: Reply): void {
    // Told if it can be told; the connection ends either way.
    this.#options.libc.send(socket, encode(reply), null);
    this.#discard(socket);
  }

  #begin(socket: number, peer: number): void {
    this.#endSession();
    const { libc, log, pid, clock } = this.#options;
    this.#aliveAtMs = clock.monotonicMs();
    const session = new Session({
      ...{ socket, peer, libc, log, pid },
      lines: this.#lines,
      alive: () => this.#alive(),
    });
    this.#session = session;
    this.#sessionWatch = this.#watch(socket, () => this.#turn());
    this.#turn();
  }

  #alive(): void {
    this.#aliveAtMs = this.#options.clock.monotonicMs();
    this.#aloneSinceMs = null;
    if (!this.#hangs) return;
    this.#hangs = false;
    this.#options.log('info', 'runtime beats again', { peer: this.#session?.peer ?? null });
    this.#lines.regain();
  }

  #endSession(): void {
    const session = this.#session;
    if (session === null) return;
    this.#session = null;
    this.#hangs = false;
    this.#sessionWatch?.close();
    this.#sessionWatch = null;
    session.close();
    this.#aloneSinceMs ??= this.#options.clock.monotonicMs();
  }

  /** A tidied run folder must not part the holder from the next runtime. */
  #mendSocket(): void {
    const { libc, path, pid, log } = this.#options;
    if (this.#isOwnSocket()) return;
    const listener = publishSocket(libc, path, pid);
    if (!listener.ok) {
      log('error', 'socket is gone and cannot be made again', { detail: listener.error.message });
      return;
    }
    log('warn', 'socket was gone: made again', { path });
    this.#listenerWatch?.close();
    this.#discard(this.#listener);
    this.#listener = listener.value;
    this.#identity = identityOf(path);
    this.#listenerWatch = this.#watch(this.#listener, () => this.#accept());
  }

  #isOwnSocket(): boolean {
    const found = identityOf(this.#options.path);
    return found !== null && found === this.#identity;
  }

  #isUseless(nowMs: number): boolean {
    if (!this.#options.onDemand || this.#session !== null || this.#lines.needed) return false;
    return this.#aloneSinceMs !== null && nowMs - this.#aloneSinceMs >= LINGER_MS;
  }

  /** Null where nothing can be watched: the tick looks anyway. */
  #watch(descriptor: number, ready: () => void): Watch | null {
    const { watch, log } = this.#options;
    if (watch === null) return null;
    const trouble = (detail: string): null => {
      log('error', 'socket not watched: looked at every 250 ms', { detail });
      return null;
    };
    const watched = watch(descriptor, ready, (error) => trouble(error.message));
    return watched.ok ? watched.value : trouble(watched.error.message);
  }

  #discard(descriptor: number): void {
    const trouble = closeDescriptor(descriptor);
    if (trouble !== null) this.#options.log('error', 'not closed', { detail: trouble });
  }
}
