/** The label as a picture for printers that take no PDF; the only file that knows pngjs. */
import { PNG } from 'pngjs';
import { drawable, GLYPH_ADVANCE, GLYPH_COLUMNS, GLYPH_ROWS, hasInk } from './label-font.ts';
import type { LabelSize, LabelText, TextLine } from './label.ts';
import { layLabel } from './label.ts';

/** What label printers have. */
const DOTS_PER_INCH = 300;
const MM_PER_INCH = 25.4;
const DOTS_PER_MM = DOTS_PER_INCH / MM_PER_INCH;
/** Rows of a capital letter. */
const CAPITAL_ROWS = 7;
const WHITE = 255;

/** Black on white, 300 dots an inch, with the resolution noted in the file. */
export function labelPng(label: LabelText, size: LabelSize): Uint8Array {
  const layout = layLabel(label, size);
  const width = Math.round(layout.widthMm * DOTS_PER_MM);
  const height = Math.round(layout.heightMm * DOTS_PER_MM);
  const png = new PNG({ width, height, colorType: 0, inputColorType: 6 });
  png.data.fill(WHITE);
  const square = (left: number, top: number, dots: number): void => {
    for (let y = top; y < Math.min(top + dots, height); y++) {
      for (let x = left; x < Math.min(left + dots, width); x++) {
        png.data.fill(0, (y * width + x) * 4, (y * width + x) * 4 + 3);
      }
    }
  };
  const { qr } = layout;
  // Whole dots only: a code whose modules differ in size is hard to read.
  const dots = Math.floor(qr.moduleMm * DOTS_PER_MM);
  const spare = Math.floor((qr.moduleMm * DOTS_PER_MM - dots) * qr.size * 0.5);
  const left = Math.round(qr.xMm * DOTS_PER_MM) + spare;
  const top = Math.round(qr.yMm * DOTS_PER_MM) + spare;
  for (let row = 0; row < qr.size; row++) {
    for (let column = 0; column < qr.size; column++) {
      if (qr.isDark(row, column)) square(left + column * dots, top + row * dots, dots);
    }
  }
  for (const line of layout.lines) drawLine(line, square);
  return PNG.sync.write(png, { colorType: 0 });
}

function drawLine(line: TextLine, square: (x: number, y: number, dots: number) => void): void {
  const text = drawable(line.text);
  const wanted = (line.heightMm * DOTS_PER_MM) / CAPITAL_ROWS;
  const fitting = (line.maxWidthMm * DOTS_PER_MM) / (text.length * GLYPH_ADVANCE);
  const dots = Math.max(1, Math.floor(Math.min(wanted, fitting)));
  const most = Math.floor((line.maxWidthMm * DOTS_PER_MM) / (dots * GLYPH_ADVANCE));
  const [x, y] = [line.xMm, line.yMm].map((mm) => Math.round(mm * DOTS_PER_MM));
  for (const [i, letter] of Array.from(text.slice(0, most)).entries()) {
    for (let row = 0; row < GLYPH_ROWS; row++) {
      for (let column = 0; column < GLYPH_COLUMNS; column++) {
        if (!hasInk(letter, row, column)) continue;
        square((x ?? 0) + (i * GLYPH_ADVANCE + column) * dots, (y ?? 0) + row * dots, dots);
      }
    }
  }
}
