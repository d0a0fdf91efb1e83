/**
 * Filters over the percents of one channel. Each knows how many readings late it can be: from the
 * first reading that shows a lasting step, its output has followed after `delayReadings` more. That
 * holds from any state, right after a gap too, as long as no gap follows.
 */
import type { FilterOptions } from './options.ts';

export interface Filter {
  readonly delayReadings: number;
  /** Null: held back, because too few readings have come since the last gap. */
  push(percent: number): number | null;
  /** Forgets everything: an old value never bridges a gap. */
  restart(): void;
}

export function createFilter({ kind, readings, percent }: FilterOptions): Filter {
  switch (kind) {
    case 'median':
      return median(readings ?? 3);
    case 'average':
      return average(readings ?? 2);
    case 'delta':
      return delta(percent ?? 0);
    case 'debounce':
      return debounce(readings ?? 2, percent ?? 0);
  }
}

/**
 * The middle of the last `size` readings: up to (size - 1) / 2 wrong ones never show. Held back
 * until the window is full, since the middle of fewer could be a wrong one; so right after a gap a
 * step shows with the last of `size` readings (later on with the middle one): size - 1 late.
 */
function median(size: number): Filter {
  const window: number[] = [];
  return {
    delayReadings: size - 1,
    push: (percent) => {
      window.push(percent);
      if (window.length > size) window.shift();
      if (window.length < size) return null;
      return window.toSorted((a, b) => a - b)[(size - 1) / 2] ?? null;
    },
    restart: () => void (window.length = 0),
  };
}

/** The mean of the last `size` readings, or of those there are: fully on a step size - 1 later. */
function average(size: number): Filter {
  const window: number[] = [];
  return {
    delayReadings: size - 1,
    push: (percent) => {
      window.push(percent);
      if (window.length > size) window.shift();
      const mean = window.reduce((sum, one) => sum + one, 0) / window.length;
      // Rounding must not lead out of what was measured.
      return Math.min(Math.max(...window), Math.max(Math.min(...window), mean));
    },
    restart: () => void (window.length = 0),
  };
}

/**
 * Dead band: repeats its last output until a reading is more than `band` away from it. It still
 * reports each time, since silence would be a fault. Never late, and never more than `band` off.
 */
function delta(band: number): Filter {
  let last: number | null = null;
  return {
    delayReadings: 0,
    push: (percent) => {
      if (last === null || Math.abs(percent - last) > band) last = percent;
      return last;
    },
    restart: () => void (last = null),
  };
}

/**
 * A change of more than `band` must hold for `size` readings; until then the last output is
 * repeated. Readings that are away count in whatever direction, so that the output is never older
 * than size - 1 readings however wild the signal is.
 */
function debounce(size: number, band: number): Filter {
  let last: number | null = null;
  let away = 0;
  return {
    delayReadings: size - 1,
    push: (percent) => {
      away = last !== null && Math.abs(percent - last) > band ? away + 1 : 0;
      if (last === null || away === 0 || away >= size) {
        last = percent;
        away = 0;
      }
      return last;
    },
    restart: () => {
      last = null;
      away = 0;
    },
  };
}
