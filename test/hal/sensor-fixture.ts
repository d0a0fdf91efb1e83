/** What the contract needs to know about a driver: `fixtures/<kind>.ts` exports one as `fixture`. */
import type { SimulatedSerial } from '../../src/hal/simulated.ts';
import type { DriverBench } from './driver-bench.ts';
import type { ManualClock } from './manual-clock.ts';

export interface SensorWorld {
  readonly clock: ManualClock;
  readonly serial: SimulatedSerial;
  readonly bench: DriverBench;
}

export interface SensorFixture {
  /** As the configuration would give them. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The fault that its absent hardware raises. */
  readonly fault: string;
  /** Channels that report, and how long that takes at most once the hardware is there. */
  readonly channels: readonly string[];
  readonly withinMs: number;
  /** Puts the hardware there. Bytes come from documents or simulators. */
  attach(world: SensorWorld): AttachedHardware;
}

export interface AttachedHardware {
  /** Null for hardware that cannot go away once it is in use. */
  readonly detach: (() => void) | null;
  /** Sends bytes that mean nothing; null where the hardware sends none by itself. */
  readonly garble: ((bytes: Uint8Array) => void) | null;
  /** Ends the hardware's own doings. */
  stop(): void;
}
