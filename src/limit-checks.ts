/**
 * Limits that contradict one another, wherever they are set: for all zones, in a zone, in an area,
 * and each of those off hours. Every level is judged by what results from it, not by what it says.
 */
import type { PartialLimits } from './alarm/make-plan.ts';
import { mergeLimits, stricterOf } from './alarm/make-plan.ts';
import type { Limits } from './alarm/plan.ts';
import { DEFAULT_LIMITS } from './alarm/plan.ts';
import { divide } from './areas.ts';
import type { Finding, Path } from './config-problems.ts';
import type { Config } from './config-schema.ts';
import { areaChannel, THERMAL_CHANNEL } from './domain/evidence.ts';
import { isTimezone, minutesOf } from './hours.ts';
import { limitsOf } from './limits.ts';

type Fields = Config['zones'][number]['limits'];

/** A heated room is warmer: what ends only below it never ends. */
const ROOM_CELSIUS = 20;

export function limitFindings(config: Config): readonly Finding[] {
  const all = mergeLimits(DEFAULT_LIMITS, limitsOf(config.limits));
  return [
    ...contradictions(all, ['limits']),
    ...config.zones.flatMap((zone, z) => {
      const path = ['zones', z];
      const limits = mergeLimits(all, limitsOf(zone.limits));
      return [...level(limits, zone, path), ...areaLevels(config, z, limits)];
    }),
  ];
}

/** A zone or an area: its own limits where it has any, and those for off hours. */
function level(
  working: Limits,
  own: { readonly limits: Fields; readonly offHours: Fields },
  path: Path,
): Finding[] {
  const has = (fields: Fields) => Object.keys(fields).length > 0;
  const findings = has(own.limits) ? contradictions(working, [...path, 'limits']) : [];
  if (!has(own.offHours)) return findings;
  const off = mergeLimits(working, limitsOf(own.offHours));
  return [
    ...findings,
    ...contradictions(off, [...path, 'offHours']),
    ...looser(working, limitsOf(own.offHours), [...path, 'offHours']),
  ];
}

/** Areas that are judged in this zone, by name or because no zone names them. */
function areaLevels(config: Config, z: number, zoneLimits: Limits): Finding[] {
  const zone = config.zones[z];
  if (zone === undefined) return [];
  const named = new Set(
    config.zones.flatMap(({ sensors }) => sensors.map((each) => `${each.sensor}/${each.channel}`)),
  );
  return (['boards', 'sensors'] as const).flatMap((list) =>
    config[list].flatMap((pictured, i) => {
      const listens = (channel: string) =>
        zone.sensors.some((each) => each.sensor === pictured.id && each.channel === channel);
      const { pixels } = divide(pictured);
      return pictured.regions.flatMap((region, r) => {
        const channel = areaChannel(region.id);
        const byName = listens(channel);
        const byPicture = listens(THERMAL_CHANNEL) && !named.has(`${pictured.id}/${channel}`);
        if (region.ignore || (!byName && !byPicture)) return [];
        const path = [list, i, 'regions', r];
        const limits = mergeLimits(zoneLimits, limitsOf(region.limits));
        return [
          ...level(limits, region, path),
          ...tooSmall(limits, pixels[r] ?? 0, region.id, [...path, 'limits', 'smallestPixels']),
        ];
      });
    }),
  );
}

function tooSmall({ thermal }: Limits, pixels: number, area: string, path: Path): Finding[] {
  if (pixels === 0 || thermal.smallestPixels <= pixels) return [];
  return [
    {
      path,
      problem:
        `smallestPixels (${thermal.smallestPixels}) is more than the ${pixels} pixels of area ` +
        `"${area}": nothing in it could be a pre-alarm`,
      remedy: 'make the area larger or smallestPixels smaller',
    },
  ];
}

function contradictions({ thermal, vision }: Limits, path: Path): Finding[] {
  const findings: Finding[] = [];
  const refuse = (field: string | null, problem: string, remedy: string): void => {
    findings.push({ path: field === null ? path : [...path, field], problem, remedy });
  };
  const { limitCelsius, criticalCelsius, hysteresisCelsius, aboveBackgroundCelsius } = thermal;
  const endsAt = limitCelsius - hysteresisCelsius;
  if (limitCelsius >= criticalCelsius) {
    refuse(
      null,
      `thermalCelsius (${limitCelsius}) is not below criticalCelsius (${criticalCelsius})`,
      'lower thermalCelsius or raise criticalCelsius',
    );
  } else if (criticalCelsius - hysteresisCelsius < limitCelsius) {
    refuse(
      'hysteresisCelsius',
      `hysteresisCelsius (${hysteresisCelsius}) is more than the distance from thermalCelsius ` +
        `(${limitCelsius}) to criticalCelsius (${criticalCelsius})`,
      'lower hysteresisCelsius, or put the two limits further apart',
    );
  }
  if (limitCelsius > ROOM_CELSIUS && endsAt < ROOM_CELSIUS) {
    refuse(
      'hysteresisCelsius',
      `a pre-alarm from ${limitCelsius} C would end only below ${endsAt} C, colder than a room`,
      `lower hysteresisCelsius to ${limitCelsius - ROOM_CELSIUS} or less`,
    );
  }
  if (hysteresisCelsius >= aboveBackgroundCelsius) {
    refuse(
      'aboveBackgroundCelsius',
      `hysteresisCelsius (${hysteresisCelsius}) swallows aboveBackgroundCelsius ` +
        `(${aboveBackgroundCelsius}): a pre-alarm would never end`,
      'raise aboveBackgroundCelsius or lower hysteresisCelsius',
    );
  }
  if (vision.holdBackCriticalMs > vision.holdBackMs) {
    refuse(
      'holdBackCriticalSeconds',
      `holdBackCriticalSeconds (${vision.holdBackCriticalMs / 1000}) is longer than ` +
        `holdBackSeconds (${vision.holdBackMs / 1000})`,
      'lower it: what is critical waits less than what is not',
    );
  }
  return findings;
}

