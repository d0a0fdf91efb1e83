/**
 * All boards, configured or not, and how a connection's names lead to one of them:
 * serial number, else location, else the location its address is mapped to, else the address.
 */
import type { EvidenceBank } from '../evidence-bank.ts';
import type { SensorNotice } from '../step.ts';
import { idFromName, sensorId } from '../units.ts';
import { Board } from './board.ts';
import { type BoardProfile, type BoardTraits, DEFAULT_TRAITS } from './board-profile.ts';

/** What is known of the sender of a packet. */
export interface BoardNames {
  readonly serial: string | null;
  readonly location: string | null;
  readonly address: string;
}

export interface BoardRegistryDeps {
  readonly profiles: readonly BoardProfile[];
  /** How boards that nobody configured are treated; by default as the known firmware wants it. */
  readonly unknownTraits?: BoardTraits;
  readonly bank: EvidenceBank;
  /** Location that stands for an address, if there is one; see `AddressMap`. */
  readonly locationOfAddress: (address: string) => string | undefined;
  readonly onNotice: (notice: SensorNotice) => void;
}

/** Boards that nobody configured; what comes after them is refused, so that names cost a bound. */
export const MAX_UNKNOWN_BOARDS = 256;

type By = 'serial' | 'location' | 'address';

export class BoardRegistry {
  readonly #deps: BoardRegistryDeps;
  readonly #unknownTraits: BoardTraits;
  readonly #configured: Readonly<Record<By, ReadonlyMap<string, Board>>>;
  /** By kind of name and name, so that a serial number and a location do not mix. */
  readonly #unknown = new Map<string, Board>();
  readonly #bySensor = new Map<string, Board>();

  constructor(deps: BoardRegistryDeps) {
    this.#deps = deps;
    this.#unknownTraits = deps.unknownTraits ?? DEFAULT_TRAITS;
    const configured = {
      serial: new Map<string, Board>(),
      location: new Map<string, Board>(),
      address: new Map<string, Board>(),
    };
    for (const profile of deps.profiles) {
      const { serial, location, address } = profile.match;
      const announced = serial ?? location ?? address ?? profile.sensor;
      const identity = { sensor: profile.sensor, announced, configured: true };
      const board = new Board(identity, profile, deps.bank);
      this.#bySensor.set(profile.sensor, board);
      if (serial !== undefined) configured.serial.set(serial, board);
      if (location !== undefined) configured.location.set(location, board);
      if (address !== undefined) configured.address.set(address, board);
    }
    this.#configured = configured;
  }

  /** Every configured board, seen or not, and every unknown one that was seen. */
  get boards(): Iterable<Board> {
    return this.#bySensor.values();
  }

  /** Whether a board of that location is configured or was heard before. */
  knowsLocation(location: string): boolean {
    return (
      this.#configured.location.has(location) || this.#unknown.has(unknownKey('location', location))
    );
  }

  /** How to treat a connection with these names, before any board has to exist. */
  traitsOf(names: BoardNames): BoardTraits {
    return this.#findConfigured(names)?.traits ?? this.#unknownTraits;
  }

  /**
   * The board behind the names. An unknown one is added, with a notice, unless there are too many.
   */
  resolve(names: BoardNames): Board | null {
    const found = this.#findConfigured(names);
    if (found !== null) return found;
    const [by, name] = this.#bestName(names);
    const key = unknownKey(by, name);
    const known = this.#unknown.get(key);
    if (known !== undefined) return known;
    if (this.#unknown.size >= MAX_UNKNOWN_BOARDS) return null;
    const sensor = sensorId(this.#freeId(name));
    const identity = { sensor, announced: name, configured: false };
    const board = new Board(identity, this.#unknownTraits, this.#deps.bank);
    this.#unknown.set(key, board);
    this.#bySensor.set(sensor, board);
    this.#deps.onNotice({ kind: 'appeared', sensor, address: names.address, announced: name });
    return board;
  }

  #findConfigured(names: BoardNames): Board | null {
    const { serial, location, address } = this.#configured;
    const placed = names.location ?? this.#deps.locationOfAddress(names.address) ?? null;
    return (
      (names.serial === null ? undefined : serial.get(names.serial)) ??
      (placed === null ? undefined : location.get(placed)) ??
      address.get(names.address) ??
      null
    );
  }

  #bestName(names: BoardNames): readonly [By, string] {
    if (names.serial !== null) return ['serial', names.serial];
    const placed = names.location ?? this.#deps.locationOfAddress(names.address);
    return placed === undefined ? ['address', names.address] : ['location', placed];
  }

  /** An id that no other board has: two names may look alike as ids. */
  #freeId(name: string): string {
    const id = idFromName(name);
    let free = id;
    for (let number = 2; this.#bySensor.has(free); number++) {
      const ending = `_${number}`;
      free = id.slice(0, 48 - ending.length) + ending;
    }
    return free;
  }
}

function unknownKey(by: By, name: string): string {
  return `${by}:${name}`;
}
