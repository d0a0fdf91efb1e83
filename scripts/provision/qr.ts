/** The squares of a QR code; the only file that knows the package. */
import { create } from 'qrcode';

/** A light border that readers need, in modules (ISO/IEC 18004). */
export const QUIET_MODULES = 4;

export interface QrModules {
  /** Modules along one side, without the quiet border. */
  readonly size: number;
  readonly isDark: (row: number, column: number) => boolean;
}

/** Level M: a seventh of the code may be scratched away. */
export function qrModules(text: string): QrModules {
  const { modules } = create(text, { errorCorrectionLevel: 'M' });
  return { size: modules.size, isDark: (row, column) => modules.get(row, column) !== 0 };
}
