/**
 * What a configuration can see: per area of each thermal array the smallest fire that warns and
 * that alarms, and areas that cannot work. Pure.
 */
import type { SourcePlan, ThermalLimits } from './alarm/plan.ts';
import type { Config } from './config-schema.ts';
import { areaChannel, isThermalChannel, THERMAL_CHANNEL } from './domain/evidence.ts';
import { FRAME_COLUMNS, FRAME_ROWS } from './domain/frame.ts';
import { panelPlanOf } from './plan.ts';
import type { AreaSpec } from './vision/areas.ts';
import { layOutAreas } from './vision/areas.ts';
import type { FireSource, Footprint, PixelBox } from './vision/detectability.ts';
import { LENSES, smallestFireSquareMetres, widestFootprint } from './vision/detectability.ts';

/**
 * What a site may burn with. Flames of a few decimetres radiate as a grey body of about 0.2..0.4;
 * glowing matter and hot metal with paint or soot nearly as a black one.
 */
export const FIRE_SOURCES: readonly FireSource[] = [
  { name: 'flame', celsius: 900, emissivity: 0.3 },
  { name: 'glowing', celsius: 600, emissivity: 0.9 },
  { name: 'overheated', celsius: 200, emissivity: 0.95 },
];

/** Smallest fires in square metres; null where none of this kind is ever told. */
export interface SmallestFire {
  readonly source: string;
  /** Warns; alarms where it also rises, grows or flickers, or another sensor agrees. */
  readonly preAlarmSquareMetres: number | null;
  /** Alarms by its temperature alone. */
  readonly alarmSquareMetres: number | null;
}

export interface AreaCoverage {
  readonly sensor: string;
  readonly channel: string;
  /** Null where no zone listens. */
  readonly zone: string | null;
  readonly pixels: number;
  readonly limitCelsius: number | null;
  readonly criticalCelsius: number | null;
  readonly distanceMetres: number | null;
  /** Of the pixel that sees most. */
  readonly footprint: Footprint | null;
  readonly fires: readonly SmallestFire[];
  /** Why it cannot work, or not as one might think; empty when all is well. */
  readonly flags: readonly string[];
}

type Guard = Config['boards'][number] | Config['sensors'][number];

/** Every area of every array that a zone listens to, and every one that none does. */
export function coverageOf(config: Config): readonly AreaCoverage[] {
  const plan = panelPlanOf(config);
  const sources = new Map<string, { readonly zone: string; readonly source: SourcePlan }>();
  for (const zone of plan.zones) {
    for (const source of zone.sources) {
      sources.set(`${source.sensor}/${source.channel}`, { zone: zone.id, source });
    }
  }
  const arrays = [...config.boards, ...config.sensors].filter(({ id, regions }) =>
    [...sources.values()].some(
      ({ source }) =>
        source.sensor === id && (isThermalChannel(source.channel) || regions.length > 0),
    ),
  );
  return arrays.flatMap((guard) =>
    boxesOf(guard).map((box) => {
      const heard = sources.get(`${guard.id}/${box.channel}`);
      return areaCoverage(guard, box, heard?.zone ?? null, heard?.source.limits.thermal ?? null);
    }),
  );
}

interface Box extends PixelBox {
  readonly channel: string;
  readonly pixels: number;
  readonly masked: boolean;
}

function isTurned({ mount }: Guard): boolean {
  return mount.rotate === 90 || mount.rotate === 270;
}

function boxesOf(guard: Guard): readonly Box[] {
  const turned = isTurned(guard);
  const rows = turned ? FRAME_COLUMNS : FRAME_ROWS;
  const columns = turned ? FRAME_ROWS : FRAME_COLUMNS;
  const specs: AreaSpec[] = guard.regions.map(({ id, ignore, ...place }) => ({
    channel: areaChannel(id),
    ignore,
    rows: place.rows,
    columns: place.columns,
  }));
  const map = layOutAreas(specs, columns, rows);
  const pixelsOf = (channel: string): number => map.pixels[map.channels.indexOf(channel)] ?? 0;
  const rest: Box = {
    channel: THERMAL_CHANNEL,
    rows: [0, rows - 1],
    columns: [0, columns - 1],
    pixels: pixelsOf(THERMAL_CHANNEL),
    masked: false,
  };
  const areas = specs.map(({ channel, ignore, ...box }) => ({
    ...box,
    channel,
    pixels: ignore ? 0 : pixelsOf(channel),
    masked: ignore,
  }));
  return rest.pixels === 0 ? areas : [rest, ...areas];
}

