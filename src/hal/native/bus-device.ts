/** What a bus thread serves: a device node that is open, with synchronous transfers. */
import { closeSync, constants, openSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { HalResult } from '../ports.ts';
import { done } from '../ports.ts';
import type { BusDevice, BusRequest } from './bus-messages.ts';
import { openI2c } from './bus-i2c.ts';
import { openSpi } from './bus-spi.ts';
import { openTrouble } from './bus-troubles.ts';
import type { Libc } from './libc.ts';

export interface OpenDevice {
  transfer(request: BusRequest): HalResult<Uint8Array>;
  close(): void;
}

/** Opens the node, asks whether it is what it should be and sets it up. */
export function openBusDevice(libc: Libc, device: BusDevice): HalResult<OpenDevice> {
  const opened = openNode(device);
  if (!opened.ok) return opened;
  const fd = opened.value;
  const ready =
    device.kind === 'i2c'
      ? openI2c(libc, fd, device.path)
      : openSpi(libc, fd, device.path, device.mode);
  if (!ready.ok) {
    closeSync(fd);
    return ready;
  }
  return done({ transfer: ready.value, close: () => closeSync(fd) });
}

function openNode({ kind, path }: BusDevice): HalResult<number> {
  try {
    return done(openSync(path, constants.O_RDWR));
  } catch (error) {
    return openTrouble(kind, path, codeOf(error), nodesLike(kind, path));
  }
}

/** Nodes beside the missing one, so that the message can say what to write instead. */
function nodesLike(kind: 'i2c' | 'spi', path: string): readonly string[] {
  const directory = dirname(path);
  const names = kind === 'i2c' ? /^i2c-\d+$/ : /^spidev\d+\.\d+$/;
  try {
    return readdirSync(directory)
      .filter((name) => names.test(name))
      .sort()
      .map((name) => `${directory}/${name}`);
  } catch {
    // The directory is missing as well: there are none, and the message says so.
    return [];
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
