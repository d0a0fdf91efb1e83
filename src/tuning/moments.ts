/**
 * Times of a replay. Virtual time runs on from stretch to stretch and never goes back; wall time is
 * what the recorder's clock said, with every leap it made.
 */
import type { Config } from '../config-schema.ts';
import { isoFromWallMs } from '../store/wall-time.ts';
import type { Stretch } from './items.ts';

/** Between two stretches whose wall times do not follow one another. */
const BETWEEN_MS = 60_000;
const MINUTE_MS = 60_000;

export class Moments {
  /** Virtual less recorded time. */
  #shiftMs = 0;
  #nowMs = 0;
  /** Wall less virtual time; null while the recording does not know it. */
  #wallOffsetMs: number | null = null;
  #lastWallMs: number | null = null;
  /** Day of a stretch without wall times. */
  #name = '';
  /** Whether the recorder's clock could be trusted. */
  #trusted = true;
  readonly #local: Intl.DateTimeFormat | null;
  #minute = Number.NaN;
  #day = '';

  /** @param config for the time zone of its hours; without them days are those of UTC */
  constructor({ hours }: Config) {
    const form = { year: 'numeric', month: '2-digit', day: '2-digit' } as const;
    this.#local =
      hours === null
        ? null
        : new Intl.DateTimeFormat('en-CA', { ...form, timeZone: hours.timezone });
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /**
   * @param firstAtMs recorded time of the first item
   * @param stretch the recorder's clock at one of its times
   * @param name day of what knows no wall time
   */
  beginStretch(
    firstAtMs: number,
    { startWallMs, startAtMs }: Pick<Stretch, 'startWallMs' | 'startAtMs'>,
    name: string,
  ): void {
    const firstWallMs = startWallMs === null ? null : startWallMs + firstAtMs - startAtMs;
    const sinceMs =
      firstWallMs === null || this.#lastWallMs === null ? 0 : firstWallMs - this.#lastWallMs;
    this.#nowMs += Math.max(BETWEEN_MS, sinceMs);
    this.#shiftMs = this.#nowMs - firstAtMs;
    this.#wallOffsetMs = firstWallMs === null ? null : firstWallMs - this.#nowMs;
    this.#name = name;
    this.#trusted = true;
    this.#minute = Number.NaN;
  }

  /** Virtual time of a recorded one; what lies back is taken as now. */
  virtual(atMs: number): number {
    return atMs + this.#shiftMs;
  }

  moveTo(virtualMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, virtualMs);
    if (this.#wallOffsetMs !== null) this.#lastWallMs = this.#nowMs + this.#wallOffsetMs;
  }

  /** The recorder's clock said this at a virtual time. */
  clock(wallMs: number | null, virtualMs: number): void {
    this.#wallOffsetMs = wallMs === null ? null : wallMs - virtualMs;
  }

  trust(trusted: boolean): void {
    this.#trusted = trusted;
  }

  /** For hours: null where the time is not known or not to be trusted. */
  trustedWallAt(virtualMs: number): number | null {
    return this.#trusted && this.#wallOffsetMs !== null ? virtualMs + this.#wallOffsetMs : null;
  }

  /** For people; the virtual time where no other is known. */
  wallAt(virtualMs: number): number {
    return virtualMs + (this.#wallOffsetMs ?? 0);
  }

  /** `2026-05-04`, or the name of a recording that knows no time. */
  dayAt(virtualMs: number): string {
    if (this.#wallOffsetMs === null) return this.#name;
    const wallMs = virtualMs + this.#wallOffsetMs;
    const minute = Math.floor(wallMs / MINUTE_MS);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#day = this.#local?.format(wallMs) ?? isoFromWallMs(wallMs).slice(0, 10);
    }
    return this.#day;
  }
}
