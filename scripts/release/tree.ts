/** The folder that a release is: everything that a unit runs, and what says so. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { EXIT } from '../../src/commands/exit-codes.ts';
import { SCHEMA_VERSION } from '../../src/store/schema.ts';
import { ROOT } from '../../test/arm64/host.ts';
import { lockedPackages, unpackedPackage } from '../../test/arm64/packages.ts';
import type { Arch } from './arch.ts';
import { factsOf } from './arch.ts';
import { writeBundles } from './bundle.ts';
import type { Licensed } from './licenses.ts';
import { licensesText } from './licenses.ts';
import { settleModes, writeManifest } from './manifest.ts';
import { koffiPackage, writeModules } from './modules.ts';
import type { AddOnSource } from './native.ts';
import { compiledAddOn, compilerVersion, stripped } from './native.ts';
import { packageName } from './package-folder.ts';
import { Refusal } from './refusal.ts';
import { partsOfNode, runnerOf } from './run-tree.ts';
import { compiledSqlite, npmSbom, sbomOf } from './sbom.ts';

/** release.json. */
export interface ReleaseFacts {
  readonly schema: 1;
  readonly name: 'embereye';
  readonly version: string;
  readonly arch: Arch;
  /** Version of the Node that is inside. */
  readonly node: string;
  /** `user_version` that this release gives its database. */
  readonly databaseVersion: number;
  /** 40 hex digits, with `-dirty` where the checkout had changes; "unknown" without git. */
  readonly commit: string;
  /** The time that every file of the release bears, in seconds. */
  readonly sourceDateEpoch: number;
}

export interface TreeOptions {
  readonly arch: Arch;
  readonly version: string;
  /** Is emptied first. */
  readonly target: string;
  /** As `readCheckout` tells both. */
  readonly commit: string;
  readonly sourceDateEpoch: number;
  /** Files with public keys of minisign, whose releases this one takes as updates; at least one. */
  readonly trustedKeys: readonly string[];
  /** Where the compiled add-ons come from; without it, the cache or the compiler. */
  readonly addOns?: AddOnSource;
}

type KeysOf = Pick<TreeOptions, 'target' | 'trustedKeys'>;

/** Names within a tree that others look for. */
export const RELEASE_NAME = 'release.json';
export const SBOM_NAME = 'sbom.cdx.json';
const LICENSES_NAME = 'LICENSES.txt';

/** A comment, and 42 bytes in base64 that start with the name of the algorithm. */
const PUBLIC_KEY = /^untrusted comment:.*\r?\nRW[A-Za-z0-9+/]{54}\s*$/;

/** What is copied from the checkout as it stands. */
const COPIED = ['config', 'models', 'system'];
/** Programs, beside everything that ends in `.sh`. */
const PROGRAMS = /^(bin\/|system\/bin\/|dist\/embereye\.js$)|\.sh$/;

/** Writes a release into `target`. @throws Refusal or Error when a part is missing */
export async function buildReleaseTree(options: TreeOptions): Promise<ReleaseFacts> {
  const { arch, version, target } = options;
  rmSync(target, { recursive: true, force: true });
  mkdirSync(join(target, 'bin'), { recursive: true });
  const { node } = factsOf(arch);
  const nodeFolder = await unpackedPackage(node);
  cpSync(join(nodeFolder, 'bin', 'node'), join(target, 'bin', 'node'));
  await stripped(join(target, 'bin', 'node'), arch);
  const bundled = await writeBundles(join(target, 'dist'), version);
  const copied = await writeModules(target, arch, bundled.asked, options.addOns ?? compiledAddOn);
  for (const name of COPIED) {
    const from = join(ROOT, name);
    if (existsSync(from)) cpSync(from, join(target, name), { recursive: true });
  }
  writeKeys(options);
  const facts = releaseFacts(options, node.version);
  writeJson(join(target, RELEASE_NAME), facts);
  const packages = [...new Set([...bundled.packages, ...copied])].sort();
  writeJson(join(target, SBOM_NAME), await sbomFor(options, packages));
  const licensed = licensedParts(packages, arch, nodeFolder);
  writeFileSync(join(target, LICENSES_NAME), licensesText(licensed));
  settleModes(target, (path) => PROGRAMS.test(path));
  writeManifest(target);
  return facts;
}

function writeJson(file: string, value: unknown): void {
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
}

function releaseFacts(options: TreeOptions, node: string): ReleaseFacts {
  const { version, arch, commit, sourceDateEpoch } = options;
  return {
    ...{ schema: 1, name: 'embereye', version, arch, node },
    ...{ databaseVersion: SCHEMA_VERSION, commit, sourceDateEpoch },
  };
}

/** Puts the keys into `target/keys`. @throws Refusal for what is no key, or two of one name */
export function writeKeys({ target, trustedKeys }: KeysOf): void {
  const folder = join(target, 'keys');
  mkdirSync(folder);
  if (trustedKeys.length === 0) throw new Error('a release without keys would take no update');
  for (const from of trustedKeys) {
    const text = readFileSync(from, 'utf8');
    if (!PUBLIC_KEY.test(text)) {
      throw new Refusal(`${from} is no public key of minisign`, EXIT.badInput);
    }
    const name = basename(from).replace(/(\.pub)?$/, '.pub');
    const file = join(folder, name);
    if (existsSync(file) && readFileSync(file, 'utf8') !== text) {
      throw new Refusal(`two different keys have the name ${name}: rename one`, EXIT.badInput);
    }
    writeFileSync(file, text);
  }
}

async function sbomFor(options: TreeOptions, packages: readonly string[]) {
  const { arch, version, target, sourceDateEpoch } = options;
  const node = runnerOf(target, arch);
  if (node === null) {
    const machine = `${process.platform} ${process.arch}`;
    throw new Refusal(`nothing here (${machine}) runs ${arch}: build on x64`, EXIT.unavailable);
  }
  return sbomOf(await npmSbom(), {
    facts: factsOf(arch),
    version,
    sourceDateEpoch,
    packages,
    locked: lockedPackages(),
    nodeParts: await partsOfNode(node),
    sqliteVersion: compiledSqlite(),
    compiler: await compilerVersion(arch),
  });
}

function licensedParts(
  packages: readonly string[],
  arch: Arch,
  nodeFolder: string,
): readonly Licensed[] {
  const koffi = koffiPackage(arch);
  const installed = lockedPackages();
  const parts = packages.map((folder): Licensed => {
    const version = installed[`node_modules/${folder}`]?.version ?? '';
    const title = `${packageName(folder)} ${version}`;
    // The text for koffi's ready-made part lies in koffi itself.
    return { title, folder: join(ROOT, 'node_modules', folder === koffi ? 'koffi' : folder) };
  });
  return [
    { title: 'EmberEye', folder: ROOT },
    { title: `Node ${factsOf(arch).node.version}`, folder: nodeFolder },
    ...parts,
  ];
}
