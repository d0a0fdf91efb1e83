/**
 * The highest that each thermal channel has shown in times declared harmless: arithmetic for
 * somebody who looks for limits, and no advice. The next day may be warmer.
 */
import type { Config } from '../config-schema.ts';
import type { EvidenceWindow, ThermalEvidence } from '../domain/evidence.ts';
import { panelPlanOf } from '../plan.ts';

/** What was seen of one area of one array. */
interface Seen {
  frames: number;
  /** Highest robust temperature. */
  maxCelsius: number;
  /** Highest rise of a region that was at least so hot as the limit in force. */
  maxRise: number;
}

export interface Suggestion {
  readonly zone: string;
  readonly sensor: string;
  readonly channel: string;
  /** Pictures, or the newest of each step, that were looked at. */
  readonly frames: number;
  readonly maxCelsius: number;
  readonly limitCelsius: number;
  /** Lowest limit, to a tenth, that nothing of this reached. */
  readonly lowestLimitCelsius: number;
  /** The limit of the configuration less the highest seen; negative: it was passed. */
  readonly marginCelsius: number;
  readonly riseCelsiusPerMinute: number;
  /** Highest rise of what was at or above the limit; null: nothing was, so no rise counts. */
  readonly maxRise: number | null;
  /** Lowest limit of the rise that no such region reached; null as above. */
  readonly lowestRise: number | null;
}

interface Place {
  readonly zone: string;
  readonly sensor: string;
  readonly channel: string;
  readonly limitCelsius: number;
  readonly riseCelsiusPerMinute: number;
}

export class Highest {
  readonly #places: readonly Place[];
  readonly #seen = new Map<string, Seen>();
  readonly #byChannel = new Map<string, Place>();

  /** @param config whose limits the margins are counted from */
  constructor(config: Config) {
    this.#places = panelPlanOf(config).zones.flatMap(({ id, sources }) =>
      sources
        .filter(({ role }) => role === 'thermal')
        .map(({ sensor, channel, limits: { thermal } }) => ({
          ...{ zone: id, sensor, channel, limitCelsius: thermal.limitCelsius },
          riseCelsiusPerMinute: thermal.riseCelsiusPerMinute,
        })),
    );
    for (const place of this.#places) this.#byChannel.set(keyOf(place), place);
  }

  /** @param isHarmless whether a zone's time was declared harmless */
  add(windows: readonly EvidenceWindow[], isHarmless: (zone: string) => boolean): void {
    for (const window of windows) {
      if (window.kind !== 'thermal') continue;
      const place = this.#byChannel.get(keyOf(window));
      if (place === undefined || !isHarmless(place.zone)) continue;
      this.#note(place, window.worst);
    }
  }

  suggestions(): readonly Suggestion[] {
    return this.#places.flatMap((place): Suggestion[] => {
      const seen = this.#seen.get(keyOf(place));
      if (seen === undefined) return [];
      const { frames, maxCelsius } = seen;
      const maxRise = Number.isFinite(seen.maxRise) ? seen.maxRise : null;
      return [
        {
          ...place,
          ...{ frames, maxCelsius, maxRise },
          lowestLimitCelsius: tenthAbove(maxCelsius),
          marginCelsius: place.limitCelsius - maxCelsius,
          lowestRise: maxRise === null ? null : tenthAbove(maxRise),
        },
      ];
    });
  }

  #note(place: Place, { maxCelsius, regions }: ThermalEvidence): void {
    const key = keyOf(place);
    const seen = this.#seen.get(key) ?? { frames: 0, maxCelsius: -Infinity, maxRise: -Infinity };
    this.#seen.set(key, seen);
    seen.frames += 1;
    seen.maxCelsius = Math.max(seen.maxCelsius, maxCelsius);
    for (const { peakCelsius, signs } of regions) {
      if (peakCelsius < place.limitCelsius) continue;
      seen.maxRise = Math.max(seen.maxRise, signs.riseCelsiusPerMinute ?? -Infinity);
    }
  }
}

function keyOf({ sensor, channel }: { readonly sensor: string; readonly channel: string }): string {
  return `${sensor}/${channel}`;
}

/** The next tenth above a value: what a limit must be so that the value does not reach it. */
function tenthAbove(value: number): number {
  return (Math.floor(value * 10) + 1) / 10;
}
