/** `provision flash`: an image with configuration and identity, onto a card or into a file. */
import { existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import type { ExitCode } from '../../src/commands/exit-codes.ts';
import { EXIT } from '../../src/commands/exit-codes.ts';
import type { DiskPort } from './disk-port.ts';
import { systemDisks } from './disk-port.ts';
import { judgeTarget } from './disk-target.ts';
import { describe, sizeText } from './disk-tree.ts';
import { writeImage } from './flash-write.ts';
import type { ImageFile } from './image-file.ts';
import { openImage } from './image-file.ts';
import { prepare } from './prepared.ts';
import { startProgress } from './progress.ts';
import { namedFile, packSeed, readFile } from './seed-pack.ts';
import { guarded, missing, refusal, Trouble } from './trouble.ts';
import type { ProvisionWorld } from './world.ts';

export interface FlashArguments {
  readonly image: string;
  readonly to: string;
  readonly config: string;
  readonly identity?: string;
  readonly hostname?: string;
  readonly network: readonly string[];
  readonly authorizedKeys?: string;
  readonly brokerPasswordFile?: string;
  readonly releaseKey: readonly string[];
  readonly deb?: string;
  readonly unmount: boolean;
  readonly evenFixed?: string;
  readonly dryRun: boolean;
  readonly yes: boolean;
}

/** Adds `flash`. */
export function addFlash(program: Command, world: ProvisionWorld): void {
  const many = (value: string, before: readonly string[]): readonly string[] => [...before, value];
  program
    .command('flash')
    .description('write an image with configuration and identity to a card or a file')
    .requiredOption(
      '--image <file>',
      'raw image, also .gz or .xz; FILE.sha256 beside it is compared',
    )
    .requiredOption('--to <device>', 'card such as /dev/sdb, or a file')
    .requiredOption('--config <file>', 'configuration of the unit')
    .option('--identity <folder>', 'key and certificate from `provision enrol --offline`')
    .option('--hostname <name>', 'default: device.id of the configuration')
    .option('--network <file>', 'NAME.network for systemd-networkd; may be repeated', many, [])
    .option('--authorized-keys <file>', 'SSH keys of the administrator')
    .option('--broker-password-file <file>', 'password of the unit at its broker')
    .option(
      '--release-key <file>',
      'NAME.pub: whose releases it takes besides; repeatable',
      many,
      [],
    )
    .option('--deb <file>', 'the package, where the image is Raspberry Pi OS')
    .option('--unmount', 'unmount the card first', false)
    .option('--even-fixed <model>', 'write a disk that cannot be taken out; repeat its model')
    .option('--dry-run', 'check everything, write nothing', false)
    .option('--yes', 'do not ask', false)
    .action((options: FlashArguments) =>
      world.exitWith(() => {
        const disks = systemDisks(world.environment, process.platform);
        return guarded(world, () => runFlash(options, world, disks));
      }),
    );
}

/** Exit code 1: stopped, refused, or the card does not hold what was written. @throws Trouble */
export async function runFlash(
  options: FlashArguments,
  world: ProvisionWorld,
  disks: DiskPort,
): Promise<ExitCode> {
  const path = (name: string): string => resolve(world.cwd, name);
  const seed = packSeed(
    {
      config: { name: options.config, text: readFile(path(options.config)).toString('utf8') },
      identity: options.identity === undefined ? null : path(options.identity),
      hostname: options.hostname ?? null,
      networks: options.network.map((name) => namedFile(path(name))),
      authorizedKeys: options.authorizedKeys === undefined ? null : path(options.authorizedKeys),
      brokerPassword:
        options.brokerPasswordFile === undefined ? null : path(options.brokerPasswordFile),
      releaseKeys: options.releaseKey.map((name) => namedFile(path(name))),
    },
    world.nowMs(),
  );
  for (const note of seed.notes) world.err(`note: ${note}`);
  const progress = (title: string, bytes: number) => startProgress(world, title, bytes);
  const image = await openImage(path(options.image), progress, (line) =>
    world.err(`note: ${line}`),
  );
  try {
    const deb = options.deb === undefined ? null : path(options.deb);
    const { kind, overlay } = prepare(image, seed, deb, world.nowMs());
    const to = path(options.to);
    const isDevice = to.startsWith('/dev/');
    const target = isDevice ? await deviceTarget(options, to, image, disks) : fileTarget(to, image);
    world.err(
      `${image.name} (${kind}, ${sizeText(image.sizeBytes)}) for "${seed.deviceId}" to ` +
        target.path,
    );
    for (const line of target.erased) world.err(line);
    if (options.dryRun) {
      world.out(`would write ${target.path} for "${seed.deviceId}"; nothing was changed`);
      return EXIT.ok;
    }
    if (target.erased.length > 0) await confirm(options, world, target.path);
    for (const place of target.mounts) await disks.unmount(place);
    const report = await writeImage({
      ...{ image, overlay, to: target.path, isDevice, progress, signal: world.signal },
      dropCache: (name) => disks.dropCache(name),
    });
    world.out(
      `${target.path} holds "${seed.deviceId}": ${image.sizeBytes} bytes written` +
        `${speed(report.writtenMbPerSecond)} and compared${speed(report.readMbPerSecond)}` +
        (report.isFromMedium ? '' : ', through the memory of this computer'),
    );
    if (isDevice) world.err(await farewell(disks, target.path));
    return EXIT.ok;
  } finally {
    image.close();
  }
}

function speed(mbPerSecond: number | null): string {
  return mbPerSecond === null ? '' : ` (${mbPerSecond.toFixed(1)} MB/s)`;
}

async function farewell(disks: DiskPort, path: string): Promise<string> {
  if (await disks.eject(path)) return 'the card is out; put it into the unit';
  return 'everything is on the card; take it out and put it into the unit';
}

interface Target {
  readonly path: string;
  /** What is lost, a line each; empty: nothing. */
  readonly erased: readonly string[];
  readonly mounts: readonly string[];
}

async function deviceTarget(
  options: FlashArguments,
  named: string,
  image: ImageFile,
  disks: DiskPort,
): Promise<Target> {
  const path = disks.realPath(named);
  const verdict = judgeTarget({
    ...{ path, devices: await disks.list(), neededBytes: image.sizeBytes },
    ...{ isSdCard: disks.isSdCard(path), canWrite: disks.canWrite(path) },
    ...{ evenFixed: options.evenFixed ?? null, unmount: options.unmount },
  });
  if (!verdict.ok) throw refusal(verdict.refusals.join('\n'));
  return {
    path,
    erased: ['everything on this card will be lost:', ...describe(verdict.device, 1)],
    mounts: verdict.mounts,
  };
}

function fileTarget(path: string, image: ImageFile): Target {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) {
    if (!existsSync(dirname(path)))
      throw missing(`${dirname(path)}: no such folder; make it first`);
    return { path, erased: [], mounts: [] };
  }
  if (!found.isFile()) throw new Trouble(`${path}: neither a file nor a device; name one`);
  const own = statSync(image.path);
  if (own.ino === found.ino && own.dev === found.dev) {
    throw new Trouble(`${path}: is the image itself; name another file`);
  }
  return { path, erased: [`this file will be replaced: ${path}`], mounts: [] };
}

async function confirm(
  { yes }: FlashArguments,
  world: ProvisionWorld,
  path: string,
): Promise<void> {
  if (yes) return;
  if (world.ask === undefined) {
    throw new Trouble(
      `nobody can be asked here whether ${path} may be erased; add --yes`,
      EXIT.usage,
    );
  }
  const answer = await world.ask(`erase ${path}? Type yes: `);
  if (answer !== 'yes') throw refusal(`not confirmed: ${path} is as it was`);
}
