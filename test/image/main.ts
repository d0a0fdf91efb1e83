/**
 * `npm run test:image`: from Debian's packages to an armed unit, and through what will happen to
 * it. Builds releases and image, flashes the image to a file with the provision tool, boots it as
 * an emulated Raspberry Pi 3 B with nothing from outside but what stands in for its firmware, and
 * looks at it from outside alone: its pins, its broker. Options: --keep, --reuse (releases and
 * image of the run before), --no-pi, --no-updates, --seed N. See docs/image.md.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LossyDisk } from '../../bench/power/disk.ts';
import { buildImage } from '../../scripts/image/build-image.ts';
import { seededRandom } from '../../src/simulator/random.ts';
import { CannotRunHere, ensureSystemParts, ROOT } from '../arm64/host.ts';
import { CROSS_PARTS } from '../arm64/cross-build.ts';
import { Central } from './central.ts';
import {
  cutsPower,
  provesAlarm,
  provesLatched,
  provesModel,
  provesOnline,
  provesRollBack,
  provesUpdate,
  resets,
  type Scene,
  serveFolder,
} from './proofs.ts';
import { enrolSite, flashCard, ON_PI, ON_VIRT, type UnitOfSite } from './provisioned.ts';
import { buildReleases, updatesIn, VERSIONS } from './releases.ts';
import { Report } from './report.ts';
import { tearSuperblocks } from './tear.ts';
import { Unit } from './unit.ts';
import { provesWatchdog } from './watchdog.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    pi: { type: 'boolean', default: true },
    updates: { type: 'boolean', default: true },
    keep: { type: 'boolean', default: false },
    reuse: { type: 'boolean', default: false },
  },
  allowNegative: true,
});

/** Another moment for the cut in each run; a number brings one back. */
const seed = values.seed ?? String(Date.now());

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
  const files = await serveFolder(updates);
  const shared = { report, central, random: seededRandom(seed) };
  const flashed = (unit: UnitOfSite, card: string): Promise<boolean> =>
    report.proves(`flash writes the image, verified, with the identity of ${unit.deviceId}`, () =>
      flashCard(unit, {
        ...{ image, card, folder: work, identities: site.identities, brokerPort: central.port },
      }),
    );
  try {
    const card = join(work, 'card.img');
    if (values.pi && (await flashed(ON_PI, card)))
      await lifeOnPi({ ...shared, site: ON_PI }, card, work, logs);
    const other = join(work, 'card-virt.img');
    if (values.updates && (await flashed(ON_VIRT, other))) {
      await lifeOnVirt({ ...shared, site: ON_VIRT }, { card: other, work, logs, url: files.url });
    }
    await provesWatchdog(report, image, work, logs);
  } finally {
    central.close();
    files.server.close();
  }
  report.say(`in all; seed ${seed}`);
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

/** First boot, a fire, a power cut in the midst of another, and the boot after it. */
async function lifeOnPi(scene: Scene, card: string, work: string, logs: string): Promise<void> {
  const { report, random } = scene;
  const disk = new LossyDisk(work, card, random);
  const powerOn = (name: string): Promise<Unit> => {
    const folder = join(work, 'boot');
    return Unit.onPi({ card, folder, logFile: join(logs, `console-${name}.log`) }, disk);
  };
  let pi = await powerOn('1-first');
  try {
    if (!(await armed(scene, 'the card boots to an armed unit', pi))) return;
    await provesOnline(scene, VERSIONS.first);
    await provesAlarm(scene, pi);
    await resets(scene, pi);
    const known = await cutsPower(scene, pi);
    pi = await powerOn('2-after-the-cut');
    if (!(await armed(scene, 'it boots again to an armed unit', pi))) return;
    await provesLatched(scene, pi, known);
    await resets(scene, pi);
  } finally {
    report.say(`      systemd on ${scene.site.deviceId}: ${pi.startUp}`);
    await pi.cut();
  }
}

interface Place {
  readonly card: string;
  readonly work: string;
  readonly logs: string;
  readonly url: string;
}

/**
 * File systems that a power cut has torn, two updates and the trained model. The updates are not on
 * the emulated board: its network hangs on USB at full speed, where 50 MB take four minutes.
 */
async function lifeOnVirt(scene: Scene, { card, work, logs, url }: Place): Promise<void> {
  const folder = join(work, 'boot-virt');
  tearSuperblocks(card, [2, 3]);
  const unit = await Unit.onVirt({ card, folder, logFile: join(logs, 'console-3-updates.log') });
  try {
    if (
      !(await armed(
        scene,
        'a card with torn superblocks is mended, and boots on a machine `virt`',
        unit,
      ))
    )
      return;
    await provesOnline(scene, VERSIONS.first);
    await provesModel(scene, unit);
    if (await provesUpdate(scene, url)) await provesRollBack(scene, url);
  } finally {
    scene.report.say(`      systemd on ${scene.site.deviceId}: ${unit.startUp}`);
    await unit.cut();
  }
}

function armed({ report }: Scene, what: string, unit: Unit): Promise<boolean> {
  return report.proves(what, () => unit.armed());
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
