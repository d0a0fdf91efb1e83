/** The lanes of one uplink, in the order in which they are served. */
import { LANES } from '../domain/event.ts';
import type { Clock, Journal, Log } from '../domain/ports.ts';
import type { UplinkCounters } from './counters.ts';
import { JournalLane, type LaneDeps, type LaneFeed } from './lane.ts';
import {
  eventSource,
  gapSource,
  type readCursors,
  type SourceDeps,
  telemetrySource,
} from './lane-source.ts';
import type { Topics } from './payload.ts';
import type { UplinkOptions } from './uplink-options.ts';

export interface LanesDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly journal: Journal;
  readonly topics: Topics;
  readonly counters: UplinkCounters;
  /** Items were loaded, or a lane can be read again. */
  readonly onReady: () => void;
}

/** @param cursors where each lane goes on. */
export function makeLanes(
  options: UplinkOptions,
  cursors: Awaited<ReturnType<typeof readCursors>>,
  deps: LanesDeps,
): readonly LaneFeed[] {
  const { journal, clock, log, topics, counters, onReady } = deps;
  const { broker, identity, historicalAfterMs } = options;
  const { limits, pageSize, pageBytes, readRetryMs } = options;
  const sources: SourceDeps = { journal, broker, topics, identity, clock, historicalAfterMs };
  const lanes: LaneDeps = {
    ...{ clock, log, counters, limits, pageSize, pageBytes, readRetryMs, onReady },
    unwanted: 'giveUp',
  };
  // An undelivered alarm is never dropped, whatever the broker says to it.
  const alarms: LaneDeps = { ...lanes, unwanted: 'setAside' };
  // What was measured or dropped is not worth holding a lane for: only events are.
  const lossy = { ...lanes, limits: { ...limits, maxGivenUpInARow: Infinity } };
  return [
    ...LANES.map((lane) => {
      const deps = lane === 'alarm' ? alarms : lanes;
      return new JournalLane(eventSource(sources, lane), cursors[lane], deps);
    }),
    new JournalLane(gapSource(sources), 0, lossy),
    new JournalLane(telemetrySource(sources), cursors.telemetry, lossy),
  ];
}
