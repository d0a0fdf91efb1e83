/** From the location in a packet to the board it feeds, for one connection. */
import type { LevelAccumulator } from '../evidence-bank.ts';
import type { Board } from './board.ts';
import type { BoardTraits } from './board-profile.ts';
import type { BoardNames, BoardRegistry } from './board-registry.ts';
import { ConnectionNames, type LocatedKind, UNDECIDED } from './connection-names.ts';
import type { PacketErrorKind } from './packet-error.ts';
import type { ThermalIntake } from './thermal-intake.ts';

/** A board as one connection feeds it. */
export interface Feed {
  readonly board: Board;
  /** By slot of the connection's `SensorPacketReader`; grows as keys appear. */
  readonly levels: LevelAccumulator[];
  thermal: ThermalIntake | null;
}

export class ConnectionFeeds {
  readonly names = new ConnectionNames();
  readonly #registry: BoardRegistry;
  readonly #address: string;
  readonly #feeds = new Map<Board, Feed>();
  /** The location and feed of the last packet: nearly always those of the next one too. */
  #lastLocation: string | null = null;
  #last: Feed | null = null;

  constructor(registry: BoardRegistry, address: string) {
    this.#registry = registry;
    this.#address = address;
  }

  get boards(): readonly Board[] {
    return [...this.#feeds.keys()];
  }

  /** How to treat the board behind the connection, as far as it is known. */
  get traits(): BoardTraits {
    return this.#registry.traitsOf(this.#namesAt(this.names.mainLocation));
  }

  /** After an announcement: the next packet is looked up anew. */
  forget(): void {
    this.#last = null;
  }

  /** Makes sure that a board which has said its name exists, even if it never sends a reading. */
  makeKnown(): void {
    if (this.names.isAnnounced) this.#registry.resolve(this.#namesAt(this.names.mainLocation));
  }

  /** The feed of a packet's board; or that the packet has to wait, or is refused. */
  find(kind: LocatedKind, location: string | null): Feed | typeof UNDECIDED | PacketErrorKind {
    if (this.#last !== null && location === this.#lastLocation) return this.#last;
    const verdict = this.names.locationOf(kind, location, (name) =>
      this.#registry.knowsLocation(name),
    );
    if (verdict === UNDECIDED || verdict === 'tooManyLocations') return verdict;
    const board = this.#registry.resolve(this.#namesAt(verdict.location));
    if (board === null) return 'tooManyBoards';
    let feed = this.#feeds.get(board);
    if (feed === undefined) {
      feed = { board, levels: [], thermal: null };
      this.#feeds.set(board, feed);
      board.address = this.#address;
    }
    this.#lastLocation = location;
    this.#last = feed;
    return feed;
  }

  #namesAt(location: string | null): BoardNames {
    return { serial: this.names.serial, location, address: this.#address };
  }
}

/** Gives `feed` an accumulator for each channel; an error when its board has too many. */
export function extendLevels(feed: Feed, channels: readonly string[]): PacketErrorKind | null {
  for (let slot = feed.levels.length; slot < channels.length; slot++) {
    const level = feed.board.level(channels[slot] ?? '');
    if (level === null) return 'tooManyChannels';
    feed.levels.push(level);
  }
  return null;
}
