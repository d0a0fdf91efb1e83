/** Every backend of the bus ports, with what a test needs around it: devices and their troubles. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import type { I2cBackend, SpiBackend } from '../../src/hal/bus-ports.ts';
import { createLinuxI2c } from '../../src/hal/i2c-linux.ts';
import { SimulatedI2c, type SimulatedI2cDevice } from '../../src/hal/simulated-i2c.ts';
import { SimulatedSpi } from '../../src/hal/simulated-spi.ts';
import { createLinuxSpi } from '../../src/hal/spi-linux.ts';
import { SimulatedArray } from '../../src/simulator/array.ts';
import { folderBesidePackages } from '../run-folder.ts';

export const THREAD_PATH = join(import.meta.dirname, '../../dist/bus-thread.js');
export const hasCompiler = spawnSync('cc', ['--version']).status === 0;

/** What goes wrong on the wire from now on; `fine` ends it. */
export type BusFault = 'fine' | 'nack' | 'eio' | 'timeout' | 'short' | 'gone';

export const ARRAY_ADDRESS = 0x33;
export const EMPTY_ADDRESS = 0x5a;

export interface I2cRig {
  readonly backend: I2cBackend;
  readonly path: string;
  /** Of the array at `ARRAY_ADDRESS`: 832 words from 0x2400. */
  readonly eeprom: Uint16Array;
  fault(kind: BusFault): void;
  /** Takes the device node away, and puts it back. */
  unplug(): void;
  replug(): void;
  close(): void;
}

export const SPI_INPUTS = [0, 1, 1023, 2048, 4095, 17, 300, 3000] as const;

export interface SpiRig {
  readonly backend: SpiBackend;
  readonly path: string;
  fault(kind: BusFault): void;
  unplug(): void;
  replug(): void;
  close(): void;
}

export interface RigKind<T> {
  readonly name: string;
  readonly present: boolean;
  open(): T;
}

/** Compiles the played bus once per process. */
export function standinLibrary(): string {
  if (library !== null) return library;
  const folder = folderBesidePackages(join(import.meta.dirname, '../..'), 'bus-standin-');
  const sources = ['bus.c', 'chips.c'].map((name) => join(import.meta.dirname, 'standin', name));
  const made = join(folder, 'libbus.so');
  const flags = ['-shared', '-fPIC', '-O2', '-Wall', '-Wextra', '-Werror', '-pthread'];
  execFileSync('cc', [...flags, '-o', made, ...sources]);
  library = made;
  return made;
}
let library: string | null = null;

/** A device node of the played bus; `lines` as in standin/bus.c. */
export class StandinNode {
  readonly folder = mkdtempSync(join(tmpdir(), 'bus-'));
  readonly path: string;
  readonly #lines: readonly string[];

  constructor(name: string, lines: readonly string[]) {
    this.path = join(this.folder, name);
    this.#lines = lines;
    this.plug();
  }

  plug(): void {
    writeFileSync(this.path, `${this.#lines.join('\n')}\n`);
  }

  unplug(): void {
    rmSync(this.path, { force: true });
  }

  /** As in standin/bus.c, for example `hold`; `fine` for none. */
  fault(what: string): void {
    if (what === 'fine') rmSync(`${this.path}.fault`, { force: true });
    else writeFileSync(`${this.path}.fault`, what);
  }

  /** From now on requests are written down. */
  record(): void {
    appendFileSync(`${this.path}.log`, '');
  }

