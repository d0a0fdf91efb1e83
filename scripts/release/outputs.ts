/** What leaves the build: tarballs, checksums and signatures beside them. */
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { runTool } from '../../test/arm64/host.ts';
import type { Arch } from './arch.ts';
import { byBytes } from './manifest.ts';
import { writeTar } from './tar.ts';

export const tarballName = (version: string, arch: Arch): string =>
  `embereye-${version}-linux-${arch}.tar.gz`;

export const sbomName = (version: string, arch: Arch): string =>
  `embereye-${version}-linux-${arch}.cdx.json`;

/** The comment that is signed with a tarball: a unit refuses one for another machine by it. */
export const tarballComment = (version: string, arch: Arch): string =>
  `embereye ${version} linux-${arch}`;

/** Writes the tarball of a tree. */
export async function writeTarball(
  tree: string,
  version: string,
  arch: Arch,
  out: string,
  mtimeSeconds: number,
): Promise<string> {
  const file = join(out, tarballName(version, arch));
  return packTar(tree, `embereye-${version}`, file, mtimeSeconds);
}

/**
 * Packs a folder as `top/` into `file`, a `.tar.gz`, and returns its path. gzip is the Debian
 * program, whose output, unlike that of Node's zlib, does not change with the version of Node.
 */
export async function packTar(
  folder: string,
  top: string,
  file: string,
  mtimeSeconds: number,
): Promise<string> {
  const plain = file.replace(/\.gz$/, '');
  writeTar(folder, top, plain, mtimeSeconds);
  rmSync(file, { force: true });
  await runTool('gzip', ['-n', '-9', plain]);
  return file;
}

/** SHA256SUMS as sha256sum writes and checks it; returns the file. */
export function writeChecksums(out: string, files: readonly string[]): string {
  const lines = [...files]
    .sort((a, b) => byBytes(basename(a), basename(b)))
    .map((file) => {
      const digest = createHash('sha256').update(readFileSync(file)).digest('hex');
      return `${digest}  ${basename(file)}\n`;
    });
  const sums = join(out, 'SHA256SUMS');
  writeFileSync(sums, lines.join(''));
  return sums;
}
