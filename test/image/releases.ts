/** The releases of the proof, built and signed as real ones: one that runs, one newer, one bad. */
import { cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCheckout, type Checkout } from '../../scripts/release/checkout.ts';
import { writeDeb } from '../../scripts/release/deb.ts';
import { writeManifest } from '../../scripts/release/manifest.ts';
import { tarballComment, writeTarball } from '../../scripts/release/outputs.ts';
import { openKey, requireMinisign, sign, type SigningKey } from '../../scripts/release/sign.ts';
import { buildReleaseTree } from '../../scripts/release/tree.ts';

export const VERSIONS = { first: '1.0.0', newer: '1.1.0', broken: '1.2.0' } as const;
export const BROKEN_WORDS = 'this release is broken on purpose';

const ARCH = 'arm64';

/** Folder with the tarballs of the updates, and their signatures, by their usual names. */
export const updatesIn = (folder: string): string => join(folder, 'updates');

/** @param folder is filled. @returns the Debian package of the first release. */
export async function buildReleases(folder: string): Promise<string> {
  requireMinisign();
  const key = openKey({
    file: null,
    passwordFile: null,
    environment: {},
    isTerminal: false,
    developmentFolder: join(folder, 'keys'),
  });
  const publicKey = join(folder, key.publicName);
  writeFileSync(publicKey, key.publicText);
  const checkout = await readCheckout(process.env);
  const make = async (version: string): Promise<string> => {
    const target = join(folder, 'tree', version);
    await buildReleaseTree({ arch: ARCH, version, target, ...checkout, trustedKeys: [publicKey] });
    return target;
  };
  const updates = updatesIn(folder);
  mkdirSync(updates, { recursive: true });
  const first = await make(VERSIONS.first);
  const { sourceDateEpoch } = checkout;
  const deb = await writeDeb({
    ...{ tree: first, version: VERSIONS.first, arch: ARCH, out: folder, sourceDateEpoch },
  });
  const newer = await make(VERSIONS.newer);
  await publish(newer, VERSIONS.newer, updates, checkout, key);
  const broken = brokenFrom(newer, join(folder, 'tree', VERSIONS.broken));
  await publish(broken, VERSIONS.broken, updates, checkout, key);
  return deb;
}

async function publish(
  tree: string,
  version: string,
  out: string,
  { sourceDateEpoch }: Checkout,
  key: SigningKey,
): Promise<void> {
  const tarball = await writeTarball(tree, version, ARCH, out, sourceDateEpoch);
  sign(key, tarball, tarballComment(version, ARCH));
}

/** Answers every question that can be asked before it runs, and ends as soon as it shall run. */
function brokenFrom(tree: string, target: string): string {
  cpSync(tree, target, { recursive: true, verbatimSymlinks: true });
  const facts = join(target, 'release.json');
  const changed = readFileSync(facts, 'utf8').replaceAll(VERSIONS.newer, VERSIONS.broken);
  writeFileSync(facts, changed);
  const program = join(target, 'dist', 'embereye.js');
  const kept = join(target, 'dist', 'embereye-kept.js');
  const text = readFileSync(program, 'utf8').replaceAll(VERSIONS.newer, VERSIONS.broken);
  renameSync(program, kept);
  writeFileSync(kept, text);
  const throws = `if (process.argv[2] === 'run') throw new Error('${BROKEN_WORDS}');`;
  writeFileSync(program, `${throws}\nawait import('./embereye-kept.js');\n`, { mode: 0o755 });
  writeManifest(target);
  return target;
}
