/** Small images with the partitions of real ones; nothing in them starts. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import type { ProvisionWorld } from '../../scripts/provision/world.ts';

const environment = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
export const hasCommand = (command: string): boolean =>
  spawnSync('sh', ['-c', `command -v ${command}`], { env: environment }).status === 0;
export const canMakeImages = ['mkfs.vfat', 'mcopy', 'mdir'].every(hasCommand);

export const MIB = 1024 * 1024;
export const BOOT_START = MIB;
const BOOT_BYTES = 36 * MIB;
const PART_BYTES = MIB;

export interface ImageKind {
  readonly boot: string;
  /** Labels of the ext4 partitions. */
  readonly others: readonly string[];
  /** Content of the file `vmlinuz`. */
  readonly kernel: Buffer;
  readonly cmdline: string;
}

export function kernelFor(machine: 'arm64' | 'arm' | 'x86' | 'gzip'): Buffer {
  const head = Buffer.alloc(2048);
  if (machine === 'arm64') head.write('ARM\x64', 56, 'latin1');
  if (machine === 'arm') head.writeUInt32LE(0x016f2818, 0x24);
  if (machine === 'x86') head.write('HdrS', 0x202, 'latin1');
  if (machine === 'gzip') head.writeUInt16BE(0x1f8b, 0);
  return head;
}

export const EMBEREYE: ImageKind = {
  boot: 'EMBEREYE',
  others: ['embereye-root', 'embereye-data'],
  kernel: kernelFor('arm64'),
  cmdline: 'console=tty1 root=PARTUUID=45796531-02 ro\n',
};
export const PI_OS: ImageKind = {
  boot: 'bootfs',
  others: ['rootfs'],
  kernel: kernelFor('gzip'),
  cmdline: 'console=serial0,115200 root=PARTUUID=1-02 rootwait quiet init=/x/firstboot\n',
};

/** Makes an image at `file` and its `.sha256`; returns its size. */
export function makeImage(file: string, kind: ImageKind = EMBEREYE): number {
  const size = BOOT_START + BOOT_BYTES + kind.others.length * PART_BYTES;
  const fat = `${file}.fat`;
  writeFileSync(fat, '');
  truncateSync(fat, BOOT_BYTES);
  tool('mkfs.vfat', '-F', '32', '-n', kind.boot, fat);
  for (const [name, content] of [
    ['vmlinuz', kind.kernel],
    ['cmdline.txt', kind.cmdline],
  ] as const) {
    writeFileSync(`${file}.part`, content);
    tool('mcopy', '-i', fat, `${file}.part`, `::${name}`);
  }
  const image = openSync(file, 'w');
  writeSync(image, table(kind.others.length), 0, 512, 0);
  const boot = readFileSync(fat);
  writeSync(image, boot, 0, boot.length, BOOT_START);
  for (const [i, label] of kind.others.entries()) {
    const block = Buffer.alloc(1024);
    block.writeUInt16LE(0xef53, 56);
    block.write(label, 120);
    writeSync(image, block, 0, block.length, BOOT_START + BOOT_BYTES + i * PART_BYTES + 1024);
  }
  closeSync(image);
  truncateSync(file, size);
  rmSync(fat);
  rmSync(`${file}.part`);
  writeChecksum(file);
  return size;
}

export function writeChecksum(file: string): void {
  const sum = createHash('sha256').update(readFileSync(file)).digest('hex');
  writeFileSync(`${file}.sha256`, `${sum}  image\n`);
}

function table(others: number): Buffer {
  const sector = Buffer.alloc(512);
  const entry = (i: number, type: number, start: number, size: number): void => {
    sector.writeUInt8(type, 446 + i * 16 + 4);
    sector.writeUInt32LE(start / 512, 446 + i * 16 + 8);
    sector.writeUInt32LE(size / 512, 446 + i * 16 + 12);
  };
  entry(0, 0x0c, BOOT_START, BOOT_BYTES);
  for (let i = 0; i < others; i++) {
    entry(i + 1, 0x83, BOOT_START + BOOT_BYTES + i * PART_BYTES, PART_BYTES);
  }
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

export function tool(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'latin1', env: environment });
}

/** A file of the first partition, as mtools reads it. */
export function onCard(image: string, path: string): string {
  return tool('mcopy', '-n', '-i', `${image}@@${BOOT_START}`, `::/${path}`, '-');
}

/** A world without a terminal; its lines are kept. */
export function testWorld(
  cwd: string,
  change: Partial<ProvisionWorld> = {},
): ProvisionWorld & { readonly lines: string[]; readonly text: () => string } {
  const lines: string[] = [];
  let monotonic = 0;
  return {
    ...{ lines, text: () => lines.join('\n'), cwd, environment: {}, isTerminal: false },
    out: (line) => void lines.push(line),
    err: (line) => void lines.push(line),
    nowMs: () => Date.now(),
    monotonicMs: () => (monotonic += 10),
    randomBytes: (n) => new Uint8Array(n).map((_, i) => (i * 37 + lines.length) & 0xff),
    signal: new AbortController().signal,
    exitWith: (run) => Promise.resolve(run()).then(() => undefined),
    ...change,
  };
}

export const CONFIG = 'device:\n  id: kitchen-1\n';
