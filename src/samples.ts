/** Reads every counter and gauge for a scrape. */
import { boxSamples } from './box.ts';
import type { BoxReading } from './hal/box/report.ts';
import type { OutputRole } from './domain/view.ts';
import { CONDITIONS } from './domain/view.ts';
import type { IngestCounters } from './ingest/counters.ts';
import type { Core } from './core.ts';
import type { CustodyDesk } from './custody-desk.ts';
import type { Neighbours } from './neighbours/neighbours.ts';
import type { Sample } from './metrics.ts';
import type { ModelCounters } from './model-terms.ts';
import type { ProofDesk } from './proof-desk.ts';
import type { RecordingStats } from './recorder.ts';
import type { StoreStats } from './store/options.ts';
import { upkeepSamples } from './store-samples.ts';
import type { UpdateDesk } from './update/desk.ts';

export interface SampleSources {
  readonly core: Core;
  readonly brokers: readonly string[];
  readonly ingest: IngestCounters;
  readonly decided: { readonly packets: number; readonly frames: number };
  readonly store: StoreStats;
  readonly ring: { readonly bytes: number; readonly lost: number };
  readonly events: ReadonlyMap<string, number>;
  readonly commands: ReadonlyMap<string, number>;
  readonly box: readonly BoxReading[];
  readonly residentBytes: number;
  /** Null where nothing is recorded. */
  readonly recording: RecordingStats | null;
  /** Null where there is no model. */
  readonly model: ModelCounters | null;
  readonly proofs: Pick<ProofDesk, 'ages' | 'failures'>;
  readonly custody: Pick<CustodyDesk, 'counters' | 'openAlarms'>;
  /** Null where none are watched. */
  readonly neighbours: Pick<Neighbours, 'counters' | 'peers'> | null;
  readonly updates: Pick<UpdateDesk, 'isOnTrial' | 'isWaiting'>;
}

type Name = Sample['name'];

function sample(name: Name, value: number, ...labels: string[]): Sample {
  return { name, labels, value };
}

function each(name: Name, record: Readonly<Record<string, number | undefined>>): Sample[] {
  return Object.entries(record).map(([label, value]) => sample(name, value ?? 0, label));
}

export function samplesOf(sources: SampleSources): readonly Sample[] {
  return [
    ...ingestSamples(sources.ingest),
    ...panelSamples(sources),
    ...storeSamples(sources),
    ...sources.core.uplinks.flatMap((uplink, i) =>
      uplinkSamples(uplink.counters, sources.brokers[i] ?? ''),
    ),
    ...sparkplugSamples(sources.core),
    ...boxSamples('embereye_box_reading', sources.box),
    ...(sources.recording === null ? [] : recordingSamples(sources.recording)),
    ...(sources.model === null ? [] : modelSamples(sources.model, sources.core)),
    ...sources.proofs.ages.map(({ zone, seconds }) =>
      sample('embereye_proof_age_seconds', seconds, zone),
    ),
    ...each('embereye_proof_failures_total', Object.fromEntries(sources.proofs.failures)),
    ...custodySamples(sources.custody),
    ...(sources.neighbours === null ? [] : neighbourSamples(sources.neighbours)),
    sample('embereye_update_on_trial', sources.updates.isOnTrial ? 1 : 0),
    sample('embereye_update_waiting', sources.updates.isWaiting ? 1 : 0),
    sample('embereye_resident_memory_bytes', sources.residentBytes),
  ];
}

function neighbourSamples({ counters, peers }: Pick<Neighbours, 'counters' | 'peers'>): Sample[] {
  const { received, refused, sendErrors, carriedByOthers, carriedForOthers } = counters;
  return [
    ...peers.map(({ id, alive }) => sample('embereye_neighbour_alive', alive ? 1 : 0, id)),
    ...each('embereye_neighbour_words_total', { received, refused, sendErrors }),
    ...each('embereye_neighbour_alarms_total', { carriedByOthers, carriedForOthers }),
  ];
}

function custodySamples({ counters, openAlarms }: SampleSources['custody']): readonly Sample[] {
  const { escalations, repeats, confirmed, unknown, malformed } = counters;
  return [
    sample('embereye_custody_open_alarms', openAlarms),
    sample('embereye_custody_escalations_total', escalations),
    sample('embereye_custody_repeats_total', repeats),
    ...each('embereye_custody_confirmations_total', { confirmed, unknown, malformed }),
  ];
}

function modelSamples(model: ModelCounters, { modelDesk }: Core): readonly Sample[] {
  return [
    sample('embereye_model_inferences_total', model.answered),
    ...each('embereye_model_dropped_total', { ...model.dropped, replaced: modelDesk?.replaced }),
    sample('embereye_model_restarts_total', model.restarts),
    sample('embereye_model_resident_memory_bytes', model.residentBytes),
  ];
}

