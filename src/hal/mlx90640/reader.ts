/**
 * Reads an array that has been set up, subpage by subpage, until something is wrong with it.
 *
 *   look at the status ──no new data──► wait an eighth of a subpage ──► look again
 *        │                                  └── three subpages without new data: trouble
 *        └──new data──► dump ──whole──► intake
 *                        ├──overtaken by the next subpage──► no data; the next one is there already
 *                        │      └── more often than there can be subpages: trouble
 *                        └──garbled──► no data; five in a row: trouble
 */
import type { ArrayIntake } from '../../domain/mlx90640/array-intake.ts';
import type { Clock } from '../../domain/ports.ts';
import { pollMs } from './bus-speed.ts';
import type { Mlx90640Chip, ReadStatus } from './chip.ts';
import type { Dump } from './dump.ts';
import { takeDump } from './dump.ts';
import { subpageMs } from './registers.ts';
import { readArrayId } from './setup.ts';
import type { Trouble } from './trouble.ts';
import type { Waits } from './waits.ts';

/** Without new data for so many subpages, and this much longer, the array is silent. */
const SILENT_AFTER_SUBPAGES = 3;
const SILENT_MARGIN_MS = 100;
/** A subpage that was begun at the slowest rate, 0.5 Hz, is still finished at it. */
const SLOWEST_SUBPAGE_MS = 2000;
/** Between two announcements; more, and one in between has been missed. */
const MISSED_AFTER_SUBPAGES = 2.5;
const GARBLED_IN_ROW = 5;
/** Its clock may be this much fast; and the first of a row may come at any moment. */
const CLOCK_ERROR = 1.2;
const OVERTAKEN_AT_ANY_TIME = 2;
/** Without a picture that can be believed for so long, the array is set up anew. */
const PICTURE_WITHIN_MS = 15_000;
const PICTURE_WITHIN_SUBPAGES = 20;
/**
 * How often the serial number is looked at while all is well: another device that joins at this
 * address does not always show elsewhere. Seldom, because it means reading the EEPROM.
 */
const IDENTITY_EVERY_MS = 30_000;

export interface ReaderDeps {
  readonly chip: Mlx90640Chip;
  readonly intake: ArrayIntake;
  readonly clock: Clock;
  readonly waits: Waits;
  readonly refreshHz: number;
  /** What the control register holds. */
  readonly control: number;
  /** Serial number of the array, 12 hex digits. */
  readonly arrayId: string;
  readonly requestStep: () => void;
  /** A picture has been delivered. */
  readonly picture: () => void;
  /** Each dump; `readMs` is how long reading its 832 words took. */
  readonly dumped: (overtaken: boolean, readMs: number) => string;
}

export class SubpageReader {
  readonly #deps: ReaderDeps;
  readonly #subpageMs: number;
  readonly #pollMs: number;
  #silentAtMs: number;
  #pictureDueMs: number;
  #identityDueMs: number;
  #announcedAtMs: number | null = null;
  #garbledInRow = 0;
  #overtakenInRow = 0;
  #overtakenSinceMs = 0;
  /** The first subpage was begun with the settings of before. */
  #isFirst = true;

  constructor(deps: ReaderDeps) {
    this.#deps = deps;
    this.#subpageMs = subpageMs(deps.refreshHz);
    this.#pollMs = pollMs(deps.refreshHz);
    const nowMs = deps.clock.monotonicMs();
    this.#silentAtMs = nowMs + this.#patienceMs + SLOWEST_SUBPAGE_MS;
    this.#pictureDueMs = nowMs + SLOWEST_SUBPAGE_MS + this.#pictureWithinMs;
    this.#identityDueMs = nowMs + IDENTITY_EVERY_MS;
  }

