/**
 * `npm run test:container [-- --arch amd64,arm64] [--release out/release]`: builds the image from the
 * Dockerfile as it stands, and runs the services of docker-compose.yml. Exit code 1 when something is
 * not as it must be, 4 when this machine lacks a part that cannot be installed. See docs/containers.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CannotRunHere, ensureSystemParts, ROOT } from '../arm64/host.ts';
import { ensureArm64Programs } from '../../scripts/image/arm64-root.ts';
import { checkBare, checkImage } from './checks-image.ts';
import { checkRunning, Site } from './checks-running.ts';
import { readCompose } from './compose.ts';
import { Engine } from './engine.ts';
import type { Architecture } from './image.ts';
import { ARCHITECTURES, Images, packageFor } from './image.ts';
import { Report } from './report.ts';

const ARM64_PARTS = [{ file: 'qemu-aarch64-static', apt: 'qemu-user-static' }];
const PARTS = [
  { file: 'buildah', apt: 'buildah' },
  { file: 'crun', apt: 'crun' },
  { file: 'debootstrap', apt: 'debootstrap' },
  { file: 'python3', apt: 'python3' },
  { file: 'unshare', apt: 'util-linux' },
];

async function checkOne(report: Report, architecture: Architecture, from: string): Promise<void> {
  const isEmulated = architecture.release !== (process.arch === 'arm64' ? 'arm64' : 'x64');
  if (isEmulated) {
    ensureSystemParts(ARM64_PARTS);
    await ensureArm64Programs();
  }
  const file = await packageFor(from, architecture);
  report.heading(`${architecture.debian}, from ${file}`);
  const folder = mkdtempSync(join(tmpdir(), 'embereye-container-'));
  const images = new Images(folder);
  let engine: Engine | null = null;
  try {
    let name = '';
    const built = await report.check('the Dockerfile builds', async () => {
      await images.importBase(architecture);
      name = await images.build(file, architecture);
      return 'on debian:trixie-slim, as debootstrap makes it';
    });
    if (!built) return;
    const [root, image] = [await images.unpack(name), await images.configOf(name)];
    await checkImage(report, { root, image });
    const compose = readCompose(join(ROOT, 'docker-compose.yml'));
    engine = new Engine({ folder, root, image, compose });
    await checkBare(report, engine);
    await checkRunning(report, await Site.make({ engine, compose, isEmulated }));
  } finally {
    await engine?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const { values } = parseArgs({
  options: {
    arch: { type: 'string', default: 'amd64' },
    release: { type: 'string', default: join(ROOT, 'out', 'release') },
  },
});
try {
  const startMs = performance.now();
  if (process.getuid?.() !== 0) throw new CannotRunHere('needs root: containers and mounts');
  ensureSystemParts(PARTS);
  const report = new Report();
  for (const name of values.arch.split(',')) {
    const architecture = ARCHITECTURES.find(({ debian }) => debian === name);
    if (architecture === undefined) throw new CannotRunHere(`--arch ${name}: amd64 or arm64`);
    await checkOne(report, architecture, values.release);
  }
  console.log(`\nin ${((performance.now() - startMs) / 1000).toFixed(0)} s`);
  console.log(`${report.passed} passed, ${report.failed} failed`);
  process.exitCode = report.failed === 0 && report.passed > 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof CannotRunHere)) throw error;
  console.error(`test:container: ${error.message}`);
  process.exitCode = 4;
}
