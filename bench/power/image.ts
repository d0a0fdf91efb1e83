/** The machine that loses its power: the appliance with its packages, a disk, a network, an init. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { productPackages, writePackages } from '../../test/arm64/app-tree.ts';
import { ARM64_SYSTEM } from '../../test/arm64/cross-build.ts';
import { ROOT } from '../../test/arm64/host.ts';
import type { KnownPackage } from '../../test/arm64/packages.ts';
import { unpackedPackage } from '../../test/arm64/packages.ts';
import type { GuestKernel } from '../../test/kernel/debian.ts';
import { Initramfs } from '../../test/kernel/initramfs.ts';
import { modulesOf } from './modules.ts';

const LIBRARIES = [
  'ld-linux-aarch64.so.1',
  ...['libc.so.6', 'libm.so.6', 'libdl.so.2', 'libpthread.so.0', 'librt.so.1'],
  ...['libstdc++.so.6', 'libgcc_s.so.1', 'libresolv.so.2'],
];
const MODULES = ['virtio_mmio', 'virtio_blk', 'virtio_net', 'crc32c_generic', 'ext4'];
/** The trained model is not asked: it would only make each boot longer. */
const PROGRAMS = ['embereye', 'store-writer', 'gpio-holder', 'bus-thread', 'guard-thread'].map(
  (name) => `${name}.js`,
);
const LEFT_OUT = ['onnxruntime-node', 'aedes'];

export const SIREN_LINE = 0;
export const GUEST_BOARD_PORT = 4888;
export const GUEST_HTTP_PORT = 9090;
/** The host as a guest of QEMU's user network sees it. */
const HOST = '10.0.2.2';

/** @param brokerPort of the host's loopback. */
export async function writePowerImage(
  file: string,
  folder: string,
  kernel: GuestKernel,
  node: KnownPackage,
  brokerPort: number,
): Promise<void> {
  const app = join(folder, 'app');
  mkdirSync(join(app, 'dist'), { recursive: true });
  const packages = productPackages().filter((name) => !LEFT_OUT.includes(name));
  await writePackages(app, packages, node);
  for (const name of PROGRAMS) {
    cpSync(join(ROOT, 'dist', name), join(app, 'dist', name));
  }
  writeFileSync(join(app, 'package.json'), '{"type":"module"}');
  writeFileSync(join(app, 'appliance.yaml'), JSON.stringify(configuration(brokerPort)));
  const image = new Initramfs();
  for (const name of ['proc', 'sys', 'dev', 'run', 'tmp', 'state', 'etc']) image.folder(name);
  image.file('bin/busybox', readFileSync(kernel.busybox));
  image.file('bin/node', readFileSync(join(await unpackedPackage(node), 'bin', 'node')));
  for (const name of LIBRARIES) {
    image.file(`lib/${name}`, readFileSync(join(ARM64_SYSTEM, 'lib', name)));
  }
  const modules = await modulesOf(kernel, MODULES);
  for (const { name, bytes } of modules) image.file(`modules/${name}.ko`, bytes);
  image.copy('app', app);
  image.file('init', initScript(modules.map(({ name }) => name)));
  writeFileSync(file, image.bytes());
}

function configuration(brokerPort: number): object {
  return {
    device: { id: 'unit' },
    logLevel: 'warn',
    state: { directory: '/state/embereye', runDirectory: '/run/embereye' },
    boards: [{ id: 'a', match: { serial: 'A' } }],
    zones: [{ id: 'a', sensors: [{ sensor: 'a', channel: 'ADC1', role: 'smoke' }] }],
    gpio: {
      outputs: [{ id: 'siren', role: 'siren', chip: '*', line: 'SIREN', pattern: 'steady' }],
    },
    uplink: { brokers: [{ id: 'central', url: `mqtt://${HOST}:${brokerPort}` }] },
    model: { enabled: false },
    proof: { everySeconds: null },
    recording: { blackBox: { enabled: false } },
    box: { enabled: false },
  };
}

function initScript(modules: readonly string[]): string {
  return [
    '#!/bin/busybox sh',
    'busybox=/bin/busybox',
    '$busybox mount -t proc proc /proc',
    '$busybox mount -t sysfs sysfs /sys',
    '$busybox mount -t devtmpfs dev /dev',
    '$busybox mount -t tmpfs run /run',
    ...modules.map((name) => `$busybox insmod /modules/${name}.ko || echo "@fail insmod ${name}"`),
    '$busybox ifconfig lo 127.0.0.1 up',
    '$busybox ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up',
    '$busybox route add default gw 10.0.2.2',
    'echo "@boot $($busybox uname -r) $($busybox cut -d" " -f1 /proc/uptime)"',
    '$busybox mount -t ext4 /dev/vda /state || echo "@fail the disk cannot be mounted"',
    'export PATH=/bin HOME=/tmp',
    '/bin/node --max-semi-space-size=2 /app/dist/embereye.js run --config /app/appliance.yaml',
    'echo "@exit $?"',
    '$busybox sleep 60',
    '',
  ].join('\n');
}
