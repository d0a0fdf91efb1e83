/**
 * The options of one measured channel, declared once for every driver that measures: converters,
 * kernel files, Modbus registers. What they do is in `channel.ts`.
 */
import type { Field, OptionProblem, OptionsOf } from '../option-fields.ts';
import { choice, group, list, number, optional } from '../option-fields.ts';
import { calibrationProblem } from './calibration.ts';
import { NE43 } from './ne43.ts';

const ANY = { min: -1_000_000, max: 1_000_000 };
const NAME = /^[A-Za-z0-9_]{1,32}$/;

/** The name of a channel, as zones refer to it; `thermal` is what an array reports on. */
export function channelName(): Field<string> {
  return {
    fallback: undefined,
    schema: {
      type: 'string',
      pattern: NAME.source,
      not: { const: 'thermal' },
      description: 'Name of the channel, as zones refer to it',
    },
    read: (raw) =>
      typeof raw === 'string' && NAME.test(raw) && raw !== 'thermal' ? { value: raw } : null,
    expects: 'a name of 1..32 letters, digits and _, other than thermal',
  };
}

const filter = group('One filter', {
  kind: choice('What it does', ['median', 'average', 'delta', 'debounce']),
  readings: optional(number('Its length in readings', { min: 2, max: 60, whole: true })),
  percent: optional(number('Its limit in percent of full scale', { min: 0.01, max: 100 })),
});

export type FilterOptions = NonNullable<OptionsOf<{ filter: typeof filter }>['filter']>;

/**
 * Of a channel whose driver gives it readings in some unit: the "unit of the channel". For an
 * analog driver that is volts, or milliamps where a shunt is given; for Modbus what the register
 * means after its own factor.
 */
export const channelFields = {
  low: optional(
    number('Value at 0 percent of full scale; default 4 for a loop with NE43, else 0', ANY),
  ),
  high: optional(
    number(
      'Value at 100 percent; default 20 for a loop with NE43, else 100; may be below low',
      ANY,
    ),
  ),
  validLow: optional(number('Readings below this, before calibration, are no data', ANY)),
  validHigh: optional(number('Readings above this, before calibration, are no data', ANY)),
  quality: optional(
    choice('How a current loop is judged; default: NAMUR NE43 where a shunt is given', [
      'namurNe43',
      'none',
    ]),
  ),
  calibration: optional(
    list(
      'Calibration: straight lines between these points, the outer ones drawn out',
      group('One point', {
        measured: number('What the channel reads without calibration, rising', ANY),
        actual: number('What it should read; all rising or all falling', ANY),
      }),
      { min: 2, max: 32 },
    ),
  ),
  filters: list('Filters, applied in this order', filter, { min: 0, max: 8 }, []),
};

export type ChannelOptions = OptionsOf<typeof channelFields>;

/** What makes a voltage at a pin into the quantity that the installer measured. */
export interface ElectricalOptions {
  /** Volts at the source per volt at the pin. */
  readonly divider: number;
  /** Resistor across which a loop's current is measured; null: the channel is a voltage. */
  readonly shuntOhm: number | null;
}

/** Options with the defaults that depend on one another filled in. */
export interface ResolvedChannel {
  readonly low: number;
  readonly high: number;
  readonly isLoop: boolean;
}

export function resolveChannel(
  options: ChannelOptions & Partial<ElectricalOptions>,
): ResolvedChannel {
  const hasShunt = (options.shuntOhm ?? null) !== null;
  const isLoop = (options.quality ?? (hasShunt ? 'namurNe43' : 'none')) === 'namurNe43';
  return {
    isLoop,
    low: options.low ?? (isLoop ? 4 : 0),
    high: options.high ?? (isLoop ? 20 : 100),
  };
}

/**
 * What the fields alone do not show.
 * @param key where the channel stands: `channels.0`
 */
export function channelProblems(
  options: ChannelOptions & Partial<ElectricalOptions>,
  key: string,
): readonly OptionProblem[] {
  const problems: OptionProblem[] = [];
  const add = (name: string, problem: string, remedy: string): void => {
    problems.push({ key: `${key}.${name}`, problem, remedy });
  };
  const { low, high, isLoop } = resolveChannel(options);
  const { validLow, validHigh, calibration } = options;
  if (low === high) add('high', `is ${high}, as low is`, 'give two different values');
  if (isLoop && calibration === null) {
    for (const [name, mA] of Object.entries({ low, high })) {
      if (mA >= NE43.faultBelowMilliamps && mA <= NE43.faultAboveMilliamps) continue;
      const remedy = 'give milliamps within 3.6..21, or quality: none for a 0..20 mA loop';
      add(name, `is ${mA} mA, where NE43 knows only faults`, remedy);
    }
  }
  if (validLow !== null && validHigh !== null && validLow >= validHigh) {
    add('validHigh', `is ${validHigh}, not above validLow ${validLow}`, 'give a higher value');
  }
  const bent = calibration === null ? null : calibrationProblem(calibration);
  if (bent !== null) add('calibration', bent, 'measured must rise, actual all rise or all fall');
  options.filters.forEach((one, i) => {
    const wrong = filterProblem(one);
    if (wrong !== null) add(`filters.${i}`, wrong.problem, wrong.remedy);
  });
  return problems;
}

const NEEDS = {
  median: { readings: true, percent: false },
  average: { readings: true, percent: false },
  delta: { readings: false, percent: true },
  debounce: { readings: true, percent: true },
} as const;

function filterProblem(
  filterOptions: FilterOptions,
): { readonly problem: string; readonly remedy: string } | null {
  const { kind, readings, percent } = filterOptions;
  const needs = NEEDS[kind];
  for (const [name, value] of Object.entries({ readings, percent })) {
    const needed = name === 'readings' ? needs.readings : needs.percent;
    if (needed && value === null) {
      return { problem: `is ${kind} without ${name}`, remedy: `give ${name}` };
    }
    if (!needed && value !== null) {
      return {
        problem: `is ${kind} with ${name}, which it does not use`,
        remedy: `remove ${name}`,
      };
    }
  }
  if (kind === 'median' && (readings === null || readings % 2 === 0 || readings > 15)) {
    return { problem: `is a median of ${readings ?? 0}`, remedy: 'give an odd number 3..15' };
  }
  return null;
}
