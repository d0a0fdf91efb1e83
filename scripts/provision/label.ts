/** What stands on the label of a unit, and where; in millimetres, drawn by others. */
import type { QrModules } from './qr.ts';
import { qrModules, QUIET_MODULES } from './qr.ts';
import { Trouble } from './trouble.ts';

/** The claim code stands on it: whoever reads the label may claim the unit. */
export interface LabelText {
  readonly deviceId: string;
  readonly name: string | null;
  readonly site: string | null;
  /** As `claimCode` makes it; null: it was set before and nobody knows it any more. */
  readonly claim: string | null;
  /** SHA-256 of the authority, lower-case hex. */
  readonly authorityFingerprint: string;
}

export interface LabelSize {
  readonly widthMm: number;
  readonly heightMm: number;
}

/** A roll that most label printers know. */
export const DEFAULT_LABEL_SIZE: LabelSize = { widthMm: 62, heightMm: 29 };
/** A telephone reads this at arm's length from a ladder. */
const LEAST_MODULE_MM = 0.33;
const MARGIN_MM = 1;
const LEAST_TEXT_MM = 1.6;

export interface TextLine {
  readonly text: string;
  readonly xMm: number;
  /** Of its upper edge. */
  readonly yMm: number;
  /** Of capital letters. */
  readonly heightMm: number;
  readonly maxWidthMm: number;
  readonly strong: boolean;
}

export interface LabelLayout extends LabelSize {
  readonly qr: QrModules & {
    /** Of the first dark module. */
    readonly xMm: number;
    readonly yMm: number;
    readonly moduleMm: number;
  };
  readonly lines: readonly TextLine[];
}

/** What the QR code says. Readers of an unknown scheme show it as text. */
export function labelUri({ deviceId, claim, authorityFingerprint }: LabelText): string {
  const code = claim === null ? '' : `&code=${claim.replaceAll('-', '')}`;
  return `embereye:claim?v=1&id=${deviceId}${code}&ca=${authorityFingerprint}`;
}

/** @throws RangeError that says what it should look like. */
export function parseLabelSize(text: string): LabelSize {
  const match = /^(\d{2,3})x(\d{2,3})$/.exec(text);
  if (match === null) throw new RangeError('write WIDTHxHEIGHT in mm, such as 62x29');
  return { widthMm: Number(match[1]), heightMm: Number(match[2]) };
}

/** QR code left, words right. @throws Trouble where the label is too small to be read. */
export function layLabel(label: LabelText, size: LabelSize): LabelLayout {
  const modules = qrModules(labelUri(label));
  const across = modules.size + 2 * QUIET_MODULES;
  const sideMm = Math.min(size.heightMm, size.widthMm / 2);
  const moduleMm = sideMm / across;
  if (moduleMm < LEAST_MODULE_MM) {
    const need = Math.ceil(across * LEAST_MODULE_MM);
    throw new Trouble(
      `a label of ${size.widthMm}x${size.heightMm} mm is too small for the QR code of ` +
        `${label.deviceId}: take one of at least ${2 * need}x${need} mm`,
    );
  }
  const quietMm = QUIET_MODULES * moduleMm;
  const top = (size.heightMm - sideMm) / 2 + quietMm;
  return {
    ...size,
    qr: { ...modules, xMm: quietMm, yMm: top, moduleMm },
    lines: linesOf(label, size, sideMm),
  };
}

function linesOf(label: LabelText, size: LabelSize, xMm: number): readonly TextLine[] {
  const { deviceId, name, site, claim, authorityFingerprint } = label;
  const wanted: readonly (readonly [text: string | null, share: number, strong: boolean])[] = [
    [name ?? deviceId, 0.14, true],
    [deviceId, 0.1, false],
    [site, 0.08, false],
    [claim === null ? null : 'claim code', 0.06, false],
    [claim, 0.12, true],
    [`CA ${(authorityFingerprint.slice(0, 16).match(/.{4}/g) ?? []).join(' ')}`, 0.06, false],
  ];
  const lines: TextLine[] = [];
  const maxWidthMm = size.widthMm - xMm - MARGIN_MM;
  let yMm = MARGIN_MM + 0.06 * size.heightMm;
  for (const [text, share, strong] of wanted) {
    if (text === null || text === '') continue;
    const heightMm = Math.max(LEAST_TEXT_MM, share * size.heightMm);
    lines.push({ text, xMm, yMm, heightMm, maxWidthMm, strong });
    // The letters' lower parts, and air.
    yMm += heightMm * (strong ? 1.6 : 1.7);
  }
  return lines;
}
