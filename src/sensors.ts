/** Starts everything that brings evidence: boards over TCP, and the drivers of wired sensors. */
import { boardProfilesOf, traitsOf } from './board-profiles.ts';
import { preparedOf } from './config-drivers.ts';
import type { Config } from './config-schema.ts';
import type { Core } from './core.ts';
import type { EvidenceBank } from './domain/evidence-bank.ts';
import { AddressMap } from './domain/line-protocol/address-map.ts';
import { BoardRegistry } from './domain/line-protocol/board-registry.ts';
import type { CalibrationCache } from './domain/line-protocol/calibrations.ts';
import type { SharedSessionDeps } from './domain/line-protocol/session-deps.ts';
import type { Cancel, Clock, KeyedStore, Log, Random } from './domain/ports.ts';
import type { OpenRawTap } from './domain/raw-tap.ts';
import { sensorId } from './domain/units.ts';
import { arraySessions } from './hal/array-sessions.ts';
import { sensorSessions } from './hal/board-sessions.ts';
import type { Hardware } from './hal/hardware.ts';
import { readWholeFile } from './hal/read-file.ts';
import type { SensorHandle } from './hal/sensor-driver.ts';
import { parseAllowList } from './ingest/allow-list.ts';
import { createIngestCounters } from './ingest/counters.ts';
import type { IngestCounters } from './ingest/counters.ts';
import { DEFAULT_LIMITS, IngestServer } from './ingest/server.ts';

export interface SensorsOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly core: Core;
  readonly bank: EvidenceBank;
  readonly keyed: KeyedStore;
  readonly calibrations: CalibrationCache;
  readonly hardware: Hardware;
  /** Where raw words are recorded; null: nowhere. */
  readonly openRawTap: OpenRawTap | null;
}

export interface Sensors {
  /** Null while boards cannot dial in. */
  readonly boardsPort: number | null;
  readonly counters: IngestCounters;
  readonly server: IngestServer;
  readonly addresses: AddressMap;
  close(): Promise<void>;
}

const LISTEN_RETRY_MS = 5000;

export async function startSensors(options: SensorsOptions): Promise<Sensors> {
  const { config, core, bank, keyed, random, calibrations } = options;
  const counters = createIngestCounters();
  const addresses = await AddressMap.load(keyed);
  const registry = new BoardRegistry({
    profiles: boardProfilesOf(config),
    unknownTraits: traitsOf(config.ingest.unknownBoards),
    bank,
    locationOfAddress: (address) => addresses.get(address),
    onNotice: (notice) => core.runtime.notify(notice),
  });
  const shared: SharedSessionDeps = {
    registry,
    random,
    bank,
    calibrations,
    counters: counters.line,
    frameSinkOf: (sensor) => core.frameSinkOf(sensor),
    onNotice: (notice) => core.runtime.notify(notice),
    openRawTap: (sensor) => options.openRawTap?.(sensor) ?? null,
  };
  const server = makeServer(options, shared, counters);
  const listening = config.ingest.enabled
    ? await listenForEver(options, server)
    : { port: null, cancel: () => undefined };
  const handles = startDrivers(options, shared);
  return {
    boardsPort: listening.port,
    counters,
    server,
    addresses,
    async close() {
      listening.cancel();
      await server.close();
      await Promise.all(handles.map((handle) => handle.close()));
    },
  };
}

function makeServer(
  options: SensorsOptions,
  shared: SharedSessionDeps,
  ingestCounters: IngestCounters,
): IngestServer {
  const { config, clock, log, core } = options;
  const allowed = parseAllowList(config.ingest.allow);
  return new IngestServer({
    ...shared,
    clock,
    log,
    ingestCounters,
    limits: {
      ...DEFAULT_LIMITS,
      maxConnections: config.ingest.maxConnections,
      maxConnectionsPerAddress: config.ingest.maxConnections,
      idleMs: config.ingest.idleSeconds * 1000,
    },
    // The configuration was checked, so this is never the case; if it were, nobody may connect.
    allows: allowed.ok ? allowed.allows : () => false,
    batchDone: () => core.runtime.step(),
  });
}

/** A port in use is a fault that ends when the port becomes free. */
async function listenForEver(
  { config, clock, core, log }: SensorsOptions,
  server: IngestServer,
): Promise<{ readonly port: number | null; readonly cancel: Cancel }> {
  const { host, port } = config.ingest;
  let cancel: Cancel = () => undefined;
  const attempt = async (): Promise<number | null> => {
    const result = await server.listen(host, port);
    const detail = result.ok ? `listening on ${host}:${result.port}` : result.message;
    core.fault({ fault: 'ingestUnavailable', subject: 'ingest', raised: !result.ok, detail });
    log(result.ok ? 'info' : 'error', 'boards', { detail });
    if (result.ok) return result.port;
    cancel = clock.after(LISTEN_RETRY_MS, () => void attempt());
    return null;
  };
  const taken = await attempt();
  return { port: taken, cancel: () => cancel() };
}

function startDrivers(options: SensorsOptions, shared: SharedSessionDeps): SensorHandle[] {
  const { config, core, clock, hardware } = options;
  return config.sensors.flatMap((wired) => {
    const { id } = wired;
    const prepared = preparedOf(wired);
    if (prepared?.ok !== true) {
      const detail = `options of driver "${wired.driver}" are not valid: run embereye check-config`;
      core.fault({ fault: 'sensorNotStarted', subject: id, raised: true, detail });
      return [];
    }
    const { openSession } = sensorSessions(sensorId(id), shared, clock);
    const handle = prepared.open({
      ...options,
      ...hardware,
      sensor: sensorId(id),
      notify: (notice) => core.runtime.notify(notice),
      fault: (notice) => core.fault(notice),
      requestStep: () => core.runtime.step(),
      readFile: (path) => readWholeFile(path),
      openSession,
      openArray: arraySessions(sensorId(id), shared),
    });
    return [handle];
  });
}
