/** `provision enrol`: gives a unit its identity, its login and its claim code. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { ExitCode } from '../../src/commands/exit-codes.ts';
import { EXIT } from '../../src/commands/exit-codes.ts';
import { DEVICE_DAYS, openAuthority } from './authority.ts';
import { AuthorityFolder, issuedIn } from './ca-folder.ts';
import { fingerprintOf } from './certificates.ts';
import { finishElsewhere, startElsewhere } from './enrol-elsewhere.ts';
import { enrolOffline, refuseTaken } from './enrol-offline.ts';
import type { EnrolPlan, OnlineOrder } from './enrol-online.ts';
import { enrolOnline, exportRequest, importCertificate, planEnrolment } from './enrol-online.ts';
import { INVENTORY_FILE } from './inventory.ts';
import { DEFAULT_LABEL_SIZE, parseLabelSize } from './label.ts';
import type { LabelSize } from './label.ts';
import { checked, days, deviceId } from './options.ts';
import type { PassphraseOptions } from './passphrase.ts';
import { passphraseSource, readSecret, withPassphrase } from './passphrase.ts';
import type { SshOptions } from './ssh.ts';
import { withHost, withSsh } from './ssh.ts';
import { guarded, Trouble } from './trouble.ts';
import { shownIdentity } from './unit.ts';
import type { ProvisionWorld } from './world.ts';

interface EnrolOptions extends PassphraseOptions, Partial<SshOptions> {
  readonly deviceId: string;
  readonly offline: boolean;
  readonly ca?: string;
  readonly csrOut?: string;
  readonly certIn?: string;
  readonly name?: string;
  readonly site?: string;
  readonly days: number;
  readonly renew: boolean;
  readonly newKey: boolean;
  readonly newClaim: boolean;
  readonly brokerUsername?: string;
  readonly brokerPasswordFile?: string;
  readonly newBrokerPassword: boolean;
  readonly out?: string;
  readonly labelSize: LabelSize;
  readonly inventory?: string;
  readonly dryRun: boolean;
}

export function addEnrol(program: Command, world: ProvisionWorld): void {
  const command = program
    .command('enrol')
    .description('key, certificate, claim code and label of a unit; again is no harm')
    .requiredOption('--device-id <id>', 'device.id of its configuration', checked(deviceId))
    .option('--host <host>', 'a unit that runs: HOST or USER@HOST')
    .option('--offline', 'make the identity here, for a card that flash writes', false)
    .option('--ca <folder>', 'folder of the authority, of provision ca')
    .option('--csr-out <file>', 'authority elsewhere: only write the request')
    .option('--cert-in <file>', 'authority elsewhere: install its certificates (PEM)')
    .option('--name <text>', 'name on the label')
    .option('--site <text>', 'site, for label and inventory')
    .option('--days <n>', 'how long the certificate counts', checked(days), DEVICE_DAYS)
    .option('--renew', 'a new certificate also where the old one is good', false)
    .option('--new-key', 'a new key too', false)
    .option('--new-claim', 'a new claim code and label', false)
    .option('--broker-username <name>', 'login at the broker; left out: the device id')
    .option('--broker-password-file <file>', 'its password')
    .option('--new-broker-password', 'make the password here', false)
    .option('--out <folder>', 'where the label goes; offline the identity; default: the device id')
    .option('--label-size <mm>', 'such as 62x29', checked(parseLabelSize), DEFAULT_LABEL_SIZE)
    .option('--inventory <file>', `left out: ${INVENTORY_FILE} in the folder of --ca`)
    .option('--dry-run', 'say what would be done', false);
  withSsh(withPassphrase(command)).action((options: EnrolOptions) =>
    world.exitWith(() => guarded(world, () => runEnrol(options, world))),
  );
}

async function runEnrol(options: EnrolOptions, world: ProvisionWorld): Promise<ExitCode> {
  const { host, offline, ca, csrOut, certIn } = options;
  if ((host === undefined) === !offline) {
    throw new Trouble('name either --host HOST or --offline', EXIT.usage);
  }
  const authorities = [ca, csrOut, certIn].filter((one) => one !== undefined);
  if (authorities.length !== 1) {
    throw new Trouble('name one of --ca FOLDER, --csr-out FILE and --cert-in FILE', EXIT.usage);
  }
  const order = await orderOf(options, world);
  if (host !== undefined) return runOnline({ ...options, host }, order, world);
  return ca === undefined
    ? runElsewhere(options, order, world)
    : runOffline({ ...options, ca }, order, world);
}

async function orderOf(options: EnrolOptions, world: ProvisionWorld): Promise<OnlineOrder> {
  const { deviceId: id, ca, name, site, brokerUsername, brokerPasswordFile } = options;
  if (brokerUsername !== undefined && !/^[\w.@-]{1,64}$/.test(brokerUsername)) {
    throw new Trouble('--broker-username: use letters, digits, and _ . @ -');
  }
  const password =
    brokerPasswordFile === undefined
      ? null
      : await readSecret('broker password', { file: brokerPasswordFile }, world);
  const at = (path: string): string => resolve(world.cwd, path);
  const { days: wanted, renew, newKey, newClaim, labelSize } = options;
  return {
    ...{ deviceId: id, days: wanted, renew, newKey, newClaim, labelSize },
    name: name ?? null,
    site: site ?? null,
    brokerUsername: brokerUsername ?? null,
    brokerPassword: password ?? (options.newBrokerPassword ? { kind: 'new' } : null),
    out: at(options.out ?? id),
    inventory: at(options.inventory ?? join(ca ?? '.', INVENTORY_FILE)),
  };
}

async function runOnline(
  options: EnrolOptions & SshOptions,
  order: OnlineOrder,
  world: ProvisionWorld,
): Promise<ExitCode> {
  const { ca, csrOut, certIn, dryRun } = options;
  return withHost(options, world, async (host) => {
    const shown = await shownIdentity(host);
    const folder = ca === undefined ? null : new AuthorityFolder(resolve(world.cwd, ca));
    const fingerprint = folder === null ? null : fingerprintOf(folder.read('certificate'));
    const issued = folder === null ? [] : issuedIn(folder.index());
    const revoked = issued.filter((one) => one.revoked !== null).map(({ serial }) => serial);
    const plan = planEnrolment(order, shown, { fingerprint, revoked });
    if (dryRun) {
      for (const line of planLines(order, plan)) world.out(line);
    } else if (csrOut !== undefined) {
      await exportRequest(order, host, resolve(world.cwd, csrOut), world);
    } else if (certIn !== undefined) {
      await importCertificate(order, host, certIn, shown, world);
    } else if (folder !== null && isNeeded(plan)) {
      const authority = await openAuthority(folder.folder, passphraseSource(options), world);
      await enrolOnline(order, plan, host, authority, world);
    } else {
      const until = shown.validTo ?? '';
      world.out(`${order.deviceId} is enrolled, until ${until}: nothing changed`);
    }
    return EXIT.ok;
  });
}

function isNeeded({ certificate, claim, password }: EnrolPlan): boolean {
  return certificate !== null || claim || password;
}

function planLines({ deviceId: id, out }: OnlineOrder, plan: EnrolPlan): readonly string[] {
  const lines = [
    ...(plan.certificate === null ? [] : [`would issue a certificate: ${plan.certificate}`]),
    ...(plan.claim ? [`would set a claim code, and write its label to ${out}`] : []),
    ...(plan.password ? ['would set the password for the broker'] : []),
  ];
  return lines.length > 0
    ? lines.map((line) => `${id}: ${line}`)
    : [`${id} is enrolled: nothing would change`];
}

async function runOffline(
  options: EnrolOptions & { readonly ca: string },
  order: OnlineOrder,
  world: ProvisionWorld,
): Promise<ExitCode> {
  const { deviceId: id, out } = order;
  refuseTaken(out);
  if (options.dryRun) {
    world.out(`${id}: would make key, certificate, claim code and label in ${out}`);
    return EXIT.ok;
  }
  const folder = resolve(world.cwd, options.ca);
  const authority = await openAuthority(folder, passphraseSource(options), world);
  const { serial } = await enrolOffline({ ...order, authority, world });
  world.out(`${id}: certificate ${serial} and label in ${out}`);
  world.err(`${out} holds the private key and the claim code: remove it once the card is written`);
  return EXIT.ok;
}

async function runElsewhere(
  options: EnrolOptions,
  order: OnlineOrder,
  world: ProvisionWorld,
): Promise<ExitCode> {
  const { csrOut, certIn, dryRun } = options;
  const { deviceId: id, out } = order;
  if (dryRun) {
    const what = csrOut === undefined ? 'complete the identity' : 'make a key and a request';
    world.out(`${id}: would ${what} in ${out}`);
    return EXIT.ok;
  }
  if (csrOut !== undefined) {
    const file = resolve(world.cwd, csrOut);
    startElsewhere(order, file);
    world.out(`${file}: send it to your authority; what comes back: --offline --cert-in FILE`);
    return EXIT.ok;
  }
  const keyFile = join(out, 'device.key');
  if (!existsSync(keyFile)) {
    throw new Trouble(`${keyFile} is missing: begin with --offline --csr-out FILE --out ${out}`);
  }
  await finishElsewhere(order, resolve(world.cwd, certIn ?? ''), world);
  world.out(`${id}: identity in ${out}`);
  return EXIT.ok;
}
