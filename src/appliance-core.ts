/** Puts the core together from what a start has opened. */
import type { Memory, openModel } from './appliance-parts.ts';
import type { ApplianceOptions } from './appliance.ts';
import { Core } from './core.ts';
import type { CommandParts } from './command-parts.ts';
import type { DiscoveryParts } from './discovery-parts.ts';
import type { CustodyDesk } from './custody-desk.ts';
import type { EvidenceBank } from './domain/evidence-bank.ts';
import type { SensorNotice } from './domain/step.ts';
import { deviceId } from './domain/units.ts';
import type { SensorId } from './domain/units.ts';
import { clockQualityOf } from './hal/box/clock-state.ts';
import type { HolderClient } from './hal/holder/client.ts';
import { HolderPulse } from './hal/holder/pulse.ts';
import type { linksOf } from './appliance-parts.ts';
import type { Meter } from './meter.ts';
import type { OpenedLines } from './outputs.ts';
import type { PixelKeeper } from './pixel-keeper.ts';
import type { ProofDesk } from './proof-desk.ts';
import type { Recorder } from './recorder.ts';
import type { Recovered } from './recovery.ts';
import type { OpenStore } from './store/journal-client.ts';
import { EventStamper } from './store/stamp.ts';
import { isoFromWallMs } from './store/wall-time.ts';
import { topicsOf } from './uplink/payload.ts';
import { topicRoot } from './uplinks.ts';

/** What the core is made of. */
export interface Opened {
  readonly memory: Memory;
  readonly lines: OpenedLines;
  readonly store: OpenStore;
  readonly meter: Meter;
  readonly bank: EvidenceBank;
  readonly links: ReturnType<typeof linksOf>;
  readonly recovered: Recovered;
  readonly bootId: string;
  readonly recorder: Recorder | null;
  readonly keeper: PixelKeeper;
  readonly classifier: ReturnType<typeof openModel>;
  readonly proofs: ProofDesk;
  readonly custody: CustodyDesk;
  readonly commands: CommandParts;
  readonly discovery: DiscoveryParts;
}

/** The core; it does nothing before its `start`. */
export function makeCore(options: ApplianceOptions, opened: Opened): Core {
  const { config, clock, random, holder = null } = options;
  const clockQuality = clockQualityOf(options.clockState);
  const { lastSeq, lastId } = opened.store.recovered;
  const { bootId, recorder } = opened;
  const { hooks } = opened.meter;
  const stamped = { deviceId: deviceId(config.device.id), bootId, clock, random, clockQuality };
  const core: Core = new Core({
    ...options,
    clockQuality,
    pulse: holder === null ? null : pulseOf(holder, opened.lines),
    bootId,
    bank: opened.bank,
    classifier: opened.classifier,
    memoryOf: (sensor, mount) => opened.keeper.memoryOf(sensor, mount),
    approveBackground: approvalBy(opened.keeper, (notice) => core.runtime.notify(notice)),
    panel: opened.recovered.panel,
    stamper: new EventStamper({ ...stamped, lastSeq, lastId }),
    ring: opened.memory.ring,
    journal: opened.store.journal,
    chainHeads: opened.store.recovered.chainHeads,
    outputs: opened.lines.outputs,
    links: opened.links,
    commands: opened.commands,
    discovery: opened.discovery,
    saveSnapshot: (value, tell) => opened.memory.writer.save(value, tell),
    wallTime: () => isoFromWallMs(clock.wallMs()),
    subscribers: [opened.custody.subscriber(topicsOf(topicRoot(config)).ack)],
    hooks: opened.custody.hooksAfter(
      opened.proofs.hooksAfter({
        ...hooks,
        onStep: (report) => {
          hooks.onStep?.(report);
          recorder?.observe(report);
        },
      }),
    ),
  });
  return core;
}

/** An approval that the keeper could not carry out stays open, and says why. */
export function approvalBy(
  keeper: Pick<PixelKeeper, 'approve'>,
  notify: (notice: SensorNotice) => void,
): (sensor: SensorId) => void {
  return (sensor) => {
    const { ok, detail } = keeper.approve(sensor);
    if (!ok) notify({ kind: 'backgroundChanged', sensor, raised: true, detail });
  };
}

/** Beats, and lets the holder release what is left of an earlier configuration. */
function pulseOf(holder: HolderClient, { isSettled }: OpenedLines): HolderPulse {
  let settled = false;
  return new HolderPulse({
    beat: () => {
      if (!settled && isSettled()) {
        settled = true;
        holder.settled();
      }
      return holder.beat();
    },
  });
}
