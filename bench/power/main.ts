/**
 * `npm run proof:power [-- --cuts N --seed S --console --json]`: the appliance in an emulated machine
 * whose disk loses what was not flushed, cut from its power again and again around an alarm. Exit
 * code 1 when anything committed or published is lost or changed, or a fire that still burns does
 * not alarm again; 4 when this machine lacks a part. See docs/chaos.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ARM64_NODES, CROSS_PARTS } from '../../test/arm64/cross-build.ts';
import { CannotRunHere, ensureSystemParts } from '../../test/arm64/host.ts';
import { DEBIAN_PARTS, debianKernel } from '../../test/kernel/debian.ts';
import { seededRandom } from '../../src/simulator/random.ts';
import { LossyDisk } from './disk.ts';
import { writePowerImage } from './image.ts';
import { Proof } from './proof.ts';

const { values } = parseArgs({
  options: {
    cuts: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    console: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

async function run(folder: string): Promise<number> {
  const cuts = Number(values.cuts);
  if (!Number.isInteger(cuts) || cuts < 1) {
    process.stderr.write(`--cuts ${values.cuts}: write a whole number above 0\n`);
    return 2;
  }
  ensureSystemParts([
    { file: 'qemu-system-aarch64', apt: 'qemu-system-arm' },
    { file: '/usr/sbin/mkfs.ext4', apt: 'e2fsprogs' },
    { file: 'xz', apt: 'xz-utils' },
    ...CROSS_PARTS,
    ...DEBIAN_PARTS,
  ]);
  const [node] = ARM64_NODES;
  if (node === undefined) throw new Error('no arm64 Node is known');
  const kernel = await debianKernel('trixie', false);
  const proof = await Proof.open(folder);
  try {
    const image = join(folder, 'initramfs');
    await writePowerImage(image, folder, kernel, node, proof.brokerPort);
    const random = seededRandom(values.seed);
    const disk = await LossyDisk.make(folder, random);
    const say = (line: string): void => void process.stderr.write(`${line}\n`);
    const guest = { folder, kernel, image, disk, showAll: values.console };
    const result = await proof.run({ guest, cuts, random, say });
    process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : `${proof.table(result)}\n`);
    return result.problems.length === 0 ? 0 : 1;
  } finally {
    await proof.close();
  }
}

const folder = mkdtempSync(join(tmpdir(), 'embereye-power-'));
try {
  process.exitCode = await run(folder);
} catch (error) {
  if (!(error instanceof CannotRunHere)) throw error;
  process.stderr.write(`proof:power: ${error.message}\n`);
  process.exitCode = 4;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
