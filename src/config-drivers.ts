/** Checks of wired sensors against their drivers: options, channels, and what two cannot share. */
import type { Finding } from './config-problems.ts';
import { nearest } from './config-problems.ts';
import type { Config } from './config-schema.ts';
import { isThermalChannel, THERMAL_CHANNEL } from './domain/evidence.ts';
import { sensorDriver, sensorDrivers } from './hal/drivers/index.ts';
import type { Prepared } from './hal/sensor-driver.ts';

type SensorConfig = Config['sensors'][number];

/** The driver's reading of its options; null for a driver that does not exist. */
export function preparedOf({ driver, options }: SensorConfig): Prepared | null {
  return sensorDriver(driver)?.prepare(options) ?? null;
}

export function checkDrivers(config: Config): readonly Finding[] {
  const claimed = claimedByLines(config);
  return config.sensors.flatMap((sensor, i): readonly Finding[] => {
    const prepared = preparedOf(sensor);
    if (prepared === null) return [unknownDriver(sensor, i)];
    if (!prepared.ok) {
      return prepared.problems.map(({ key, problem, remedy }) => ({
        path: ['sensors', i, 'options', ...keys(key)],
        problem,
        remedy,
      }));
    }
    return [
      ...doubleClaims(sensor, i, prepared.claims, claimed),
      ...strangeChannels(config, sensor, prepared.channels),
      ...strangeRegions(sensor, i, prepared.channels),
    ];
  });
}

function unknownDriver({ driver }: SensorConfig, i: number): Finding {
  const kinds = sensorDrivers.map((one) => one.kind);
  const near = nearest(driver, kinds);
  const remedy = near === null ? `use one of: ${kinds.join(', ')}` : `did you mean "${near}"?`;
  return { path: ['sensors', i, 'driver'], problem: 'no such driver', remedy };
}

/** Lines of outputs and inputs, as the drivers claim theirs: each opens for one user only. */
function claimedByLines({ gpio }: Config): Map<string, string> {
  const lines = [
    ...gpio.outputs.map(({ id, chip, line }) => ({ user: `output "${id}"`, chip, line })),
    ...gpio.inputs.map(({ id, chip, line }) => ({ user: `input "${id}"`, chip, line })),
  ];
  return new Map(lines.map(({ user, chip, line }) => [`gpio:${chip}:${line}`, user]));
}

/** Two sensors at one address, on one port, on one pin: one of them would be read as the other. */
function doubleClaims(
  { id }: SensorConfig,
  i: number,
  claims: readonly string[],
  claimed: Map<string, string>,
): Finding[] {
  return claims.flatMap((claim): Finding[] => {
    const other = claimed.get(claim);
    claimed.set(claim, `sensor "${id}"`);
    if (other === undefined) return [];
    const problem = `${claim} is already used by ${other}`;
    const remedy = 'give each sensor its own port, address or pin';
    return [{ path: ['sensors', i, 'options'], problem, remedy }];
  });
}

/** Zones that listen to a channel on which this sensor will never report. */
function strangeChannels(
  config: Config,
  { id }: SensorConfig,
  channels: readonly string[] | 'any',
): Finding[] {
  if (channels === 'any') return [];
  return config.zones.flatMap((zone, z) =>
    zone.sensors.flatMap(({ sensor, channel }, s): Finding[] => {
      // An area is a part of the picture; whether there is one of that name is checked with them.
      const own = isThermalChannel(channel) ? THERMAL_CHANNEL : channel;
      if (sensor !== id || channels.includes(own)) return [];
      const near = nearest(channel, channels);
      const remedy =
        near === null ? `use one of: ${channels.join(', ')}` : `did you mean "${near}"?`;
      const problem = `sensor "${id}" has no channel "${channel}"`;
      return [{ path: ['zones', z, 'sensors', s, 'channel'], problem, remedy }];
    }),
  );
}

/** Areas of a picture that this driver does not make. */
function strangeRegions(
  { driver, regions }: SensorConfig,
  i: number,
  channels: readonly string[] | 'any',
): Finding[] {
  if (regions.length === 0 || channels === 'any' || channels.includes(THERMAL_CHANNEL)) return [];
  const problem = `driver ${driver} makes no picture that could have areas`;
  return [{ path: ['sensors', i, 'regions'], problem, remedy: 'remove them' }];
}

/** `channels.0.input` as a path whose list places are numbers. */
function keys(key: string): (string | number)[] {
  if (key === '') return [];
  return key.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}
