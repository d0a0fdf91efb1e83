/**
 * Which board a packet is from, as far as its connection tells.
 *
 * - One board per connection, unless several locations were announced on it (a gateway): then the
 *   location in a packet decides, and a packet without one belongs to the newest announcement.
 * - With a serial number or one location announced, locations in packets say nothing new.
 * - Without any announcement, the location in the packets is the board's. A number there may be a
 *   frame counter instead, which shows when it changes: a board that nobody knows is therefore
 *   undecided until the second packet of a kind, and its packets wait (see `BoardSession`).
 */
import type { PacketErrorKind } from './packet-error.ts';

/** Kinds of packets that carry a location. */
export type LocatedKind = 'sensor' | 'frame' | 'eeprom';

/** The packet has to wait until the connection has shown what its number means. */
export const UNDECIDED = Symbol('undecided');

const MAX_LOCATIONS = 16;
const NUMERIC = /^[0-9]+$/;

/** What a number in the place of a location has turned out to be. */
type Suffix =
  | { readonly kind: 'unseen' }
  | { readonly kind: 'undecided'; readonly text: string; readonly seen: readonly LocatedKind[] }
  | { readonly kind: 'location'; readonly text: string }
  | { readonly kind: 'counter' };

export class ConnectionNames {
  #serial: string | null = null;
  /** In order of announcement, newest last. */
  readonly #announced: string[] = [];
  readonly #inPackets = new Set<string>();
  #suffix: Suffix = { kind: 'unseen' };

  /** The announced serial number; null with several locations, which one number cannot name. */
  get serial(): string | null {
    return this.#announced.length > 1 ? null : this.#serial;
  }

  /** Whether the board, or one of them, has said its name. */
  get isAnnounced(): boolean {
    return this.#serial !== null || this.#announced.length > 0;
  }

  /** Whether a number in the place of a location has not shown yet what it means. */
  get isUndecided(): boolean {
    return this.#suffix.kind === 'undecided' && !this.isAnnounced;
  }

  /** The location of packets that carry none, if there is one. */
  get mainLocation(): string | null {
    const announced = this.#announced.at(-1);
    if (announced !== undefined) return announced;
    return this.#suffix.kind === 'location' ? this.#suffix.text : null;
  }

  /** @returns whether this connection had announced a serial number before: the board has booted */
  announceSerial(serial: string): boolean {
    const again = this.#serial !== null;
    this.#serial = serial;
    return again;
  }

  announceLocation(location: string): PacketErrorKind | null {
    const known = this.#announced.indexOf(location);
    if (known >= 0) this.#announced.splice(known, 1);
    else if (this.#announced.length === MAX_LOCATIONS) return 'tooManyLocations';
    this.#announced.push(location);
    return null;
  }

  /**
   * The location that names the packet's board (null: none, the address has to do), or that the
   * packet has to wait, or that there are too many locations.
   *
   * @param isKnown whether a board of that location is configured or was heard before
   */
  locationOf(
    kind: LocatedKind,
    location: string | null,
    isKnown: (location: string) => boolean,
  ): { readonly location: string | null } | typeof UNDECIDED | 'tooManyLocations' {
    if (this.#announced.length > 1 && location !== null && this.#announced.includes(location)) {
      return { location };
    }
    if (this.isAnnounced) return { location: this.mainLocation };
    if (location === null) return this.#withoutLocation();
    return NUMERIC.test(location)
      ? this.#ofNumber(kind, location, isKnown)
      : this.#ofText(location);
  }

  /** Time is up: what has not changed so far counts as a location. */
  settle(): void {
    if (this.#suffix.kind !== 'undecided') return;
    this.#suffix = { kind: 'location', text: this.#suffix.text };
  }

  #withoutLocation(): { readonly location: string | null } {
    // A board that has a location puts it into every packet.
    if (this.#suffix.kind === 'undecided') this.#suffix = { kind: 'counter' };
    return { location: this.mainLocation };
  }

  #ofText(location: string): { readonly location: string } | 'tooManyLocations' {
    if (!this.#inPackets.has(location)) {
      if (this.#inPackets.size === MAX_LOCATIONS) return 'tooManyLocations';
      this.#inPackets.add(location);
    }
    return { location };
  }

  #ofNumber(
    kind: LocatedKind,
    text: string,
    isKnown: (location: string) => boolean,
  ): { readonly location: string | null } | typeof UNDECIDED {
    const suffix = this.#suffix;
    switch (suffix.kind) {
      case 'counter':
        return { location: null };
      case 'location':
        if (suffix.text === text) return { location: text };
        this.#suffix = { kind: 'counter' };
        return { location: null };
      case 'undecided':
        if (suffix.text !== text) {
          this.#suffix = { kind: 'counter' };
          return { location: null };
        }
        if (suffix.seen.includes(kind)) {
          this.#suffix = { kind: 'location', text };
          return { location: text };
        }
        this.#suffix = { ...suffix, seen: [...suffix.seen, kind] };
        return UNDECIDED;
      case 'unseen':
        if (isKnown(text)) {
          this.#suffix = { kind: 'location', text };
          return { location: text };
        }
        this.#suffix = { kind: 'undecided', text, seen: [kind] };
        return UNDECIDED;
    }
  }
}
