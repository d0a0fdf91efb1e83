/** `provision ca`: a local authority, for installers who have none. */
import { createPublicKey, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { ExitCode } from '../../src/commands/exit-codes.ts';
import { EXIT } from '../../src/commands/exit-codes.ts';
import { certificatesOf, commonNameOf } from '../../src/identity/bundle.ts';
import { keyPem, newDeviceKey } from '../../src/identity/csr.ts';
import { dayText } from '../../src/uplink/certificates.ts';
import {
  AUTHORITY_DAYS,
  endWarning,
  makeAuthority,
  openAuthority,
  SERVER_DAYS,
} from './authority.ts';
import type { Issued } from './ca-folder.ts';
import { AuthorityFolder, issuedIn } from './ca-folder.ts';
import { renewWithNewKey, renewWithSameKey } from './ca-renew.ts';
import type { Usage } from './certificates.ts';
import { fingerprintOf, readRequest } from './certificates.ts';
import { checked, days } from './options.ts';
import type { PassphraseOptions } from './passphrase.ts';
import { newPassphrase, passphraseSource, readSecret, withPassphrase } from './passphrase.ts';
import { guarded, Trouble } from './trouble.ts';
import type { ProvisionWorld } from './world.ts';

interface Common extends PassphraseOptions {
  readonly ca: string;
  readonly dryRun: boolean;
}
type NewOptions = Common & { readonly name: string; readonly days: number };
type RenewOptions = Common & { readonly days: number; readonly newKey: boolean };
type IssueOptions = Common & {
  readonly name: readonly string[];
  readonly days: number;
  readonly out: string;
  readonly csr?: string;
};

/** What an authority may be called: it stands in every certificate, and on no shell's nerves. */
const AUTHORITY_NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,60}$/u;
const HOST = /^[a-zA-Z0-9]([a-zA-Z0-9.:-]{0,251}[a-zA-Z0-9])?$/;
const PERSON = /^[a-zA-Z0-9_-]{1,48}$/;

export function addCa(program: Command, world: ProvisionWorld): void {
  const ca = program.command('ca').description('a local authority for certificates');
  const sub = (usage: string, summary: string): Command =>
    withPassphrase(
      ca
        .command(usage)
        .description(summary)
        .requiredOption('--ca <folder>', 'folder of the authority')
        .option('--dry-run', 'say what would be done', false),
    );
  const lifetime = (to: Command, preset: number): Command =>
    to.option('--days <n>', 'how long it counts', checked(days), preset);
  const act = (run: () => Promise<ExitCode>): Promise<void> =>
    world.exitWith(() => guarded(world, run));
  lifetime(sub('new', 'make one; its key is kept under a passphrase'), AUTHORITY_DAYS)
    .option('--name <text>', 'whose it is', 'EmberEye authority')
    .action((options: NewOptions) => act(() => runNew(options, world)));
  ca.command('show')
    .description('whose it is, until when, what it issued; needs no passphrase')
    .requiredOption('--ca <folder>', 'folder of the authority')
    .action((options: { readonly ca: string }) => act(() => runShow(options, world)));
  lifetime(sub('renew', 'make its certificate count longer'), AUTHORITY_DAYS)
    .option('--new-key', 'another key too: somebody may know this one', false)
    .action((options: RenewOptions) => act(() => runRenew(options, world)));
  sub('crl', 'write the revocation list anew').action((options: Common) =>
    act(() => runList(options, world)),
  );
  const issuing = (usage: Exclude<Usage, 'device'>, to: Command): Command =>
    lifetime(to, SERVER_DAYS)
      .requiredOption('--name <name...>', 'host names or addresses; of a person, one name')
      .option('--csr <file>', 'request of whoever made the key; left out: the key is made here')
      .requiredOption('--out <folder>', 'where certificate and key go')
      .action((options: IssueOptions) => act(() => runIssue(usage, options, world)));
  issuing('server', sub('server-cert', 'certificate for a broker'));
  issuing('person', sub('client-cert', 'certificate for a person or a centre'));
}

async function runNew(options: NewOptions, world: ProvisionWorld): Promise<ExitCode> {
  const path = resolve(world.cwd, options.ca);
  if (!AUTHORITY_NAME.test(options.name)) {
    throw new Trouble(`--name: "${options.name}": use letters, digits, blanks, and . _ - only`);
  }
  if (options.dryRun) {
    world.out(`would make the authority "${options.name}" in ${path}, for ${options.days} days`);
    return EXIT.ok;
  }
  const passphrase = await newPassphrase(passphraseSource(options), world);
  const authority = await makeAuthority({ ...options, path }, passphrase, world);
  world.out(`made the authority "${options.name}" in ${path}`);
  world.out(`SHA-256 ${authority.fingerprint}`);
  world.err(
    `Copy ${path} to two places that burn apart, and keep the passphrase elsewhere. Without them ` +
      'no unit can be enrolled, renewed or revoked.',
  );
  return EXIT.ok;
}

