/**
 * The one table of metric names and help texts (docs/metrics.md is generated from it), and the only
 * file that knows prom-client. Counters stay where they are counted, as plain numbers; they are
 * read when somebody scrapes, so that counting costs the hot path nothing.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

interface Definition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
}

type Of<T extends Definition['type']> = Definition & { readonly type: T };
const counter = (help: string, ...labels: string[]): Of<'counter'> => ({
  type: 'counter',
  help,
  labels,
});
const gauge = (help: string, ...labels: string[]): Of<'gauge'> => ({ type: 'gauge', help, labels });
const histogram = (help: string): Of<'histogram'> => ({ type: 'histogram', help, labels: [] });

export const METRICS = {
  embereye_ingest_packets_total: counter('Packets understood', 'kind'),
  embereye_ingest_errors_total: counter('Packets that were not understood', 'error'),
  embereye_ingest_bytes_total: counter('Bytes received from boards'),
  embereye_ingest_dropped_total: counter('Things given up by a named policy', 'policy'),
  embereye_ingest_connections: gauge('Open connections of boards'),
  embereye_ingest_connections_total: counter('Connections accepted or refused', 'result'),
  embereye_ingest_pauses_total: counter('Times a sender was slowed down through TCP'),
  embereye_frames_total: counter('Thermal frames by outcome of their decoding', 'outcome'),
  embereye_decided_packets_total: counter('Sensor packets whose every value reached a step'),
  embereye_frames_decided_total: counter('Calibrated thermal frames that reached a step'),
  embereye_decision_seconds: histogram(
    'From arrival of the oldest evidence to the end of its step',
  ),
  embereye_step_seconds: histogram('Duration of a step, outputs included'),
  embereye_steps_total: counter('Steps taken'),
  embereye_step_slips_total: counter('Ticks that came more than 100 ms late'),
  embereye_events_total: counter('Journal events', 'lane', 'type'),
  embereye_condition: gauge('1 for the condition that is shown', 'condition'),
  embereye_zone_alarm: gauge('1 while an alarm is latched in the zone', 'zone'),
  embereye_faults: gauge('Standing faults'),
  embereye_output_active: gauge('Commanded level of an output', 'output'),
  embereye_ring_bytes: gauge('Bytes in the alarm ring not yet durable in the journal'),
  embereye_ring_lost_total: counter('Events that the ring could not keep'),
  embereye_store_commit_seconds: histogram('Durable commits of the writer thread'),
  embereye_store_receipt_seconds: histogram('From handing events over to their durable receipt'),
  embereye_store_backlog_events: gauge('Events waiting for a durable commit'),
  embereye_store_dropped_total: counter('Rows the store had to give up', 'kind'),
  embereye_store_healthy: gauge('1 while the journal is durable'),
  embereye_store_bytes: gauge('Bytes of the journal that are in use, without its log'),
  embereye_store_file_bytes: gauge('Size of the journal file; free pages are used again'),
  embereye_store_limit_bytes: gauge('What the journal may use now: its bound, or less'),
  embereye_store_wal_bytes: gauge('Size of the write-ahead log'),
  embereye_store_reserve_held: gauge('1 while the reserve for a full disk is whole'),
  embereye_store_undelivered_events: gauge('Events that some broker still has to get'),
  embereye_store_outage_hours_left: gauge(
    'Hours of outage that fit at the rate of the last hours, before something undelivered goes',
  ),
  embereye_store_pruned_total: counter('Rows given up or merged to keep the bounds', 'kind'),
  embereye_uplink_connected: gauge('1 while connected', 'broker'),
  embereye_uplink_backlog_events: gauge('Committed events not yet delivered', 'broker', 'lane'),
  embereye_uplink_published_total: counter('Messages handed to the broker', 'broker'),
  embereye_uplink_acknowledged_total: counter('Messages acknowledged by the broker', 'broker'),
  embereye_uplink_timeouts_total: counter('Messages not acknowledged in time', 'broker'),
  embereye_uplink_rejected_total: counter('Messages that the broker refused', 'broker'),
  embereye_uplink_quarantined_total: counter('Messages given up after refusals', 'broker'),
  embereye_uplink_set_aside_alarms: gauge('Alarms that the broker did not take, kept', 'broker'),
  embereye_uplink_reconnects_total: counter('Connections made', 'broker'),
  embereye_uplink_state_corrections_total: counter(
    'Times a retained message that the broker had lost or changed was published again',
    'broker',
    'topic',
  ),
  embereye_uplink_address_index: gauge('Address in use, 0: the first; -1: none', 'broker'),
  embereye_uplink_address_switches_total: counter('Times another address was taken', 'broker'),
  embereye_uplink_certificate_days_left: gauge(
    'Days until a certificate in use ends: client, authority, server',
    'broker',
    'certificate',
  ),
  embereye_uplink_publish_seconds: histogram('From hand-over to acknowledgement of the broker'),
  embereye_custody_open_alarms: gauge('Alarms that not everybody has had who should'),
  embereye_custody_escalations_total: counter('Alarms that no central server confirmed in time'),
  embereye_custody_repeats_total: counter('Alarms sent again because nobody had confirmed them'),
  embereye_custody_confirmations_total: counter('Ids that central servers confirmed', 'outcome'),
  embereye_custody_central_seconds: histogram(
    'From the decision of an alarm to the confirmation of a central server',
  ),
  embereye_neighbour_alive: gauge('1 while a neighbour is heard', 'neighbour'),
  embereye_neighbour_words_total: counter('Words of neighbours, by what became of them', 'outcome'),
  embereye_neighbour_alarms_total: counter('Alarms carried between neighbours', 'direction'),
  embereye_commands_total: counter('Operator commands by outcome', 'outcome'),
  embereye_box_reading: gauge('A reading of the machine itself; the unit is in its name', 'name'),
  embereye_recording_memory_bytes: gauge('Newest raw data, kept in memory for the black box'),
  embereye_recording_disk_bytes: gauge('Bytes of recordings on disk', 'recording'),
  embereye_recording_files: gauge('Recordings on disk', 'recording'),
  embereye_recording_incidents_total: counter('Recordings begun by an alarm or another event'),
  embereye_recording_lost_total: counter('Frames, rows and notes that the disk was too slow for'),
  embereye_recording_failures_total: counter('Times a recording could not be written'),
  embereye_proof_age_seconds: gauge(
    'Since the alarm path of a zone was last proven; 1e9: never',
    'zone',
  ),
  embereye_proof_failures_total: counter('Failed proofs of an alarm path', 'stage'),
  embereye_model_inferences_total: counter('Questions that the trained model answered in time'),
  embereye_model_dropped_total: counter('Questions without an answer that counts', 'reason'),
  embereye_model_inference_seconds: histogram('From question to answer of the trained model'),
  embereye_model_restarts_total: counter('Times the process of the model was started again'),
  embereye_model_resident_memory_bytes: gauge('Resident memory of the process of the model'),
  embereye_update_on_trial: gauge('1 while this release is on trial'),
  embereye_update_waiting: gauge('1 while an update from afar waits for its moment'),
  embereye_resident_memory_bytes: gauge('Resident memory of the main process'),
} as const satisfies Readonly<Record<string, Definition>>;

export type MetricName = keyof typeof METRICS;
type NameOf<T extends Definition['type']> = {
  [N in MetricName]: (typeof METRICS)[N]['type'] extends T ? N : never;
}[MetricName];

/** One value read at scrape time; `labels` in the order of the table. */
export interface Sample {
  readonly name: NameOf<'counter' | 'gauge'>;
  readonly labels: readonly string[];
  readonly value: number;
}

