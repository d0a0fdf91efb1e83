/** Labels as a PDF with one page each, at their real size; the only file that knows pdfkit. */
import PDFDocument from 'pdfkit';
import type { LabelSize, LabelText, TextLine } from './label.ts';
import { layLabel } from './label.ts';

const POINTS_PER_MM = 72 / 25.4;
/** Of Helvetica, as parts of its size (its own metrics file). */
const CAPITAL_HEIGHT = 0.718;
const ASCENDER = 0.718;

/** @param nowMs date of the document, milliseconds since 1970. */
export function labelPdf(
  labels: readonly LabelText[],
  size: LabelSize,
  nowMs: number,
): Promise<Uint8Array> {
  const page: [number, number] = [size.widthMm * POINTS_PER_MM, size.heightMm * POINTS_PER_MM];
  const made = new Date(nowMs);
  const pdf = new PDFDocument({
    size: page,
    margin: 0,
    autoFirstPage: false,
    info: { Title: 'EmberEye labels', CreationDate: made, ModDate: made },
  });
  const chunks: Buffer[] = [];
  const done = new Promise<Uint8Array>((resolve, reject) => {
    pdf.on('data', (chunk: Buffer) => chunks.push(chunk));
    pdf.on('end', () => resolve(Buffer.concat(chunks)));
    pdf.on('error', reject);
  });
  for (const label of labels) drawPage(pdf, label, size);
  pdf.end();
  return done;
}

function drawPage(pdf: PDFKit.PDFDocument, label: LabelText, size: LabelSize): void {
  const { qr, lines } = layLabel(label, size);
  pdf.addPage().scale(POINTS_PER_MM).fillColor('black');
  for (let row = 0; row < qr.size; row++) {
    for (let column = 0; column < qr.size; column++) {
      if (!qr.isDark(row, column)) continue;
      pdf.rect(qr.xMm + column * qr.moduleMm, qr.yMm + row * qr.moduleMm, qr.moduleMm, qr.moduleMm);
    }
  }
  pdf.fill();
  for (const line of lines) drawLine(pdf, line);
}

function drawLine(pdf: PDFKit.PDFDocument, line: TextLine): void {
  const text = printable(line.text);
  pdf.font(line.strong ? 'Helvetica-Bold' : 'Helvetica');
  const wanted = line.heightMm / CAPITAL_HEIGHT;
  const widthAtOne = pdf.fontSize(1).widthOfString(text);
  const fontSize = Math.min(wanted, line.maxWidthMm / widthAtOne);
  // The line's upper edge is that of its capitals; pdfkit counts from the font's ascender.
  const yMm = line.yMm + (CAPITAL_HEIGHT - ASCENDER) * fontSize;
  pdf.fontSize(fontSize).text(text, line.xMm, yMm, { lineBreak: false });
}

/** The built-in fonts know Latin 1 only. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e\xa0-\xff]/g, '?');
}
