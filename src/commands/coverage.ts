/** `embereye coverage [FILE]`: the smallest fire that each area of each array can tell. */
import { problemText } from '../config-problems.ts';
import type { ConfigCheck } from '../config.ts';
import type { AreaCoverage, SmallestFire } from '../coverage.ts';
import { coverageOf, FIRE_SOURCES } from '../coverage.ts';
import type { FireSource } from '../vision/detectability.ts';
import type { Environment } from './check-config.ts';
import { readConfig } from './check-config.ts';
import type { CommandIo, ExitCode } from './exit-codes.ts';
import { EXIT } from './exit-codes.ts';

/**
 * Prints one block per area, or JSON with `json`.
 * @returns `failed` when an area that is not masked is flagged, `badInput` without a configuration.
 */
export function runCoverage(
  file: string,
  options: { readonly json: boolean },
  environment: Environment,
  checks: readonly ConfigCheck[],
  io: CommandIo,
): ExitCode {
  const read = readConfig(file, environment, checks);
  if (!read.ok) {
    for (const problem of read.problems) io.err(problemText(file, problem));
    return EXIT.badInput;
  }
  const areas = coverageOf(read.config);
  if (options.json) {
    io.out(JSON.stringify({ file, sources: FIRE_SOURCES, areas }));
  } else if (areas.length === 0) {
    io.out(`${file}: no zone listens to a thermal array`);
  } else {
    for (const area of areas) for (const line of linesOf(area)) io.out(line);
    io.out(LEGEND);
  }
  return areas.some(isFlagged) ? EXIT.failed : EXIT.ok;
}

function isFlagged({ flags, pixels }: AreaCoverage): boolean {
  return pixels > 0 && flags.length > 0;
}

const LEGEND =
  'Sizes are of a square source in the worst place, where four pixels meet. "warns": pre-alarm, ' +
  'and alarm where it rises, grows or flickers or another sensor agrees; "alarms": by ' +
  `temperature alone. Sources: ${FIRE_SOURCES.map(sourceText).join('; ')}.`;

function sourceText({ name, celsius, emissivity }: FireSource): string {
  return `${name} ${celsius} C, emissivity ${emissivity}`;
}

function linesOf(area: AreaCoverage): readonly string[] {
  const { sensor, channel, zone, pixels, limitCelsius, criticalCelsius, distanceMetres } = area;
  const head =
    `${sensor}/${channel}` +
    (zone === null ? '' : `, zone ${zone}`) +
    `: ${pixels} pixels` +
    (limitCelsius === null ? '' : `, limit ${limitCelsius} C, critical ${criticalCelsius} C`) +
    (distanceMetres === null ? '' : `, ${distanceMetres} m`) +
    footprintText(area);
  return [head, ...area.fires.map(fireLine), ...area.flags.map((flag) => `  FLAG ${flag}`)];
}

function footprintText({ footprint }: AreaCoverage): string {
  if (footprint === null) return '';
  const { widthMetres, heightMetres } = footprint;
  return `, a pixel sees up to ${centimetres(widthMetres)} x ${centimetres(heightMetres)}`;
}

function fireLine({ source, preAlarmSquareMetres, alarmSquareMetres }: SmallestFire): string {
  const warns = `warns from ${side(preAlarmSquareMetres)}`;
  return `  ${source.padEnd(12)} ${warns}, alarms from ${side(alarmSquareMetres)}`;
}

function side(squareMetres: number | null): string {
  if (squareMetres === null) return 'no size';
  const metres = Math.sqrt(squareMetres);
  return `${centimetres(metres)} x ${centimetres(metres)} (${(squareMetres * 1e4).toFixed(0)} cm2)`;
}

function centimetres(metres: number): string {
  return `${(metres * 100).toFixed(1)} cm`;
}
