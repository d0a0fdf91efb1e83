/**
 * The composition root: brings the adapters, recovers what the last run left, starts the core.
 * The order of a start: snapshot and ring -> panel -> outputs -> store -> step -> sensors, boards,
 * uplinks, health. Only a configuration can keep an appliance from starting; everything else that
 * does not work is a fault of a running one.
 */
import { Annunciator } from './alarm/annunciator.ts';
import { outputsOf } from './alarm/panel.ts';
import {
  linksOf,
  openBroker,
  openHealth,
  openJournal,
  openMemory,
  startBox,
} from './appliance-parts.ts';
import type { Memory } from './appliance-parts.ts';
import type { Config } from './config-schema.ts';
import { Core } from './core.ts';
import type { CoreHooks } from './core.ts';
import type { CloseFailure } from './domain/closers.ts';
import { Closers } from './domain/closers.ts';
import { EvidenceBank } from './domain/evidence-bank.ts';
import type { Cancel, Clock, Log, Random } from './domain/ports.ts';
import type { FaultNotice } from './domain/step.ts';
import { deviceId } from './domain/units.ts';
import type { ClockState } from './hal/box/clock-state.ts';
import { clockQualityOf } from './hal/box/clock-state.ts';
import type { Hardware } from './hal/hardware.ts';
import type { HolderClient } from './hal/holder/client.ts';
import { HolderPulse } from './hal/holder/pulse.ts';
import { Meter } from './meter.ts';
import { followInputs } from './inputs.ts';
import { openLines } from './outputs.ts';
import type { OpenedLines } from './outputs.ts';
import { panelPlanOf } from './plan.ts';
import { restoreFromMemory, restoreFully } from './recovery.ts';
import type { Recovered } from './recovery.ts';
import type { Sensors } from './sensors.ts';
import { startSensors } from './sensors.ts';
import type { OpenStore } from './store/journal-client.ts';
import { EventStamper, newBootId } from './store/stamp.ts';
import { isoFromWallMs } from './store/wall-time.ts';

export interface ApplianceOptions {
  readonly config: Config;
  /** Names the configuration in the birth message. */
  readonly configHash: string;
  readonly version: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly hardware: Hardware;
  /** The bundled writer thread: dist/store-writer.js. */
  readonly writerPath: string;
  /** The process that keeps the outputs when this one ends; null: nobody does. */
  readonly holder?: HolderClient | null;
  readonly clockState: () => ClockState;
  readonly residentBytes: () => number;
  /** Standing from the start, for example that a broken configuration was refused. */
  readonly initialFaults?: readonly FaultNotice[];
  readonly hooks?: CoreHooks;
}

export interface Appliance {
  readonly core: Core;
  /** Ports really taken; null where a server did not start. */
  readonly ports: {
    readonly boards: number | null;
    readonly http: number | null;
    readonly broker: number | null;
  };
  readonly sensors: Sensors;
  /** Reverse order of the start, each part within a deadline. Never rejects. */
  stop(reason: string): Promise<readonly CloseFailure[]>;
}

/** The journal's own deadlines for its last commit and its thread fit in. */
const CLOSE_DEADLINE_MS = 10_000;
const UPLINK_FAREWELL_MS = 3000;

export async function startAppliance(options: ApplianceOptions): Promise<Appliance> {
  const { config, clock, random, log } = options;
  const closers = new Closers(clock, CLOSE_DEADLINE_MS);
  const tell = new Teller(options.initialFaults ?? []);
  const meter = new Meter(options.hooks);

  const memory = openMemory(options, (trouble) => tell.trouble(trouble));
  const lines = driveRestored(options, memory);
  closers.add('gpio', () => {
    options.holder?.close();
    options.hardware.gpio.close();
  });
  const store = await openJournal(options, memory, (trouble) => tell.trouble(trouble), meter);
  closers.add('journal', () => store.journal.close());
  closers.add('snapshot', async () => {
    await memory.writer.flush();
    memory.writer.close();
  });
  const broker = await openBroker(config, (notice) => tell.notice(notice));
  if (broker !== null) closers.add('embedded broker', () => broker.stop());

  const recovered = await recover(options, memory, store);
  const bank = new EvidenceBank();
  const links = linksOf(config, broker, { clock, random, log });
  const core = makeCore(options, { memory, lines, store, meter, bank, links, recovered });
  tell.to(core);
  for (const notice of memory.faults) core.fault(notice);
  core.start(recovered.recoveredEvents, [startedEvent(options, recovered)]);
  const deaf = hearInputs(core, lines, clock);

  const sensors = await startSensors({ ...options, core, bank, keyed: store.keyed });
  const box = startBox(options, { ...options, files: options.hardware.files }, core);
  const brokers = links.map((link) => link.broker);
  const { residentBytes } = options;
  const watched = { core, meter, sensors, store, ring: memory.ring, brokers, box, residentBytes };
  const http = await openHealth(options, watched);
  if (http !== null) closers.add('health', () => http.close());
  let why = 'stopped';
  closers.add('core', () => stopCore(core, why, log));
  closers.add('sensors', () => sensors.close());
  closers.add('box', () => box.stop());
  closers.add('inputs', deaf);
  void store.checkIntegrity();
  return {
    core,
    sensors,
    ports: { boards: sensors.boardsPort, http: http?.port ?? null, broker: broker?.port ?? null },
    async stop(reason) {
      why = reason;
      const failures = await closers.closeAll();
      memory.ring.close();
      for (const { name, error } of failures) log('error', 'not closed cleanly', { name, error });
      return failures;
    },
  };
}

