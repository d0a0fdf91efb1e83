/**
 * `npm run test:deb [-- --suite bookworm,trixie --arch amd64,arm64 --part life,bare,live,ssh
 * --renew --packages DIR]`:
 * the Debian package in roots of Debian's own: installed, upgraded, downgraded, repaired, purged; arm64
 * under qemu-user. `--renew` makes the roots anew, `--packages` keeps the packages and takes those that
 * are there. Exit code 1 when something fails, 4 when this machine lacks a part that cannot be
 * installed. See docs/package.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ARCHES, factsOf } from '../../scripts/release/arch.ts';
import { CannotRunHere, ensureSystemParts } from '../arm64/host.ts';
import { withoutSystemd } from './bare.ts';
import { ensureArm64Runs } from './emulation.ts';
import { livePackage } from './life.ts';
import { onLiveUnit } from './live.ts';
import { overSsh } from './over-ssh.ts';
import type { Debs } from './releases.ts';
import { makeDebs } from './releases.ts';
import type { Counts } from './report.ts';
import { GiveUp, Report } from './report.ts';
import { Root } from './root.ts';
import type { DebianArch, Suite } from './roots.ts';
import { DEBIAN_ARCHES, ROOT_PARTS, rootTarball, SUITES, unpackRoot } from './roots.ts';

type Part = (root: Root, debs: Debs, report: Report) => Promise<void>;

interface Kind {
  readonly run: Part;
  /** What systemd and the kernel do is the same for both; emulated it is slow, or impossible. */
  readonly arches: readonly DebianArch[];
  readonly title: string;
  /** Packages that a root of this kind has beside the others. */
  readonly more?: readonly string[];
}

const PARTS = {
  life: { run: livePackage, arches: DEBIAN_ARCHES, title: 'from installation to purge' },
  bare: { run: withoutSystemd, arches: ['amd64'], title: 'without systemd' },
  live: { run: onLiveUnit, arches: ['amd64'], title: 'on a running unit' },
  ssh: { run: overSsh, arches: ['amd64'], title: 'over ssh', more: ['openssh-server'] },
} satisfies Readonly<Record<string, Kind>>;

const { values } = parseArgs({
  options: {
    suite: { type: 'string', default: SUITES.join(',') },
    arch: { type: 'string', default: DEBIAN_ARCHES.join(',') },
    part: { type: 'string', default: Object.keys(PARTS).join(',') },
    renew: { type: 'boolean', default: false },
    packages: { type: 'string' },
  },
});
const isAsked = (list: string, one: string): boolean => list.split(',').includes(one);

async function runPart(
  folder: string,
  name: keyof typeof PARTS,
  debs: Debs,
  suite: Suite,
  arch: DebianArch,
): Promise<Counts> {
  const { run, title, more = [] }: Kind = PARTS[name];
  const root = new Root(join(folder, `${suite}-${arch}-${name}`));
  await unpackRoot(await rootTarball(suite, arch, { renew: values.renew, more }), root.folder);
  const report = new Report(`Debian ${suite}, ${arch}: ${title}`);
  try {
    await run(root, debs, report);
  } catch (error) {
    if (!(error instanceof GiveUp)) throw error;
  } finally {
    root.remove();
  }
  return report.end();
}

async function runAll(folder: string): Promise<Counts> {
  const total = { passed: 0, failed: 0 };
  for (const release of ARCHES) {
    const arch = factsOf(release).debian;
    if (!isAsked(values.arch, arch)) continue;
    if (arch === 'arm64') ensureArm64Runs();
    const debs = await makeDebs(join(values.packages ?? folder, arch), release);
    for (const suite of SUITES.filter((one) => isAsked(values.suite, one))) {
      for (const [name, { arches }] of Object.entries(PARTS)) {
        if (!isAsked(values.part, name) || !arches.some((one) => one === arch)) continue;
        const part = name as keyof typeof PARTS;
        const { passed, failed } = await runPart(folder, part, debs, suite, arch);
        total.passed += passed;
        total.failed += failed;
      }
    }
  }
  return total;
}

const startMs = performance.now();
const folder = mkdtempSync(join(tmpdir(), 'embereye-roots-'));
try {
  if (process.getuid?.() !== 0) {
    throw new CannotRunHere(
      'roots of Debian are made and entered by root only: sudo npm run test:deb',
    );
  }
  ensureSystemParts(ROOT_PARTS);
  const { passed, failed } = await runAll(folder);
  console.log(`\nin ${((performance.now() - startMs) / 1000).toFixed(0)} s`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof CannotRunHere)) throw error;
  console.error(`test:deb: ${error.message}`);
  process.exitCode = 4;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
