/**
 * What a start takes over from the run before: the panel's snapshot, what the alarm ring kept
 * through a kill, and what the journal has that the snapshot does not.
 */
import type { Panel } from './alarm/panel.ts';
import { restorePanel } from './alarm/panel.ts';
import type { PanelPlan } from './alarm/plan.ts';
import type { JournalEvent, Lane } from './domain/event.ts';
import type { Journal } from './domain/ports.ts';
import type { ZoneId } from './domain/units.ts';

export interface Recovered {
  readonly panel: Panel;
  readonly restoredAlarms: readonly ZoneId[];
  /** Events that only the ring had: they go into the journal. */
  readonly recoveredEvents: readonly JournalEvent[];
  readonly problems: readonly string[];
}

/** Now, by the clock of decisions and, where it can be trusted, by that of the wall. */
export interface Moment {
  readonly nowMs: number;
  /** Null while the wall clock is not to be trusted. */
  readonly wallMs: number | null;
}

/** Lanes whose events change what the panel must remember. */
const PANEL_LANES: readonly Lane[] = ['alarm', 'operator', 'system'];
/** Without a snapshot this many last events of a lane are looked at. */
const LOOK_BACK = 2000;
const PAGE = 500;

/** From snapshot and ring alone, so that outputs are right before any disk is asked. */
export function restoreFromMemory(
  plan: PanelPlan,
  snapshot: unknown,
  ringEvents: readonly JournalEvent[],
  { nowMs, wallMs }: Moment,
): Recovered {
  const restored = restorePanel(plan, snapshot, ringEvents, nowMs, wallMs);
  return { ...restored, recoveredEvents: [] };
}

/**
 * From snapshot, ring and journal. A journal that cannot be read contributes nothing: what it had
 * is then in the snapshot or the ring, or was lost with the disk.
 * @param stored highest stored number of each lane.
 */
export async function restoreFully(
  plan: PanelPlan,
  snapshot: unknown,
  ringEvents: readonly JournalEvent[],
  journal: Journal,
  stored: Readonly<Record<Lane, number>>,
  now: () => Moment,
): Promise<Recovered> {
  const covered = lanesCovered(snapshot);
  const journalled: JournalEvent[] = [];
  for (const lane of PANEL_LANES) {
    const from = covered?.[lane] ?? Math.max(0, stored[lane] - LOOK_BACK);
    journalled.push(...(await readLane(journal, lane, from, stored[lane])));
  }
  const known = new Set(journalled.map(({ id }) => id));
  const events = [...journalled, ...ringEvents.filter(({ id }) => !known.has(id))];
  const { nowMs, wallMs } = now();
  const restored = restorePanel(plan, snapshot, events, nowMs, wallMs);
  const recoveredEvents = ringEvents.filter(({ lane, seq }) => seq > stored[lane]);
  return { ...restored, recoveredEvents };
}

async function readLane(
  journal: Journal,
  lane: Lane,
  afterSeq: number,
  lastSeq: number,
): Promise<readonly JournalEvent[]> {
  const events: JournalEvent[] = [];
  let from = afterSeq;
  while (from < lastSeq) {
    const page = await journal.readAfter(lane, from, PAGE);
    const last = page.at(-1);
    if (last === undefined) break;
    events.push(...page);
    from = last.seq;
  }
  return events;
}

/** The last number of each lane that a snapshot includes; null where it does not say. */
export function lanesCovered(snapshot: unknown): Partial<Record<Lane, number>> | null {
  if (typeof snapshot !== 'object' || snapshot === null || !('lanesCovered' in snapshot)) {
    return null;
  }
  const { lanesCovered: raw } = snapshot;
  if (typeof raw !== 'object' || raw === null) return null;
  const numbers = Object.entries(raw).filter(([, value]) => typeof value === 'number');
  return Object.fromEntries(numbers);
}
