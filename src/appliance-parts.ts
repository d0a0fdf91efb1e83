/** The pieces that `appliance.ts` puts together, each opened with its trouble as a value. */
import { join, resolve } from 'node:path';
import type { BoxMonitor } from './box.ts';
import { createBoxMonitor } from './box.ts';
import type { Config } from './config-schema.ts';
import { retentionOf } from './config-store.ts';
import { broker } from './config-uplink.ts';
import type { Core } from './core.ts';
import type { CustodyDesk } from './custody-desk.ts';
import { sparkplugName } from './discovery-parts.ts';
import type { FaultNotice } from './domain/step.ts';
import type { Clock, Log, Random } from './domain/ports.ts';
import type { BoxSources } from './hal/box/readers.ts';
import { statFileSystem } from './hal/box/statfs.ts';
import { startHealthServer } from './health-server.ts';
import { brokerLink } from './links.ts';
import type { Meter } from './meter.ts';
import type { ModelClassifier } from './model-classifier.ts';
import type { Neighbours } from './neighbours/neighbours.ts';
import type { OpenModel } from './model-parts.ts';
import type { ProofDesk } from './proof-desk.ts';
import type { Recorder } from './recorder.ts';
import { samplesOf } from './samples.ts';
import type { Sensors } from './sensors.ts';
import { AlarmRing } from './store/alarm-ring.ts';
import { openStore } from './store/journal-client.ts';
import type { OpenStore } from './store/journal-client.ts';
import { higherFloor, NO_FLOOR } from './store/numbering.ts';
import type { NumberFloor } from './store/numbering.ts';
import { readSnapshot, SnapshotWriter } from './store/snapshot.ts';
import type { SnapshotRead } from './store/snapshot.ts';
import { lanesCovered } from './recovery.ts';
import type { TroubleListener } from './store/troubles.ts';
import { threadWriter } from './store/writer-link.ts';
import type { EmbeddedBroker } from './uplink/embedded-broker.ts';
import { startEmbeddedBroker } from './uplink/embedded-broker.ts';
import type { UpdateDesk } from './update/desk.ts';
import type { LinkDeps } from './uplink/reconnecting-link.ts';
import { healthOf, readyOf } from './verdicts.ts';

interface Basics {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
}

/** Of what `toSnapshot` makes; a file with another version is not read. */
const SNAPSHOT_VERSION = 1;

/** What survived the end of the run before: read at once, without waiting for a database. */
export interface Memory {
  /** Parsed JSON, or null where there is none that is whole. */
  readonly snapshot: unknown;
  /** Standing from the start: what of it was damaged. */
  readonly faults: readonly FaultNotice[];
  readonly ring: AlarmRing;
  readonly writer: SnapshotWriter;
}

export function openMemory({ config, clock, log }: Basics, onTrouble: TroubleListener): Memory {
  const { directory, runDirectory } = config.state;
  const path = join(directory, 'panel.snapshot');
  const read = readSnapshot(path, SNAPSHOT_VERSION);
  if (!read.ok) log('info', 'no panel snapshot', { reason: read.reason });
  const damaged = read.ok ? !read.newest : read.damaged;
  const faults: FaultNotice[] = [];
  const tell = (fault: string, detail: string): void => {
    faults.push({ fault, subject: 'store', raised: true, detail });
  };
  if (damaged) tell('snapshotDamaged', damageText(read));
  const ring = new AlarmRing({
    path: join(runDirectory, 'ring'),
    fallbackPath: join(directory, 'ring'),
    log,
    onTrouble,
  });
  const { damagedBytes } = ring.recovered;
  if (damagedBytes > 0) tell('ringDamaged', `${damagedBytes} bytes of the ring could not be read`);
  const writer = new SnapshotWriter({ path, version: SNAPSHOT_VERSION, clock, log, onTrouble });
  return { snapshot: read.ok ? read.value : null, faults, ring, writer };
}

function damageText(read: SnapshotRead): string {
  return read.ok
    ? 'the newest panel snapshot is damaged and an older one was used: look at the disk'
    : `no panel snapshot could be used: ${read.reason}`;
}

/** The numbers that ring and snapshot know of, in case the database does not. */
function numberFloor({ snapshot, ring }: Memory): NumberFloor {
  const covered = lanesCovered(snapshot) ?? {};
  const lastSeq = { ...NO_FLOOR.lastSeq, ...covered };
  return higherFloor(ring.recovered.heads, { lastSeq, lastId: null });
}

/** The durable journal; always opens, in memory when it must. */
export function openJournal(
  options: Basics & { readonly writerPath: string },
  memory: Memory,
  onTrouble: TroubleListener,
  meter: Meter,
): Promise<OpenStore> {
  const { config, clock, log, writerPath } = options;
  return openStore({
    directory: config.state.directory,
    startWriter: threadWriter(writerPath),
    clock,
    log,
    onTrouble,
    floor: numberFloor(memory),
    held: memory.ring.recovered.events,
    brokers: countedBrokers(config),
    limits: { retention: retentionOf(config.state) },
    observeCommit: ({ commitMs, receiptMs }) => {
      meter.metrics.observe('embereye_store_commit_seconds', commitMs / 1000);
      meter.metrics.observe('embereye_store_receipt_seconds', receiptMs / 1000);
    },
  });
}

