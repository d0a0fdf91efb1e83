/** The names of the features in the order of a row, and the id by which a model names the set. */
import { createHash } from 'node:crypto';

/** Counts up with every change of what a feature means, so that an old model is refused. */
const FEATURES_VERSION = 1;

/** In the order of the row; docs/model-card.md says what each is for. */
export const FEATURE_NAMES = [
  // How much has been seen.
  'spanLog',
  'samplesLog',
  'cadenceLog',
  'ageLog',
  // What it looks like now.
  'peakLevel',
  'peakAboveLog',
  'behindLevel',
  'excessLog',
  'areaLog',
  'coreLog',
  'sizeLog',
  'flatness',
  'spreadRows',
  'spreadColumns',
  'upright',
  'touchesEdge',
  // How it rises: the whole window, its newer and its older half, its end.
  'peakRise',
  'peakRiseLate',
  'peakRiseEarly',
  'peakRiseEnd',
  'peakQuickening',
  'peakLogRise',
  'peakLogRiseLate',
  'peakLogRiseEarly',
  'rootQuickening',
  'rootExcessQuickening',
  // How it spreads.
  'excessLogRise',
  'excessLogRiseLate',
  'excessLogRiseEarly',
  'sizeGrowth',
  'coreGrowth',
  'areaGrowth',
  // How it got here.
  'peakChange',
  'belowHighest',
  'largestStepShare',
  // How restless it is.
  'flickerCelsius',
  'flickerPeakShare',
  'flickerExcessShare',
  'flickerRoughness',
  'meanFlickerShare',
  'unsmoothPeak',
  'unsmoothExcess',
  'peakStraightness',
  'excessStraightness',
  // How it moves.
  'motion',
  'drift',
] as const;

export type FeatureName = (typeof FEATURE_NAMES)[number];

/** Identifies this set of features; a model carries the one that it was trained with. */
export const FEATURE_SCHEMA = `v${FEATURES_VERSION}-${createHash('sha256')
  .update(FEATURE_NAMES.join('\n'))
  .digest('hex')
  .slice(0, 16)}`;
