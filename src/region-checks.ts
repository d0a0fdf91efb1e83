/** Areas of a picture that cannot be meant as they stand, and pictures that nobody watches. */
import { divide, listedChannels, watchable } from './areas.ts';
import type { Division } from './areas.ts';
import { nearest } from './config-problems.ts';
import type { Finding, Path } from './config-problems.ts';
import type { Config } from './config-schema.ts';
import { areaChannel, areaOf, THERMAL_CHANNEL } from './domain/evidence.ts';

type Region = Config['boards'][number]['regions'][number];
type Pictured = Config['boards'][number] | Config['sensors'][number];

/** Everything about areas: their places, their names, and the zones that list them. */
export function regionFindings(config: Config): readonly Finding[] {
  const own = (['boards', 'sensors'] as const).flatMap((list) =>
    config[list].flatMap((pictured, i) => [
      ...placeFindings(pictured, [list, i, 'regions']),
      ...unwatched(pictured, config, [list, i, 'regions']),
    ]),
  );
  return [...own, ...listedFindings(config)];
}

function placeFindings(pictured: Pictured, path: Path): Finding[] {
  const division = divide(pictured);
  const seen = new Set<string>();
  const findings = pictured.regions.flatMap((region, r): Finding[] => {
    const found = oneRegion(region, division, [...path, r]);
    if (seen.has(region.id)) {
      found.push({
        path: [...path, r, 'id'],
        problem: `area "${region.id}" is named twice`,
        remedy: 'give each area of a picture its own id',
      });
    }
    seen.add(region.id);
    if (found.length === 0 && division.pixels[r] === 0) {
      found.push({
        path: [...path, r],
        problem: `area "${region.id}" is hidden: every pixel belongs to an area before it`,
        remedy: 'put the smaller area first: a pixel belongs to the first area that holds it',
      });
    }
    return found;
  });
  if (pictured.regions.length > 0 && division.rest === 0 && watchable(pictured).length === 0) {
    findings.push({
      path,
      problem: 'nothing of the picture is left: all of it is ignored',
      remedy: 'make the ignored areas smaller, or remove the sensor',
    });
  }
  return findings;
}

function oneRegion(region: Region, { rows, columns }: Division, path: Path): Finding[] {
  const findings: Finding[] = [];
  for (const [what, count] of [
    ['rows', rows],
    ['columns', columns],
  ] as const) {
    const [first, last] = region[what];
    if (first > last) {
      findings.push({
        path: [...path, what],
        problem: `the first (${first}) is after the last (${last})`,
        remedy: `write [${last}, ${first}]`,
      });
    }
    if (Math.max(first, last) >= count) {
      findings.push({
        path: [...path, what],
        problem: `outside of the picture, which has ${what} 0 to ${count - 1}`,
        remedy: `keep within ${rows} rows x ${columns} columns: as the picture is mounted`,
      });
    }
  }
  const differs = Object.keys(region.limits).length + Object.keys(region.offHours).length > 0;
  if (region.ignore && (differs || region.confirmSeconds !== undefined)) {
    findings.push({
      path: [...path, 'ignore'],
      problem: `area "${region.id}" is ignored and has limits of its own`,
      remedy: 'remove the limits, or remove ignore: nothing in an ignored area is ever looked at',
    });
  }
  return findings;
}

/**
 * A picture of which zones list some areas only. An installer who lists `thermal_stove` and forgets
 * the rest believes the whole picture watched, so what is not watched must be ignored explicitly.
 */
function unwatched(pictured: Pictured, config: Config, path: Path): Finding[] {
  if (pictured.regions.length === 0) return [];
  const listed = listedChannels(config, pictured.id);
  if (listed.has(THERMAL_CHANNEL)) return nothingLeft(pictured, listed, path);
  const missing = watchable(pictured).filter(({ id }) => !listed.has(areaChannel(id)));
  const names = missing.map(({ id }) => `area "${id}"`);
  if (divide(pictured).rest > 0) names.push('the rest of the picture');
  if (names.length === 0) return [];
  return [
    {
      path,
      problem: `no zone watches ${names.join(', ')} of "${pictured.id}"`,
      remedy:
        'list its channel thermal in a zone, which takes all areas that no zone names, or cover ' +
        'what nobody shall watch with a last area that has ignore: true',
    },
  ];
}

/** The channel `thermal` of a picture of which other zones have taken everything. */
function nothingLeft(pictured: Pictured, listed: ReadonlySet<string>, path: Path): Finding[] {
  const unlisted = watchable(pictured).some(({ id }) => !listed.has(areaChannel(id)));
  if (unlisted || divide(pictured).rest > 0) return [];
  return [
    {
      path,
      problem: `nothing is left for channel thermal of "${pictured.id}": areas take all of it`,
      remedy: 'remove its channel thermal from the zone, or make the areas smaller',
    },
  ];
}

/** Zones that list an area which is none, or a mask. */
function listedFindings(config: Config): Finding[] {
  const pictures = new Map<string, Pictured>();
  for (const each of [...config.boards, ...config.sensors]) pictures.set(each.id, each);
  return config.zones.flatMap((zone, z) =>
    zone.sensors.flatMap(({ sensor, channel }, s): Finding[] => {
      const area = areaOf(channel);
      const pictured = pictures.get(sensor);
      if (area === null || pictured === undefined) return [];
      const path = ['zones', z, 'sensors', s, 'channel'];
      const region = pictured.regions.find(({ id }) => id === area);
      if (region === undefined) {
        const near = nearest(
          channel,
          pictured.regions.map(({ id }) => areaChannel(id)),
        );
        const problem = `"${sensor}" has no area "${area}"`;
        const remedy = near === null ? 'add it to its regions' : `did you mean "${near}"?`;
        return [{ path, problem, remedy }];
      }
      if (!region.ignore) return [];
      const problem = `area "${area}" of "${sensor}" is ignored: nothing in it can alarm`;
      return [{ path, problem, remedy: 'remove it from the zone, or remove ignore' }];
    }),
  );
}
