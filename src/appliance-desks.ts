/**
 * What stands between the ground of an appliance and its core: the ways to the brokers, and
 * everybody who keeps something of their own in the store.
 */
import { linksOf, openModel } from './appliance-parts.ts';
import type { Memory } from './appliance-parts.ts';
import type { ApplianceOptions } from './appliance.ts';
import { openCommandParts } from './command-parts.ts';
import { openCustody } from './custody-parts.ts';
import { openDiscovery } from './discovery-parts.ts';
import { CalibrationCache } from './domain/line-protocol/calibrations.ts';
import type { KeyedStore } from './domain/ports.ts';
import type { FaultNotice, SensorNotice } from './domain/step.ts';
import type { SensorId } from './domain/units.ts';
import { clockQualityOf } from './hal/box/clock-state.ts';
import type { Meter } from './meter.ts';
import { PixelKeeper } from './pixel-keeper.ts';
import { openProofs } from './proof-desk.ts';
import { openRecorder } from './recorder.ts';
import { nodeDisk } from './store/black-box/disk.ts';
import type { OpenStore } from './store/journal-client.ts';
import { newBootId } from './store/stamp.ts';
import { openUpdates } from './update/open.ts';
import type { EmbeddedBroker } from './uplink/embedded-broker.ts';

export interface DeskGround {
  readonly memory: Memory;
  readonly store: OpenStore;
  readonly meter: Meter;
  readonly broker: EmbeddedBroker | null;
  readonly fault: (notice: FaultNotice) => void;
  readonly notify: (notice: SensorNotice) => void;
}

export type Desks = Awaited<ReturnType<typeof openDesks>>;

/** Nothing of it speaks or listens before the core has started. */
export async function openDesks(options: ApplianceOptions, ground: DeskGround) {
  const { config, clock, random, log } = options;
  const { memory, store, meter, broker, fault, notify } = ground;
  const linkDeps = { clock, random, log, clockQuality: clockQualityOf(options.clockState) };
  const links = linksOf(config, broker, linkDeps);
  const brokers = links.map((link) => link.broker);
  const discovery = await openDiscovery(config, store.keyed, linkDeps);
  const bootId = newBootId(random);
  const recorder = openRecorder({ ...options, bootId, disk: nodeDisk, fault });
  const classifier = openModel(options, meter, fault);
  const calibrations = await CalibrationCache.load(store.keyed);
  const keeper = await openKeeper(options, store.keyed, calibrations, notify);
  const proofs = await openProofs(options, store.keyed, keeper);
  const custody = await openCustody(options, { store, memory, bootId, brokers, meter });
  const updates = await openUpdates(options, { store, memory });
  const asked = { ...options, update: updates.request };
  const commands = await openCommandParts(asked, store.keyed, fault);
  return {
    ...{ links, brokers, discovery, bootId, recorder, classifier },
    ...{ calibrations, keeper, proofs, custody, commands, updates },
  };
}

function openKeeper(
  { clock, log }: ApplianceOptions,
  store: KeyedStore,
  calibrations: CalibrationCache,
  notify: (notice: SensorNotice) => void,
): Promise<PixelKeeper> {
  const arrayAt = (sensor: SensorId): string | null =>
    calibrations.arrayAt(sensor)?.arrayId ?? null;
  return PixelKeeper.load({ store, clock, log, notify, arrayAt });
}
