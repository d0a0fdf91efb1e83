/** From a checkout to the files that are handed out. */
import { cpSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { EXIT } from '../../src/commands/exit-codes.ts';
import type { SystemPart } from '../../test/arm64/host.ts';
import { ensureSystemParts, ROOT } from '../../test/arm64/host.ts';
import type { Arch } from './arch.ts';
import { factsOf } from './arch.ts';
import type { Checkout } from './checkout.ts';
import { writeDeb } from './deb.ts';
import { inspectTree } from './gate.ts';
import { laptopToolName, writeLaptopTool } from './laptop-tool.ts';
import type { AddOnSource } from './native.ts';
import type { ReleaseOptions } from './options.ts';
import { sbomName, tarballComment, tarballName, writeChecksums, writeTarball } from './outputs.ts';
import { Refusal } from './refusal.ts';
import type { Checked } from './run-tree.ts';
import { checkTree, runnerOf } from './run-tree.ts';
import type { SigningKey } from './sign.ts';
import { requireMinisign, sign } from './sign.ts';
import { megabytes, sizesOf } from './sizes.ts';
import { buildReleaseTree, SBOM_NAME } from './tree.ts';
import { debianVersion } from './version.ts';

export type Say = (line: string) => void;

/** The programs that a build needs; installs what is missing where it may. */
export function ensureTools(arches: readonly Arch[]): void {
  const perArch = arches.flatMap((arch): SystemPart[] => {
    const { triplet, crossCompiler } = factsOf(arch);
    if (arch === process.arch) return [{ file: `${triplet}-g++`, apt: 'g++' }];
    const libraries = `/usr/${triplet}/lib`;
    return [
      { file: `${triplet}-g++`, apt: crossCompiler },
      { file: `${libraries}/libstdc++.so.6`, apt: `libstdc++6-${factsOf(arch).debian}-cross` },
      { file: 'qemu-aarch64-static', apt: 'qemu-user-static' },
    ];
  });
  ensureSystemParts([
    ...perArch,
    { file: 'make', apt: 'make' },
    { file: 'python3', apt: 'python3' },
    { file: 'socat', apt: 'socat' },
    { file: 'dpkg-deb', apt: 'dpkg' },
    { file: 'minisign', apt: 'minisign' },
  ]);
  requireMinisign();
}

/** Where the tree of one architecture lies, beside the files that are made of it. */
export const treeFolder = (out: string, version: string, arch: Arch): string =>
  join(out, 'tree', `embereye-${version}-linux-${arch}`);

/** What a build is made of, beside the checkout's files. */
export interface Inputs {
  readonly checkout: Checkout;
  readonly key: SigningKey;
  readonly addOns: AddOnSource;
  /** Whether each tree must show that it runs before it is packed. */
  readonly mustRun: boolean;
}

/** Everything for all architectures. @throws Refusal when a gate or a check says no */
export async function release(options: ReleaseOptions, inputs: Inputs, say: Say): Promise<void> {
  const { out, version } = options;
  const { key } = inputs;
  mkdirSync(out, { recursive: true });
  const files: string[] = [];
  for (const arch of options.arches) {
    const tree = await checkedTree(options, inputs, arch, say);
    if (!options.treesOnly) files.push(...(await packed(tree, options, inputs, arch)));
  }
  if (options.treesOnly) return;
  const laptopTool = await writeLaptopTool(version, out, inputs.checkout.sourceDateEpoch);
  sign(key, laptopTool, `embereye ${version} ${basename(laptopTool)}`);
  files.push(laptopTool);
  const sums = writeChecksums(out, files);
  sign(key, sums, `embereye ${version} SHA256SUMS`);
  say('');
  for (const file of [...files, sums]) {
    say(`${megabytes(statSync(file).size).padStart(9)}  ${file}`);
  }
}

async function checkedTree(
  { out, version, trust }: ReleaseOptions,
  { checkout, key, addOns, mustRun }: Inputs,
  arch: Arch,
  say: Say,
): Promise<string> {
  const target = treeFolder(out, version, arch);
  say(`\nEmberEye ${version} for ${arch}`);
  const ownKey = join(out, 'keys', key.publicName);
  mkdirSync(dirname(ownKey), { recursive: true });
  writeFileSync(ownKey, key.publicText);
  const trustedKeys = [ownKey, ...trust];
  await buildReleaseTree({ arch, version, target, ...checkout, trustedKeys, addOns });
  const { parts, total } = sizesOf(target);
  for (const [name, bytes] of parts) say(`${megabytes(bytes).padStart(9)}  ${name}`);
  say(`${megabytes(total).padStart(9)}  in all`);
  const { problems, lines } = inspectTree(target, factsOf(arch), [ROOT, out]);
  for (const line of lines) say(line);
  if (problems.length > 0) {
    throw new Refusal(`not released:\n  ${problems.join('\n  ')}`, EXIT.failed);
  }
  if (mustRun && !(await runs(target, arch, false, say))) {
    throw new Refusal(`not released: ${target} does not run as it should`, EXIT.failed);
  }
  return target;
}

/** Runs a tree where this machine can; says so where it cannot. */
export async function runs(tree: string, arch: Arch, whole: boolean, say: Say): Promise<boolean> {
  const node = runnerOf(tree, arch);
  if (node === null) {
    say(`not run: nothing here runs ${arch}`);
    return true;
  }
  const line = ({ name, ok, said, seconds }: Checked): void => {
    const took = `${seconds.toFixed(1)} s`.padStart(7);
    say(`${ok ? 'ok  ' : 'FAIL'} ${name.padEnd(22)} ${took}  ${said}`);
  };
  return checkTree(tree, arch, node, whole, line);
}

/** The files of one architecture, signed. */
async function packed(
  tree: string,
  { out, version }: ReleaseOptions,
  { checkout, key }: Inputs,
  arch: Arch,
): Promise<readonly string[]> {
  const { sourceDateEpoch } = checkout;
  const tarball = await writeTarball(tree, version, arch, out, sourceDateEpoch);
  sign(key, tarball, tarballComment(version, arch));
  const deb = await writeDeb({ tree, version, arch, out, sourceDateEpoch });
  sign(key, deb, `embereye ${version} ${basename(deb)}`);
  const sbom = join(out, sbomName(version, arch));
  cpSync(join(tree, SBOM_NAME), sbom);
  return [tarball, deb, sbom];
}

/** The files that a run would make, signatures aside. */
export function plannedFiles({ arches, version, out, treesOnly }: ReleaseOptions): string[] {
  const names = arches.flatMap((arch) => {
    const tree = treeFolder('', version, arch);
    const deb = `embereye_${debianVersion(version)}_${factsOf(arch).debian}.deb`;
    return treesOnly ? [tree] : [tree, tarballName(version, arch), deb, sbomName(version, arch)];
  });
  const once = treesOnly ? [] : [laptopToolName(version), 'SHA256SUMS'];
  return [...names, ...once].map((name) => join(out, name));
}
