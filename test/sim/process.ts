/**
 * One run of the appliance's process: the parts of `appliance.ts`, recovered and put together in
 * its order, over a simulated disk, network and GPIO. It can die at any point, even between two
 * writes of one step.
 */
import { rmSync } from 'node:fs';
import { Annunciator } from '../../src/alarm/annunciator.ts';
import { disabledOutputsOf, outputsOf } from '../../src/alarm/panel.ts';
import type { PanelPlan } from '../../src/alarm/plan.ts';
import { type Memory, openMemory } from '../../src/appliance-parts.ts';
import { boardProfilesOf, traitsOf } from '../../src/board-profiles.ts';
import type { Config } from '../../src/config-schema.ts';
import { retentionOf } from '../../src/config-store.ts';
import { Core, type CoreHooks, type Ring } from '../../src/core.ts';
import type { EvidenceBank } from '../../src/domain/evidence-bank.ts';
import type { ClockQuality, JournalEvent } from '../../src/domain/event.ts';
import { AddressMap } from '../../src/domain/line-protocol/address-map.ts';
import { BoardRegistry } from '../../src/domain/line-protocol/board-registry.ts';
import { CalibrationCache } from '../../src/domain/line-protocol/calibrations.ts';
import { createLineCounters } from '../../src/domain/line-protocol/line-counters.ts';
import type { FaultNotice } from '../../src/domain/step.ts';
import type { Cancel, CommitReceipt } from '../../src/domain/ports.ts';
import { deviceId } from '../../src/domain/units.ts';
import type { OutputLevels } from '../../src/domain/view.ts';
import type { SimulatedGpio } from '../../src/hal/simulated-gpio.ts';
import { followInputs } from '../../src/inputs.ts';
import type { ModelClassifier } from '../../src/model-classifier.ts';
import { openLines } from '../../src/outputs.ts';
import { PixelKeeper } from '../../src/pixel-keeper.ts';
import { panelPlanOf } from '../../src/plan.ts';
import {
  type Moment,
  type Recovered,
  restoreFromMemory,
  restoreFully,
} from '../../src/recovery.ts';
import type { SeededRandom } from '../../src/simulator/random.ts';
import { type OpenStore, openStore } from '../../src/store/journal-client.ts';
import { EventStamper, newBootId } from '../../src/store/stamp.ts';
import type { StoreTrouble } from '../../src/store/troubles.ts';
import { isoFromWallMs } from '../../src/store/wall-time.ts';
import type { SimulatedBroker } from '../../src/uplink/simulated-link.ts';
import type { SimulatedDisk } from './disk.ts';
import { Dock } from './dock.ts';
import type { KillPoint } from './kill-points.ts';
import { killableBackend } from './killable-gpio.ts';
import type { SiteModel } from './model.ts';
import { type CountedLink, countedLink } from './process-link.ts';
import { journalWith, type Seams } from './seams.ts';
import { BROKER } from './site.ts';
import { tearSnapshot } from './torn-snapshot.ts';
import { ProcessClock, ProcessKilled, type SimClock } from './sim-clock.ts';

export interface ProcessDeps {
  readonly boot: number;
  readonly config: Config;
  readonly clock: SimClock;
  readonly random: SeededRandom;
  readonly gpio: SimulatedGpio;
  readonly broker: SimulatedBroker;
  readonly disk: SimulatedDisk;
  readonly model: SiteModel;
  readonly seams: Seams;
  readonly hooks: CoreHooks;
  readonly clockQuality: () => ClockQuality;
  /** The ring has taken these. */
  readonly remembered: (events: readonly JournalEvent[]) => void;
  readonly receipt: (receipt: CommitReceipt) => void;
  /** Lines are driven from memory; the disk has not been asked yet. */
  readonly linesRestored: (levels: OutputLevels) => void;
  readonly panelRestored: (recovered: Recovered, core: Core) => void;
  readonly died: (why: ProcessKilled) => void;
}

interface Heard {
  readonly bank: EvidenceBank;
  readonly calibrations: CalibrationCache;
  readonly random: SeededRandom;
}

/** For the last events and the goodbye to the broker. */
const FAREWELL_MS = 3_000;

export class SimProcess {
  readonly clock: ProcessClock;
  readonly clientId: string;
  readonly #deps: ProcessDeps;
  readonly #memory: Memory;
  readonly #pendingFaults: FaultNotice[] = [];
  #core: Core | null = null;
  #store: OpenStore | null = null;
  #dock: Dock | null = null;
  #link: CountedLink | null = null;
  #keeper: PixelKeeper | null = null;
  #classifier: ModelClassifier | null = null;
  #deaf: Cancel = () => undefined;
  #isStopping = false;
  #armed: KillPoint | null = null;
  #crashWriter: () => void = () => undefined;

