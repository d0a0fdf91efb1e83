/**
 * Tells from the bytes of a serial line why no packets come: the port is a modem or a console, or
 * the baud rate is wrong. Fed with every chunk; says nothing while packets come.
 *
 *   packet ──► quiet ──bytes, no packet, long enough──► judged: an interpreter's answers,
 *                ▲                                              bytes that are no text, or neither
 *                └──────────────────── packet ────────────────┘
 */

/** `notABoard`: something else is at this port. `lineGarbled`: bytes, as with a wrong baud rate. */
export interface LineTrouble {
  readonly fault: 'notABoard' | 'lineGarbled';
  /** What was seen and what it means; the driver adds which ports there are. */
  readonly detail: string;
}

export interface LineHealthOptions {
  readonly path: string;
  readonly baudRate: number;
  /** Time between two packets of a board that works. */
  readonly cycleMs: number;
}

/** Cycles without a packet before anything is said, and within which times. */
const PATIENCE_CYCLES = 3;
const PATIENCE_AT_LEAST_MS = 10_000;
const PATIENCE_AT_MOST_MS = 60_000;
/** Fewer bytes prove nothing about a baud rate: less than half a `#Sensor` packet a cycle. */
const GARBLED_FROM_BYTES = 256;
/** A wrong rate gives bytes of any value: of 256, 158 are no text. Text has next to none. */
const GARBLED_FROM_SHARE = 0.15;
/** So much text without a packet belongs to another device, even if it does not say which. */
const FOREIGN_FROM_BYTES = 2048;
const TAIL_BYTES = 512;
const SAMPLE_CHARACTERS = 60;

/** A board's own words: whatever is wrong then, this is the right port. */
const BOARD_WORDS = /#(Sensor|frame|EEPROM|serialno|locid)/;
const LONGEST_BOARD_WORD = '#serialno'.length;

/**
 * Answers of modems (ITU-T V.250, sections 5.7.1 and 6.3; 3GPP TS 27.007, section 9.1), of shells
 * and login programs, and the echo of what was sent to them.
 */
const INTERPRETERS: readonly (readonly [RegExp, string])[] = [
  [/^(OK|ERROR|RING|NO CARRIER|NO DIALTONE|NO ANSWER|BUSY|CONNECT( \d+)?)$/m, 'a modem'],
  [/^\+(CM[ES] ERROR|C[A-Z]{2,4}:)/m, 'a modem'],
  [/^AT([+&\\%]?[A-Z0-9=?]*)$/m, 'a modem'],
  [/(login|[Pp]assword): ?$/m, 'a console with a login'],
  [/(command )?not found$|[Uu]nknown command|[Ii]nvalid command/m, 'a console'],
  [/^(PERIOD_ON|PERIODIC_ON|REQUEST1|EEPROM1)/m, 'a console that echoes its commands'],
];

export class LineHealth {
  readonly #options: LineHealthOptions;
  readonly #patienceMs: number;
  readonly #tail = new Uint8Array(TAIL_BYTES);
  #tailLength = 0;
  #bytes = 0;
  #strange = 0;
  /** Among damaged packets of a board there are words of its own. */
  #boardSpoke = false;
  #sinceMs: number | null = null;

  constructor(options: LineHealthOptions) {
    this.#options = options;
    const cycles = PATIENCE_CYCLES * options.cycleMs;
    this.#patienceMs = Math.min(PATIENCE_AT_MOST_MS, Math.max(PATIENCE_AT_LEAST_MS, cycles));
  }

  /** Nothing is known any more: a packet has come, or the line was opened anew. */
  restart(): void {
    this.#bytes = 0;
    this.#strange = 0;
    this.#boardSpoke = false;
    this.#tailLength = 0;
    this.#sinceMs = null;
  }

  /**
   * Takes bytes that did not end a good packet.
   * @returns what is wrong, as far as can be told; null while it is too early or nothing is known
   */
  received(bytes: Uint8Array, nowMs: number): LineTrouble | null {
    if (bytes.length === 0) return null;
    this.#sinceMs ??= nowMs;
    this.#bytes += bytes.length;
    for (const byte of bytes) if (!isText(byte)) this.#strange += 1;
    this.#listenForBoard(bytes);
    this.#remember(bytes);
    const forMs = nowMs - this.#sinceMs;
    return forMs < this.#patienceMs ? null : this.#judge(forMs);
  }

  #judge(forMs: number): LineTrouble | null {
    if (this.#boardSpoke) return null;
    const lines = latin1(this.#tail.subarray(0, this.#tailLength)).replaceAll('\r', '\n');
    const { path, baudRate } = this.#options;
    const share = this.#strange / this.#bytes;
    const inSeconds = `${this.#bytes} bytes in ${Math.round(forMs / 1000)} s and not one packet`;
    if (share >= GARBLED_FROM_SHARE) {
      if (this.#bytes < GARBLED_FROM_BYTES) return null;
      const percent = `${Math.round(100 * share)} % no text`;
      const remedy = `is the baud rate ${baudRate} right, and is ground connected?`;
      return { fault: 'lineGarbled', detail: `${path}: ${inSeconds}, ${percent}: ${remedy}` };
    }
    const found = INTERPRETERS.find(([pattern]) => pattern.test(lines));
    if (found !== undefined) {
      const what = `${path} answers like ${found[1]}: ${sampleOf(lines)}`;
      return { fault: 'notABoard', detail: what };
    }
    if (this.#bytes < FOREIGN_FROM_BYTES) return null;
    const what = `${path} belongs to another device: ${inSeconds}, but ${sampleOf(lines)}`;
    return { fault: 'notABoard', detail: what };
  }

  #listenForBoard(bytes: Uint8Array): void {
    if (this.#boardSpoke) return;
    const from = Math.max(0, this.#tailLength - LONGEST_BOARD_WORD + 1);
    const before = latin1(this.#tail.subarray(from, this.#tailLength));
    this.#boardSpoke = BOARD_WORDS.test(before + latin1(bytes));
  }

  #remember(bytes: Uint8Array): void {
    const taken = bytes.subarray(Math.max(0, bytes.length - TAIL_BYTES));
    const kept = Math.min(this.#tailLength, TAIL_BYTES - taken.length);
    this.#tail.copyWithin(0, this.#tailLength - kept, this.#tailLength);
    this.#tail.set(taken, kept);
    this.#tailLength = kept + taken.length;
  }
}

function latin1(bytes: Uint8Array): string {
  return new TextDecoder('latin1').decode(bytes);
}

/** Printable ASCII, tab and line ends. */
function isText(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** The last words, for people: one line, nothing unprintable. */
function sampleOf(text: string): string {
  const words = text.replace(/[^ -~]+/g, ' ').trim();
  return `"${words.slice(-SAMPLE_CHARACTERS)}"`;
}
