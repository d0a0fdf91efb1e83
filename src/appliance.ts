/**
 * The composition root: brings the adapters, recovers what the last run left, starts the core.
 * The order of a start: snapshot and ring -> panel -> outputs -> store -> step -> sensors, boards,
 * uplinks, health. Only a configuration can keep an appliance from starting; everything else that
 * does not work is a fault of a running one.
 */
import { makeCore } from './appliance-core.ts';
import { openBroker, openHealth, openJournal, openMemory, startBox } from './appliance-parts.ts';
import { openDesks } from './appliance-desks.ts';
import type { Desks } from './appliance-desks.ts';
import type { Watched } from './appliance-parts.ts';
import { driveRestored, recover, startedEvent, Teller } from './appliance-start.ts';
import { startClockWatch } from './clock-watch.ts';
import type { Config } from './config-schema.ts';
import { openControl } from './control-access.ts';
import type { Core, CoreHooks } from './core.ts';
import type { CloseFailure } from './domain/closers.ts';
import { Closers } from './domain/closers.ts';
import type { Configure } from './domain/command-service.ts';
import type { DomainEvent } from './domain/event.ts';
import { EvidenceBank } from './domain/evidence-bank.ts';
import type { Cancel, Clock, Log, Random } from './domain/ports.ts';
import type { FaultNotice, SensorNotice } from './domain/step.ts';
import type { ClockState } from './hal/box/clock-state.ts';
import type { Hardware } from './hal/hardware.ts';
import type { HolderClient } from './hal/holder/client.ts';
import { followInputs } from './inputs.ts';
import { Meter } from './meter.ts';
import type { OpenModel } from './model-parts.ts';
import type { OpenedLines } from './outputs.ts';
import { openNeighbours } from './neighbour-desk.ts';
import { openUdp } from './neighbours/udp.ts';
import { bothTaps } from './proof/raw-words.ts';
import type { Sensors } from './sensors.ts';
import { startSensors } from './sensors.ts';
import { unitFacts } from './update/open.ts';

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
  /** Opens the trained model; left out: the rules decide alone. */
  readonly openModel?: OpenModel;
  readonly clockState: () => ClockState;
  readonly residentBytes: () => number;
  /** Standing from the start, for example that a broken configuration was refused. */
  readonly initialFaults?: readonly FaultNotice[];
  /** Journalled after the event `started`. */
  readonly initialEvents?: readonly DomainEvent[];
  /** Changes the configuration; left out: nobody can. */
  readonly configure?: Configure;
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

/** Brings an appliance up; resolves when boards can dial in, or cannot and a fault says so. */
export async function startAppliance(options: ApplianceOptions): Promise<Appliance> {
  const { config, clock, log } = options;
  const closers = new Closers(clock, CLOSE_DEADLINE_MS);
  const tell = new Teller(options.initialFaults ?? []);
  const meter = new Meter(options.hooks);
  const fault = (notice: FaultNotice) => tell.notice(notice);

  const { memory, lines, store } = await openGround(options, closers, tell, meter);
  const broker = await openBroker(config, fault);
  if (broker !== null) closers.add('embedded broker', () => broker.stop());
  const recovered = await recover(options, memory, store);
  const bank = new EvidenceBank();
  const notify = (notice: SensorNotice): void => core.runtime.notify(notice);
  const desks = await openDesks(options, { memory, store, meter, broker, fault, notify });
  const core = makeCore(options, { memory, lines, store, meter, bank, recovered, ...desks });
  tell.to(core);
  for (const notice of memory.faults) core.fault(notice);
  core.start(recovered.recoveredEvents, [
    startedEvent(options, recovered),
    ...(options.initialEvents ?? []),
  ]);
  const running = { ...desks, core, meter, store, ring: memory.ring, lines, bank };
  const around = await startAround(options, running);
  desks.proofs.start(core);
  desks.custody.start(core);
  desks.updates.start(core);
  let why = 'stopped';
  addClosers(closers, running, around, () => stopCore(core, why, log));
  void store.checkIntegrity();
  const { sensors, http } = around;
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

/** What everything else stands on: outputs at their restored levels, then the store. */
async function openGround(options: ApplianceOptions, closers: Closers, tell: Teller, meter: Meter) {
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
  return { memory, lines, store };
}

interface Running extends Desks, Pick<Watched, 'core' | 'meter' | 'store' | 'ring'> {
  readonly lines: OpenedLines;
  readonly bank: EvidenceBank;
}

/** In reverse order of what they need: the last is closed first. */
function addClosers(
  closers: Closers,
  { recorder, classifier, keeper, proofs, custody, commands, updates }: Running,
  around: Awaited<ReturnType<typeof startAround>>,
  endCore: () => Promise<void>,
): void {
  closers.add('health', () => around.http?.close());
  closers.add('control', () => around.control?.close());
  closers.add('recorder', () => recorder?.close());
  closers.add('core', endCore);
  closers.add('command keys', () => commands.keys.close());
  closers.add('proofs', () => proofs.stop());
  closers.add('custody', () => custody.stop());
  closers.add('updates', () => updates.stop());
  closers.add('neighbours', () => around.neighbours?.stop());
  closers.add('backgrounds', () => keeper.stop());
  closers.add('model', () => classifier?.close());
  closers.add('sensors', () => around.sensors.close());
  closers.add('box', () => around.box.stop());
  closers.add('clock watch', () => around.clockWatch.stop());
  closers.add('inputs', around.deaf);
}

/** Everything around a core that steps already: sensors, the box, probes, people. */
async function startAround(options: ApplianceOptions, running: Running) {
  const { config, clock, random, log, residentBytes } = options;
  const { core, store, bank, lines, recorder, calibrations, proofs } = running;
  const deaf = hearInputs(core, lines, clock);
  const openRawTap = bothTaps(recorder?.openRawTap ?? null, proofs.raw.open);
  const { keyed, journal } = store;
  const sensors = await startSensors({ ...options, core, bank, keyed, calibrations, openRawTap });
  const box = startBox(options, { ...options, files: options.hardware.files }, core);
  const clockWatch = startClockWatch({
    ...{ clock, clockState: options.clockState, bootId: running.bootId },
    record: (event) => core.runtime.record(event),
  });
  const neighbours = await openNeighbours({ ...options, ...running, openLan: openUdp, journal });
  const watched = { ...running, sensors, box, neighbours };
  const http = await openHealth(options, { ...watched, residentBytes });
  const control = await openControl({
    ...{ config, clock, random, log, pid: process.pid, runtime: core.runtime },
    configure: options.configure ?? null,
    state: () => ({ ...core.state(), unit: unitFacts(core, options, running.bootId) }),
    onFault: (notice) => core.fault(notice),
  });
  return { deaf, sensors, box, clockWatch, http, control, neighbours };
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
