/** `--verify`: the same once more, elsewhere and from nothing; and what was made runs. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FILE_DIGEST } from '../../src/update/minisign.ts';
import { verifyTree } from '../../src/update/tree.ts';
import { unpack } from '../../src/update/unpack.ts';
import type { Arch } from './arch.ts';
import type { Manifest } from './manifest.ts';
import { MANIFEST_NAME } from './manifest.ts';
import type { AddOnSource } from './native.ts';
import { COMPILED, compileInto } from './native.ts';
import type { ReleaseOptions } from './options.ts';
import { tarballName } from './outputs.ts';
import type { Inputs, Say } from './release.ts';
import { release, runs, treeFolder } from './release.ts';

/** Builds again with add-ons compiled anew; true when every byte is the same and all runs. */
export async function verify(options: ReleaseOptions, inputs: Inputs, say: Say): Promise<boolean> {
  const scratch = mkdtempSync(join(tmpdir(), 'embereye-verify-'));
  try {
    const again = { ...options, out: join(scratch, 'out') };
    say(`\nonce more, in ${scratch}`);
    // What has the same bytes need not run twice.
    const anew = { ...inputs, addOns: compilingIn(scratch), mustRun: false };
    await release(again, anew, () => undefined);
    const differences = options.arches.flatMap((arch) => {
      const folder = (out: string): string => treeFolder(out, options.version, arch);
      return differencesOf(manifestIn(folder(options.out)), manifestIn(folder(again.out)));
    });
    if (!options.treesOnly) differences.push(...changedSums(options.out, again.out));
    for (const path of differences) say(`differs: ${path}`);
    if (differences.length === 0) say('the same bytes, file by file');
    let good = differences.length === 0;
    for (const arch of options.arches) {
      const tree = await installed(options, arch, scratch);
      say(`\nrunning ${tree}`);
      if (!(await runs(tree, arch, true, say))) good = false;
    }
    return good;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * The tarball as a unit's updater unpacks and checks it; without one, the tree itself.
 * @throws Refused of the updater, which a unit would say too
 */
async function installed(options: ReleaseOptions, arch: Arch, scratch: string): Promise<string> {
  const { out, version, treesOnly } = options;
  if (treesOnly) return treeFolder(out, version, arch);
  const file = join(out, tarballName(version, arch));
  const digest = createHash(FILE_DIGEST).update(readFileSync(file)).digest('hex');
  const target = join(scratch, `unit-${arch}`);
  await unpack({ file, digest, top: `embereye-${version}`, target });
  await verifyTree(target);
  return target;
}

/** Compiles without the cache, in folders whose names the result must not know. */
function compilingIn(scratch: string): AddOnSource {
  return async (name, arch) => {
    const folder = join(scratch, `${name}-${arch}`);
    mkdirSync(folder);
    await compileInto(folder, name, arch);
    return join(folder, COMPILED[name]);
  };
}

function manifestIn(tree: string): Manifest {
  return JSON.parse(readFileSync(join(tree, MANIFEST_NAME), 'utf8')) as Manifest;
}

/** Paths that are in one only, or not the same in both. */
export function differencesOf(a: Manifest, b: Manifest): string[] {
  const paths = new Set([...Object.keys(a.files), ...Object.keys(b.files)]);
  return [...paths].filter(
    (path) => JSON.stringify(a.files[path]) !== JSON.stringify(b.files[path]),
  );
}

/** Lines of checksums, and signatures over them, that are not the same in both folders. */
function changedSums(first: string, second: string): string[] {
  return ['SHA256SUMS', 'SHA256SUMS.minisig'].flatMap((name) => {
    const other = new Set(readFileSync(join(second, name), 'utf8').split('\n'));
    const lines = readFileSync(join(first, name), 'utf8').split('\n');
    return lines.filter((line) => !other.has(line)).map((line) => `${name}: ${line}`);
  });
}
