/** Every reader of the box: the list that the monitor polls and `embereye doctor` asks once. */
import type { Clock } from '../../domain/ports.ts';
import type { KernelFiles } from '../bus-ports.ts';
import type { ClockState } from './clock-state.ts';
import { clockReader } from './clock-state.ts';
import { diskHealthReader } from './disk-health.ts';
import { diskSpaceReader } from './disk-space.ts';
import { firmwareReader } from './firmware-flags.ts';
import { memoryReader } from './memory.ts';
import type { BoxReader } from './report.ts';
import type { StatFileSystem } from './statfs.ts';
import { supplyReader } from './supply.ts';
import { temperatureReader } from './temperature.ts';
import { watchdogReader } from './watchdog.ts';

/** When a reading becomes a fault; the configuration's section `box`. */
export interface BoxLimits {
  readonly cpuCelsius: number;
  readonly freePercent: number;
  readonly freeMegabytes: number;
  readonly memoryMegabytes: number;
  readonly batteryPercent: number;
  readonly clockMinutes: number;
}

/** As the configuration has them by default. */
export const DEFAULT_BOX_LIMITS: BoxLimits = {
  cpuCelsius: 80,
  freePercent: 10,
  freeMegabytes: 200,
  memoryMegabytes: 64,
  batteryPercent: 30,
  clockMinutes: 15,
};

export interface BoxSources {
  readonly clock: Clock;
  readonly files: KernelFiles;
  readonly statFileSystem: StatFileSystem;
  /** Absolute; whose disk is watched. */
  readonly stateDirectory: string;
  readonly clockState: () => ClockState;
}

export function boxReaders(sources: BoxSources, limits: BoxLimits): readonly BoxReader[] {
  const { clock, files, statFileSystem, stateDirectory, clockState } = sources;
  return [
    temperatureReader(files, limits.cpuCelsius),
    firmwareReader(files),
    supplyReader(files, limits.batteryPercent),
    diskSpaceReader(files, statFileSystem, stateDirectory, limits),
    diskHealthReader(files),
    memoryReader(files, limits.memoryMegabytes),
    clockReader(clock, clockState, limits.clockMinutes),
    watchdogReader(files),
  ];
}
