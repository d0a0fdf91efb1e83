/**
 * The real decoding, detection, step and recorder on a clock that moves when it is told to, with
 * simulated arrays in front of them.
 */
import { panelPlanOf } from '../../src/plan.ts';
import { createPanel } from '../../src/alarm/panel.ts';
import type { Config } from '../../src/config-schema.ts';
import type { DomainEvent, JournalEvent, Lane } from '../../src/domain/event.ts';
import { EVENT_SCHEMA } from '../../src/domain/event.ts';
import { EvidenceBank } from '../../src/domain/evidence-bank.ts';
import { Board } from '../../src/domain/line-protocol/board.ts';
import { DEFAULT_TRAITS } from '../../src/domain/line-protocol/board-profile.ts';
import type { BoardTraits } from '../../src/domain/line-protocol/board-profile.ts';
import { CalibrationCache } from '../../src/domain/line-protocol/calibrations.ts';
import { createLineCounters } from '../../src/domain/line-protocol/line-counters.ts';
import { ThermalIntake } from '../../src/domain/line-protocol/thermal-intake.ts';
import type { FrameSink, ThermalDeps } from '../../src/domain/line-protocol/thermal-intake.ts';
import { ArrayIntake } from '../../src/domain/mlx90640/array-intake.ts';
import type { FaultNotice } from '../../src/domain/step.ts';
import type { SensorId } from '../../src/domain/units.ts';
import { deviceId } from '../../src/domain/units.ts';
import type { BoxDisk } from '../../src/store/black-box/disk.ts';
import { nodeDisk } from '../../src/store/black-box/disk.ts';
import { hexOf } from '../../src/store/black-box/record-writer.ts';
import { Recorder } from '../../src/recorder.ts';
import { Runtime } from '../../src/runtime.ts';
import { SimulatedArray } from '../../src/simulator/array.ts';
import { ThermalSinks } from '../../src/thermal-sinks.ts';
import { ManualClock } from '../hal/manual-clock.ts';
import { memoryStore } from '../line-protocol/world.ts';
import { closeAfter, configOf } from './support.ts';

/** A clock whose wall may be set. */
export class SiteClock extends ManualClock {
  #wallOffsetMs = 0;

  override wallMs(): number {
    return super.wallMs() + this.#wallOffsetMs;
  }

  stepWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }
}

const ROOM = { ambientCelsius: 28, supplyVolts: 3.3 };

/** A room of 22 C with a square of 4 x 4 pixels of another temperature. */
export function roomWith(celsius: number): Float32Array {
  const picture = new Float32Array(768).fill(22);
  for (let row = 10; row < 14; row++) picture.fill(celsius, row * 32 + 10, row * 32 + 14);
  return picture;
}

/** A board with its array, wired to the real intake. */
export class SiteBoard {
  readonly array: SimulatedArray;
  /** Of what it sent, as the appliance computed it. */
  readonly pictures: { readonly atMs: number; readonly celsius: Float32Array }[] = [];
  readonly #intake: ThermalIntake;
  readonly #clock: ManualClock;

  constructor(site: Site, sensor: SensorId, seed: number, traits: Partial<BoardTraits> = {}) {
    const board = new Board(
      { sensor, announced: sensor, configured: true },
      { ...DEFAULT_TRAITS, ...traits },
      site.bank,
    );
    this.#clock = site.clock;
    this.array = new SimulatedArray({ seed });
    const detection = site.sinks.of(sensor);
    const sink: FrameSink = {
      accept: (celsius, context, atMs) => {
        this.pictures.push({ atMs, celsius: celsius.slice() });
        detection.accept(celsius, context, atMs);
      },
    };
    this.#intake = new ThermalIntake(board, site.depsWith(sink), site.clock.monotonicMs());
  }

  sendEeprom(): void {
    const bytes = Buffer.from(hexOf(this.array.eeprom), 'latin1');
    this.#intake.eeprom(bytes, 0, bytes.length, this.#clock.monotonicMs());
  }

