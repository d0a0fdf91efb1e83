/** Whether a release tree on disk is, to the last file, what its manifest says. */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from './durable.ts';
import { Refused, wordsOf } from './refused.ts';
import type { ManifestEntry } from './release-files.ts';
import { MANIFEST_FILE, readManifest } from './release-files.ts';
import { staysInside } from './unpack.ts';

/** Without these nothing starts, whatever a manifest says. */
const NEEDED = ['bin/node', 'dist/embereye.js', 'release.json'];
const PIECE_BYTES = 256 * 1024;

/**
 * Compares every file, and flushes each to the disk on the way: what was compared stays so.
 * @throws Refused with the first thing that differs.
 */
export async function verifyTree(tree: string): Promise<void> {
  const manifest = readManifest(tree);
  const missing = NEEDED.find((path) => manifest.get(path)?.kind !== 'file');
  if (missing !== undefined) throw differs(tree, missing, 'is not in the manifest');
  const seen = new Set<string>();
  const folders = ['', ...foldersIn(tree)];
  for (const folder of folders) {
    for (const path of filesIn(tree, folder)) {
      if (path === MANIFEST_FILE) {
        await flush(join(tree, path));
        continue;
      }
      const entry = manifest.get(path);
      if (entry === undefined) throw differs(tree, path, 'is not in the manifest');
      await verifyEntry(tree, path, entry);
      seen.add(path);
    }
  }
  for (const path of manifest.keys()) {
    if (!seen.has(path)) throw differs(tree, path, 'is missing');
  }
  for (const folder of folders) syncFolder(join(tree, folder));
}

/** Entries of a tree that lie in folders which are folders, not links to some. */
function foldersIn(tree: string, within = ''): readonly string[] {
  return readdirSync(join(tree, within), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => (within === '' ? entry.name : `${within}/${entry.name}`))
    .flatMap((path) => [path, ...foldersIn(tree, path)]);
}

function filesIn(tree: string, folder: string): readonly string[] {
  return readdirSync(join(tree, folder), { withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => (folder === '' ? entry.name : `${folder}/${entry.name}`));
}

async function verifyEntry(tree: string, path: string, entry: ManifestEntry): Promise<void> {
  const full = join(tree, path);
  const stat = lstatSync(full);
  if (entry.kind === 'link') {
    if (!stat.isSymbolicLink()) throw differs(tree, path, 'is no link');
    const target = readlinkSync(full);
    if (target !== entry.target) throw differs(tree, path, `leads to ${target}`);
    if (!staysInside(path, target)) throw differs(tree, path, `leads to ${target}, outside`);
    return;
  }
  if (!stat.isFile()) throw differs(tree, path, 'is no file');
  if ((stat.mode & 0o7777) !== entry.mode || (entry.mode & 0o7022) !== 0) {
    throw differs(tree, path, `has the permissions ${(stat.mode & 0o7777).toString(8)}`);
  }
  if (stat.size !== entry.size) throw differs(tree, path, `has ${stat.size} bytes`);
  if ((await hashAndFlush(full)) !== entry.sha256) throw differs(tree, path, 'has other content');
}

async function hashAndFlush(path: string): Promise<string> {
  const hash = createHash('sha256');
  const piece = Buffer.alloc(PIECE_BYTES);
  const file = await open(path, 'r');
  try {
    for (;;) {
      const { bytesRead } = await file.read(piece, 0, PIECE_BYTES);
      if (bytesRead === 0) break;
      hash.update(piece.subarray(0, bytesRead));
    }
    await file.sync();
  } catch (error) {
    throw new Refused(`${path} cannot be read back: ${wordsOf(error)}; look at the disk (dmesg)`);
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

async function flush(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function differs(tree: string, path: string, what: string): Refused {
  return new Refused(
    `${join(tree, path)} ${what}: the release is not whole; build or fetch it again, and look ` +
      'at the disk if that goes on',
  );
}
