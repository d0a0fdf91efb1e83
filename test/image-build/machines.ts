/** Emulated machines that start an image: QEMU's words, and words for the guest's command line. */
import { join } from 'node:path';
import type { BootFiles } from '../../scripts/image/boot-files.ts';
import { runTool } from '../arm64/host.ts';

/** A port of the host's loopback that leads to one of the guest. */
export interface Forward {
  readonly hostPort: number;
  readonly guestPort: number;
}

export interface ImageMachine {
  /** `-M ...`, disk and network; no serial ports, kernel or monitor. */
  readonly hardware: readonly string[];
  readonly deviceTree: string;
  readonly commandLine: string;
  /** Serial ports before the one with the console. */
  readonly serialsBefore: number;
}

export interface ImageMachineOptions {
  /** The image: a file, or an address such as `nbd+unix:///?socket=...`. */
  readonly disk: string;
  readonly boot: BootFiles;
  readonly forwards: readonly Forward[];
  /** More words for the guest, such as `systemd.journald.forward_to_console=1`. */
  readonly extraWords?: readonly string[];
}

function networkOf(forwards: readonly Forward[]): string {
  const words = forwards.map(
    ({ hostPort, guestPort }) => `hostfwd=tcp:127.0.0.1:${hostPort}-:${guestPort}`,
  );
  return ['user', 'id=net', ...words].join(',');
}

/** The image's own words, a console that can be read, then what a test adds. */
function wordsOf({ boot, extraWords = [] }: ImageMachineOptions, console: string): string {
  const own = boot.commandLine.split(/\s+/).filter((word) => !/^(console=|quiet$)/.test(word));
  return [...own, `console=${console}`, ...extraWords].join(' ');
}

/**
 * A Raspberry Pi 3 B. With the image's overlay the first serial port is the header's, and carries
 * the console here. Opening its watchdog resets the emulated board at once: nobody opens it.
 * SD cards have no command to flush (SD Physical Layer Specification, before the caches of version
 * 6): what a card has acknowledged is kept, and QEMU must write it through.
 */
export function raspi3b(options: ImageMachineOptions): ImageMachine {
  return {
    hardware: [
      ...['-M', 'raspi3b', '-drive', `file=${options.disk},if=sd,format=raw,cache=writethrough`],
      ...['-netdev', networkOf(options.forwards), '-device', 'usb-net,netdev=net'],
    ],
    deviceTree: options.boot.deviceTreeWithOverlays,
    commandLine: wordsOf(
      { ...options, extraWords: ['systemd.watchdog_sec=0', ...(options.extraWords ?? [])] },
      'ttyAMA0,115200',
    ),
    serialsBefore: 0,
  };
}

const VIRT = ['-M', 'virt', '-cpu', 'cortex-a53', '-smp', '2', '-m', '1024'];
const WATCHDOG = ['-device', 'i6300esb,id=watchdog', '-action', 'watchdog=reset'];

/**
 * The same kernel, initramfs and root on a machine with a hardware watchdog and a faster disk.
 * @param folder for the device tree, which QEMU writes itself
 */
export async function virt(folder: string, options: ImageMachineOptions): Promise<ImageMachine> {
  const roomy = join(folder, 'virt-roomy.dtb');
  const deviceTree = join(folder, 'virt.dtb');
  const hardware = [
    ...VIRT,
    ...['-drive', `file=${options.disk},if=none,id=disk,format=raw`],
    ...['-device', 'virtio-blk-pci,drive=disk'],
    ...['-netdev', networkOf(options.forwards), '-device', 'virtio-net-pci,netdev=net,romfile='],
    ...WATCHDOG,
  ];
  const [, , ...rest] = VIRT;
  await runTool('qemu-system-aarch64', [
    ...['-M', `virt,dumpdtb=${roomy}`, ...rest, '-display', 'none', '-nic', 'none'],
  ]);
  // With a MiB of empty room in it nothing starts.
  await runTool('dtc', ['-q', '-I', 'dtb', '-O', 'dtb', '-o', deviceTree, roomy]);
  return { hardware, deviceTree, commandLine: wordsOf(options, 'ttyAMA0'), serialsBefore: 0 };
}
