/** Events and gaps out of the journal as Sparkplug data, with positions of their own. */
import { LANES } from '../../domain/event.ts';
import type { Clock, Journal, Log } from '../../domain/ports.ts';
import type { UplinkCounters } from '../counters.ts';
import { JournalLane, type LaneDeps, type LaneFeed } from '../lane.ts';
import { eventSource, gapSource, type readCursors, type SourceDeps } from '../lane-source.ts';
import { type Identity, topicsOf } from '../payload.ts';
import { DEFAULT_UPLINK_OPTIONS } from '../uplink-options.ts';
import type { SparkMetric } from './encode.ts';
import { eventReading, GAP_METRIC } from './metrics.ts';
import type { SparkplugSession } from './session.ts';

export interface SparkplugLanesDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly journal: Journal;
  readonly counters: UplinkCounters;
  readonly identity: Identity;
  /** Name of the positions in the journal. */
  readonly name: string;
  readonly session: SparkplugSession;
  /** Items were loaded, or a lane can be read again. */
  readonly onReady: () => void;
}

/** Alarm first; readings are not among them, see docs/sparkplug.md. */
export function sparkplugLanes(
  cursors: Awaited<ReturnType<typeof readCursors>>,
  deps: SparkplugLanesDeps,
): readonly LaneFeed[] {
  const { clock, log, journal, counters, identity, name, session, onReady } = deps;
  const { limits, pageSize, pageBytes, readRetryMs, historicalAfterMs } = DEFAULT_UPLINK_OPTIONS;
  // The topics of the JSON contract stand in messages that are replaced below.
  const topics = topicsOf('unused');
  const sources: SourceDeps = {
    ...{ journal, topics, identity, clock, historicalAfterMs },
    broker: name,
  };
  const lanes: LaneDeps = {
    ...{ clock, log, counters, limits, pageSize, pageBytes, readRetryMs, onReady },
    unwanted: 'giveUp',
  };
  const send = (metric: SparkMetric) => session.data([metric], clock.wallMs());
  const gaps = gapSource(sources);
  return [
    ...LANES.map((lane) => {
      const source = eventSource(sources, lane);
      const message = ({ json }: { readonly json: string }, historical: boolean) =>
        send(eventReading(json, historical));
      const own: LaneDeps = lane === 'alarm' ? { ...lanes, unwanted: 'setAside' } : lanes;
      return new JournalLane({ ...source, message }, cursors[lane], own);
    }),
    new JournalLane(
      {
        ...gaps,
        message: (gap) =>
          send({
            ...{ name: GAP_METRIC, type: 'String', timestamp: clock.wallMs() },
            value: JSON.stringify(gap),
          }),
      },
      0,
      { ...lanes, limits: { ...limits, maxGivenUpInARow: Infinity } },
    ),
  ];
}
