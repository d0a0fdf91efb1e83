/** Why a frame that was decoded but cannot be believed counts as no data. */
import type { NoDataReason } from '../evidence.ts';
import type { FrameStatus } from './plausibility.ts';

export const NO_DATA_OF: Readonly<Record<Exclude<FrameStatus, 'ok'>, NoDataReason>> = {
  wordsMissing: 'missingWords',
  auxiliaryMissing: 'missingWords',
  tailMissing: 'missingWords',
  auxiliaryInvalid: 'missingWords',
  vddImplausible: 'implausibleVdd',
  taImplausible: 'implausibleTa',
  gainImplausible: 'implausibleGain',
  pixelsMissing: 'tooManyBadPixels',
  checkerboard: 'subpageMismatch',
};
