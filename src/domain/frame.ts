/** One thermal image as the rest of the system sees it. */
export const FRAME_COLUMNS = 32;
export const FRAME_ROWS = 24;
export const FRAME_PIXELS = FRAME_COLUMNS * FRAME_ROWS;

/** How the array is mounted: rotation clockwise in degrees, then mirrored left to right. */
export interface Mount {
  readonly rotate: 0 | 90 | 180 | 270;
  readonly mirror: boolean;
}

/** `celsius[row * columns + column]`, true degrees; NaN where a pixel has no value. */
export interface Frame {
  readonly columns: number;
  readonly rows: number;
  readonly celsius: Float32Array;
}

/**
 * Where each pixel of the mounted picture comes from: `mounted[i] = raw[order[i]]`, or null when
 * the mounting changes nothing. Rotations by 90 and 270 degrees give 24 columns x 32 rows.
 */
export function mountOrder(mount: Mount): {
  readonly columns: number;
  readonly rows: number;
  readonly order: Uint16Array | null;
} {
  const turned = mount.rotate === 90 || mount.rotate === 270;
  const columns = turned ? FRAME_ROWS : FRAME_COLUMNS;
  const rows = turned ? FRAME_COLUMNS : FRAME_ROWS;
  if (mount.rotate === 0 && !mount.mirror) return { columns, rows, order: null };
  const order = new Uint16Array(FRAME_PIXELS);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const from = mount.mirror ? columns - 1 - column : column;
      order[row * columns + column] = rawIndex(mount.rotate, row, from);
    }
  }
  return { columns, rows, order };
}

function rawIndex(rotate: Mount['rotate'], row: number, column: number): number {
  const lastRow = FRAME_ROWS - 1;
  const lastColumn = FRAME_COLUMNS - 1;
  if (rotate === 90) return (lastRow - column) * FRAME_COLUMNS + row;
  if (rotate === 180) return (lastRow - row) * FRAME_COLUMNS + (lastColumn - column);
  if (rotate === 270) return column * FRAME_COLUMNS + (lastColumn - row);
  return row * FRAME_COLUMNS + column;
}
