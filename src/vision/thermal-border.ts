/**
 * A source at the picture's border: most of its light may fall outside, and hardly any onto the one
 * neighbour inwards, which can support it no more than if it were a glitch.
 *
 * Typed arrays are read with `as number`: every index is checked against the picture first.
 */
import { FRAME_PIXELS } from '../domain/frame.ts';
import { isPlausible, radiance } from './thermal-light.ts';
import {
  APPEARED_CELSIUS,
  APPEARED_FRAMES,
  APPEARED_SUPPORT,
  STRONG_SUPPORT,
  WEAK_SUPPORT,
} from './thermal-limits.ts';

export interface BorderScene {
  readonly picture: Float32Array;
  /** The last believed picture, NaN where there is none. */
  readonly previous: Float32Array;
  readonly columns: number;
  /** From where on the pixel is hot. */
  readonly levelCelsius: number;
}

/** Whether a border pixel is such a source, or stands beside a hotter one and in its light. */
export function isCutOff(scene: BorderScene, at: number, background: number): boolean {
  if (isCutOffSource(scene, at, background)) return true;
  const { picture, columns } = scene;
  const inLightOf = (near: number): boolean =>
    (picture[near] as number) > (picture[at] as number) && isCutOffSource(scene, near, background);
  const column = at % columns;
  if (at < columns || at >= FRAME_PIXELS - columns) {
    return (column > 0 && inLightOf(at - 1)) || (column < columns - 1 && inLightOf(at + 1));
  }
  if (column !== 0 && column !== columns - 1) return false;
  return inLightOf(at - columns) || inLightOf(at + columns);
}

/**
 * Whether both neighbours along the border show a pixel's light, fade outwards and, where it has
 * only just become hot, have warmed with it. No single pixel and no flat line does that. False away
 * from the border and in the corners, which have but one neighbour along each.
 * @param background radiance of the scene.
 */
function isCutOffSource(scene: BorderScene, at: number, background: number): boolean {
  const { picture, previous, columns, levelCelsius } = scene;
  const lastRow = FRAME_PIXELS / columns - 1;
  const row = (at / columns) | 0;
  const column = at - row * columns;
  const isAcross = row === 0 || row === lastRow;
  if (isAcross === (column === 0 || column === columns - 1)) return false;
  const step = isAcross ? 1 : columns;
  const before = isAcross ? column : row;
  const after = (isAcross ? columns - 1 : lastRow) - before;
  const celsius = picture[at] as number;
  const was = previous[at] as number;
  const needed = WEAK_SUPPORT * (radiance(celsius) - background);
  const appeared = was < levelCelsius && celsius - was >= APPEARED_CELSIUS;
  const warming = appeared ? APPEARED_SUPPORT * (radiance(celsius) - radiance(was)) : -Infinity;
  const shows = (side: number, room: number): boolean => {
    const near = picture[at + side] as number;
    if (!isPlausible(near)) return false;
    const far = room >= 2 ? (picture[at + 2 * side] as number) : Number.NaN;
    const behind = isPlausible(far) ? Math.max(background, radiance(far)) : background;
    const then = previous[at + side] as number;
    const warmed = radiance(near) - (isPlausible(then) ? radiance(then) : background);
    return radiance(near) - behind >= needed && warmed >= warming;
  };
  return shows(-step, before) && shows(step, after);
}

/**
 * A source of one pixel whose centre lies outside, between two pixels of the border: only these two
 * show it, as two damaged words would. Damage goes within a few frames, a source stays.
 */
export class BorderWatch {
  readonly #columns: number;
  /** Number of the frame in which a border pixel was last seen so, and for how many in a row. */
  readonly #seenInFrame = new Uint32Array(FRAME_PIXELS);
  readonly #inARow = new Uint8Array(FRAME_PIXELS);
  #frame = 1;
  #begun = false;

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** A frame with something hot, accepted or not. */
  begin(): void {
    this.#frame += 1;
    this.#begun = true;
  }

  /** A frame was accepted; a quiet one never began. */
  accept(): void {
    if (!this.#begun) this.#frame += 1;
    this.#begun = false;
  }

  /**
   * Whether a hot pixel of the border and one beside it along the border have shown a source
   * together for longer than damage does.
   * @param background radiance of the scene.
   */
  isLasting(picture: Float32Array, at: number, background: number): boolean {
    const columns = this.#columns;
    const column = at % columns;
    const isAcross = at < columns || at >= FRAME_PIXELS - columns;
    const isAlong = column === 0 || column === columns - 1;
    const needed = STRONG_SUPPORT * (radiance(picture[at] as number) - background);
    const shows = (near: number): boolean => {
      const celsius = picture[near] as number;
      return isPlausible(celsius) && radiance(celsius) - background >= needed;
    };
    const paired =
      (isAcross && ((column > 0 && shows(at - 1)) || (column < columns - 1 && shows(at + 1)))) ||
      (isAlong &&
        ((at >= columns && shows(at - columns)) ||
          (at < FRAME_PIXELS - columns && shows(at + columns))));
    if (!paired) return false;
    const seen = this.#seenInFrame[at] as number;
    if (seen !== this.#frame) {
      const before = seen === this.#frame - 1 ? (this.#inARow[at] as number) : 0;
      this.#inARow[at] = Math.min(before + 1, APPEARED_FRAMES + 1);
      this.#seenInFrame[at] = this.#frame;
    }
    return (this.#inARow[at] as number) > APPEARED_FRAMES;
  }
}
