/** A recorded byte stream of a board, cut into what its cycles sent. Every byte is played. */
import type { BoardSource } from './board-source.ts';

const HASH = 0x23;

export interface RecordingOptions {
  /** Start again at the first packet after the last one. */
  readonly loop?: boolean;
}

export interface RecordingContents {
  readonly frames: number;
  readonly readings: number;
  readonly eeproms: number;
  readonly bytes: number;
}

/** Plays a recording in its own order; `EEPROM1` is answered with its first EEPROM packet. */
export class RecordedSource implements BoardSource {
  readonly contents: RecordingContents;
  readonly #pieces: readonly Uint8Array[];
  readonly #eeprom: Uint8Array | null;
  readonly #loop: boolean;
  #next = 0;

  /** `stream` is kept, not copied. @throws RangeError when it holds no frame and no reading. */
  constructor(stream: Uint8Array, options: RecordingOptions = {}) {
    this.#pieces = piecesOf(stream);
    this.#loop = options.loop ?? false;
    const count = (kind: string): number =>
      this.#pieces.filter((piece) => startsWith(piece, kind)).length;
    this.contents = {
      frames: count('#frame'),
      readings: count('#Sensor'),
      eeproms: count('#EEPROM'),
      bytes: stream.length,
    };
    if (this.contents.frames + this.contents.readings === 0) {
      throw new RangeError('no #frame and no #Sensor packet in it: not the recording of a board');
    }
    this.#eeprom = this.#pieces.find((piece) => startsWith(piece, '#EEPROM')) ?? null;
  }

  /** None of its own: a recording that holds announcements plays them where they stand. */
  announcements(): readonly Uint8Array[] {
    return [];
  }

  frame(): Uint8Array | null {
    if (this.#loop && this.#next >= this.#pieces.length) this.#next = 0;
    const first = this.#next;
    // A recording without frames has a cycle for each reading.
    const last = this.contents.frames > 0 ? '#frame' : '#Sensor';
    for (; this.#next < this.#pieces.length; this.#next++) {
      const piece = this.#pieces[this.#next];
      if (piece !== undefined && startsWith(piece, last)) {
        this.#next++;
        break;
      }
    }
    if (first === this.#next) return null;
    return Buffer.concat(this.#pieces.slice(first, this.#next));
  }

  readings(): Uint8Array | null {
    const first = this.#next;
    for (; this.#next < this.#pieces.length; this.#next++) {
      const piece = this.#pieces[this.#next];
      if (piece === undefined || !startsWith(piece, '#Sensor')) break;
      if (this.contents.frames === 0) break;
    }
    if (first === this.#next) return null;
    return Buffer.concat(this.#pieces.slice(first, this.#next));
  }

  eeprom(): Uint8Array | null {
    return this.#eeprom;
  }
}

/** Each piece runs from a `#` up to the next one, so that damage is played as it was recorded. */
function piecesOf(stream: Uint8Array): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let start = 0;
  while (start < stream.length) {
    const next = stream.indexOf(HASH, start + 1);
    const end = next < 0 ? stream.length : next;
    pieces.push(stream.subarray(start, end));
    start = end;
  }
  return pieces;
}

function startsWith(piece: Uint8Array, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (piece[i] !== text.charCodeAt(i)) return false;
  }
  return true;
}
