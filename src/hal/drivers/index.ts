/**
 * The sensor drivers: one line each. A list and not discovery: it is the table of contents, the
 * bundle holds exactly these, and the configuration's kinds follow from it.
 */
import type { SensorDriver } from '../sensor-driver.ts';
import { ads1115 } from './ads1115.ts';
import { gpioContact } from './gpio-contact.ts';
import { iioAdc } from './iio-adc.ts';
import { mcp3208 } from './mcp3208.ts';
import { mlx90640I2c } from './mlx90640-i2c.ts';
import { mlx90640Uart } from './mlx90640-uart.ts';
import { modbus } from './modbus.ts';
import { replay } from './replay.ts';
import { serialBoard } from './serial-board.ts';

export const sensorDrivers = [
  ads1115,
  gpioContact,
  iioAdc,
  mcp3208,
  mlx90640I2c,
  mlx90640Uart,
  modbus,
  replay,
  serialBoard,
] as const;

export type SensorKind = (typeof sensorDrivers)[number]['kind'];

/** The driver of a kind, or undefined for a kind that the configuration made up. */
export function sensorDriver(kind: string): SensorDriver | undefined {
  return sensorDrivers.find((driver) => driver.kind === kind);
}
