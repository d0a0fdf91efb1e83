/**
 * A source at the picture's border: most of its light may fall outside, and hardly any onto the one
 * neighbour inwards, which can support it no more than if it were a glitch.
 *
 * Typed arrays are read with `as number`: every index is checked against the picture first.
 */
import { FRAME_PIXELS } from '../domain/frame.ts';
import { isPlausible, radiance } from './thermal-light.ts';
import { APPEARED_CELSIUS, APPEARED_SUPPORT, WEAK_SUPPORT } from './thermal-limits.ts';

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
