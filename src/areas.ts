/** How the named areas of a picture divide it, and which channels its zones listen to. Pure. */
import type { Config } from './config-schema.ts';
import { areaChannel, THERMAL_CHANNEL } from './domain/evidence.ts';
import type { Mount } from './domain/frame.ts';
import { mountOrder } from './domain/frame.ts';

type Region = Config['boards'][number]['regions'][number];

/** What has a picture, and areas in it: a board or a wired sensor. */
export interface Pictured {
  readonly mount: Mount;
  readonly regions: readonly Region[];
}

export interface Division {
  readonly rows: number;
  readonly columns: number;
  /** Pixels of each area, in their order; what an earlier one holds is not counted again. */
  readonly pixels: readonly number[];
  /** Pixels of no area: the channel `thermal`. */
  readonly rest: number;
}

/** A pixel belongs to the first area that holds it; rows and columns outside hold nothing. */
export function divide({ mount, regions }: Pictured): Division {
  const { rows, columns } = mountOrder(mount);
  const taken = new Uint8Array(rows * columns);
  const pixels = regions.map((region) => {
    let mine = 0;
    for (let row = region.rows[0]; row <= Math.min(region.rows[1], rows - 1); row++) {
      for (let at = region.columns[0]; at <= Math.min(region.columns[1], columns - 1); at++) {
        if (taken[row * columns + at] !== 0) continue;
        taken[row * columns + at] = 1;
        mine += 1;
      }
    }
    return mine;
  });
  return { rows, columns, pixels, rest: pixels.reduce((left, mine) => left - mine, taken.length) };
}

/** An area that can alarm: no mask, and not hidden by the areas before it. */
export function watchable(pictured: Pictured): readonly Region[] {
  if (pictured.regions.length === 0) return [];
  const { pixels } = divide(pictured);
  return pictured.regions.filter((region, i) => !region.ignore && (pixels[i] ?? 0) > 0);
}

/**
 * The channels that a zone gets with `{channel: thermal}` of a sensor: the picture without its
 * areas, as far as there is one, and every area that no zone lists by its own name.
 */
export function channelsWithPicture(pictured: Pictured, listed: ReadonlySet<string>): string[] {
  const unlisted = watchable(pictured)
    .map(({ id }) => areaChannel(id))
    .filter((channel) => !listed.has(channel));
  const hasRest = pictured.regions.length === 0 || divide(pictured).rest > 0;
  return hasRest ? [THERMAL_CHANNEL, ...unlisted] : unlisted;
}

/** Thermal channels of a sensor that zones list. */
export function listedChannels({ zones }: Config, id: string): ReadonlySet<string> {
  const mine = zones.flatMap((zone) => zone.sensors).filter(({ sensor }) => sensor === id);
  return new Set(mine.filter(({ role }) => role === 'thermal').map(({ channel }) => channel));
}
