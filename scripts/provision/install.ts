/** `provision install`: an appliance onto a Pi that runs, over ssh; again changes nothing. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { readConfig } from '../../src/commands/check-config.ts';
import type { ExitCode } from '../../src/commands/exit-codes.ts';
import { EXIT } from '../../src/commands/exit-codes.ts';
import { problemText } from '../../src/config-problems.ts';
import { IDENTITY_FILES, IdentityStore } from '../../src/identity/folder.ts';
import { PLAN_CHECKS } from '../../src/plan.ts';
import { destinationOf } from '../../src/seed/format.ts';
import { askFacts } from './install-facts.ts';
import type { FileToPlace, InstallOrder, InstallPlan } from './install-plan.ts';
import { changesNothing, packageName, planInstall, planLines, refusals } from './install-plan.ts';
import {
  installPackage,
  placeConfig,
  placeFiles,
  refuseWhileBusy,
  startService,
} from './install-steps.ts';
import type { SshHost, SshOptions } from './ssh.ts';
import { withHost, withSsh } from './ssh.ts';
import { guarded, missing, Trouble } from './trouble.ts';
import { doctorLines, doctorOf } from './unit-doctor.ts';
import type { ProvisionWorld } from './world.ts';

interface InstallOptions extends SshOptions {
  readonly deb: string;
  readonly config: string;
  readonly identity?: string;
  readonly reinstall: boolean;
  readonly dryRun: boolean;
}

/** `device.id` of a configuration that has none. */
const UNNAMED = 'embereye';
const AR_MAGIC = '!<arch>\n';
/** What of an identity folder goes to the unit; the rest is for the label and the broker. */
const IDENTITY_NAMES = [
  ...[IDENTITY_FILES.authorities, IDENTITY_FILES.key, IDENTITY_FILES.certificate],
  ...[IDENTITY_FILES.claim, IDENTITY_FILES.device, 'broker-password'],
];

export function addInstall(program: Command, world: ProvisionWorld): void {
  const command = program
    .command('install')
    .description('package, configuration and identity onto a Pi that runs; again is no harm')
    .requiredOption('--host <host>', 'HOST or USER@HOST')
    .requiredOption('--deb <file>', 'package, as npm run release makes it')
    .requiredOption('--config <file>', 'its appliance.yaml')
    .option('--identity <folder>', 'of provision enrol --offline')
    .option('--reinstall', 'install the package also where that version is there', false)
    .option('--dry-run', 'say what would be done', false);
  withSsh(command).action((options: InstallOptions) =>
    world.exitWith(() => guarded(world, () => runInstall(options, world))),
  );
}

async function runInstall(options: InstallOptions, world: ProvisionWorld): Promise<ExitCode> {
  const order = orderOf(options, world);
  return withHost(options, world, async (host) => {
    const facts = await askFacts(host);
    const problems = refusals(order, facts, world.nowMs());
    for (const problem of problems) world.err(`error: ${problem}`);
    if (problems.length > 0) return EXIT.failed;
    const plan = planInstall(order, facts, world.nowMs());
    for (const note of plan.notes) world.err(`note: ${note}`);
    for (const line of planLines(order, plan, facts)) world.out(line);
    if (options.dryRun) return EXIT.ok;
    if (changesNothing(plan)) {
      world.out(`${host.name} is as it should be: nothing changed`);
      return examine(host, world);
    }
    if (facts.active) await refuseWhileBusy(host);
    await carryOut(order, plan, host, facts.active, world);
    return examine(host, world);
  });
}

async function carryOut(
  order: InstallOrder,
  plan: InstallPlan,
  host: SshHost,
  wasActive: boolean,
  world: ProvisionWorld,
): Promise<void> {
  if (plan.installPackage) await installPackage(host, order.package, world);
  // The identity before the configuration that names its files.
  if (plan.identity.length > 0) await placeFiles(host, plan.identity);
  if (plan.config !== null) await placeConfig(host, plan.config);
  await startService(host, wasActive);
  world.out(`${host.name}: installed, and embereye.service is started`);
}

async function examine(host: SshHost, world: ProvisionWorld): Promise<ExitCode> {
  const { report, said } = await doctorOf(host);
  if (report === null) {
    world.err(`error: the doctor gave no report: ${said}`);
    return EXIT.failed;
  }
  for (const line of doctorLines(report)) world.out(line);
  if (report.ok) return EXIT.ok;
  world.err('error: installed, and the doctor has found what must be mended: see above');
  return EXIT.failed;
}

/** Everything on the laptop is checked before anybody connects. @throws Trouble */
function orderOf(options: InstallOptions, world: ProvisionWorld): InstallOrder {
  const at = (path: string): string => resolve(world.cwd, path);
  const configFile = at(options.config);
  // The laptop's environment is none of the unit's business.
  const read = readConfig(configFile, {}, PLAN_CHECKS);
  if (!read.ok) {
    throw new Trouble(read.problems.map((one) => problemText(configFile, one)).join('\n'));
  }
  const deviceId = read.config.device.id;
  if (deviceId === UNNAMED) {
    throw new Trouble(`${configFile}: write device.id: two units of one name shut each other out`);
  }
  return {
    package: packageOf(at(options.deb)),
    config: placed('appliance.yaml', readFileSync(configFile)),
    deviceId,
    identity: options.identity === undefined ? null : identityOf(at(options.identity)),
    reinstall: options.reinstall,
  };
}

function packageOf(path: string) {
  if (!existsSync(path))
    throw missing(`--deb: there is no file ${path}: npm run release makes one`);
  const name = packageName(basename(path));
  if (name === null) {
    throw new Trouble(
      `--deb: ${path} is not called embereye_VERSION_arm64.deb: keep the name it was given`,
    );
  }
  const bytes = readFileSync(path);
  if (bytes.subarray(0, AR_MAGIC.length).toString('latin1') !== AR_MAGIC) {
    throw new Trouble(`--deb: ${path} is no Debian package: download or build it again`);
  }
  return { path, ...name, sizeMib: statSync(path).size / 1_048_576 };
}

function identityOf(folder: string) {
  const store = new IdentityStore(folder, null);
  const device = store.device();
  if (device === null || !store.has('key') || !store.has('certificate')) {
    throw new Trouble(
      `--identity: ${folder} holds no whole identity: make it with provision enrol --offline, or ` +
        'leave it out and enrol the unit afterwards',
    );
  }
  const files = IDENTITY_NAMES.flatMap((name) => {
    const path = join(folder, name);
    return existsSync(path) ? [placed(name, readFileSync(path))] : [];
  });
  return { ...device, files };
}

/** To the same place and with the same rights as the seed of a card brings it. */
function placed(name: string, content: Uint8Array): FileToPlace {
  const destination = destinationOf(name);
  if (destination === null) throw new Error(`${name} has no place on a unit`);
  const { to: path, mode, group } = destination;
  return { path, mode, group, content };
}
