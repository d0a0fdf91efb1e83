/** What a scrape tells of the journal's room and upkeep. */
import type { Sample } from './metrics.ts';
import type { UpkeepStats } from './store/upkeep.ts';

export function upkeepSamples(stats: UpkeepStats): readonly Sample[] {
  const { use, undelivered, outageHoursLeft, thinnedRows, droppedRows, prunedEvents } = stats;
  const one = (name: Sample['name'], value: number, ...labels: string[]): Sample => {
    return { name, value, labels };
  };
  const pruned = [
    one('embereye_store_pruned_total', thinnedRows, 'telemetryThinned'),
    one('embereye_store_pruned_total', droppedRows, 'telemetry'),
    one('embereye_store_pruned_total', prunedEvents, 'event'),
  ];
  if (use === null) return pruned;
  return [
    ...pruned,
    one('embereye_store_bytes', use.usedBytes),
    one('embereye_store_file_bytes', use.fileBytes),
    one('embereye_store_limit_bytes', use.limitBytes),
    one('embereye_store_wal_bytes', use.walBytes),
    one('embereye_store_reserve_held', use.reserve === 'held' ? 1 : 0),
    one('embereye_store_undelivered_events', undelivered.events),
    ...(outageHoursLeft === null ? [] : [one('embereye_store_outage_hours_left', outageHoursLeft)]),
  ];
}