function runShow({ ca }: { readonly ca: string }, world: ProvisionWorld): Promise<ExitCode> {
  const folder = new AuthorityFolder(resolve(world.cwd, ca));
  const certificates = certificatesOf(folder.read('certificate')) ?? [];
  const now = world.nowMs();
  for (const [i, one] of certificates.entries()) {
    const role = i === 0 ? 'authority' : 'before it';
    world.out(`${role}  ${commonNameOf(one) ?? ''}, until ${dayText(Date.parse(one.validTo))}`);
    world.out(`           SHA-256 ${fingerprintOf(one.toString())}`);
  }
  const issued = issuedIn(folder.index());
  for (const one of issued) world.out(lineOf(one, now));
  const standing = issued.filter(({ revoked, validTo }) => !revoked && Date.parse(validTo) > now);
  world.out(`${issued.length} issued, ${standing.length} of them count`);
  const exposure = folder.exposure();
  if (exposure !== null) world.err(`warning: ${exposure}`);
  const [newest] = certificates;
  if (newest === undefined) throw new Trouble(`${folder.path('certificate')} is damaged`);
  const warning = endWarning(newest.toString(), now);
  if (warning !== null) world.err(`warning: ${warning}`);
  if (Date.parse(newest.validTo) >= now) return Promise.resolve(EXIT.ok);
  world.err('error: the authority has expired: renew it with: provision ca renew');
  return Promise.resolve(EXIT.failed);
}

function lineOf({ usage, name, serial, validTo, revoked }: Issued, nowMs: number): string {
  const until = validTo.slice(0, 10);
  const over = Date.parse(validTo) <= nowMs ? 'expired' : 'until';
  const state = revoked === null ? `${over} ${until}` : `revoked ${revoked.at.slice(0, 10)}`;
  return `  ${usage.padEnd(7)} ${name.padEnd(24)} ${serial}  ${state}`;
}

async function runRenew(options: RenewOptions, world: ProvisionWorld): Promise<ExitCode> {
  const path = resolve(world.cwd, options.ca);
  const kind = options.newKey ? 'with another key' : 'with the same key';
  if (options.dryRun) {
    world.out(`would renew the authority in ${path} ${kind}, for ${options.days} days`);
    return EXIT.ok;
  }
  const source = passphraseSource(options);
  const authority = await openAuthority(path, source, world);
  if (options.newKey) {
    const passphrase = await readSecret('passphrase for the new key', source, world);
    await renewWithNewKey(authority, { days: options.days, passphrase }, world);
    world.err(
      'Now: 1. ca.crt and crl.pem to every broker; 2. server certificates anew, with cross.crt ' +
        'appended to each; 3. enrol every unit again; 4. take the old authority out of ca.crt.',
    );
  } else {
    await renewWithSameKey(authority, options.days, world);
    world.err(
      'Now: 1. ca.crt and crl.pem to every broker; 2. server certificates anew; 3. enrol every ' +
        'unit again before the old authority ends. All that was issued counts meanwhile.',
    );
  }
  world.out(`renewed the authority in ${path} ${kind}`);
  return EXIT.ok;
}

async function runList(options: Common, world: ProvisionWorld): Promise<ExitCode> {
  const path = resolve(world.cwd, options.ca);
  if (options.dryRun) {
    world.out(`would write ${new AuthorityFolder(path).path('list')} anew`);
    return EXIT.ok;
  }
  const authority = await openAuthority(path, passphraseSource(options), world);
  const { path: file, entries } = await authority.writeList();
  world.out(`${file}: ${entries} revoked`);
  return EXIT.ok;
}

async function runIssue(
  usage: Exclude<Usage, 'device'>,
  options: IssueOptions,
  world: ProvisionWorld,
): Promise<ExitCode> {
  const [first = '', ...more] = options.name;
  const pattern = usage === 'server' ? HOST : PERSON;
  const wrong = options.name.find((name) => !pattern.test(name));
  if (wrong !== undefined) throw new Trouble(`--name: "${wrong}" does not match ${pattern.source}`);
  if (usage === 'person' && more.length > 0) throw new Trouble('--name: a person has one name');
  const out = resolve(world.cwd, options.out);
  const file = join(out, `${first.replaceAll(':', '_')}.crt`);
  const keyFile = file.replace(/crt$/, 'key');
  if (options.dryRun) {
    const key = options.csr === undefined ? ` and ${keyFile}` : '';
    world.out(`would issue a certificate for ${options.name.join(', ')}: ${file}${key}`);
    return EXIT.ok;
  }
  if (options.csr === undefined && existsSync(keyFile)) {
    throw new Trouble(`${keyFile} exists and stays: name another folder with --out`);
  }
  const asked = options.csr === undefined ? null : await requested(options.csr, world);
  const authority = await openAuthority(
    resolve(world.cwd, options.ca),
    passphraseSource(options),
    world,
  );
  const key = asked === null ? newDeviceKey() : null;
  const publicKey = key === null ? asked : createPublicKey(key);
  if (publicKey === null) throw new Error('a request or a key was there above');
  const names = usage === 'server' ? options.name : [];
  const issued = await authority.issue({
    ...{ usage, names, publicKey },
    name: first,
    days: options.days,
  });
  mkdirSync(out, { recursive: true });
  if (key !== null) writeFileSync(keyFile, keyPem(key), { mode: 0o600 });
  const cross =
    usage === 'server' && authority.folder.has('cross') ? authority.folder.read('cross') : '';
  writeFileSync(file, `${issued.certificate}${cross}`);
  const { validTo } = new X509Certificate(issued.certificate);
  world.out(`${file}: ${issued.serial}, until ${dayText(Date.parse(validTo))}`);
  return EXIT.ok;
}

async function requested(file: string, world: ProvisionWorld) {
  const path = resolve(world.cwd, file);
  if (!existsSync(path)) throw new Trouble(`--csr: there is no file ${path}`);
  return (await readRequest(readFileSync(path, 'utf8'))).publicKey;
}
