/**
 * `npm run test:image`: from Debian's packages to an armed unit, and through what will happen to
 * it. Builds releases and image, flashes the image to a file with the provision tool, boots it as an
 * emulated Raspberry Pi 3 B with nothing from outside but what stands in for its firmware, and looks
 * at it from outside alone: its pins, its broker. See docs/image.md.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LossyDisk } from '../../bench/power/disk.ts';
import { bootFilesOf } from '../../scripts/image/boot-files.ts';
import { buildImage } from '../../scripts/image/build-image.ts';
import { seededRandom } from '../../src/simulator/random.ts';
import { CannotRunHere, ensureSystemParts, ROOT } from '../arm64/host.ts';
import { CROSS_PARTS } from '../arm64/cross-build.ts';
import { Central } from './central.ts';
import { Pi } from './pi.ts';
import {
  cutsPower,
  provesAlarm,
  provesLatched,
  provesOnline,
  provesRollBack,
  provesUpdate,
  resets,
  type Scene,
  serveFolder,
} from './proofs.ts';
import { enrolSite, flashCard } from './provisioned.ts';
import { buildReleases, updatesIn, VERSIONS } from './releases.ts';
import { Report } from './report.ts';
import { provesWatchdog } from './watchdog.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    updates: { type: 'boolean', default: true },
    keep: { type: 'boolean', default: false },
    reuse: { type: 'boolean', default: false },
  },
  allowNegative: true,
});

const PARTS = [
  { file: 'qemu-system-aarch64', apt: 'qemu-system-arm' },
  { file: 'mosquitto', apt: 'mosquitto' },
  { file: 'mosquitto_pub', apt: 'mosquitto-clients' },
  { file: 'minisign', apt: 'minisign' },
  { file: 'mcopy', apt: 'mtools' },
  ...CROSS_PARTS,
] as const;

async function run(work: string, logs: string): Promise<number> {
  const report = new Report(join(logs, 'proof.log'));
  report.say(`log and consoles are in ${logs}`);
  const image = join(work, 'embereye.img');
  const updates = await build(report, image, work);
  const site = await enrolSite(work);
  const central = await Central.open(work, site.server, site.client);
  const card = join(work, 'card.img');
  const files = await serveFolder(updates);
  try {
    const isFlashed = await report.proves(
      'flash writes the image, verified, with the identity of the unit',
      () => flashCard(image, card, work, site, central.port),
    );
    if (!isFlashed) return 1;
    const scene = { report, central, random: seededRandom(values.seed) };
    await life(scene, { card, work, logs, url: files.url });
    await provesWatchdog(report, image, work, logs);
  } finally {
    central.close();
    files.server.close();
  }
  process.stdout.write(`${report.passed} passed, ${report.failed} failed\n`);
  return report.failed === 0 ? 0 : 1;
}

/** @returns the folder with the updates. */
async function build(report: Report, image: string, work: string): Promise<string> {
  const folder = join(work, 'releases');
  if (values.reuse && existsSync(image)) {
    report.say('releases and image are those of the run before');
    return updatesIn(folder);
  }
  const deb = await buildReleases(folder);
  report.say(`built releases ${Object.values(VERSIONS).join(', ')}`);
  await buildImage({ deb, out: image, suite: 'trixie', sizeMib: 2048 });
  report.say('built the image from Debian packages');
  return updatesIn(folder);
}

interface Place {
  readonly card: string;
  readonly work: string;
  readonly logs: string;
  readonly url: string;
}

/** First boot, a fire, a power cut in its midst, the boot after it, and two updates. */
async function life(scene: Scene, { card, work, logs, url }: Place): Promise<void> {
  const { report, random } = scene;
  const boot = await bootFilesOf(card, join(work, 'boot'));
  const disk = new LossyDisk(work, card, random);
  const powerOn = (name: string): Promise<Pi> =>
    Pi.start({ boot, disk, logFile: join(logs, `console-${name}.log`) });
  let pi = await powerOn('1-first');
  try {
    const first = pi;
    if (!(await report.proves('the card boots to an armed unit', () => first.armed()))) return;
    await provesOnline(scene, VERSIONS.first);
    const board = await provesAlarm(scene, pi);
    await cutsPower(scene, pi);
    board.close();
    pi = await powerOn('2-after-the-cut');
    const second = pi;
    if (!(await report.proves('it boots again to an armed unit', () => second.armed()))) return;
    await provesLatched(scene, pi);
    await resets(scene, pi);
    if (!values.updates) return;
    if (await provesUpdate(scene, url)) await provesRollBack(scene, url);
  } finally {
    await pi.cut();
  }
}

const logs = join(ROOT, 'out', 'test-image');
rmSync(logs, { recursive: true, force: true });
mkdirSync(logs, { recursive: true });
const isKept = values.keep || values.reuse;
const kept = join(ROOT, 'out', 'test-image-work');
const work = isKept ? kept : mkdtempSync(join(tmpdir(), 'embereye-test-image-'));
mkdirSync(work, { recursive: true });
try {
  ensureSystemParts(PARTS);
  process.exitCode = await run(work, logs);
} catch (error) {
  if (!(error instanceof CannotRunHere)) throw error;
  process.stderr.write(`test:image: ${error.message}\n`);
  process.exitCode = 4;
} finally {
  if (!isKept) rmSync(work, { recursive: true, force: true });
}
