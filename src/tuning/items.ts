/** What a recording tells the replay, in the order of time. */
import type { JournalEvent } from '../domain/event.ts';
import type { LevelWindow, NoDataReason } from '../domain/evidence.ts';
import type { Opinion } from '../domain/opinion.ts';
import type { SensorId } from '../domain/units.ts';
import type { FrameRecord } from '../store/black-box/record.ts';

interface At {
  /** Monotonic time of the appliance that recorded, or virtual time of a recording without one. */
  readonly atMs: number;
}

/** What a sensor sent. */
export type SensorItem =
  | (At & { readonly kind: 'frame'; readonly sensor: SensorId; readonly frame: FrameRecord })
  | (At & {
      /** Temperatures as they are: of a plain recording. */
      readonly kind: 'picture';
      readonly sensor: SensorId;
      readonly celsius: Float32Array;
    })
  | (At & { readonly kind: 'level'; readonly sensor: SensorId; readonly window: LevelWindow })
  | (At & {
      readonly kind: 'noData';
      readonly sensor: SensorId;
      readonly channel: string;
      readonly reason: NoDataReason;
      readonly detail: string;
    })
  | (At & {
      /** What a model thought of the hottest region of a channel when this was recorded. */
      readonly kind: 'opinion';
      readonly sensor: SensorId;
      readonly channel: string;
      readonly opinion: Opinion;
    });

export type SiteItem =
  | SensorItem
  | (At & {
      /** What the wall clock said; null: the recording does not know the time. */
      readonly kind: 'clock';
      readonly wallMs: number | null;
    })
  | (At & { readonly kind: 'event'; readonly event: JournalEvent });

/** Items that lie together in time: one run of one appliance, or one plain recording. */
export interface Stretch {
  /** For people: the folder and files, or the file. */
  readonly name: string;
  /** `run`: recorded by an appliance; `plain`: frames alone, without its decisions. */
  readonly kind: 'run' | 'plain';
  /** What the recorder's clock said near its beginning; null: unknown. */
  readonly startWallMs: number | null;
  /** The recorded time of that moment. */
  readonly startAtMs: number;
  /** In the order of time, but for what came too late for the reader's buffer. */
  items(): AsyncIterable<SiteItem>;
}

/** Something that people should know about the recordings or the replay. Once each. */
export type TellNote = (note: string) => void;

const RANK: Readonly<Record<SiteItem['kind'], number>> = {
  clock: 0,
  ...{ frame: 1, picture: 1, level: 1, noData: 1 },
  opinion: 2,
  event: 3,
};

/** Earlier first; of one instant the clock first, and what was decided last. */
export function compareItems(a: SiteItem, b: SiteItem): number {
  return a.atMs - b.atMs || RANK[a.kind] - RANK[b.kind];
}

/** Longest time by which a recording of an hour is out of order: see `inOrder`. */
export const HOUR_DISORDER_MS = 90_000;
/** An incident begins with what was in memory: at most `blackBox.beforeSeconds`, ten minutes. */
export const INCIDENT_DISORDER_MS = 660_000;

/**
 * Items in the order of time. A recording tells in each turn first its notes, then the readings of
 * each channel, then the frames of each array, so it is out of order by a turn's length, which the
 * recorder's memory bounds. What lies further back comes at once.
 *
 * @param disorderMs so long an item is held back until those before it must have come
 */
export async function* inOrder(
  items: AsyncIterable<SiteItem>,
  disorderMs: number,
): AsyncGenerator<SiteItem> {
  let waiting: SiteItem[] = [];
  let newestMs = -Infinity;
  let sortedAtMs = -Infinity;
  for await (const item of items) {
    waiting.push(item);
    newestMs = Math.max(newestMs, item.atMs);
    // Sorting now and then costs less than a heap, and holds back half as long again at most.
    if (newestMs - sortedAtMs < disorderMs * 1.5) continue;
    waiting.sort(compareItems);
    const dueMs = newestMs - disorderMs;
    const end = waiting.findIndex(({ atMs }) => atMs > dueMs);
    const due = end < 0 ? waiting : waiting.slice(0, end);
    waiting = end < 0 ? [] : waiting.slice(end);
    sortedAtMs = dueMs;
    yield* due;
  }
  yield* waiting.sort(compareItems);
}

/** Readings with their times moved. */
export function shifted(window: LevelWindow, byMs: number): LevelWindow {
  const { firstAtMs, lastAtMs } = window;
  return { ...window, firstAtMs: firstAtMs + byMs, lastAtMs: lastAtMs + byMs };
}
