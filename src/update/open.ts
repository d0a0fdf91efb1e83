/** Opens what a running appliance has to do with updates. */
import type { Memory } from '../appliance-parts.ts';
import type { ApplianceOptions } from '../appliance.ts';
import type { Core } from '../core.ts';
import type { JournalEvent } from '../domain/event.ts';
import { clockQualityOf } from '../hal/box/clock-state.ts';
import type { OpenStore } from '../store/journal-client.ts';
import { isoFromWallMs } from '../store/wall-time.ts';
import { healthOf } from '../verdicts.ts';
import { PENDING, UpdateDesk } from './desk.ts';
import type { UnitFacts } from './look.ts';
import { ReportReader, TOLD } from './report.ts';

/** More events of the system than come between a commit and the next two. */
const RECENT_EVENTS = 500;

export async function openUpdates(
  options: ApplianceOptions,
  { store, memory }: { readonly store: OpenStore; readonly memory: Memory },
): Promise<UpdateDesk> {
  const { config, clock, log, version } = options;
  const { keyed, journal, recovered } = store;
  const kept = await keyed.loadAll('update');
  const recentEvents = async (): Promise<readonly JournalEvent[]> => {
    const after = Math.max(0, recovered.stored.system - RECENT_EVENTS);
    const stored = await journal.readAfter('system', after, RECENT_EVENTS);
    return [...stored, ...memory.ring.recovered.events];
  };
  const { directory } = config.update;
  const report = new ReportReader({ directory, keyed, told: kept.get(TOLD), recentEvents });
  const parts = {
    ...{ clock, log, version, keyed, report, settings: config.update },
    ...{ deviceId: config.device.id, runDirectory: config.state.runDirectory },
    timezone: config.hours?.timezone ?? null,
    clockQuality: clockQualityOf(options.clockState),
    wallTime: () => isoFromWallMs(clock.wallMs()),
  };
  return new UpdateDesk(parts, kept.get(PENDING));
}

/** What an updater asks of a running appliance, besides its panel. */
export function unitFacts(
  core: Core,
  { version, clock }: Pick<ApplianceOptions, 'version' | 'clock'>,
  bootId: string,
): UnitFacts {
  const { ok } = healthOf(core.runtime.progress, clock.monotonicMs(), core.outputProgress);
  const brokers = core.brokers.map((id, i) => ({
    id,
    connected: core.uplinks[i]?.counters.connected === true,
  }));
  return { version, bootId, healthy: ok, brokers };
}
