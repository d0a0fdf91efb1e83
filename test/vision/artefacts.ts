/**
 * Puts the damage that real arrays and transfers show into pictures: single hot pixels, whole
 * subpages at 350 C, bursts of 1400..2300 C and NaN, half frames.
 */
import { COLUMNS, PIXELS, ROWS, subpageOf } from './scenes.ts';
import type { Chance } from './scenes.ts';

export const ARTEFACT_KINDS = [
  'singlePixel',
  'severalPixels',
  'column0',
  'corner',
  'onWarmest',
  'linePair',
  'subpage',
  'interleavedSubpage',
  'burst',
  'sparseBurst',
  'halfFrame',
  'halfPicture',
] as const;
export type ArtefactKind = (typeof ARTEFACT_KINDS)[number];

/** Kinds that come in several consecutive frames. */
export function lengthOf(kind: ArtefactKind): number {
  return kind === 'burst' || kind === 'sparseBurst' || kind.endsWith('ubpage') ? 3 : 1;
}

/** Returns a damaged copy of `picture`. */
export function spoil(picture: Float32Array, kind: ArtefactKind, random: Chance): Float32Array {
  const spoilt = picture.slice();
  const heat = (): number => 45 + random.uniform() ** 2 * 870;
  switch (kind) {
    case 'singlePixel':
      spoilt[random.below(PIXELS)] = heat();
      break;
    case 'severalPixels':
      for (let i = 2 + random.below(6); i > 0; i--) spoilt[random.below(PIXELS)] = heat();
      break;
    case 'column0':
      spoilt[random.below(ROWS) * COLUMNS] = heat();
      break;
    case 'corner':
      spoilt[[0, COLUMNS - 1, PIXELS - COLUMNS, PIXELS - 1][random.below(4)]!] = heat();
      break;
    case 'onWarmest':
      spoilt[warmestAt(picture)] = heat();
      break;
    case 'linePair': {
      const at = random.below(PIXELS - COLUMNS);
      const step = random.uniform() < 0.5 ? 1 : COLUMNS;
      spoilt[at] = heat();
      spoilt[at + step] = heat();
      break;
    }
    default:
      spoilMuch(spoilt, kind, random);
  }
  return spoilt;
}

function spoilMuch(picture: Float32Array, kind: ArtefactKind, random: Chance): void {
  const subpage = random.below(2);
  const share = kind === 'burst' ? 0.3 : 0.03;
  for (let i = 0; i < PIXELS; i++) {
    const row = Math.floor(i / COLUMNS);
    if (kind === 'subpage' && subpageOf(i) === subpage) picture[i] = 350 + random.normal();
    if (kind === 'interleavedSubpage' && (row & 1) === subpage) picture[i] = 350 + random.normal();
    if (kind === 'halfFrame' && subpageOf(i) === subpage) picture[i] = 0;
    if (kind === 'halfPicture' && (subpage === 0 ? row < ROWS / 2 : row >= ROWS / 2))
      picture[i] = 0;
    if ((kind === 'burst' || kind === 'sparseBurst') && random.uniform() < share) {
      picture[i] = random.uniform() < 0.3 ? Number.NaN : 1400 + random.uniform() * 900;
    }
  }
}

function warmestAt(picture: Float32Array): number {
  let warmest = 0;
  for (let i = 1; i < PIXELS; i++) {
    const celsius = picture[i]!;
    if (celsius < 100 && !(celsius <= picture[warmest]!)) warmest = i;
  }
  return warmest;
}
