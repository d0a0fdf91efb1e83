/** Opens the custody of an appliance from what its start has opened. */
import type { Memory } from './appliance-parts.ts';
import type { ApplianceOptions } from './appliance.ts';
import { CustodyDesk } from './custody-desk.ts';
import type { Meter } from './meter.ts';
import type { OpenStore } from './store/journal-client.ts';
import { isoFromWallMs } from './store/wall-time.ts';

export interface CustodyGround {
  readonly store: OpenStore;
  readonly memory: Memory;
  readonly bootId: string;
  readonly brokers: readonly string[];
  readonly meter: Meter;
}

/** Alarms that the ring still holds are followed again: their custody may be lost with a kill. */
export function openCustody(
  { config, clock, log }: ApplianceOptions,
  { store, memory, bootId, brokers, meter }: CustodyGround,
): Promise<CustodyDesk> {
  const { journal, keyed, recovered } = store;
  return CustodyDesk.load(
    {
      ...{ config, clock, log, bootId, brokers, journal, keyed },
      wallTime: () => isoFromWallMs(clock.wallMs()),
      storedAlarms: recovered.stored.alarm,
      observeCentral: (seconds) =>
        meter.metrics.observe('embereye_custody_central_seconds', seconds),
    },
    memory.ring.recovered.events,
  );
}
