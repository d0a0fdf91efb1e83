/** The emulated machines, and what runs in each. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runTool } from '../arm64/host.ts';
import type { DebianRelease, GuestKernel } from './debian.ts';
import { withNodeAddition } from './device-tree.ts';
import type { Suite } from './guest-image.ts';
import type { Machine } from './machine.ts';
import type { Pins } from './pins.ts';
import { Bcm2835Pins, Pl061Pins } from './pins.ts';

export interface MachineKind {
  /** As guest/board.ts knows it. */
  readonly board: string;
  readonly release: DebianRelease;
  readonly hardware: readonly string[];
  readonly console: string;
  readonly commandLine: string;
  readonly serialsBefore: number;
  readonly suites: readonly Suite[];
  readonly deviceTree: (kernel: GuestKernel, folder: string) => Promise<Buffer>;
  readonly pins: (machine: Machine) => Promise<Pins>;
}

const SUITES: readonly Suite[] = [
  { script: 'contract', args: ['cdev'] },
  { script: 'contract', args: ['onoff'] },
  { script: 'kernel', args: [] },
];

/** `quiet` leaves the console to the results; a panic is told all the same, and ends it all. */
const COMMAND_LINE = 'quiet panic=-1 rdinit=/init';
const VIRT = ['-M', 'virt', '-cpu', 'cortex-a72', '-m', '1024'];

/** QEMU's own tree, with names for the lines, and one line that the kernel holds for itself. */
async function virtTree(_kernel: GuestKernel, folder: string): Promise<Buffer> {
  const file = join(folder, 'virt.dtb');
  const [, , ...rest] = VIRT;
  await runTool('qemu-system-aarch64', [
    ...['-M', `virt,dumpdtb=${file}`, ...rest],
    ...['-display', 'none', '-nic', 'none'],
  ]);
  return withNodeAddition(readFileSync(file), 'pl061@', {
    properties: { 'gpio-line-names': ['SIREN', 'BUTTON', 'RELAY', '', '', '', '', ''] },
    nodes: {
      'power-hold': {
        'gpio-hog': [],
        gpios: [7, 0],
        'output-low': [],
        'line-name': ['power-hold'],
      },
    },
  });
}

function virt(release: DebianRelease): MachineKind {
  return {
    board: 'virt',
    release,
    hardware: VIRT,
    console: '/dev/ttyAMA0',
    commandLine: `console=ttyAMA0 ${COMMAND_LINE}`,
    serialsBefore: 0,
    suites: SUITES,
    deviceTree: virtTree,
    pins: (machine) => Pl061Pins.of(machine),
  };
}

/** The first serial port belongs to Bluetooth in the Pi's own device tree. */
const raspi3b: MachineKind = {
  board: 'raspi3b',
  release: 'trixie',
  hardware: ['-M', 'raspi3b'],
  console: '/dev/ttyS1',
  commandLine: `console=ttyS1,115200 ${COMMAND_LINE}`,
  serialsBefore: 1,
  suites: SUITES,
  deviceTree: (kernel) => Promise.resolve(readFileSync(kernel.piTree)),
  pins: (machine) => Promise.resolve(new Bcm2835Pins(machine)),
};

export const MACHINE_KINDS: readonly MachineKind[] = [virt('trixie'), virt('bookworm'), raspi3b];
