/**
 * Detectors and the model's desk of one configuration: what sensors sent becomes evidence, exactly
 * as in the appliance. Where both configurations see an array alike, one pair of eyes serves both.
 */
import type { Config } from '../config-schema.ts';
import type { EvidenceWindow, NoDataReason } from '../domain/evidence.ts';
import { EvidenceBank } from '../domain/evidence-bank.ts';
import type { Mount } from '../domain/frame.ts';
import type { Opinion } from '../domain/opinion.ts';
import type { SensorId } from '../domain/units.ts';
import { ModelDesk } from '../model-desk.ts';
import type { DecodeSettings } from '../store/black-box/redecode.ts';
import { ThermalSinks } from '../thermal-sinks.ts';
import type { Classifier } from '../vision/classifier.ts';
import { featuresOf } from '../vision/features.ts';
import { PixelMemory } from '../vision/pixel-memory.ts';

/** An opinion of the record is about the region that was hottest; so long after it was seen. */
const OPINION_FITS_MS = 5_000;

export interface EyesOptions {
  readonly config: Config;
  /** Asked about hot regions, and waited for; null: opinions of the record, where there are any. */
  readonly classifier: Classifier | null;
}

export class Eyes {
  readonly #options: EyesOptions;
  readonly #memories = new Map<SensorId, PixelMemory>();
  readonly #tracks = new Map<string, { track: number; atMs: number }>();
  #bank = new EvidenceBank();
  #sinks: ThermalSinks;
  #desk: ModelDesk | null;

  constructor(options: EyesOptions) {
    this.#options = options;
    this.#sinks = this.#newSinks();
    this.#desk = this.#newDesk();
  }

  /**
   * Behind a gap: regions are new.
   * @param forget also what pixels have learnt of their scene; else it stays
   */
  restart(forget: boolean): void {
    if (forget) this.#memories.clear();
    this.#bank = new EvidenceBank();
    this.#tracks.clear();
    this.#sinks = this.#newSinks();
    this.#desk = this.#newDesk();
  }

  /** @param atMs virtual time */
  picture(sensor: SensorId, celsius: Float32Array, calibrated: boolean, atMs: number): void {
    this.#sinks.of(sensor).accept(celsius, { calibrated, facts: null }, atMs);
  }

  noData(
    sensor: SensorId,
    channel: string,
    reason: NoDataReason,
    detail: string,
    atMs: number,
  ): void {
    this.#bank.noData(sensor, channel, reason, detail, atMs);
  }

  /** A recorded opinion, for the region that is hottest here; dropped where none is. */
  opinion(sensor: SensorId, channel: string, opinion: Opinion, atMs: number): void {
    if (this.#desk !== null || !this.#options.config.model.enabled) return;
    const seen = this.#tracks.get(`${sensor}/${channel}`);
    if (seen === undefined || atMs - seen.atMs > OPINION_FITS_MS) return;
    this.#bank.opinion(sensor, channel, seen.track, opinion, atMs);
  }

  /** A person said that the scene is right as it is. */
  approve(sensor: SensorId, atMs: number): void {
    this.#memories.get(sensor)?.approve(atMs);
  }

  /** What has been seen since the last call. */
  drain(): readonly EvidenceWindow[] {
    return this.#bank.drain();
  }

  /** Resolves when the model has answered what it was asked. */
  async settled(): Promise<void> {
    await this.#desk?.settled();
  }

  get unanswered(): number {
    return this.#desk?.unanswered ?? 0;
  }

  #newSinks(): ThermalSinks {
    return new ThermalSinks({
      config: this.#options.config,
      bank: this.#bank,
      memoryOf: (sensor, mount) => this.#memoryOf(sensor, mount),
      onTrack: (sensor, channel, track, atMs) => {
        this.#tracks.set(`${sensor}/${channel}`, { track: track.id, atMs });
        this.#desk?.onTrack(sensor, channel, track, atMs);
      },
    });
  }

  #newDesk(): ModelDesk | null {
    const { classifier, config } = this.#options;
    if (classifier === null || !config.model.enabled) return null;
    const parts = { bank: this.#bank, features: featuresOf, requestStep: () => undefined };
    return new ModelDesk({ ...parts, classifier });
  }

  #memoryOf(sensor: SensorId, mount: Mount): PixelMemory {
    const known = this.#memories.get(sensor);
    if (known !== undefined) return known;
    const memory = new PixelMemory({ array: '', mount });
    this.#memories.set(sensor, memory);
    return memory;
  }
}

/** How a configuration looks at an array: decoding, mounting, areas. */
export interface Look {
  /** Instead of what was recorded. */
  readonly decode: DecodeSettings;
  /** Alike for two configurations that make the same evidence of the same words. */
  readonly key: string;
}

export function lookOf(config: Config, sensor: string): Look {
  const board = config.boards.find(({ id }) => id === sensor);
  const wired = config.sensors.find(({ id }) => id === sensor);
  const decode =
    board === undefined
      ? wired === undefined
        ? {}
        : settingsOf(wired.options)
      : board.decoding.kind === 'mlx90640'
        ? settingsOf(board.decoding)
        : {};
  const { mount, regions } = board ?? wired ?? { ...config.ingest.unknownBoards, regions: [] };
  const areas = regions.map(({ id, rows, columns, ignore }) => [id, rows, columns, ignore]);
  const key = JSON.stringify([decode, mount, areas, config.model.enabled]);
  return { decode, key };
}

function settingsOf(options: Readonly<Record<string, unknown>>): DecodeSettings {
  const { emissivity, reflectedCelsius } = options;
  return {
    ...(typeof emissivity === 'number' ? { emissivity } : {}),
    ...(typeof reflectedCelsius === 'number' || reflectedCelsius === null
      ? { reflectedCelsius }
      : {}),
  };
}
