/** A world for sensor drivers: lines, files, time and the ears of the panel. */
import type { Clock, KeyedStore, Random } from '../../src/domain/ports.ts';
import { EvidenceBank } from '../../src/domain/evidence-bank.ts';
import type { EvidenceWindow } from '../../src/domain/evidence.ts';
import { CalibrationCache } from '../../src/domain/line-protocol/calibrations.ts';
import { createLineCounters } from '../../src/domain/line-protocol/line-counters.ts';
import type { FaultNotice, SensorNotice } from '../../src/domain/step.ts';
import { sensorId } from '../../src/domain/units.ts';
import { sensorSessions } from '../../src/hal/board-sessions.ts';
import { arraySessions } from '../../src/hal/array-sessions.ts';
import type { Hardware } from '../../src/hal/hardware.ts';
import { done, failed } from '../../src/hal/ports.ts';
import type { DriverHost } from '../../src/hal/sensor-driver.ts';

export const SENSOR = sensorId('hall_sensor');

export interface DriverBench {
  readonly host: DriverHost;
  readonly bank: EvidenceBank;
  readonly files: Map<string, Uint8Array>;
  readonly faults: FaultNotice[];
  readonly notices: SensorNotice[];
  /** Hottest pixel of each frame whose temperatures were computed. */
  readonly hottest: number[];
  readonly counters: ReturnType<typeof createLineCounters>;
  steps(): number;
  /** What a step would see now. */
  drain(): readonly EvidenceWindow[];
}

export async function driverBench(
  clock: Clock,
  random: Random,
  hardware: Hardware,
): Promise<DriverBench> {
  const bank = new EvidenceBank();
  const files = new Map<string, Uint8Array>();
  const faults: FaultNotice[] = [];
  const notices: SensorNotice[] = [];
  const hottest: number[] = [];
  const counters = createLineCounters();
  let steps = 0;
  const shared = {
    bank,
    random,
    counters,
    calibrations: await CalibrationCache.load(emptyStore()),
    frameSinkOf: () => ({
      accept: (celsius: Float32Array) => hottest.push(Math.max(...celsius)),
    }),
    onNotice: (notice: SensorNotice) => notices.push(notice),
  };
  const sessions = sensorSessions(SENSOR, shared, clock);
  return {
    bank,
    files,
    faults,
    notices,
    hottest,
    counters,
    steps: () => steps,
    drain: () => bank.drain(),
    host: {
      ...hardware,
      sensor: SENSOR,
      clock,
      random,
      bank,
      log: () => undefined,
      notify: (notice) => notices.push(notice),
      fault: (notice) => faults.push(notice),
      requestStep: () => {
        steps += 1;
      },
      readFile: async (path) => {
        const bytes = files.get(path);
        return bytes === undefined ? failed('absent', `${path} is not there`) : done(bytes);
      },
      openSession: sessions.openSession,
      openArray: arraySessions(SENSOR, shared),
    },
  };
}

function emptyStore(): KeyedStore {
  return {
    loadAll: async () => new Map(),
    put: () => undefined,
    remove: () => undefined,
  };
}
