/** From Debian's packages and a .deb to one file that can be written to a card. */
import { createHash } from 'node:crypto';
import {
  cpSync,
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CACHE, CannotRunHere, ensureSystemParts, runTool } from '../../test/arm64/host.ts';
import { ensureArm64Programs, runInRoot } from './arm64-root.ts';
import type { Say } from './base-root.ts';
import { baseOf, prepareRoot } from './base-root.ts';
import { separateData } from './data-tree.ts';
import { assembleImage, writeExt4, writeFat32 } from './file-systems.ts';
import {
  commandLineProblems,
  DATA_LABEL,
  DATA_UUID,
  MIB,
  partitionsOf,
  ROOT_LABEL,
  ROOT_UUID,
} from './layout.ts';
import type { DebianSuite } from './packages.ts';
import { KEYRING } from './packages.ts';
import type { BuildRecord } from './record.ts';
import { installedPackages, treeMib } from './record.ts';

const PARTS = [
  { file: 'debootstrap', apt: 'debootstrap' },
  { file: KEYRING, apt: 'debian-archive-keyring' },
  { file: 'qemu-aarch64-static', apt: 'qemu-user-static' },
  { file: 'unshare', apt: 'util-linux' },
  { file: 'mke2fs', apt: 'e2fsprogs' },
  { file: 'mkfs.fat', apt: 'dosfstools' },
  { file: 'mcopy', apt: 'mtools' },
  { file: 'dtc', apt: 'device-tree-compiler' },
] as const;

/** Roots, packed and unpacked, beside the image itself. */
const ROOM_MIB = 5 * 1024;

export interface BuildOptions {
  /** Of arm64; null builds the system alone, which is good for nothing but trying it. */
  readonly deb: string | null;
  /** The raw image; `.sha256` and `.json` are written beside it. */
  readonly out: string;
  readonly suite: DebianSuite;
  /** See sizeProblem. */
  readonly sizeMib: number;
  /** Asks Debian for newer packages than the last build had. */
  readonly renew?: boolean;
  readonly say?: Say;
}

/**
 * Builds an image; nothing has the name `out` before all of it is there.
 * @throws CannotRunHere with the remedy: no root, missing programs, no room, no network
 */
export async function buildImage(options: BuildOptions): Promise<BuildRecord> {
  const { deb, out, suite, sizeMib, renew = false, say = console.log } = options;
  await ensureCanBuild(dirname(out), sizeMib);
  const base = await baseOf(suite, renew, say);
  const work = mkdtempSync(join(CACHE, 'image-work-'));
  try {
    const root = join(work, 'root');
    say('preparing the system');
    await prepareRoot(base, root);
    if (deb !== null) await installProduct(root, deb, say);
    const packages = await installedPackages(root);
    const data = join(work, 'data');
    await separateData(root, data);
    const boot = join(work, 'boot');
    renameSync(join(root, 'boot/firmware'), boot);
    mkdirSync(join(root, 'boot/firmware'), { mode: 0o755 });
    ensureStarts(boot);
    const sizes = { bootMib: treeMib(boot), rootMib: treeMib(root), dataMib: treeMib(data) };
    say('writing the file systems');
    const image = await writeImage({ work, root, data, boot }, sizeMib, base.epoch);
    const sha256 = await sha256Of(image);
    const record: BuildRecord = {
      ...{ schema: 1, suite, sizeMib, sha256, ...sizes },
      sourceDateEpoch: base.epoch,
      deb: deb === null ? null : { name: basename(deb), sha256: await sha256Of(deb) },
      packages,
    };
    await moveOut(image, out, record);
    return record;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function ensureCanBuild(folder: string, sizeMib: number): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new CannotRunHere(
      'the files of a system belong to root: sudo -E env PATH=$PATH npm run image -- ...',
    );
  }
  ensureSystemParts(PARTS);
  await ensureArm64Programs();
  for (const [where, mib] of [
    [CACHE, ROOM_MIB],
    [folder, sizeMib],
  ] as const) {
    mkdirSync(where, { recursive: true });
    const { bavail, bsize } = statfsSync(where);
    const free = Math.floor((bavail * bsize) / MIB);
    if (free < mib) {
      throw new CannotRunHere(`${where}: ${free} MiB free, ${mib} MiB are needed: make room`);
    }
  }
}

async function installProduct(root: string, deb: string, say: Say): Promise<void> {
  say(`installing ${basename(deb)}`);
  const inside = '/var/cache/embereye.deb';
  const policy = join(root, 'usr/sbin/policy-rc.d');
  cpSync(deb, join(root, inside));
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  // Not apt: what the package needs is in the image already, or the list of packages is wrong.
  await runInRoot(root, ['dpkg', '--force-unsafe-io', '--install', inside]);
  rmSync(policy);
  rmSync(join(root, inside));
}

/** @throws Error when the hooks of the packages did not write what the card starts with */
function ensureStarts(boot: string): void {
  const text = (name: string): string => {
    const file = join(boot, name);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  };
  const problems = commandLineProblems(text('cmdline.txt')).map((one) => `cmdline.txt: ${one}`);
  for (const line of [/^kernel=vmlinuz-/m, /^initramfs initrd/m, /^dtoverlay=embereye$/m]) {
    if (!line.test(text('config.txt'))) problems.push(`config.txt: no line ${line.source}`);
  }
  if (problems.length > 0) throw new Error(`the card would not start: ${problems.join('; ')}`);
}

interface Trees {
  readonly work: string;
  readonly boot: string;
  readonly root: string;
  readonly data: string;
}

async function writeImage(trees: Trees, sizeMib: number, epoch: number): Promise<string> {
  const { work } = trees;
  const partitions = partitionsOf(sizeMib);
  const [bootPart, rootPart, dataPart] = partitions;
  const files = ['boot.fat', 'root.ext4', 'data.ext4'].map((name) => join(work, name));
  const [bootFile = '', rootFile = '', dataFile = ''] = files;
  const root = { label: ROOT_LABEL, uuid: ROOT_UUID, reservedPercent: 0, epoch };
  const data = { label: DATA_LABEL, uuid: DATA_UUID, reservedPercent: 2, epoch };
  await writeFat32(bootFile, bootPart, trees.boot, epoch);
  await writeExt4(rootFile, rootPart, trees.root, root);
  await writeExt4(dataFile, dataPart, trees.data, data);
  const image = join(work, 'image');
  await assembleImage(image, sizeMib, partitions, files);
  return image;
}

async function moveOut(image: string, out: string, record: BuildRecord): Promise<void> {
  for (const file of [out, `${out}.sha256`, `${out}.json`]) rmSync(file, { force: true });
  await runTool('cp', ['--sparse=always', image, `${out}.new`]);
  writeFileSync(`${out}.json`, `${JSON.stringify(record, null, 2)}\n`);
  writeFileSync(`${out}.sha256`, `${record.sha256}  ${basename(out)}\n`);
  renameSync(`${out}.new`, out);
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
