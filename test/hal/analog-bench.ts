/** A driver in a simulated world, and what its channels said. */
import type { EvidenceWindow } from '../../src/domain/evidence.ts';
import type { ProbeFinding } from '../../src/hal/probe.ts';
import type { SensorDriver, SensorHandle } from '../../src/hal/sensor-driver.ts';
import { SENSOR } from './driver-bench.ts';
import type { SensorWorld } from './sensor-fixture.ts';

export interface Said {
  /** Last percent (or 0 and 1) of the channel; null where it gave none. */
  readonly value: number | null;
  readonly count: number;
  readonly noData: readonly Extract<EvidenceWindow, { kind: 'noData' }>[];
}

export interface Running {
  readonly handle: SensorHandle;
  /** What a channel said since the last call, about all channels. */
  readonly drain: () => (channel: string) => Said;
}

export type RawOptions = Readonly<Record<string, unknown>>;

export function start(driver: SensorDriver, options: RawOptions, world: SensorWorld): Running {
  const prepared = driver.prepare(options);
  if (!prepared.ok) throw new Error(JSON.stringify(prepared.problems));
  return {
    handle: prepared.open(world.bench.host),
    drain: () => {
      const windows = world.bench.drain();
      return (channel) => {
        const own = windows.filter((window) => window.channel === channel);
        const level = own.find((window) => window.kind === 'level');
        return {
          value: level?.last ?? null,
          count: level?.count ?? 0,
          noData: own.filter((window) => window.kind === 'noData'),
        };
      };
    },
  };
}

/** Keys of what is wrong with options; empty where nothing is. */
export function problemKeys(driver: SensorDriver, options: RawOptions): readonly string[] {
  const prepared = driver.prepare(options);
  return prepared.ok ? [] : prepared.problems.map(({ key }) => key);
}

/** What `embereye doctor` would say, with time running meanwhile. */
export async function probed(
  driver: SensorDriver,
  options: RawOptions,
  world: SensorWorld,
): Promise<readonly ProbeFinding[]> {
  const prepared = driver.prepare(options);
  if (!prepared.ok) throw new Error(JSON.stringify(prepared.problems));
  const probing = prepared.probe({
    ...world.hardware,
    sensor: SENSOR,
    clock: world.clock,
    readFile: (path) => world.bench.host.readFile(path),
  });
  await world.clock.run(1000);
  return probing;
}
