/**
 * The sensor drivers: one line each. A list and not discovery: it is the table of contents, the
 * bundle holds exactly these, and the configuration's kinds follow from it.
 */
import type { SensorDriver } from '../sensor-driver.ts';
import { replay } from './replay.ts';
import { serialBoard } from './serial-board.ts';

export const sensorDrivers = [serialBoard, replay] as const;

export type SensorKind = (typeof sensorDrivers)[number]['kind'];

/** The driver of a kind, or undefined for a kind that the configuration made up. */
export function sensorDriver(kind: string): SensorDriver | undefined {
  return sensorDrivers.find((driver) => driver.kind === kind);
}
