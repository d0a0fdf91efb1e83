/** Line-protocol sessions for drivers: the same `BoardSession` that serves boards over TCP. */
import type { Board } from '../domain/line-protocol/board.ts';
import { BoardRegistry } from '../domain/line-protocol/board-registry.ts';
import { BoardSession } from '../domain/line-protocol/session.ts';
import type { SharedSessionDeps } from '../domain/line-protocol/session-deps.ts';
import type { Clock } from '../domain/ports.ts';
import type { SensorId } from '../domain/units.ts';
import type { DriverHost } from './sensor-driver.ts';

export interface SensorSessions {
  readonly openSession: DriverHost['openSession'];
  /** For metrics: the board behind the driver; empty before its first session. */
  readonly boards: () => Iterable<Board>;
}

/**
 * Sessions of one configured sensor. A line belongs to one sensor, so its registry knows this one
 * alone, by address: a location that the board announces cannot make it another sensor. The board
 * lives as long as the sensor, so that what it remembers survives unplugging.
 */
export function sensorSessions(
  sensor: SensorId,
  shared: Omit<SharedSessionDeps, 'registry'>,
  clock: Clock,
): SensorSessions {
  let registry: BoardRegistry | null = null;
  return {
    boards: () => registry?.boards ?? [],
    openSession: (address, traits, send) => {
      registry ??= new BoardRegistry({
        profiles: [{ ...traits, sensor, match: { address } }],
        bank: shared.bank,
        locationOfAddress: () => undefined,
        onNotice: shared.onNotice,
      });
      return new BoardSession({ ...shared, registry, address, send }, clock.monotonicMs());
    },
  };
}
