/** What is said in words in a recording: events, conditions, missing data, the clock. */
import type { JournalEvent } from './domain/event.ts';
import type { EvidenceWindow, NoDataWindow } from './domain/evidence.ts';
import type { Clock } from './domain/ports.ts';
import type { PanelView } from './domain/view.ts';
import type { NoteMemory } from './store/black-box/note-memory.ts';
import type { TextRecord } from './store/black-box/record.ts';
import { isoFromWallMs } from './store/wall-time.ts';

/** Both clocks are compared in each step; a leap is told, and their relation so often. */
const CLOCK_PERIOD_MS = 60_000;
const LEAP_MS = 500;
/** The same trouble of the same source is told again after this long. */
const REPEAT_MS = 5000;

interface Told {
  reason: string;
  atMs: number;
}

export class RecordingNotes {
  readonly #notes: NoteMemory;
  readonly #clock: Clock;
  readonly #told = new Map<string, Told>();
  /** Wall minus monotonic time. */
  #offsetMs: number;
  #clockToldMs = -Infinity;

  constructor(notes: NoteMemory, clock: Clock) {
    this.#notes = notes;
    this.#clock = clock;
    this.#offsetMs = clock.wallMs() - clock.monotonicMs();
  }

  /** Called in each step. */
  look(windows: readonly EvidenceWindow[], nowMs: number): void {
    this.#lookAtClock(nowMs);
    for (const window of windows) if (window.kind === 'noData') this.#noData(window);
  }

  events(events: readonly JournalEvent[], view: PanelView, nowMs: number): void {
    for (const event of events) this.#add({ kind: 'event', atMs: event.monotonicMs, event });
    const zones: Record<string, string> = {};
    for (const { id, condition } of view.zones) if (condition !== 'normal') zones[id] = condition;
    this.#add({ kind: 'condition', atMs: nowMs, condition: view.condition, zones });
  }

  #lookAtClock(nowMs: number): void {
    const wallMs = this.#clock.wallMs();
    const offsetMs = wallMs - this.#clock.monotonicMs();
    const leapMs = offsetMs - this.#offsetMs;
    const leapt = Math.abs(leapMs) >= LEAP_MS;
    if (!leapt && nowMs - this.#clockToldMs < CLOCK_PERIOD_MS) return;
    this.#offsetMs = offsetMs;
    this.#clockToldMs = nowMs;
    const steppedByMs = leapt ? Math.round(leapMs) : 0;
    const atMs = this.#clock.monotonicMs();
    this.#add({ kind: 'clock', atMs, wall: isoFromWallMs(wallMs), steppedByMs });
  }

  #noData({ sensor, channel, reason, detail, lastAtMs }: NoDataWindow): void {
    const key = `${sensor}/${channel}`;
    const told = this.#told.get(key);
    if (told?.reason === reason && lastAtMs - told.atMs < REPEAT_MS) return;
    this.#told.set(key, { reason, atMs: lastAtMs });
    this.#add({ kind: 'noData', atMs: lastAtMs, sensor, channel, reason, detail });
  }

  #add(record: TextRecord & { readonly atMs: number }): void {
    this.#notes.add(record.atMs, JSON.stringify(record));
  }
}