function areaCoverage(
  guard: Guard,
  box: Box,
  zone: string | null,
  limits: ThermalLimits | null,
): AreaCoverage {
  const { lens, distanceMetres } = guard.optics;
  const view = { lens: LENSES[lens], turned: isTurned(guard) };
  const footprint =
    distanceMetres === null ? null : widestFootprint(box, { ...view, distanceMetres });
  const fires =
    footprint === null || limits === null || box.masked
      ? []
      : FIRE_SOURCES.map((source) => smallest(guard, source, footprint, limits));
  return {
    sensor: guard.id,
    channel: box.channel,
    zone,
    pixels: box.pixels,
    limitCelsius: limits?.limitCelsius ?? null,
    criticalCelsius: limits?.criticalCelsius ?? null,
    distanceMetres,
    footprint,
    fires,
    flags: flagsOf(guard, box, zone, limits, footprint, fires),
  };
}

function emissivityOf(guard: Guard): number {
  if ('options' in guard) {
    const given = guard.options['emissivity'];
    return typeof given === 'number' && given > 0 ? given : DEFAULT_EMISSIVITY;
  }
  return guard.decoding.kind === 'mlx90640' ? guard.decoding.emissivity : DEFAULT_EMISSIVITY;
}
const DEFAULT_EMISSIVITY = 0.95;

function smallest(
  guard: Guard,
  source: FireSource,
  footprint: Footprint,
  limits: ThermalLimits,
): SmallestFire {
  const common = {
    footprint,
    source,
    behindCelsius: guard.optics.behindCelsius,
    assumedEmissivity: emissivityOf(guard),
  };
  const { limitCelsius, criticalCelsius, smallestPixels } = limits;
  return {
    source: source.name,
    preAlarmSquareMetres: smallestFireSquareMetres({
      ...common,
      reachCelsius: limitCelsius,
      smallestPixels,
    }),
    // Critical counts whatever the size.
    alarmSquareMetres: smallestFireSquareMetres({
      ...common,
      reachCelsius: criticalCelsius,
      smallestPixels: 1,
    }),
  };
}

function flagsOf(
  guard: Guard,
  box: Box,
  zone: string | null,
  limits: ThermalLimits | null,
  footprint: Footprint | null,
  fires: readonly SmallestFire[],
): readonly string[] {
  if (box.masked) return ['masked: nothing in it is ever detected'];
  if (box.pixels === 0) return ['hidden behind the areas named before it: remove or reorder it'];
  if (zone === null || limits === null) return ['no zone listens to it: add it to a zone'];
  const flags: string[] = [];
  const { behindCelsius } = guard.optics;
  if (limits.smallestPixels > box.pixels) {
    flags.push(
      `smallestPixels ${limits.smallestPixels} exceeds its ${box.pixels} pixels: it never warns`,
    );
  }
  if (limits.limitCelsius - limits.hysteresisCelsius <= behindCelsius) {
    flags.push(`its limit is not above the usual ${behindCelsius} C behind: it warns all the time`);
  }
  if (footprint === null) {
    flags.push('optics.distanceMetres is not set: no size can be told');
    return flags;
  }
  const whole = box.pixels * footprint.widthMetres * footprint.heightMetres;
  for (const { source, preAlarmSquareMetres: warns, alarmSquareMetres: alarms } of fires) {
    if (warns === null) flags.push(`${source}: never reaches ${limits.limitCelsius} C here`);
    else if (warns > whole) flags.push(`${source}: would have to be larger than the area to warn`);
    else if (alarms === null) {
      flags.push(
        `${source}: never reaches ${limits.criticalCelsius} C here: alarms only by its signs`,
      );
    } else if (alarms > whole) {
      flags.push(`${source}: would have to be larger than the area to alarm by temperature alone`);
    }
  }
  return flags;
}
