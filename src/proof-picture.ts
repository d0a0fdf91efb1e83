/** Detectors for proofs: made as the live one's are, with a copy of what that has learnt. */
import type { Config } from './config-schema.ts';
import type { EvidenceBank } from './domain/evidence-bank.ts';
import type { Mount } from './domain/frame.ts';
import type { SensorId } from './domain/units.ts';
import type { ShadowPicture } from './proof/trial.ts';
import { areasOf, ThermalSinks } from './thermal-sinks.ts';
import { PixelMemory } from './vision/pixel-memory.ts';

/** What is learnt of an array's scene; null where nothing is. Only copied, never fed. */
export type LiveMemory = (sensor: SensorId, mount: Mount) => PixelMemory | null;

export class ShadowPictures {
  readonly #config: Config;
  readonly #memoryOf: LiveMemory | null;

  constructor(config: Config, memoryOf: LiveMemory | null) {
    this.#config = config;
    this.#memoryOf = memoryOf;
  }

  of(sensor: SensorId): ShadowPicture {
    const { boards, sensors, ingest } = this.#config;
    const own = [...boards, ...sensors].find(({ id }) => id === sensor);
    return {
      mount: own?.mount ?? ingest.unknownBoards.mount,
      areas: areasOf(own?.regions ?? []),
      sinkInto: (bank) => this.#sink(sensor, bank),
    };
  }

  #sink(sensor: SensorId, bank: EvidenceBank) {
    const { boards, sensors } = this.#config;
    const config: Config = {
      ...this.#config,
      boards: boards.filter(({ id }) => id === sensor),
      sensors: sensors.filter(({ id }) => id === sensor),
    };
    const memoryOf: LiveMemory = (id, mount) => copyOf(this.#memoryOf?.(id, mount) ?? null, mount);
    return new ThermalSinks({ config, bank, memoryOf }).of(sensor);
  }
}

/** A memory of its own: what a proof shows it is forgotten with it. */
function copyOf(live: PixelMemory | null, mount: Mount): PixelMemory | null {
  if (live === null) return null;
  const identity = { array: live.array, mount };
  if (!live.isLearnt) return new PixelMemory(identity);
  const copy = PixelMemory.fromMemory(live.toMemory(), identity);
  return copy.ok ? copy.memory : null;
}
