/**
 * Everything between the adapters, the same in the appliance and in the simulation: detectors,
 * runtime, telemetry, snapshots and uplinks, wired to ports that the caller brings.
 */
import { Annunciator } from './alarm/annunciator.ts';
import type { OutputBinding } from './alarm/annunciator.ts';
import type { disabledOutputsOf, Panel } from './alarm/panel.ts';
import { toSnapshot } from './alarm/panel.ts';
import type { CommandParts } from './command-parts.ts';
import type { Config } from './config-schema.ts';
import { type DiscoveryParts, sparkplugNode } from './discovery-parts.ts';
import type { ClockQuality, DomainEvent, JournalEvent, Lane } from './domain/event.ts';
import type { EvidenceBank } from './domain/evidence-bank.ts';
import type { Mount } from './domain/frame.ts';
import type { FrameSink } from './domain/line-protocol/thermal-intake.ts';
import type { ChainHeads, Clock, CommitReceipt, Journal, Log } from './domain/ports.ts';
import type { FaultNotice } from './domain/step.ts';
import type { SensorId } from './domain/units.ts';
import type { OutputLevels } from './domain/view.ts';
import { siteHours } from './hours.ts';
import { ModelDesk } from './model-desk.ts';
import { RingRelease } from './ring-release.ts';
import { Runtime } from './runtime.ts';
import type { StepReport } from './runtime.ts';
import { telemetryPace, TelemetryThinner } from './telemetry.ts';
import { ThermalSinks } from './thermal-sinks.ts';
import type { StateSnapshot } from './uplink/payload.ts';
import type { SparkplugNode } from './uplink/sparkplug/node.ts';
import type { Subscriber, Uplink } from './uplink/uplink.ts';
import { makeUplinks } from './uplinks.ts';
import type { BrokerLink, UplinkSide } from './uplinks.ts';
import type { Classifier } from './vision/classifier.ts';
import type { PixelMemory } from './vision/pixel-memory.ts';
import { featuresOf } from './vision/features.ts';

/** What the core needs of the alarm ring. */
export interface Ring {
  append(events: readonly JournalEvent[]): boolean;
  committed(receipt: CommitReceipt): void;
}

/** What the core needs of the stamper. */
export interface Stamper {
  stamp(events: readonly DomainEvent[]): readonly JournalEvent[];
  readonly lastSeq: Readonly<Record<Lane, number>>;
}

/** Taken note of by metrics, demo and tests; must not throw. */
export interface CoreHooks {
  onFrame?(sensor: SensorId, celsius: Float32Array): void;
  onStep?(report: StepReport): void;
  onCommit?(receipt: CommitReceipt): void;
  /** A broker has acknowledged one item of a lane. */
  onPublished?(latencyMs: number, broker: string, lane: string, seq: number): void;
}

export interface CoreParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly config: Config;
  readonly bootId: string;
  readonly version: string;
  readonly configHash: string;
  readonly bank: EvidenceBank;
  readonly panel: Panel;
  readonly stamper: Stamper;
  readonly ring: Ring;
  readonly journal: Journal;
  readonly outputs: readonly OutputBinding[];
  readonly links: readonly BrokerLink[];
  /** What commands by a broker may do besides the panel; left out: nothing. */
  readonly commands?: CommandParts;
  /** What others are told besides the contract; left out: nothing. */
  readonly discovery?: DiscoveryParts;
  /** Who listens at every broker. */
  readonly subscribers?: readonly Subscriber[];
  /** Where the journal's hash chains ended when it was opened. */
  readonly chainHeads?: ChainHeads;
  /** Tells once this state or a newer one is on disk, or that it could not be saved. */
  readonly saveSnapshot: (value: unknown, tell: (saved: boolean) => void) => void;
  readonly wallTime: () => string;
  readonly clockQuality: () => ClockQuality;
  /** Tells whoever keeps the outputs that the step works; its trouble comes as notices. */
  readonly pulse?: { beat(nowMs: number): readonly FaultNotice[] } | null;
  /** The trained model; null, or left out: the rules decide alone. */
  readonly classifier?: Classifier | null;
  /** What an array has learnt of its scene; null, or left out: nothing is learnt. */
  readonly memoryOf?: (sensor: SensorId, mount: Mount) => PixelMemory | null;
  /** An installer has approved what an array sees now. */
  readonly approveBackground?: (sensor: SensorId) => void;
  readonly hooks?: CoreHooks;
}

