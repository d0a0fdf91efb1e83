/**
 * One detector per thermal array: temperatures in; out come evidence of each area of the picture,
 * or a reason for its absence, and the regions that a model may judge.
 */
import type { Config } from './config-schema.ts';
import type { EvidenceBank } from './domain/evidence-bank.ts';
import { areaChannel, THERMAL_CHANNEL } from './domain/evidence.ts';
import { mountOrder } from './domain/frame.ts';
import type { Mount } from './domain/frame.ts';
import type { FrameSink } from './domain/line-protocol/thermal-intake.ts';
import type { SensorId } from './domain/units.ts';
import { sensorId } from './domain/units.ts';
import type { AreaSpec } from './vision/areas.ts';
import { layOutAreas } from './vision/areas.ts';
import type { PixelMemory } from './vision/pixel-memory.ts';
import { createThermalDetector, isRejected } from './vision/thermal.ts';
import type { AreaFinding } from './vision/thermal.ts';
import type { RegionTrack } from './vision/track.ts';

export interface ThermalSinksParts {
  readonly config: Config;
  readonly bank: EvidenceBank;
  /** Every picture, believed or not, as the array sent it. */
  readonly onFrame?: (sensor: SensorId, celsius: Float32Array) => void;
  /** The hottest region of an area, in each believed picture; `track` is valid during the call. */
  readonly onTrack?: (sensor: SensorId, channel: string, track: RegionTrack, atMs: number) => void;
  /** What is learnt of an array's scene; asked once for each array. */
  readonly memoryOf?: (sensor: SensorId, mount: Mount) => PixelMemory | null;
}

interface Picture {
  readonly mount: Mount;
  readonly areas: readonly AreaSpec[];
}

/** The areas of a board or sensor as the detector wants them. */
export function areasOf(
  regions: readonly Pick<
    Config['boards'][number]['regions'][number],
    'id' | 'rows' | 'columns' | 'ignore'
  >[],
): readonly AreaSpec[] {
  return regions.map(({ id, rows, columns, ignore }) => ({
    channel: areaChannel(id),
    rows,
    columns,
    ignore,
  }));
}

export class ThermalSinks {
  readonly #parts: ThermalSinksParts;
  readonly #pictures = new Map<string, Picture>();
  readonly #unknown: Picture;
  readonly #sinks = new Map<SensorId, FrameSink>();

  /** @throws RangeError when an area does not lie in its picture: the configuration's check. */
  constructor(parts: ThermalSinksParts) {
    this.#parts = parts;
    const { config, bank } = parts;
    this.#unknown = { mount: config.ingest.unknownBoards.mount, areas: [] };
    for (const { id, mount, regions } of [...config.boards, ...config.sensors]) {
      const areas = areasOf(regions);
      this.#pictures.set(id, { mount, areas });
      if (areas.length === 0) continue;
      const { columns, rows } = mountOrder(mount);
      const { channels } = layOutAreas(areas, columns, rows);
      // From the start: what makes a picture no data may come before the first picture.
      bank.declareAreas(
        sensorId(id),
        channels.filter((channel) => channel !== THERMAL_CHANNEL),
      );
    }
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
    const { bank, onFrame, memoryOf } = this.#parts;
    const { mount, areas } = this.#pictures.get(sensor) ?? this.#unknown;
    const memory = memoryOf?.(sensor, mount) ?? null;
    const detector = createThermalDetector({ mount, areas, memory });
    return {
      accept: (celsius, { calibrated }, atMs) => {
        onFrame?.(sensor, celsius);
        const outcome = detector.detect(celsius, { atMs, calibrated });
        if (isRejected(outcome)) {
          bank.noData(sensor, THERMAL_CHANNEL, outcome.noData, outcome.detail, atMs);
          return;
        }
        this.#tell(sensor, outcome, atMs);
      },
    };
  }

  #tell(sensor: SensorId, findings: readonly AreaFinding[], atMs: number): void {
    const { bank, onTrack } = this.#parts;
    for (const finding of findings) {
      if (isRejected(finding)) {
        bank.noDataOf(sensor, finding.channel, finding.noData, finding.detail, atMs);
        continue;
      }
      const { channel, evidence, track } = finding;
      bank.thermal(sensor, channel).add(evidence);
      if (track !== null) onTrack?.(sensor, channel, track, atMs);
    }
  }
}