/** Takes trouble from the first moment on, and hands it to the core once there is one. */
class Teller {
  readonly #early: FaultNotice[];
  #core: Core | null = null;

  constructor(initial: readonly FaultNotice[]) {
    this.#early = [...initial];
  }

  to(core: Core): void {
    this.#core = core;
    for (const notice of this.#early) core.fault(notice);
  }

  notice(notice: FaultNotice): void {
    if (this.#core === null) this.#early.push(notice);
    else this.#core.fault(notice);
  }

  trouble({ kind, detail, raised }: { kind: string; detail: string; raised: boolean }): void {
    this.notice({ fault: kind, subject: 'store', detail, raised });
  }
}

/**
 * Opens the lines at the levels that the restored panel wants: no gap between two runs. The fault
 * relay rises with the first step: until then nobody watches.
 */
function driveRestored(options: ApplianceOptions, memory: Memory): OpenedLines {
  const { config, clock, random, hardware } = options;
  const nowMs = clock.monotonicMs();
  const plan = panelPlanOf(config);
  const { panel } = restoreFromMemory(plan, memory.snapshot, memory.ring.recovered.events, nowMs);
  const levels = { ...outputsOf(panel, nowMs), faultRelay: false };
  const lines = openLines(config, hardware.gpio, levels, { clock, random });
  // Failures show again, as faults, with the first step.
  new Annunciator(lines.outputs).drive(levels, nowMs);
  return lines;
}

async function recover(
  options: ApplianceOptions,
  memory: Memory,
  store: OpenStore,
): Promise<Recovered> {
  const { config, clock, log } = options;
  const recovered = await restoreFully(
    panelPlanOf(config),
    memory.snapshot,
    memory.ring.recovered.events,
    store.journal,
    store.recovered.stored,
    () => clock.monotonicMs(),
  );
  for (const problem of recovered.problems) {
    log('error', 'part of the former state could not be restored', { problem });
  }
  return recovered;
}

interface Opened {
  readonly memory: Memory;
  readonly lines: OpenedLines;
  readonly store: OpenStore;
  readonly meter: Meter;
  readonly bank: EvidenceBank;
  readonly links: ReturnType<typeof linksOf>;
  readonly recovered: Recovered;
}

function makeCore(options: ApplianceOptions, opened: Opened): Core {
  const { config, clock, random, holder = null } = options;
  const clockQuality = clockQualityOf(options.clockState);
  const { lastSeq, lastId } = opened.store.recovered;
  const bootId = newBootId(random);
  const stamped = { deviceId: deviceId(config.device.id), bootId, clock, random, clockQuality };
  return new Core({
    ...options,
    clockQuality,
    pulse: holder === null ? null : pulseOf(holder, opened.lines),
    bootId,
    bank: opened.bank,
    panel: opened.recovered.panel,
    stamper: new EventStamper({ ...stamped, lastSeq, lastId }),
    ring: opened.memory.ring,
    journal: opened.store.journal,
    outputs: opened.lines.outputs,
    links: opened.links,
    saveSnapshot: (value, tell) => opened.memory.writer.save(value, tell),
    wallTime: () => isoFromWallMs(clock.wallMs()),
    hooks: opened.meter.hooks,
  });
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

function stopCore(core: Core, why: string, log: Log): Promise<void> {
  const stopped = core.stop(why, UPLINK_FAREWELL_MS);
  // The last step is over, and the farewells take seconds.
  for (const { message } of core.annunciator.rest()) {
    log('error', 'output not at rest', { detail: message });
  }
  return stopped;
}

function hearInputs(core: Core, { inputs }: OpenedLines, clock: Clock): Cancel {
  return followInputs(inputs, {
    clock,
    signal: (signal) => core.runtime.signal(signal),
    fault: (notice) => core.fault(notice),
  });
}

function startedEvent({ version, configHash }: ApplianceOptions, recovered: Recovered) {
  const { restoredAlarms, recoveredEvents } = recovered;
  return {
    lane: 'system',
    type: 'started',
    data: { version, configHash, restoredAlarms, recoveredEvents: recoveredEvents.length },
  } as const;
}