/** The appliance itself, as a sensor of telemetry and a subject of faults. */
export const BOX = 'box';
/** Learnt idles and the like are saved this often even when nothing happens. */
const SNAPSHOT_PERIOD_MS = 60_000;
/**
 * What a step decided is saved once the journal has it: the two would wait for one another on the
 * disk, and the event would reach the broker later (`npm run bench mqtt`). Ring and journal make up
 * for a snapshot that lacks the newest events. A journal that takes longer does not hold it up.
 */
const SNAPSHOT_WITHIN_MS = 1000;

export class Core {
  readonly runtime: Runtime;
  readonly annunciator: Annunciator;
  /** Asks the model; null where there is none. */
  readonly modelDesk: ModelDesk | null;
  readonly uplinks: readonly Uplink[];
  /** Null where it is off. */
  readonly sparkplug: SparkplugNode | null;
  /** Names of the brokers that events go to. */
  readonly brokers: readonly string[];
  readonly #outlets: readonly Pick<Uplink, 'start' | 'committed' | 'stateChanged' | 'stop'>[];
  readonly #parts: CoreParts;
  readonly #sinks: ThermalSinks;
  readonly #telemetry: TelemetryThinner;
  readonly #ringRelease: RingRelease;
  #savedAtMs: number;
  /** Since when the panel holds what no snapshot has; null while one has it all. */
  #unsavedSinceMs: number | null = null;
  #lastWriteMs: number;
  /** Number of the last system event that is durable, and who waits for one. */
  #durableSystemSeq = 0;
  #chainHeads: ChainHeads;
  #onDurable: () => void = () => undefined;

