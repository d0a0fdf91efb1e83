/** One detector per thermal array: temperatures in, evidence or a reason for its absence out. */
import type { Config } from './config-schema.ts';
import type { EvidenceBank } from './domain/evidence-bank.ts';
import { THERMAL_CHANNEL } from './domain/evidence.ts';
import type { Mount } from './domain/frame.ts';
import type { FrameSink } from './domain/line-protocol/thermal-intake.ts';
import type { SensorId } from './domain/units.ts';
import { createThermalDetector, isRejected } from './vision/thermal.ts';

export class ThermalSinks {
  readonly #bank: EvidenceBank;
  readonly #onFrame: (sensor: SensorId, celsius: Float32Array) => void;
  readonly #mounts: ReadonlyMap<string, Mount>;
  readonly #unknownMount: Mount;
  readonly #sinks = new Map<SensorId, FrameSink>();

  constructor(
    config: Config,
    bank: EvidenceBank,
    onFrame: (sensor: SensorId, celsius: Float32Array) => void,
  ) {
    this.#bank = bank;
    this.#onFrame = onFrame;
    const sensors = [...config.boards, ...config.sensors];
    this.#mounts = new Map(sensors.map(({ id, mount }) => [id, mount]));
    this.#unknownMount = config.ingest.unknownBoards.mount;
  }

  /** The same sink for every connection of a sensor: its detector remembers the scene. */
  of(sensor: SensorId): FrameSink {
    const known = this.#sinks.get(sensor);
    if (known !== undefined) return known;
    const sink = this.#make(sensor);
    this.#sinks.set(sensor, sink);
    return sink;
  }

  #make(sensor: SensorId): FrameSink {
    const mount = this.#mounts.get(sensor) ?? this.#unknownMount;
    const detector = createThermalDetector({ mount, mask: null });
    const evidence = this.#bank.thermal(sensor);
    return {
      accept: (celsius, { calibrated }, atMs) => {
        this.#onFrame(sensor, celsius);
        const outcome = detector.detect(celsius, { atMs, calibrated });
        if (isRejected(outcome)) {
          this.#bank.noData(sensor, THERMAL_CHANNEL, outcome.noData, outcome.detail, atMs);
        } else evidence.add(outcome);
      },
    };
  }
}
