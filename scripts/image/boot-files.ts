/**
 * What a board's firmware takes from a card when it starts, taken out of an image for an emulator
 * that has no such firmware: kernel, initramfs, device tree with its overlays, command line.
 */
import { closeSync, mkdirSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { runTool } from '../../test/arm64/host.ts';
import { SECTOR_BYTES } from './layout.ts';
import { readPartitionTable } from './partition-table.ts';

/** Files outside the image, as they were in it. */
export interface BootFiles {
  readonly kernel: string;
  readonly initrd: string;
  /** Of the Raspberry Pi 3 B as the card has it, without overlays. */
  readonly deviceTree: string;
  /** The same with the overlays of config.txt, as the firmware would give it to the kernel. */
  readonly deviceTreeWithOverlays: string;
  /** cmdline.txt, one line. */
  readonly commandLine: string;
}

/** What config.txt says about starting. */
export interface BootConfiguration {
  readonly kernel: string;
  readonly initrd: string;
  readonly overlays: readonly string[];
}

const PI_3_TREE = 'bcm2837-rpi-3-b.dtb';

/**
 * Reads config.txt as the firmware does: a later line wins, `initramfs` has no equals sign.
 * Sections such as [pi4] are not in our images.
 * @throws Error that names what is missing
 */
export function readBootConfiguration(text: string): BootConfiguration {
  let kernel: string | undefined;
  let initrd: string | undefined;
  const overlays: string[] = [];
  for (const line of text.split('\n').map((one) => one.trim())) {
    if (line.startsWith('[')) throw new Error(`config.txt: a section ${line} is not understood`);
    const [, name, value] = /^([a-z0-9_]+)(?:\s*=\s*|\s+)(\S+)/.exec(line) ?? [];
    if (value === undefined) continue;
    if (name === 'kernel') kernel = value;
    if (name === 'initramfs') initrd = value;
    if (name === 'dtoverlay') overlays.push(value.split(',')[0] ?? value);
  }
  if (kernel === undefined) throw new Error('config.txt: no line kernel=');
  if (initrd === undefined) throw new Error('config.txt: no line initramfs');
  return { kernel, initrd, overlays };
}

/**
 * Takes the boot files out of the FAT partition of an image into `folder`.
 * @throws Error when the file is no image of ours; mtools and device-tree-compiler must be there
 */
export async function bootFilesOf(imageFile: string, folder: string): Promise<BootFiles> {
  mkdirSync(folder, { recursive: true });
  const partition = `${imageFile}@@${firstPartitionAt(imageFile)}`;
  const take = async (name: string): Promise<string> => {
    const file = join(folder, name.split('/').at(-1) ?? name);
    await runTool('mcopy', ['-n', '-o', '-i', partition, `::${name}`, file], {
      environment: { MTOOLS_SKIP_CHECK: '1' },
    });
    return file;
  };
  const configuration = readBootConfiguration(readFileSync(await take('config.txt'), 'utf8'));
  const deviceTree = await take(PI_3_TREE);
  const overlays: string[] = [];
  for (const name of configuration.overlays) overlays.push(await take(`overlays/${name}.dtbo`));
  const deviceTreeWithOverlays = join(folder, 'with-overlays.dtb');
  await runTool('fdtoverlay', ['-i', deviceTree, '-o', deviceTreeWithOverlays, ...overlays]);
  return {
    kernel: await take(configuration.kernel),
    initrd: await take(configuration.initrd),
    deviceTree,
    deviceTreeWithOverlays,
    commandLine: readFileSync(await take('cmdline.txt'), 'utf8').trim(),
  };
}

/** Bytes from the image's start to its first partition. @throws Error when there is none */
function firstPartitionAt(imageFile: string): number {
  const sector = Buffer.alloc(SECTOR_BYTES);
  const file = openSync(imageFile, 'r');
  const length = readSync(file, sector, 0, SECTOR_BYTES, 0);
  closeSync(file);
  const table = readPartitionTable(sector.subarray(0, length));
  if (!table.ok) throw new Error(`${imageFile}: ${table.problem}`);
  const [first] = table.partitions;
  if (first === undefined) throw new Error(`${imageFile}: its partition table is empty`);
  return first.start * SECTOR_BYTES;
}
