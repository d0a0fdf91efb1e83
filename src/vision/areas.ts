/**
 * Named areas of a mounted picture. Every pixel belongs to exactly one of them: the first that
 * holds it, else the rest, which reports as the array itself.
 */
import { THERMAL_CHANNEL } from '../domain/evidence.ts';
import { FRAME_PIXELS } from '../domain/frame.ts';

/** First and last, both included, from 0. */
export type Range = readonly [first: number, last: number];

/** A rectangle of the mounted picture. */
export interface AreaSpec {
  /** Channel on which it reports; areas of one channel are one area. */
  readonly channel: string;
  readonly rows: Range;
  readonly columns: Range;
  /** A mask: its pixels are never part of a region, a maximum or a median's doubt. */
  readonly ignore: boolean;
}

/** Area number of pixels that are ignored. */
export const IGNORED = 255;
/** More areas than numbers for them make no sense on 768 pixels. */
export const MAX_AREAS = 64;

export interface AreaMap {
  /** Channels that report, by area number; the rest is among them unless it has no pixel. */
  readonly channels: readonly string[];
  /** Area number of each pixel, or `IGNORED`; null when the whole picture is one area. */
  readonly areaOf: Uint8Array | null;
  /** Pixels of each area, by area number; at least 1. */
  readonly pixels: readonly number[];
}

/** Why an area cannot be laid over a picture of that size, or null where it can. */
export function areaProblem(
  { rows, columns }: Pick<AreaSpec, 'rows' | 'columns'>,
  pictureColumns: number,
  pictureRows: number,
): string | null {
  return (
    rangeProblem('rows', rows, pictureRows) ?? rangeProblem('columns', columns, pictureColumns)
  );
}

function rangeProblem(what: string, [first, last]: Range, size: number): string | null {
  if (Number.isInteger(first) && Number.isInteger(last) && first >= 0 && first <= last) {
    if (last < size) return null;
  }
  const wanted = `whole numbers within 0..${size - 1}, the first not above the last`;
  return `${what} ${first}..${last}: give ${wanted}`;
}

/**
 * Deals the pixels out. An area that is hidden behind earlier ones, or a rest without pixels, has
 * nothing to report and is left out of `channels`.
 * @throws RangeError when an area does not lie in the picture, or there are too many.
 */
export function layOutAreas(specs: readonly AreaSpec[], columns: number, rows: number): AreaMap {
  if (specs.length === 0) {
    return { channels: [THERMAL_CHANNEL], areaOf: null, pixels: [FRAME_PIXELS] };
  }
  if (specs.length > MAX_AREAS) {
    throw new RangeError(`${specs.length} areas: at most ${MAX_AREAS} are possible`);
  }
  const owner = new Uint8Array(FRAME_PIXELS);
  specs.forEach((spec, i) => {
    const problem = areaProblem(spec, columns, rows);
    if (problem !== null) throw new RangeError(`area ${spec.channel}: ${problem}`);
    claim(owner, spec, i + 1, columns);
  });
  const channels: string[] = [];
  const pixels: number[] = [];
  const areaOf = owner.map((number) => {
    const spec = specs[number - 1];
    if (spec?.ignore === true) return IGNORED;
    const channel = spec?.channel ?? THERMAL_CHANNEL;
    const known = channels.indexOf(channel);
    const area = known >= 0 ? known : channels.push(channel) - 1;
    pixels[area] = (pixels[area] ?? 0) + 1;
    return area;
  });
  return { channels, areaOf, pixels };
}

function claim(owner: Uint8Array, spec: AreaSpec, number: number, columns: number): void {
  for (let row = spec.rows[0]; row <= spec.rows[1]; row++) {
    for (let column = spec.columns[0]; column <= spec.columns[1]; column++) {
      const at = row * columns + column;
      if (owner[at] === 0) owner[at] = number;
    }
  }
}
