/**
 * What an installer's laptop needs, as one tarball: the provision tool in one file, the scripts
 * that start it, and the terms of what is inside. Runs on every processor that has Node.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../../test/arm64/host.ts';
import { lockedPackages } from '../../test/arm64/packages.ts';
import { BUNDLE_NAME, bundleProvision, SHIPPED_SCRIPTS } from '../provision/bundle.ts';
import { licensesText } from './licenses.ts';
import { settleModes } from './manifest.ts';

import { packTar } from './outputs.ts';
import { packageFolder, packageName } from './package-folder.ts';

export const laptopToolName = (version: string): string => `embereye-provision-${version}.tar.gz`;

/** Writes the tarball into `out` and returns its path. @throws Error with esbuild's report */
export async function writeLaptopTool(
  version: string,
  out: string,
  mtimeSeconds: number,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'embereye-laptop-tool-'));
  try {
    await fill(folder, version);
    const top = `embereye-provision-${version}`;
    return await packTar(folder, top, join(out, laptopToolName(version)), mtimeSeconds);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fill(folder: string, version: string): Promise<void> {
  const scripts = join(ROOT, 'scripts', 'provision');
  for (const name of SHIPPED_SCRIPTS) cpSync(join(scripts, name), join(folder, name));
  const { inputs } = await bundleProvision(ROOT, join(folder, BUNDLE_NAME), version);
  const packages = new Set(inputs.map(packageFolder).filter((name) => name !== null));
  const locked = lockedPackages();
  const licensed = [...packages].sort().map((name) => ({
    title: `${packageName(name)} ${locked[`node_modules/${name}`]?.version ?? ''}`,
    folder: join(ROOT, 'node_modules', name),
  }));
  const own = { title: 'EmberEye edge', folder: ROOT };
  writeFileSync(join(folder, 'LICENSES.txt'), licensesText([own, ...licensed]));
  // The example that a site's own configuration begins with.
  mkdirSync(join(folder, 'config'));
  cpSync(join(ROOT, 'config', 'appliance.yaml'), join(folder, 'config', 'appliance.yaml'));
  settleModes(folder, (path) => SHIPPED_SCRIPTS.includes(path));
}