  /** @param control for word 832, where the vendor's driver puts the control register */
  sendFrame(scene: Float32Array, control?: number): Uint16Array {
    const words = this.array.dump(scene, ROOM);
    if (control !== undefined) words[832] = control;
    const bytes = Buffer.from(hexOf(words), 'latin1');
    this.#intake.frame(bytes, 0, bytes.length, this.#clock.monotonicMs());
    return words;
  }
}

export class Site {
  readonly clock = new SiteClock();
  readonly bank = new EvidenceBank();
  readonly config: Config;
  readonly recorder: Recorder;
  readonly sinks: ThermalSinks;
  readonly runtime: Runtime;
  readonly faults: FaultNotice[] = [];
  readonly events: JournalEvent[] = [];
  readonly #calibrations: CalibrationCache;
  readonly #seq: Partial<Record<Lane, number>> = {};

  private constructor(config: Config, calibrations: CalibrationCache, disk: BoxDisk) {
    this.config = config;
    this.#calibrations = calibrations;
    const { clock, bank } = this;
    this.sinks = new ThermalSinks({ config, bank });
    this.recorder = new Recorder({
      ...{ config, clock, disk, version: 'test', bootId: 'boot', configHash: 'hash' },
      fault: (notice) => this.faults.push(notice),
    });
    this.runtime = new Runtime({
      ...{ clock, bank, remember: () => undefined, drive: () => [], journal: () => undefined },
      panel: createPanel(panelPlanOf(config), clock.monotonicMs()),
      stamp: (events) => events.map((event) => this.#stamped(event)),
      observe: (report) => {
        this.events.push(...report.events);
        this.recorder.observe(report);
      },
    });
    this.runtime.start();
    closeAfter(async () => {
      this.runtime.stop();
      await this.recorder.close();
    });
  }

  /** Zones `hall` and `shed`, each with an array of its name. */
  static async start(
    folder: string,
    recording: Readonly<Record<string, unknown>>,
    disk: BoxDisk = nodeDisk,
  ): Promise<Site> {
    const zone = (id: string) => ({
      id,
      sensors: [
        { sensor: `${id}-array`, channel: 'thermal', role: 'thermal' },
        { sensor: `${id}-array`, channel: 'ADC1', role: 'smoke' },
      ],
    });
    const board = (id: string) => ({ id: `${id}-array`, cadenceSeconds: 1 });
    const config = configOf(folder, {
      boards: [board('hall'), board('shed')],
      zones: [zone('hall'), zone('shed')],
      recording,
    });
    return new Site(config, await CalibrationCache.load(memoryStore()), disk);
  }

  get isBusy(): () => boolean {
    return () => this.recorder.busy;
  }

  depsWith(sink: FrameSink): ThermalDeps {
    return {
      ...{ bank: this.bank, calibrations: this.#calibrations, counters: createLineCounters() },
      onNotice: () => undefined,
      frameSinkOf: () => sink,
      openRawTap: this.recorder.openRawTap,
    };
  }

  /** An array that is read here, as on a bus. */
  wired(sensor: SensorId, sink: FrameSink): ArrayIntake {
    return new ArrayIntake(sensor, this.depsWith(sink), {
      emissivity: 0.9,
      reflectedCelsius: null,
    });
  }

  has(type: JournalEvent['type'], zone: string): boolean {
    return this.events.some(
      ({ type: one, data }) => one === type && 'zone' in data && data.zone === zone,
    );
  }

  #stamped(event: DomainEvent): JournalEvent {
    const seq = (this.#seq[event.lane] ?? 0) + 1;
    this.#seq[event.lane] = seq;
    return {
      ...event,
      ...{ schema: EVENT_SCHEMA, id: `${event.lane}-${seq}`, deviceId: deviceId('unit'), seq },
      ...{ bootId: 'boot', monotonicMs: this.clock.monotonicMs(), wall: '' },
      clockQuality: 'synchronised',
    };
  }
}
