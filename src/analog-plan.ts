/** From the configuration of analog channels to the panel's plan, and what contradicts in it. */
import type { PartialLimits, SourceInput } from './alarm/make-plan.ts';
import type { AnalogLimitsGiven, AnalogSource } from './config-analog.ts';
import type { Finding, Path } from './config-problems.ts';
import type { Config } from './config-schema.ts';
import type { Role } from './domain/evidence.ts';

/** Only the fields that are there. */
export function analogLimitsOf(limits: AnalogLimitsGiven): PartialLimits {
  return {
    smoke: {
      ...when('aboveIdlePercent', limits.smokePercent),
      ...when('fallbackPercent', limits.smokeAbsolutePercent),
      ...when('risePercentPerMinute', orNever(limits.smokeRisePercentPerMinute)),
    },
    flame: {
      ...when('aboveIdlePercent', limits.flamePercent),
      ...when('fallbackPercent', limits.flameAbsolutePercent),
    },
    gas: {
      ...when('ratio', limits.gasRatio),
      ...when('fallbackPercent', limits.gasAbsolutePercent),
      ...when('risePercentPerMinute', orNever(limits.gasRisePercentPerMinute)),
    },
    carbonMonoxide: {
      ...when('doses', limits.carbonMonoxideDoses),
      ...when('preAlarmPercent', limits.carbonMonoxidePreAlarmPercent),
    },
    heat: {
      ...when('fixedCelsius', limits.heatCelsius),
      ...when('riseCelsiusPerMinute', limits.heatRiseCelsiusPerMinute),
      ...when('riseFromCelsius', limits.heatRiseFromCelsius),
    },
  };
}

function when<K extends string, T>(key: K, value: T | undefined): Partial<Record<K, T>> {
  return value === undefined ? {} : ({ [key]: value } as Partial<Record<K, T>>);
}

/** A rise that nothing reaches. */
function orNever(rate: number | null | undefined): number | undefined {
  return rate === null ? Infinity : rate;
}

/** How a channel is judged besides its role and limits. */
export function channelInput(
  source: AnalogSource & { readonly role: Role },
): Pick<SourceInput, 'warmUpMs' | 'setup'> {
  const { role, warmUpSeconds, restsAtRail, fullScalePpm, rangeCelsius, supplyVolts } = source;
  const [low, high] = rangeCelsius ?? [0, 100];
  const ppm = role === 'carbonMonoxide' && fullScalePpm !== null;
  return {
    ...when('warmUpMs', warmUpSeconds === null ? undefined : warmUpSeconds * 1000),
    setup: {
      ...when('restsAtRail', restsAtRail ?? undefined),
      ...(ppm ? { range: { low: 0, high: fullScalePpm } } : {}),
      ...(role === 'heat' && rangeCelsius !== null ? { range: { low, high } } : {}),
      gas: source.gas,
      divider: {
        loadKiloohm: source.loadKiloohm,
        supplyVolts,
        fullScaleVolts: source.fullScaleVolts ?? supplyVolts,
      },
      warmUpAgainMs: source.warmUpAgainSeconds * 1000,
    },
  };
}

/** Everything about analog channels that cannot work as it is configured. */
export function checkAnalog(config: Config): readonly Finding[] {
  return [
    ...limitFindings(config.limits, ['limits']),
    ...config.zones.flatMap((zone, z) => {
      const path = ['zones', z];
      const limits = over(config.limits, zone.limits);
      return [
        ...limitFindings(limits, [...path, 'limits'], zone.limits),
        ...limitFindings(over(limits, zone.offHours), [...path, 'offHours'], zone.offHours),
        ...zone.sensors.flatMap((source, s) =>
          sourceFindings(source, limits, [...path, 'sensors', s]),
        ),
      ];
    }),
  ];
}

type Limits = Config['limits'];

function over(limits: Limits, own: AnalogLimitsGiven): Limits {
  const given = Object.entries(own).filter(([, value]) => value !== undefined);
  return { ...limits, ...(Object.fromEntries(given) as Partial<Limits>) };
}

const ABOVE_IDLE = ['smoke', 'flame'] as const;

