/**
 * One measured channel, from a driver's reading to percent of full scale:
 *
 *   reading ──► unit (divider, shunt) ──► quality ──► calibration ──► percent ──► filters ──► value
 *                                            │ fault, beyond its range               │ too few
 *                                            ▼                                       ▼
 *                                          noData (filters forget)                  held
 *
 * A fault is never limited to a value. A reading of good quality that is a little beyond `low` or
 * `high` is: 3.9 mA is 0 percent, 20.4 mA is 100.
 */
import type { NoDataReason } from '../../domain/evidence.ts';
import { calibrated } from './calibration.ts';
import { createFilter } from './filters.ts';
import { LoopQuality, loopTrouble } from './ne43.ts';
import type { ChannelOptions, ElectricalOptions } from './options.ts';
import { resolveChannel } from './options.ts';

export type ChannelOutcome =
  | { readonly kind: 'value'; readonly percent: number }
  | { readonly kind: 'noData'; readonly reason: NoDataReason; readonly detail: string }
  /** A filter needs more readings first. */
  | { readonly kind: 'held' };

/** At which end of its range a converter was: it cannot tell how far beyond the voltage is. */
export type RangeEnd = 'within' | 'low' | 'high';

export interface Channel {
  /**
   * @param raw volts at the pin for an analog driver, else the value in the channel's unit
   * @param atMs monotonic
   */
  accept(raw: number, atMs: number, end?: RangeEnd): ChannelOutcome;
  /** There was no reading where one should have been: filters forget. */
  interrupt(): void;
}

/** Without divider and shunt readings are taken as they are. */
export interface ChannelSetup extends ChannelOptions, Partial<ElectricalOptions> {
  /** `accept`: a converter's range end is a reading like any other. Default `outOfRange`. */
  readonly rangeEnd?: 'outOfRange' | 'accept';
  /** Readings further apart than this have a gap between them; default: none has. */
  readonly maxGapMs?: number;
}

export function createChannel(setup: ChannelSetup): Channel {
  const { low, high, isLoop } = resolveChannel(setup);
  const points = setup.calibration ?? [];
  const filters = setup.filters.map(createFilter);
  const loop = new LoopQuality();
  let lastAtMs = -Infinity;

  function forget(): void {
    for (const filter of filters) filter.restart();
  }

  function noData(reason: NoDataReason, detail: string): ChannelOutcome {
    forget();
    return { kind: 'noData', reason, detail };
  }

  return {
    accept: (raw, atMs, end = 'within') => {
      if (atMs - lastAtMs > (setup.maxGapMs ?? Infinity)) forget();
      lastAtMs = atMs;
      const value = inUnit(setup, raw);
      if (!Number.isFinite(value)) return noData('corrupt', `a reading of ${raw} is no number`);
      const loopFault = isLoop ? loopTrouble(loop.classify(value), value) : null;
      if (loopFault !== null) return noData('loopFault', loopFault);
      const outside = outsideOf(setup, value, end);
      if (outside !== null) return noData('outOfRange', outside);
      const share = (calibrated(points, value) - low) / (high - low);
      if (!Number.isFinite(share)) return noData('corrupt', `${value} has no calibrated value`);
      let percent = Math.min(100, Math.max(0, 100 * share));
      for (const filter of filters) {
        const passed = filter.push(percent);
        if (passed === null) return { kind: 'held' };
        percent = passed;
      }
      return { kind: 'value', percent };
    },
    interrupt: () => {
      forget();
      loop.restart();
    },
  };
}

/** Why a reading is beyond what the converter or the installer can vouch for, or null. */
function outsideOf(setup: ChannelSetup, value: number, end: RangeEnd): string | null {
  const { validLow, validHigh } = setup;
  const shown = `${value.toPrecision(4)} ${unitOf(setup)}`.trimEnd();
  if (end !== 'within' && setup.rangeEnd !== 'accept') {
    return (
      `${shown} or ${end === 'low' ? 'less' : 'more'}: the converter is at the end of its range; ` +
      'check the wire and the range, and set rangeEnd: accept where that is a normal reading'
    );
  }
  if (validLow !== null && value < validLow) return `${shown}, below validLow ${validLow}`;
  if (validHigh !== null && value > validHigh) return `${shown}, above validHigh ${validHigh}`;
  return null;
}

/**
 * Worst delay of a step through the filters: the sum over them of (readings - 1) x cadence for
 * `median`, `average` and `debounce`, 0 for `delta`; see `filters.ts`.
 */
export function delayMsOf(options: Pick<ChannelOptions, 'filters'>, cadenceMs: number): number {
  const late = options.filters.map((one) => createFilter(one).delayReadings);
  return cadenceMs * late.reduce((sum, readings) => sum + readings, 0);
}

/** A voltage at the pin in the channel's unit: milliamps where a shunt is given, else volts. */
export function inUnit(options: Partial<ElectricalOptions>, raw: number): number {
  const source = raw * (options.divider ?? 1);
  const shuntOhm = options.shuntOhm ?? null;
  return shuntOhm === null ? source : (1000 * source) / shuntOhm;
}

/** The voltage at the pin at which the channel reads `value`. */
export function atPin(options: ElectricalOptions, value: number): number {
  const source = options.shuntOhm === null ? value : (value * options.shuntOhm) / 1000;
  return source / options.divider;
}

function unitOf(setup: ChannelSetup): string {
  if ((setup.shuntOhm ?? null) !== null || resolveChannel(setup).isLoop) return 'mA';
  return setup.divider === undefined ? '' : 'V';
}