  constructor(parts: CoreParts) {
    this.#parts = parts;
    const { clock, config, bank, hooks } = parts;
    const nowMs = clock.monotonicMs();
    this.#savedAtMs = nowMs;
    this.#lastWriteMs = nowMs;
    this.#chainHeads = parts.chainHeads ?? {};
    this.#telemetry = new TelemetryThinner(
      telemetryPace(config.state),
      nowMs,
      digitalChannels(config),
    );
    this.#sinks = new ThermalSinks({
      config,
      bank,
      onFrame: (sensor, celsius) => hooks?.onFrame?.(sensor, celsius),
      onTrack: (...seen) => this.modelDesk?.onTrack(...seen),
      memoryOf: (sensor, mount) => parts.memoryOf?.(sensor, mount) ?? null,
    });
    this.#ringRelease = new RingRelease((receipt) => parts.ring.committed(receipt));
    this.annunciator = new Annunciator(parts.outputs);
    const { classifier = null } = parts;
    const requestStep = (): void => this.runtime.step();
    this.modelDesk =
      classifier && new ModelDesk({ bank, classifier, features: featuresOf, requestStep });
    this.runtime = new Runtime({
      clock,
      bank,
      panel: parts.panel,
      hours: siteHours(config, clock, parts.clockQuality),
      stamp: (events) => parts.stamper.stamp(events),
      remember: (events) => {
        parts.ring.append(events);
      },
      drive: (levels, atMs, disabled) => this.#drive(levels, atMs, disabled),
      journal: (events) => parts.journal.append(events),
      observe: (report) => this.#observe(report),
    });
    const side: UplinkSide = {
      state: () => this.state(),
      submit: (request) => this.runtime.submit(request),
      refused: (attempt) => this.runtime.refused(attempt),
      fault: (notice) => this.fault(notice),
      record: (event) => this.runtime.record(event),
    };
    this.uplinks = makeUplinks(parts, side);
    this.sparkplug = sparkplugNode(parts, side);
    this.#outlets = [...this.uplinks, ...(this.sparkplug === null ? [] : [this.sparkplug])];
    this.brokers = parts.links.map(({ broker }) => broker);
    parts.journal.onCommit((receipt) => {
      this.#chainHeads = { ...this.#chainHeads, ...receipt.heads };
      this.#ringRelease.committed(receipt);
      for (const outlet of this.#outlets) outlet.committed(receipt);
      if (this.#unsavedSinceMs !== null) this.#save(this.runtime.panel);
      this.#durableSystemSeq = receipt.committed.system ?? this.#durableSystemSeq;
      this.#onDurable();
      hooks?.onCommit?.(receipt);
    });
  }

  /** Where the temperatures of a sensor go. */
  frameSinkOf(sensor: SensorId): FrameSink {
    return this.#sinks.of(sensor);
  }

  /** Drives outputs at once, then ticks; uplinks connect behind it. */
  start(recovered: readonly JournalEvent[], events: readonly DomainEvent[]): void {
    const { journal } = this.#parts;
    if (recovered.length > 0) journal.append(recovered);
    for (const event of events) this.runtime.record(event);
    this.runtime.start();
    for (const outlet of this.#outlets) outlet.start();
  }

  /** Ends the ticking with a last step that records why, and the uplinks with a farewell. */
  async stop(reason: string, deadlineMs: number): Promise<void> {
    this.runtime.record({ lane: 'system', type: 'stopped', data: { reason } });
    this.runtime.step();
    this.runtime.stop();
    this.#save(this.runtime.panel);
    // Only what is durable is published, and this last event should still be.
    if (this.uplinks.length > 0) await this.#lastEventDurable(deadlineMs / 3);
    await Promise.all(this.#outlets.map((outlet) => outlet.stop(reason, (deadlineMs * 2) / 3)));
  }

  /** Resolves when the newest system event is durable, or after the deadline. */
  #lastEventDurable(deadlineMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#parts.clock.after(deadlineMs, resolve);
      this.#onDurable = () => {
        if (this.#durableSystemSeq < this.#parts.stamper.lastSeq.system) return;
        cancel();
        resolve();
      };
      this.#onDurable();
    });
  }

  /** For the verdict of `/health`: that lines are really being written. */
  get outputProgress(): { readonly lines: number; readonly lastWriteMs: number } {
    // Lines that never opened are faults: a restart would not open them.
    const lines = this.annunciator.writes === 0 ? 0 : this.#parts.outputs.length;
    return { lines, lastWriteMs: this.#lastWriteMs };
  }

  /** Readings of the appliance itself, for telemetry. */
  reading(channel: string, value: number, unit: string): void {
    this.#telemetry.addReading(BOX, channel, value, unit);
  }

  /** All that the retained `state` topic says. */
  state(): StateSnapshot {
    return {
      ...this.runtime.view(),
      clockQuality: this.#parts.clockQuality(),
      journal: this.#chainHeads,
    };
  }

  /** A fault of an adapter, judged in the next step. */
  fault(notice: FaultNotice): void {
    this.runtime.fault(notice);
  }

  #drive(
    levels: OutputLevels,
    atMs: number,
    disabled: ReturnType<typeof disabledOutputsOf>,
  ): readonly FaultNotice[] {
    const { writes } = this.annunciator;
    const notices = this.annunciator.drive(levels, atMs, disabled);
    if (this.annunciator.writes > writes) this.#lastWriteMs = atMs;
    const kept = this.#parts.pulse?.beat(atMs) ?? [];
    return kept.length === 0 ? notices : [...notices, ...kept];
  }

  #observe(report: StepReport): void {
    const { journal, wallTime, hooks } = this.#parts;
    const { inputs, events, panel, nowMs } = report;
    if (inputs.windows.length > 0) this.#telemetry.add(inputs.windows);
    const rows = this.#telemetry.due(nowMs, wallTime);
    if (rows.length > 0) journal.appendTelemetry(rows);
    if (events.length > 0) this.#unsavedSinceMs ??= nowMs;
    const unsavedForMs = nowMs - (this.#unsavedSinceMs ?? nowMs);
    const isDue = nowMs - this.#savedAtMs >= SNAPSHOT_PERIOD_MS;
    if (isDue || unsavedForMs >= SNAPSHOT_WITHIN_MS) this.#save(panel);
    for (const { type, data } of events) {
      if (type === 'backgroundApproved') this.#parts.approveBackground?.(data.sensor);
    }
    if (events.length > 0) for (const outlet of this.#outlets) outlet.stateChanged();
    hooks?.onStep?.(report);
  }

  #save(panel: Panel): void {
    const nowMs = this.#parts.clock.monotonicMs();
    this.#savedAtMs = nowMs;
    this.#unsavedSinceMs = null;
    const covered = { ...this.#parts.stamper.lastSeq };
    const trusted = this.#parts.clockQuality() === 'synchronised';
    const wallMs = trusted ? this.#parts.clock.wallMs() : null;
    this.#parts.saveSnapshot(toSnapshot(panel, nowMs, covered, wallMs), (saved) => {
      if (saved) this.#ringRelease.covered(covered);
      else this.#ringRelease.snapshotFailed();
    });
  }
}

function digitalChannels({ zones }: Config): ReadonlySet<string> {
  const sources = zones.flatMap((zone) => zone.sensors);
  const digital = sources.filter(({ role }) => role === 'flameDigital');
  return new Set(digital.map(({ sensor, channel }) => `${sensor}/${channel}`));
}