/**
 * Brokers whose positions say what is delivered. One that gets only what others did not confirm is
 * not among them: it moves in the alarm lane alone.
 */
export function countedBrokers(config: Config): readonly string[] {
  const { uplink } = config;
  const ordinary = uplink.brokers.filter(({ onlyEscalated }) => !onlyEscalated);
  const inside = uplink.embeddedBroker.enabled ? ['embedded'] : [];
  const sparkplug = sparkplugName(config);
  return [...ordinary.map(({ id }) => id), ...inside, ...(sparkplug === null ? [] : [sparkplug])];
}

/** The trained model, without waiting for it; it observes how long answers take. */
export function openModel(
  { openModel: open, clock, random }: Pick<Basics, 'clock'> & ModelOpener,
  meter: Meter,
  onFault: (notice: FaultNotice) => void,
): ModelClassifier | null {
  const onAnswered = (seconds: number): void =>
    meter.metrics.observe('embereye_model_inference_seconds', seconds);
  return open?.({ clock, random, onFault, onAnswered }) ?? null;
}

interface ModelOpener {
  readonly openModel?: OpenModel;
  readonly random: Random;
}

/** The broker inside, where the configuration wants one; a port in use is a fault. */
export async function openBroker(
  config: Config,
  tell: (notice: FaultNotice) => void,
): Promise<EmbeddedBroker | null> {
  const { enabled, host, port } = config.uplink.embeddedBroker;
  if (!enabled) return null;
  try {
    return await startEmbeddedBroker({ host, port });
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    tell({ fault: 'brokerNotStarted', subject: 'uplink:embedded', raised: true, detail });
    return null;
  }
}

/** Every broker that events go to; the embedded one is a broker like any other. */
export function linksOf(config: Config, embedded: EmbeddedBroker | null, deps: LinkDeps) {
  const inside =
    embedded === null
      ? []
      : [broker.parse({ id: 'embedded', url: `mqtt://${embedded.host}:${embedded.port}` })];
  return [...config.uplink.brokers, ...inside].map((one) => ({
    broker: one.id,
    link: brokerLink(config, one, deps),
  }));
}

/** Supervision of the machine itself; its readings go into telemetry, its faults to the panel. */
export function startBox(
  { config, clock }: Basics,
  parts: Pick<BoxSources, 'files' | 'clockState'>,
  core: Core,
): BoxMonitor {
  const monitor = createBoxMonitor(
    config.box,
    { ...parts, clock, statFileSystem, stateDirectory: resolve(config.state.directory) },
    {
      fault: (notice) => core.fault(notice),
      readings: (list) => {
        for (const { name, value, unit } of list) core.reading(name, value, unit);
      },
    },
  );
  monitor.start();
  return monitor;
}

export interface Watched {
  readonly core: Core;
  readonly meter: Meter;
  readonly sensors: Sensors;
  readonly store: OpenStore;
  readonly ring: AlarmRing;
  readonly brokers: readonly string[];
  readonly box: BoxMonitor;
  readonly residentBytes: () => number;
  readonly recorder: Recorder | null;
  readonly classifier: ModelClassifier | null;
  readonly proofs: ProofDesk;
  readonly custody: CustodyDesk;
  readonly neighbours: Neighbours | null;
  readonly updates: UpdateDesk;
}

/** `/metrics`, `/health`, `/ready`. A port in use is a fault: the alarm path does not need it. */
export async function openHealth({ config, clock, log }: Basics, watched: Watched) {
  const { core, meter, sensors, store, ring, brokers, box } = watched;
  meter.readFrom(() =>
    samplesOf({
      core,
      brokers,
      box: box.latest,
      ingest: sensors.counters,
      decided: meter.decided,
      store: store.stats(),
      ring,
      events: meter.events,
      commands: meter.commands,
      residentBytes: watched.residentBytes(),
      recording: watched.recorder?.stats ?? null,
      model: watched.classifier?.counters ?? null,
      proofs: watched.proofs,
      custody: watched.custody,
      neighbours: watched.neighbours,
      updates: watched.updates,
    }),
  );
  const server = await startHealthServer({
    ...config.http,
    metricsText: () => meter.metrics.text(),
    metricsContentType: meter.metrics.contentType,
    health: () => healthOf(core.runtime.progress, clock.monotonicMs(), core.outputProgress),
    ready: () =>
      readyOf(
        core.runtime.view(),
        store.stats().mode,
        core.uplinks.map((uplink) => uplink.counters.connected),
      ),
  });
  if (server.ok) return server;
  log('error', 'health server', { detail: server.error });
  core.fault({ fault: 'healthUnavailable', subject: 'http', raised: true, detail: server.error });
  return null;
}