/** @param own what is named here: a contradiction is told where it was made; default: all. */
function limitFindings(limits: Limits, path: Path, own: AnalogLimitsGiven = limits): Finding[] {
  const findings: Finding[] = [];
  for (const kind of ABOVE_IDLE) {
    const [relative, absolute] = [`${kind}Percent`, `${kind}AbsolutePercent`] as const;
    const named = own[relative] ?? own[absolute];
    if (named === undefined || limits[relative] < limits[absolute]) continue;
    findings.push({
      path: [...path, own[relative] === undefined ? absolute : relative],
      problem: `${relative} ${limits[relative]} is not below ${absolute} ${limits[absolute]}`,
      remedy: 'keep it below, with room for an idle between 0 and their difference',
    });
  }
  own.carbonMonoxideDoses?.forEach(({ ppm, minutes }, i, doses) => {
    const before = doses[i - 1];
    if (before === undefined || (ppm > before.ppm && minutes < before.minutes)) return;
    findings.push({
      path: [...path, 'carbonMonoxideDoses', i],
      problem: `${ppm} ppm for ${minutes} minutes after ${before.ppm} for ${before.minutes}`,
      remedy: 'list rising ppm, each with fewer minutes than the one before',
    });
  });
  if (own.heatRiseFromCelsius !== undefined && limits.heatRiseFromCelsius > limits.heatCelsius) {
    findings.push({
      path: [...path, 'heatRiseFromCelsius'],
      problem: `${limits.heatRiseFromCelsius} is above heatCelsius ${limits.heatCelsius}`,
      remedy: 'lower it: above heatCelsius every rise is an alarm already',
    });
  }
  return findings;
}

type Source = Config['zones'][number]['sensors'][number];

function sourceFindings(source: Source, limits: Limits, path: Path): Finding[] {
  const { role, fullScalePpm, rangeCelsius, warmUpSeconds } = source;
  const findings: Finding[] = [];
  const found = (field: string, problem: string, remedy: string) =>
    findings.push({ path: [...path, field], problem, remedy });
  if (role === 'carbonMonoxide') carbonMonoxideFindings(fullScalePpm, limits, found);
  else if (fullScalePpm !== null) {
    found('fullScalePpm', `means nothing for the role "${role}"`, 'remove it');
  }
  if (role === 'heat') heatFindings(rangeCelsius, limits, found);
  else if (rangeCelsius !== null) {
    found('rangeCelsius', `means nothing for the role "${role}"`, 'remove it');
  }
  if (source.gas !== null && role !== 'gas') {
    found('gas', `means nothing for the role "${role}"`, 'remove it, or use the role gas');
  }
  const warms = role === 'gas' || role === 'smoke' || role === 'flame';
  if (!warms && warmUpSeconds !== null && warmUpSeconds > 0) {
    found('warmUpSeconds', `a ${role} channel does not warm up`, 'remove it');
  }
  return findings;
}

type Found = (field: string, problem: string, remedy: string) => void;

function carbonMonoxideFindings(full: number | null, limits: Limits, found: Found): void {
  if (full === null) {
    const remedy = 'give the ppm that the transmitter reports at the upper end of its range';
    found('fullScalePpm', 'missing for the role carbonMonoxide', remedy);
    return;
  }
  const lowest = limits.carbonMonoxideDoses[0]?.ppm ?? 0;
  if (full > lowest) return;
  const remedy = 'use a transmitter of a larger range, or lower the first dose';
  found('fullScalePpm', `${full} ppm never reaches the first dose of ${lowest} ppm`, remedy);
}

function heatFindings(range: Source['rangeCelsius'], limits: Limits, found: Found): void {
  if (range === null) {
    const remedy = 'give the degrees that 0 and 100 percent stand for, such as [-20, 120]';
    found('rangeCelsius', 'missing for the role heat', remedy);
    return;
  }
  const [low, high] = range;
  if (low >= high) {
    const remedy = 'give the lower one first; polarity: falling turns the channel round';
    found('rangeCelsius', `${low} is not below ${high}`, remedy);
  } else if (high <= limits.heatCelsius) {
    const remedy = 'use a detector of a larger range, or lower heatCelsius';
    found('rangeCelsius', `${high} C never passes heatCelsius ${limits.heatCelsius}`, remedy);
  }
}