  /** @returns what ended the reading; null when everything is being closed */
  async run(): Promise<Trouble | null> {
    const { chip, waits, clock } = this.#deps;
    while (!waits.ended) {
      const status = await chip.status();
      if (!status.ok) return status.trouble;
      const nowMs = clock.monotonicMs();
      if (status.value.newData) {
        const taken = await this.#takeSubpage(status.value, nowMs);
        const trouble = taken ?? (await this.#checkIdentity(nowMs));
        if (trouble !== null) return trouble;
      } else if (nowMs >= this.#silentAtMs) return this.#silent();
      else await waits.pause(this.#pollMs);
    }
    return null;
  }

  get #patienceMs(): number {
    return SILENT_AFTER_SUBPAGES * this.#subpageMs + SILENT_MARGIN_MS;
  }

  get #pictureWithinMs(): number {
    return Math.max(PICTURE_WITHIN_MS, PICTURE_WITHIN_SUBPAGES * this.#subpageMs);
  }

  async #takeSubpage(status: ReadStatus, announcedAtMs: number): Promise<Trouble | null> {
    const { chip, control, clock, intake, dumped } = this.#deps;
    this.#noteAnnounced(announcedAtMs);
    const taken = await takeDump(chip, status, control);
    if (!taken.ok) return taken.trouble;
    const { dump, readMs } = taken.value;
    const nowMs = clock.monotonicMs();
    this.#silentAtMs = nowMs + this.#patienceMs;
    if (this.#isFirst) {
      this.#isFirst = false;
      return null;
    }
    const counts = dumped(dump.kind === 'overrun', readMs);
    if (dump.kind === 'overrun') {
      intake.noData('overrun', `a new subpage came while one was read (${counts})`, nowMs);
      this.#deps.requestStep();
      return this.#overtaken(announcedAtMs, nowMs);
    }
    this.#overtakenInRow = 0;
    return dump.kind === 'garbled' ? this.#garbled(dump.detail, nowMs) : this.#whole(dump, nowMs);
  }

  async #checkIdentity(nowMs: number): Promise<Trouble | null> {
    const { chip, arrayId } = this.#deps;
    if (nowMs < this.#identityDueMs) return null;
    this.#identityDueMs = nowMs + IDENTITY_EVERY_MS;
    const found = await readArrayId(chip);
    if (!found.ok) return found.trouble;
    if (found.value === arrayId) return null;
    const message = `${chip.at}: the serial number was ${arrayId} and is ${found.value}`;
    return { kind: 'calibration', message };
  }

  #noteAnnounced(atMs: number): void {
    const sinceMs = atMs - (this.#announcedAtMs ?? atMs);
    this.#announcedAtMs = atMs;
    if (sinceMs <= MISSED_AFTER_SUBPAGES * this.#subpageMs) return;
    const detail =
      `no subpage was read for ${Math.round(sinceMs)} ms, one comes every ` +
      `${Math.round(this.#subpageMs)} ms`;
    this.#deps.intake.noData('overrun', detail, atMs);
    this.#deps.requestStep();
  }

  /** Where the reason is the bus, setting the array up anew would not help. */
  #overtaken(announcedAtMs: number, nowMs: number): Trouble | null {
    const { chip } = this.#deps;
    this.#pictureDueMs = nowMs + this.#pictureWithinMs;
    if (this.#overtakenInRow === 0) this.#overtakenSinceMs = announcedAtMs;
    this.#overtakenInRow += 1;
    const lastedMs = nowMs - this.#overtakenSinceMs;
    const possible = OVERTAKEN_AT_ANY_TIME + (CLOCK_ERROR * lastedMs) / this.#subpageMs;
    if (this.#overtakenInRow <= possible) return null;
    const message =
      `${chip.at}: new data was announced ${this.#overtakenInRow} times in ` +
      `${Math.round(lastedMs)} ms, and a subpage takes ${Math.round(this.#subpageMs)} ms: ` +
      'its status is stuck, or cannot be cleared';
    return { kind: 'stuck', message };
  }

  #garbled(detail: string, nowMs: number): Trouble | null {
    const { chip, intake, requestStep } = this.#deps;
    this.#garbledInRow += 1;
    intake.noData('corrupt', detail, nowMs);
    requestStep();
    if (this.#garbledInRow < GARBLED_IN_ROW) return null;
    const message = `${chip.at}: ${GARBLED_IN_ROW} dumps in a row were changed on the way`;
    return { kind: 'garbled', message: `${message} (${detail})` };
  }

  #whole(dump: Extract<Dump, { kind: 'whole' }>, nowMs: number): Trouble | null {
    const { intake, requestStep, picture } = this.#deps;
    this.#garbledInRow = 0;
    const taken = intake.subpage(dump.words, dump.subpage, nowMs);
    if (taken !== 'half') requestStep();
    if (taken === 'picture') {
      this.#pictureDueMs = nowMs + this.#pictureWithinMs;
      picture();
      return null;
    }
    return nowMs < this.#pictureDueMs ? null : this.#unbelievable(taken, nowMs);
  }

  #unbelievable(taken: 'half' | 'withheld', nowMs: number): Trouble {
    const { chip, intake, requestStep } = this.#deps;
    const why = taken === 'half' ? 'its subpages do not alternate' : intake.refusal;
    const seconds = Math.round(this.#pictureWithinMs / 1000);
    const message = `${chip.at}: no picture could be believed for ${seconds} s (${why})`;
    if (taken === 'half') {
      intake.noData('hardware', why, nowMs);
      requestStep();
    }
    return { kind: 'unbelievable', message };
  }

  #silent(): Trouble {
    const { chip, refreshHz } = this.#deps;
    const subpages = `${SILENT_AFTER_SUBPAGES} subpages at ${refreshHz} Hz`;
    const message = `${chip.at}: no new data for ${subpages}, though the array answers`;
    return { kind: 'silent', message };
  }
}