  /** What has been asked since `record`. */
  get log(): readonly string[] {
    const path = `${this.path}.log`;
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** An array on a played I2C bus, and an ADS1115 at 0x48. */
export function standinI2c(speedHz = 400_000, more: readonly string[] = []) {
  const array = new SimulatedArray({ seed: 'bus' });
  const scene = new Float32Array(768).fill(24);
  const picture = array.dump(scene, { ambientCelsius: 28, supplyVolts: 3.3 });
  const files = mkdtempSync(join(tmpdir(), 'array-'));
  const write = (name: string, words: Uint16Array): string => {
    const bytes = Buffer.alloc(832 * 2);
    words.subarray(0, 832).forEach((word, i) => bytes.writeUInt16LE(word, 2 * i));
    writeFileSync(join(files, name), bytes);
    return join(files, name);
  };
  const node = new StandinNode('i2c-1', [
    `speed ${speedHz}`,
    `mlx90640 ${ARRAY_ADDRESS} ${write('eeprom', array.eeprom)} ${write('picture', picture)}`,
    'ads1115 72 100 200 300 400',
    ...more,
  ]);
  const remove = (): void => {
    node.remove();
    rmSync(files, { recursive: true, force: true });
  };
  return { node, eeprom: array.eeprom, remove };
}

const LIVE = () => ({ clock: systemClock(), threadPath: THREAD_PATH });

const linuxI2c: RigKind<I2cRig> = {
  name: `linux on a played kernel${hasCompiler ? '' : ' (no C compiler: cc)'}`,
  present: hasCompiler,
  open: () => {
    const { node, eeprom, remove } = standinI2c(4_000_000);
    return {
      backend: createLinuxI2c({ ...LIVE(), ioctlLibrary: standinLibrary() }),
      path: node.path,
      eeprom,
      fault: (kind) => node.fault(kind),
      unplug: () => node.unplug(),
      replug: () => node.plug(),
      close: remove,
    };
  },
};

/** Memory with 16-bit addresses, high byte first; the pointer does not survive a stop. */
function wordMemory(eeprom: Uint16Array): SimulatedI2cDevice {
  const registers = new Map<number, number>();
  eeprom.forEach((word, i) => registers.set(0x2400 + i, word));
  return {
    transfer: (write, readBytes) => {
      const bytes = Buffer.from(write);
      const pointer = bytes.length >= 2 ? bytes.readUInt16BE(0) : 0;
      for (let i = 2; i + 1 < bytes.length; i += 2) {
        registers.set(pointer + i / 2 - 1, bytes.readUInt16BE(i));
      }
      return Uint8Array.from({ length: readBytes }, (_, i) => {
        const word = registers.get(pointer + (i >> 1)) ?? 0;
        return i % 2 === 0 ? word >> 8 : word & 0xff;
      });
    },
  };
}

const FAULT_KINDS = { nack: 'noAnswer', eio: 'other', timeout: 'timeout', gone: 'absent' } as const;

function kindOf(fault: BusFault) {
  if (fault === 'fine') return null;
  return fault === 'short' ? 'corrupt' : FAULT_KINDS[fault];
}

const simulatedI2c: RigKind<I2cRig> = {
  name: 'simulated',
  present: true,
  open: () => {
    const backend = new SimulatedI2c({ clock: systemClock(), speedHz: 4_000_000 });
    const path = '/dev/i2c-1';
    const { eeprom } = new SimulatedArray({ seed: 'bus' });
    backend.attach(path, ARRAY_ADDRESS, wordMemory(eeprom));
    return {
      backend,
      path,
      eeprom,
      fault: (kind) => {
        backend.transferFault = kindOf(kind);
      },
      unplug: () => backend.unplug(path),
      replug: () => backend.plug(path),
      close: () => undefined,
    };
  },
};

const linuxSpi: RigKind<SpiRig> = {
  name: `linux on a played kernel${hasCompiler ? '' : ' (no C compiler: cc)'}`,
  present: hasCompiler,
  open: () => {
    const node = new StandinNode('spidev0.0', [`mcp3208 ${SPI_INPUTS.join(' ')}`]);
    return {
      backend: createLinuxSpi({ ...LIVE(), ioctlLibrary: standinLibrary() }),
      path: node.path,
      fault: (kind) => node.fault(kind),
      unplug: () => node.unplug(),
      replug: () => node.plug(),
      close: () => node.remove(),
    };
  },
};

const simulatedSpi: RigKind<SpiRig> = {
  name: 'simulated',
  present: true,
  open: () => {
    const backend = new SimulatedSpi(systemClock());
    const path = '/dev/spidev0.0';
    const plug = () =>
      backend.attach(path, {
        transfer: (write) => {
          const channel = (((write[0] ?? 0) & 1) << 2) | ((write[1] ?? 0) >> 6);
          const value = SPI_INPUTS[channel] ?? 0;
          return Uint8Array.from(write, (_, i) => (i === 1 ? value >> 8 : i === 2 ? value : 0));
        },
      });
    let detach = plug();
    return {
      backend,
      path,
      fault: (kind) => {
        backend.transferFault = kindOf(kind);
      },
      unplug: () => detach(),
      replug: () => {
        detach = plug();
      },
      close: () => undefined,
    };
  },
};

export const i2cRigs: readonly RigKind<I2cRig>[] = [simulatedI2c, linuxI2c];
export const spiRigs: readonly RigKind<SpiRig>[] = [simulatedSpi, linuxSpi];