export interface Metrics {
  observe(name: NameOf<'histogram'>, seconds: number): void;
  /** The text that Prometheus scrapes. */
  text(): Promise<string>;
  readonly contentType: string;
}

const SECONDS_BUCKETS = [
  0.00025, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
];

/** @param read gives the present value of every counter and gauge; called once per scrape. */
export function createMetrics(read: () => Iterable<Sample>): Metrics {
  const registry = new Registry();
  const scraped = new Map<string, Counter | Gauge>();
  const histograms = new Map<string, Histogram>();
  for (const [name, definition] of Object.entries(METRICS) as [MetricName, Definition][]) {
    const options = {
      name,
      help: definition.help,
      labelNames: [...definition.labels],
      registers: [registry],
    };
    if (definition.type === 'histogram') {
      histograms.set(name, new Histogram({ ...options, buckets: SECONDS_BUCKETS }));
    } else {
      scraped.set(name, definition.type === 'counter' ? new Counter(options) : new Gauge(options));
    }
  }
  const refresh = (): void => {
    for (const metric of scraped.values()) metric.reset();
    for (const sample of read()) {
      const { labels } = METRICS[sample.name] as Definition;
      const named = Object.fromEntries(labels.map((label, i) => [label, sample.labels[i] ?? '']));
      scraped.get(sample.name)?.inc(named, sample.value);
    }
  };
  return {
    observe: (name, seconds) => histograms.get(name)?.observe(seconds),
    text: () => {
      refresh();
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}
