/** `provision retire`: a unit leaves; whatever it was trusted with is taken back. */
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { ExitCode } from '../../src/commands/exit-codes.ts';
import { EXIT } from '../../src/commands/exit-codes.ts';
import { isoFromWallMs } from '../../src/store/wall-time.ts';
import { openAuthority } from './authority.ts';
import type { Issued } from './ca-folder.ts';
import { AuthorityFolder, issuedIn } from './ca-folder.ts';
import type { RevocationReason } from './certificates.ts';
import { appendInventory, INVENTORY_FILE, readInventory, standingOf } from './inventory.ts';
import { checked, deviceId } from './options.ts';
import type { PassphraseOptions } from './passphrase.ts';
import { passphraseSource, withPassphrase } from './passphrase.ts';
import type { SshOptions } from './ssh.ts';
import { withHost, withSsh } from './ssh.ts';
import { guarded, refusal, Trouble } from './trouble.ts';
import { shownIdentity } from './unit.ts';
import type { ProvisionWorld } from './world.ts';

interface RetireOptions extends PassphraseOptions, Partial<SshOptions> {
  readonly deviceId: string;
  readonly ca: string;
  readonly stolen: boolean;
  readonly wipe: boolean;
  readonly yes: boolean;
  readonly inventory?: string;
  readonly dryRun: boolean;
}

export function addRetire(program: Command, world: ProvisionWorld): void {
  const command = program
    .command('retire')
    .description('revoke the certificates of a unit, and book it as gone')
    .requiredOption('--device-id <id>', 'of the unit', checked(deviceId))
    .requiredOption('--ca <folder>', 'folder of the authority')
    .option('--stolen', 'others may have its key', false)
    .option('--host <host>', 'the unit, for --wipe')
    .option('--wipe', 'remove key, certificate, claim and password from the unit too', false)
    .option('--yes', 'do not ask', false)
    .option('--inventory <file>', `left out: ${INVENTORY_FILE} in the folder of --ca`)
    .option('--dry-run', 'say what would be done', false);
  withSsh(withPassphrase(command)).action((options: RetireOptions) =>
    world.exitWith(() => guarded(world, () => runRetire(options, world))),
  );
}

async function runRetire(options: RetireOptions, world: ProvisionWorld): Promise<ExitCode> {
  const { deviceId: id, host, wipe } = options;
  if (wipe !== (host !== undefined)) {
    throw new Trouble('--wipe and --host HOST belong together', EXIT.usage);
  }
  const folder = new AuthorityFolder(resolve(world.cwd, options.ca));
  // A folder without an authority would otherwise look like one that issued nothing.
  folder.read('certificate');
  const mine = issuedIn(folder.index()).filter(({ name, usage }) => {
    return usage === 'device' && name === id;
  });
  const open = mine.filter(({ revoked }) => revoked === null);
  const file = resolve(world.cwd, options.inventory ?? join(options.ca, INVENTORY_FILE));
  const known = standingOf(readInventory(file), id);
  if (mine.length === 0 && known === null) {
    throw refusal(
      `this authority never issued anything for "${id}": is the id right, and the folder? ` +
        'provision ca show lists what it issued',
    );
  }
  for (const line of planLines(id, open, wipe))
    world.out(`${options.dryRun ? 'would ' : ''}${line}`);
  if (options.dryRun) return EXIT.ok;
  if (open.length === 0 && known?.event === 'retired' && !wipe) {
    world.out(`${id} is retired already: nothing changed`);
    return EXIT.ok;
  }
  if (!options.yes && !(await agreed(id, world))) {
    throw refusal(`${id} was not retired: answer yes, or add --yes`);
  }
  await revoke(options, open, world);
  // Revoked first: that holds even where the unit is gone, broken or in other hands.
  if (host !== undefined) await wipeUnit({ ...options, host }, world);
  const brokerUsername = known?.brokerUsername ?? null;
  appendInventory(file, {
    ...{ event: 'retired', at: isoFromWallMs(world.nowMs()), deviceId: id },
    ...{ name: known?.name ?? null, site: known?.site ?? null },
    ...{ serial: null, fingerprint: null, validTo: null, via: host ?? 'offline', brokerUsername },
  });
  for (const line of whatIsLeft(id, folder.path('list'), brokerUsername)) world.err(line);
  return EXIT.ok;
}

function planLines(id: string, open: readonly Issued[], wipe: boolean): readonly string[] {
  return [
    ...open.map(({ serial }) => `revoke ${serial} of ${id}`),
    `book ${id} as retired`,
    ...(wipe ? [`remove its identity from the unit`] : []),
  ];
}

function whatIsLeft(id: string, list: string, username: string | null): readonly string[] {
  return [
    'Now, at every broker:',
    `  1. copy ${list} to its crlfile and restart it: until then it still lets ${id} in`,
    `  2. delete the login ${username ?? id}: mosquitto_passwd -D PASSWORD_FILE ${username ?? id}`,
    `  3. clear what it retained: mosquitto_pub -r -n -t embereye/v1/${id}/status, and /state`,
  ];
}

async function agreed(id: string, { ask }: ProvisionWorld): Promise<boolean> {
  const answer = (await ask?.(`${id} will not be let in anywhere again. Go on? [y/N] `)) ?? '';
  return /^y(es)?$/i.test(answer);
}

async function revoke(
  options: RetireOptions,
  open: readonly Issued[],
  world: ProvisionWorld,
): Promise<void> {
  if (open.length === 0) return;
  const folder = resolve(world.cwd, options.ca);
  const authority = await openAuthority(folder, passphraseSource(options), world);
  const reason: RevocationReason = options.stolen ? 'keyCompromise' : 'retired';
  const serials = await authority.revoke(
    open.map(({ serial }) => serial),
    reason,
  );
  world.out(`${options.deviceId}: ${serials.length} revoked, ${authority.folder.path('list')}`);
}

async function wipeUnit(options: RetireOptions & SshOptions, world: ProvisionWorld): Promise<void> {
  await withHost(options, world, async (host) => {
    const shown = await shownIdentity(host);
    if (shown.deviceId !== null && shown.deviceId !== options.deviceId) {
      throw refusal(
        `${host.name} is "${shown.deviceId}", not ${options.deviceId}: it was left alone`,
      );
    }
    const command = 'embereye identity wipe --yes && rm -f /etc/embereye/broker-password';
    const { code, err } = await host.runAsRoot(command);
    if (code !== 0) throw refusal(`${host.name}: ${err.trim()}`);
    world.out(`${options.deviceId}: its identity is removed from ${host.name}`);
  });
}
