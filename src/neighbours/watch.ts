/**
 * Who of the neighbours is there. A word counts only if it echoes something that we said lately in
 * this boot, so that nobody can keep a dead neighbour alive by repeating its words; it takes two
 * words each way until both know of one another.
 */
import type { Echo, Word } from './wire.ts';

export interface WatchOptions {
  readonly deviceId: string;
  readonly bootId: string;
  readonly peers: readonly string[];
  /** Without a word that counts for this long a neighbour is silent. */
  readonly silentMs: number;
}

interface Peer {
  /** What we last heard of it, fresh or not: it goes back as the echo. */
  echo: Echo | null;
  /** Since when it is silent, or waited for. */
  heardAtMs: number;
  /** Highest number that counted, by boot: a word counts once. */
  boot: string;
  n: number;
  condition: string | null;
  uplink: boolean;
}

/** What is known of a neighbour, for people and metrics. */
export interface PeerView {
  readonly id: string;
  readonly alive: boolean;
  readonly condition: string | null;
  readonly uplink: boolean;
}

export class NeighbourWatch {
  readonly #options: WatchOptions;
  readonly #peers: ReadonlyMap<string, Peer>;
  /** Our own words of the last `silentMs`. */
  #sent: { readonly n: number; readonly atMs: number }[] = [];
  #n = 0;

  constructor(options: WatchOptions, nowMs: number) {
    this.#options = options;
    const fresh = (): Peer => ({
      ...{ echo: null, heardAtMs: nowMs, boot: '', n: 0, condition: null, uplink: false },
    });
    this.#peers = new Map(options.peers.map((id) => [id, fresh()]));
  }

  /** What stands in each word to a neighbour. Every call is a new word. */
  address(to: string, nowMs: number) {
    this.#n += 1;
    this.#sent.push({ n: this.#n, atMs: nowMs });
    this.#forget(nowMs);
    const { deviceId, bootId } = this.#options;
    const echo = this.#peers.get(to)?.echo ?? null;
    return { from: deviceId, to, boot: bootId, n: this.#n, echo };
  }

  /** Takes note of a word. @returns whether it counts: for us, of a neighbour, new and fresh. */
  take(word: Word, nowMs: number): boolean {
    const peer = this.#peers.get(word.from);
    if (peer === undefined || word.to !== this.#options.deviceId) return false;
    const isNewer = peer.echo?.boot !== word.boot || peer.echo.n < word.n;
    if (isNewer) peer.echo = { boot: word.boot, n: word.n };
    if (!this.#isFresh(word.echo, nowMs)) return false;
    if (peer.boot === word.boot && word.n <= peer.n) return false;
    peer.boot = word.boot;
    peer.n = word.n;
    peer.heardAtMs = nowMs;
    if (word.kind === 'hello') {
      peer.condition = word.condition;
      peer.uplink = word.uplink;
    }
    return true;
  }

  peers(nowMs: number): readonly PeerView[] {
    return [...this.#peers].map(([id, { heardAtMs, n, condition, uplink }]) => {
      const alive = n > 0 && nowMs - heardAtMs < this.#options.silentMs;
      return { id, alive, condition: alive ? condition : null, uplink: alive && uplink };
    });
  }

  /** Neighbours that have not been heard for too long. */
  silent(nowMs: number): readonly string[] {
    const { silentMs } = this.#options;
    return [...this.#peers]
      .filter(([, { heardAtMs }]) => nowMs - heardAtMs >= silentMs)
      .map(([id]) => id);
  }

  #isFresh(echo: Echo | null, nowMs: number): boolean {
    if (echo?.boot !== this.#options.bootId) return false;
    this.#forget(nowMs);
    return this.#sent.some(({ n }) => n === echo.n);
  }

  #forget(nowMs: number): void {
    const sinceMs = nowMs - this.#options.silentMs;
    this.#sent = this.#sent.filter(({ atMs }) => atMs >= sinceMs);
  }
}