function recordingSamples(stats: RecordingStats): readonly Sample[] {
  return [
    sample('embereye_recording_memory_bytes', stats.memoryBytes),
    ...each('embereye_recording_disk_bytes', stats.diskBytes),
    ...each('embereye_recording_files', stats.files),
    sample('embereye_recording_incidents_total', stats.incidents),
    sample('embereye_recording_lost_total', stats.lost),
    sample('embereye_recording_failures_total', stats.failures),
  ];
}

function ingestSamples(ingest: IngestCounters): readonly Sample[] {
  const { line } = ingest;
  return [
    ...each('embereye_ingest_packets_total', line.packets),
    ...each('embereye_ingest_errors_total', line.errors),
    sample('embereye_ingest_bytes_total', line.bytes),
    sample('embereye_ingest_dropped_total', line.commandsDropped, 'commandNotTaken'),
    sample('embereye_ingest_dropped_total', ingest.bytesDroppedAtShutdown, 'bytesAtShutdown'),
    sample('embereye_ingest_connections', ingest.open),
    sample('embereye_ingest_connections_total', ingest.accepted, 'accepted'),
    ...each('embereye_ingest_connections_total', ingest.refused),
    sample('embereye_ingest_pauses_total', ingest.paused),
    sample('embereye_frames_total', line.framesDecoded, 'decoded'),
    ...each('embereye_frames_total', line.framesWithheld),
  ];
}

function panelSamples({ core, decided, events, commands }: SampleSources): readonly Sample[] {
  const view = core.runtime.view();
  const { steps, slips } = core.runtime.progress;
  const faults = view.faults.length + view.zones.reduce((n, zone) => n + zone.faults.length, 0);
  return [
    sample('embereye_decided_packets_total', decided.packets),
    sample('embereye_frames_decided_total', decided.frames),
    sample('embereye_steps_total', steps),
    sample('embereye_step_slips_total', slips),
    ...[...events].map(([key, value]) => sample('embereye_events_total', value, ...key.split('/'))),
    ...[...commands].map(([key, value]) => sample('embereye_commands_total', value, key)),
    ...CONDITIONS.map((condition) =>
      sample('embereye_condition', view.condition === condition ? 1 : 0, condition),
    ),
    ...view.zones.map((zone) =>
      sample('embereye_zone_alarm', zone.alarm === null ? 0 : 1, zone.id),
    ),
    sample('embereye_faults', faults),
    ...(Object.entries(view.outputs) as [OutputRole, boolean][]).map(([role, on]) =>
      sample('embereye_output_active', on ? 1 : 0, role),
    ),
  ];
}

function storeSamples({ store, ring }: SampleSources): readonly Sample[] {
  return [
    sample('embereye_ring_bytes', ring.bytes),
    sample('embereye_ring_lost_total', ring.lost),
    sample('embereye_store_backlog_events', store.events),
    sample('embereye_store_healthy', store.mode === 'durable' ? 1 : 0),
    ...upkeepSamples(store.upkeep),
    ...each('embereye_store_dropped_total', store.droppedEvents),
    sample('embereye_store_dropped_total', store.droppedTelemetry, 'telemetry'),
    sample('embereye_store_dropped_total', store.droppedOthers, 'other'),
  ];
}

function sparkplugSamples({ sparkplug }: Core): readonly Sample[] {
  return sparkplug === null ? [] : uplinkSamples(sparkplug.counters, sparkplug.name);
}

function uplinkSamples(counters: Core['uplinks'][number]['counters'], broker: string) {
  return [
    sample('embereye_uplink_connected', counters.connected ? 1 : 0, broker),
    sample('embereye_uplink_published_total', counters.published, broker),
    sample('embereye_uplink_acknowledged_total', counters.acknowledged, broker),
    sample('embereye_uplink_timeouts_total', counters.timedOut, broker),
    sample('embereye_uplink_rejected_total', counters.rejected, broker),
    sample('embereye_uplink_quarantined_total', counters.quarantined, broker),
    sample('embereye_uplink_set_aside_alarms', counters.aside.alarm, broker),
    sample('embereye_uplink_reconnects_total', counters.reconnects, broker),
    sample('embereye_uplink_state_corrections_total', counters.statusCorrections, broker, 'status'),
    sample('embereye_uplink_state_corrections_total', counters.stateCorrections, broker, 'state'),
    sample('embereye_uplink_address_index', counters.addressIndex ?? -1, broker),
    sample('embereye_uplink_address_switches_total', counters.addressSwitches, broker),
    ...Object.entries(counters.certificateDays).map(([kind, days]) =>
      sample('embereye_uplink_certificate_days_left', days, broker, kind),
    ),
    ...Object.entries(counters.backlog).map(([lane, value]) =>
      sample('embereye_uplink_backlog_events', value, broker, lane),
    ),
  ];
}
