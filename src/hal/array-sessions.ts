/** Arrays for drivers that read them directly: intakes that share calibrations and counters. */
import type { ArrayIntakeDeps } from '../domain/mlx90640/array-intake.ts';
import { ArrayIntake } from '../domain/mlx90640/array-intake.ts';
import type { SensorId } from '../domain/units.ts';
import type { DriverHost } from './sensor-driver.ts';

export function arraySessions(sensor: SensorId, deps: ArrayIntakeDeps): DriverHost['openArray'] {
  return (options) => new ArrayIntake(sensor, deps, options);
}
