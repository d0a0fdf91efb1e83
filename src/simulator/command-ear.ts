/**
 * How a board hears commands. Firmwares differ: most take what has arrived once the line is
 * silent for a moment, and then a trailing CR LF makes another word of it; others wait for a line
 * end and hear nothing without one.
 */

export type HeardCommand = 'periodicOn' | 'request' | 'eeprom' | 'unknown';

export interface CommandEarOptions {
  /** `none`: exactly the word, nothing after it. `any`: with or without a line end. */
  readonly commandTerminator: 'none' | 'lf' | 'crlf' | 'any';
  readonly periodicOn: 'PERIOD_ON' | 'PERIODIC_ON';
}

/** Silence that ends a command without a line end. */
const SILENCE_MS = 20;
/** Longer than any command; what is more is dropped as noise. */
const LONGEST_BYTES = 64;

export class CommandEar {
  readonly #terminator: CommandEarOptions['commandTerminator'];
  readonly #words: ReadonlyMap<string, HeardCommand>;
  #heard = '';
  #silentAtMs = Number.POSITIVE_INFINITY;

  constructor(options: Partial<CommandEarOptions>) {
    this.#terminator = options.commandTerminator ?? 'none';
    this.#words = new Map<string, HeardCommand>([
      [options.periodicOn ?? 'PERIOD_ON', 'periodicOn'],
      ['REQUEST1', 'request'],
      ['EEPROM1', 'eeprom'],
    ]);
  }

  /** When `commandsUntil` may know more than now; Infinity when only new bytes can tell. */
  get dueMs(): number {
    return this.#silentAtMs;
  }

  forget(): void {
    this.#heard = '';
    this.#silentAtMs = Number.POSITIVE_INFINITY;
  }

  take(bytes: Uint8Array, nowMs: number): void {
    this.#heard += Buffer.from(bytes).toString('latin1');
    if (this.#heard.length > LONGEST_BYTES) this.#heard = this.#heard.slice(-LONGEST_BYTES);
    this.#silentAtMs = nowMs + SILENCE_MS;
  }

  /** The commands complete at `nowMs`, oldest first. */
  commandsUntil(nowMs: number): readonly HeardCommand[] {
    if (this.#heard === '') return [];
    if (this.#terminator === 'lf' || this.#terminator === 'crlf') return this.#lines();
    if (nowMs < this.#silentAtMs) return [];
    const text = this.#heard;
    this.forget();
    return [this.#command(this.#terminator === 'any' ? text.trim() : text)];
  }

  #lines(): readonly HeardCommand[] {
    const lines = this.#heard.split(this.#terminator === 'lf' ? '\n' : '\r\n');
    this.#heard = lines.pop() ?? '';
    this.#silentAtMs = Number.POSITIVE_INFINITY;
    return lines.map((line) => this.#command(line));
  }

  #command(word: string): HeardCommand {
    return this.#words.get(word) ?? 'unknown';
  }
}
