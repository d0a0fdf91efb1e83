/** The guest's file system: Node with what GPIO needs, the suites, and an init of a few lines. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as esbuild from 'esbuild';
import { writePackages } from '../arm64/app-tree.ts';
import { ARM64_SYSTEM } from '../arm64/cross-build.ts';
import { ROOT } from '../arm64/host.ts';
import type { KnownPackage } from '../arm64/packages.ts';
import { unpackedPackage } from '../arm64/packages.ts';
import type { GuestKernel } from './debian.ts';
import { Initramfs } from './initramfs.ts';

/** Packages with native parts, and what only works unbundled. */
const PACKAGES = ['koffi', 'epoll', 'onoff'];
const LIBRARIES = [
  'ld-linux-aarch64.so.1',
  ...['libc.so.6', 'libm.so.6', 'libdl.so.2', 'libpthread.so.0', 'librt.so.1'],
  ...['libstdc++.so.6', 'libgcc_s.so.1'],
];
const ENTRIES = ['contract', 'kernel', 'runtime', 'hold'];

/** One process of the guest: a script of guest/ with its arguments. */
export interface Suite {
  readonly script: string;
  readonly args: readonly string[];
}

export interface GuestOptions {
  readonly kernel: GuestKernel;
  readonly board: string;
  /** The terminal on which results are told and orders given. */
  readonly console: string;
  readonly suites: readonly Suite[];
}

/** Bundles the suites into `folder`, beside the packages that they load. */
export async function buildSuites(folder: string, node: KnownPackage): Promise<void> {
  await writePackages(folder, PACKAGES, node);
  const common = {
    absWorkingDir: ROOT,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: PACKAGES,
    logLevel: 'warning',
    outExtension: { '.js': '.js' },
  } as const;
  await esbuild.build({
    ...common,
    entryPoints: ENTRIES.map((name) => `test/kernel/guest/${name}.ts`),
    outdir: folder,
    alias: { vitest: './test/kernel/harness.ts' },
  });
  await esbuild.build({
    ...common,
    entryPoints: ['src/gpio-holder.ts'],
    outdir: join(folder, 'dist'),
  });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
}

/** Writes the archive that the kernel unpacks. */
export async function writeImage(
  file: string,
  app: string,
  node: KnownPackage,
  options: GuestOptions,
): Promise<void> {
  const image = new Initramfs();
  for (const folder of ['proc', 'sys', 'dev', 'run', 'tmp']) image.folder(folder);
  image.file('bin/busybox', readFileSync(options.kernel.busybox));
  image.file('bin/node', readFileSync(join(await unpackedPackage(node), 'bin', 'node')));
  for (const name of LIBRARIES) {
    image.file(`lib/${name}`, readFileSync(join(ARM64_SYSTEM, 'lib', name)));
  }
  image.copy('app', app);
  image.file('init', initScript(options));
  writeFileSync(file, image.bytes());
}

function initScript({ board, console, suites }: GuestOptions): string {
  const runs = suites.flatMap(({ script, args }) => {
    const name = [script, ...args].join(' ');
    return [
      `echo "@suite ${name}"`,
      `/bin/node /app/${script}.js ${args.join(' ')}`,
      `echo "@exit $? ${name}"`,
    ];
  });
  return [
    '#!/bin/busybox sh',
    'busybox=/bin/busybox',
    '$busybox mount -t proc proc /proc',
    '$busybox mount -t sysfs sysfs /sys',
    '$busybox mount -t devtmpfs dev /dev',
    `$busybox stty -F ${console} raw -echo`,
    `export GUEST_BOARD=${board} GUEST_CONSOLE=${console} PATH=/bin HOME=/tmp`,
    'echo "@boot $($busybox uname -r) $($busybox cut -d" " -f1 /proc/uptime)"',
    ...runs,
    // The host switches the machine off.
    'echo "@end"',
    '$busybox sleep 60',
    '',
  ].join('\n');
}