/** Off hours nobody is there who heats anything: limits may only become stricter. */
function looser(working: Limits, off: PartialLimits, path: Path): Finding[] {
  const wanted = mergeLimits(working, off);
  const strict = stricterOf(working, wanted);
  const names = NAMES.filter(({ of }) => of(wanted) !== of(strict));
  return names.map(({ name, of, unit }) => ({
    path: [...path, name],
    problem:
      `looser off hours (${of(wanted) / unit}) ` + `than in working hours (${of(working) / unit})`,
    remedy:
      'off-hours limits are for when nobody works: make it as strict or stricter, or let the ' +
      'working hours cover the time in which it must be looser',
  }));
}

/** Fields by the names that people write; `unit`: what one of theirs is in the plan. */
const NAMES: readonly {
  readonly name: string;
  readonly unit: number;
  readonly of: (limits: Limits) => number;
}[] = [
  { name: 'thermalCelsius', unit: 1, of: ({ thermal }) => thermal.limitCelsius },
  { name: 'criticalCelsius', unit: 1, of: ({ thermal }) => thermal.criticalCelsius },
  { name: 'aboveBackgroundCelsius', unit: 1, of: ({ thermal }) => thermal.aboveBackgroundCelsius },
  {
    name: 'aboveBackgroundFromCelsius',
    unit: 1,
    of: ({ thermal }) => thermal.aboveBackgroundFromCelsius,
  },
  { name: 'smallestPixels', unit: 1, of: ({ thermal }) => thermal.smallestPixels },
  { name: 'riseCelsiusPerMinute', unit: 1, of: ({ thermal }) => thermal.riseCelsiusPerMinute },
  { name: 'growthPixelsPerMinute', unit: 1, of: ({ thermal }) => thermal.growthPixelsPerMinute },
  { name: 'flickerCelsius', unit: 1, of: ({ thermal }) => thermal.flickerCelsius },
  { name: 'visionConfidence', unit: 1, of: ({ vision }) => vision.fire },
  { name: 'holdBackSeconds', unit: 1000, of: ({ vision }) => vision.holdBackMs },
  { name: 'holdBackCriticalSeconds', unit: 1000, of: ({ vision }) => vision.holdBackCriticalMs },
  { name: 'smokePercent', unit: 1, of: ({ smoke }) => smoke.aboveIdlePercent },
  { name: 'flamePercent', unit: 1, of: ({ flame }) => flame.aboveIdlePercent },
  { name: 'gasRatio', unit: 1, of: ({ gas }) => gas.ratio },
  { name: 'smokeAbsolutePercent', unit: 1, of: ({ smoke }) => smoke.fallbackPercent },
  { name: 'smokeRisePercentPerMinute', unit: 1, of: ({ smoke }) => smoke.risePercentPerMinute },
  { name: 'flameAbsolutePercent', unit: 1, of: ({ flame }) => flame.fallbackPercent },
  { name: 'gasAbsolutePercent', unit: 1, of: ({ gas }) => gas.fallbackPercent },
  { name: 'gasRisePercentPerMinute', unit: 1, of: ({ gas }) => gas.risePercentPerMinute },
  {
    name: 'carbonMonoxidePreAlarmPercent',
    unit: 1,
    of: ({ carbonMonoxide }) => carbonMonoxide.preAlarmPercent,
  },
  { name: 'heatCelsius', unit: 1, of: ({ heat }) => heat.fixedCelsius },
  { name: 'heatRiseCelsiusPerMinute', unit: 1, of: ({ heat }) => heat.riseCelsiusPerMinute },
  { name: 'heatRiseFromCelsius', unit: 1, of: ({ heat }) => heat.riseFromCelsius },
];

/** A timezone that does not exist, times that are none, and off-hours limits without hours. */
export function hoursFindings(config: Config): readonly Finding[] {
  const { hours } = config;
  if (hours === null) return withoutHours(config);
  const findings: Finding[] = [];
  if (!isTimezone(hours.timezone)) {
    findings.push({
      path: ['hours', 'timezone'],
      problem: 'no such timezone',
      remedy: 'use a name of the IANA list, such as Europe/Berlin, America/New_York or UTC',
    });
  }
  for (const [i, { days, from, to }] of hours.working.entries()) {
    const path = ['hours', 'working', i];
    if (minutesOf(from) === minutesOf(to) || from === '24:00') {
      findings.push({
        path,
        problem: `from ${from} to ${to} is no time`,
        remedy: 'write the whole day as from "00:00" to "24:00"',
      });
    }
    if (new Set(days).size < days.length) {
      findings.push({
        path: [...path, 'days'],
        problem: 'a day is named twice',
        remedy: 'name each day once',
      });
    }
  }
  return findings;
}

function withoutHours(config: Config): readonly Finding[] {
  const refuse = (own: { readonly offHours: object }, path: Path): Finding[] => {
    if (Object.keys(own.offHours).length === 0) return [];
    return [
      {
        path: [...path, 'offHours'],
        problem: 'off-hours limits without working hours: they would never apply',
        remedy: 'add hours with timezone and working, or remove them',
      },
    ];
  };
  return [
    ...config.zones.flatMap((zone, z) => refuse(zone, ['zones', z])),
    ...(['boards', 'sensors'] as const).flatMap((list) =>
      config[list].flatMap((pictured, i) =>
        pictured.regions.flatMap((region, r) => refuse(region, [list, i, 'regions', r])),
      ),
    ),
  ];
}