  constructor(deps: ProcessDeps) {
    this.#deps = deps;
    this.clock = new ProcessClock(deps.clock);
    this.clientId = `appliance-${deps.boot}`;
    const { config, seams } = deps;
    const path = `${config.state.runDirectory}/ring`;
    if (!seams.findsRing) rmSync(path, { force: true });
    const basics = { config, clock: this.clock, log: () => undefined };
    this.#memory = openMemory(basics, (trouble) => this.#trouble(trouble));
    void this.#start().catch((error: unknown) => {
      if (!(error instanceof ProcessKilled)) throw error;
      deps.died(error);
    });
  }

  get core(): Core | null {
    return this.clock.alive ? this.#core : null;
  }
  get store(): OpenStore | null {
    return this.#store;
  }
  /** Null until boards can dial in. */
  get dock(): Dock | null {
    return this.clock.alive ? this.#dock : null;
  }
  /** What the arrays have learnt; null before the start. */
  get keeper(): PixelKeeper | null {
    return this.clock.alive ? this.#keeper : null;
  }
  mostInFlight(): number {
    return this.#link?.mostInFlight() ?? 0;
  }
  get ringBytes(): number {
    return this.#memory.ring.bytes;
  }

  /** Dies at the next passage of that point. */
  arm(point: KillPoint): void {
    this.#armed = point;
  }

  /** kill -9, or with `cut` the loss of power: then memory files are gone too. */
  kill(cut: boolean): void {
    const { random } = this.#deps;
    this.clock.die();
    this.#dock?.vanish();
    this.#deps.gpio.close();
    this.#crashWriter();
    this.#memory.ring.close();
    this.#memory.writer.close();
    const { directory, runDirectory } = this.#deps.config.state;
    if (!this.#isStopping) tearSnapshot(`${directory}/panel.snapshot`, random.fork('torn'));
    if (cut) rmSync(runDirectory, { recursive: true, force: true });
  }

  /** Ends as `appliance.ts` does, in its order; `kill` takes the rest away afterwards. */
  async stop(reason: string): Promise<void> {
    this.#isStopping = true;
    this.#deaf();
    this.#dock?.vanish();
    this.#dock = null;
    await this.#classifier?.close();
    this.#keeper?.stop();
    const stopped = this.#core?.stop(reason, FAREWELL_MS);
    this.#core?.annunciator.rest();
    await stopped;
    await this.#store?.journal.close();
  }

  async #start(): Promise<void> {
    const { config, seams, disk, random } = this.#deps;
    const outputs = this.#driveRestored();
    const writer = disk.writer(this.clock);
    this.#crashWriter = () => writer.crash('killed');
    const store = await openStore({
      directory: config.state.directory,
      startWriter: seams.writer(writer.start, this.clock),
      clock: this.clock,
      log: () => undefined,
      onTrouble: (trouble) => this.#trouble(trouble),
      floor: this.#memory.ring.recovered.heads,
      held: this.#memory.ring.recovered.events,
      brokers: [BROKER],
      limits: { retention: { ...retentionOf(config.state), minFreeBytes: 0, reserveBytes: 4096 } },
    });
    this.#store = store;
    const recovered = await restoreFully(
      this.#plan,
      seams.snapshot(this.#memory.snapshot),
      this.#memory.ring.recovered.events,
      store.journal,
      store.recovered.stored,
      () => this.#moment(),
    );
    const bank = seams.bank();
    const calibrations = await CalibrationCache.load(store.keyed);
    const keeper = await this.#openKeeper(store, calibrations);
    if (!this.clock.alive) return;
    this.#keeper = keeper;
    const core = this.#makeCore(store, recovered, bank, outputs);
    this.#core = core;
    this.#deps.panelRestored(recovered, core);
    for (const notice of this.#pendingFaults) core.fault(notice);
    const { restoredAlarms, recoveredEvents } = recovered;
    const data = { version: 'sim', configHash: 'sim', restoredAlarms };
    const started = { ...data, recoveredEvents: recoveredEvents.length };
    core.start(recovered.recoveredEvents, [{ lane: 'system', type: 'started', data: started }]);
    this.#deaf = followInputs(outputs.inputs, {
      clock: this.clock,
      signal: (signal) => core.runtime.signal(signal),
      fault: (notice) => this.#fault(notice),
    });
    await this.#openDock(store, core, { bank, calibrations, random: random.fork('sessions') });
    seams.started({ runtime: core.runtime, clock: this.clock, bank });
    void store.checkIntegrity();
  }

  get #plan(): PanelPlan {
    return this.#deps.seams.plan(panelPlanOf(this.#deps.config));
  }

  #clockQuality(): ClockQuality {
    return this.#deps.clockQuality();
  }

  #moment(): Moment {
    const isTrusted = this.#clockQuality() === 'synchronised';
    return { nowMs: this.clock.monotonicMs(), wallMs: isTrusted ? this.clock.wallMs() : null };
  }

  async #openKeeper(store: OpenStore, calibrations: CalibrationCache): Promise<PixelKeeper> {
    return PixelKeeper.load({
      store: store.keyed,
      clock: this.clock,
      log: () => undefined,
      notify: (notice) => this.#core?.runtime.notify(notice),
      arrayAt: (sensor) => calibrations.arrayAt(sensor)?.arrayId ?? null,
    });
  }

  #driveRestored(): ReturnType<typeof openLines> {
    const { config, gpio, random, seams } = this.#deps;
    const nowMs = this.clock.monotonicMs();
    const snapshot = seams.snapshot(this.#memory.snapshot);
    const { events } = this.#memory.ring.recovered;
    const { panel } = restoreFromMemory(this.#plan, snapshot, events, this.#moment());
    const levels = outputsOf(panel, nowMs);
    const backend = killableBackend(
      gpio,
      seams.line(this.clock, () => this.#core?.runtime.panel ?? null),
      () => this.#passing('betweenOutputs'),
    );
    const tools = { clock: this.clock, random: random.fork('lines') };
    const disabled = disabledOutputsOf(panel);
    const lines = openLines(config, backend, levels, tools, disabled);
    new Annunciator(lines.outputs).drive(levels, nowMs, disabled);
    this.#deps.linesRestored(levels);
    return lines;
  }

  #makeCore(
    store: OpenStore,
    { panel }: Recovered,
    bank: EvidenceBank,
    { outputs }: ReturnType<typeof openLines>,
  ): Core {
    const { config, clock: world, random, broker, seams, hooks, disk } = this.#deps;
    const { clock } = this;
    const classifier = this.#deps.model.open(clock, random.fork('model'), (notice) =>
      this.#fault(notice),
    );
    this.#classifier = classifier;
    const bootId = newBootId(random);
    const clockQuality = (): ClockQuality => this.#clockQuality();
    const { lastSeq, lastId } = store.recovered;
    const identity = {
      deviceId: deviceId(config.device.id),
      bootId,
      clock,
      random,
      clockQuality,
    };
    const stamper = new EventStamper({
      ...identity,
      lastSeq: seams.lastSeq(lastSeq),
      lastId,
    });
    const link = countedLink(broker, { clock, random: random.fork('link') }, this.clientId);
    this.#link = link;
    const journal = seams.journal(store.journal);
    return new Core({
      ...{ config, bank, panel, bootId, outputs, hooks, clockQuality, classifier },
      clock: seams.coreClock(clock),
      memoryOf: (sensor, mount) => {
        const memory = this.#keeper?.memoryOf(sensor, mount) ?? null;
        return memory && seams.memory(memory);
      },
      approveBackground: (sensor) => {
        this.#keeper?.approve(sensor);
      },
      log: () => undefined,
      version: 'sim',
      configHash: 'sim',
      stamper: seams.stamper(stamper),
      ring: this.#observedRing(),
      journal: journalWith(journal, {
        append: (events) => {
          this.#passing('beforeJournal');
          journal.append(events);
          this.#passing('afterJournal');
        },
      }),
      links: [{ broker: BROKER, link: seams.link(link.link, clock) }],
      saveSnapshot: (value, tell) =>
        disk.saveSnapshot(this.clock, this.#memory.writer, value, tell),
      wallTime: () => isoFromWallMs(world.wallMs()),
    });
  }

  #observedRing(): Ring {
    const ring = this.#deps.seams.ring(this.#memory.ring);
    return {
      append: (events) => {
        this.#passing('beforeRing');
        const kept = ring.append(events);
        if (kept) this.#deps.remembered(events);
        this.#passing('afterRing');
        return kept;
      },
      committed: (receipt) => {
        if (receipt.events > 0) this.#passing('beforeReceipt');
        this.#deps.receipt(receipt);
        ring.committed(receipt);
        if (receipt.events > 0) this.#passing('afterReceipt');
      },
    };
  }

  async #openDock(
    store: OpenStore,
    core: Core,
    { bank, calibrations, random }: Heard,
  ): Promise<void> {
    const { config, seams } = this.#deps;
    const addresses = await AddressMap.load(store.keyed);
    if (!this.clock.alive) return;
    const onNotice = (notice: Parameters<typeof core.runtime.notify>[0]): void =>
      core.runtime.notify(notice);
    const registry = new BoardRegistry({
      profiles: boardProfilesOf(config),
      unknownTraits: traitsOf(config.ingest.unknownBoards),
      bank,
      locationOfAddress: (address) => addresses.get(address),
      onNotice,
    });
    const counters = createLineCounters();
    this.#dock = new Dock({
      clock: this.clock,
      shared: {
        ...{ registry, random, bank, calibrations, counters, onNotice },
        frameSinkOf: (sensor) => core.frameSinkOf(sensor),
      },
      batchDone: () => core.runtime.step(),
      onBytes: seams.bytes,
    });
  }

  #passing(point: KillPoint): void {
    if (this.#armed !== point || this.#core === null) return;
    this.#armed = null;
    throw new ProcessKilled(point);
  }

  #trouble({ kind, detail, raised }: StoreTrouble): void {
    // A machine without a file system in memory can run simulations all the same.
    if (kind === 'ringOnDisk') return;
    this.#fault({ fault: kind, subject: 'store', detail, raised });
  }

  #fault(notice: FaultNotice): void {
    if (this.#core === null) this.#pendingFaults.push(notice);
    else this.#core.fault(notice);
  }
}
