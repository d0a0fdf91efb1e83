/** `identity`: the key and the certificate that a unit shows to its brokers. */
import type { Command } from 'commander';
import { oneOf } from '../commands/arguments.ts';
import type { IdentityDeps, IdentityOptions, Put } from '../commands/identity.ts';
import {
  PUT,
  runIdentityCsr,
  runIdentityInstall,
  runIdentityNew,
  runIdentityPut,
  runIdentityShow,
  runIdentityWipe,
} from '../commands/identity.ts';
import type { ExitCode } from '../commands/exit-codes.ts';
import { IDENTITY_FOLDER } from '../identity/folder.ts';
import type { CliWorld } from './world.ts';

/** More than any chain of certificates, claim or password. */
const MOST_INPUT_BYTES = 256 * 1024;

/** What of the command line's world these commands use. */
export type IdentityWorld = Pick<CliWorld, 'io' | 'clock' | 'command' | 'checked' | 'exitWith'>;

type Run = (options: IdentityOptions, deps: IdentityDeps) => Promise<ExitCode>;

/** Adds `identity new`, `csr`, `install`, `put`, `show` and `wipe`. */
export function addIdentityCommands(world: IdentityWorld): void {
  const { command, exitWith, checked, io, clock } = world;
  const identity = command('identity', 'key and certificate of this unit: docs/provisioning.md');
  const deps: IdentityDeps = { io, clock, readInput: readStandardInput };
  const sub = (usage: string, summary: string): Command =>
    identity
      .command(usage)
      .description(summary)
      .option('--folder <folder>', 'where key and certificate lie', IDENTITY_FOLDER);
  const does = (to: Command, run: Run): Command =>
    to.action((options: IdentityOptions) => exitWith(() => run(options, deps)));
  const named = (to: Command): Command =>
    to.option('--device-id <id>', 'device.id of its configuration; left out: as enrolled');
  const keyed = (to: Command): Command =>
    to.option('--new-key', 'another key, in use once its certificate is installed', false);

  does(keyed(sub('new', 'make the private key; it never leaves this unit')), runIdentityNew);
  does(
    keyed(named(sub('csr', 'print a certificate request; makes the key where there is none'))),
    runIdentityCsr,
  );
  does(
    named(sub('install', 'take certificate and authority (PEM) from standard input')),
    runIdentityInstall,
  );
  sub('put', 'take a secret from standard input')
    .argument('<what>', PUT.join(', '), checked(oneOf(PUT)))
    .action((what: Put, options: IdentityOptions) =>
      exitWith(() => runIdentityPut(what, options, deps)),
    );
  const show = sub('show', 'who this unit is, and until when').option('--json', 'as JSON', false);
  does(show, runIdentityShow);
  const wipe = sub('wipe', 'remove all of it: this unit leaves').option('--yes', 'really', false);
  does(wipe, runIdentityWipe);
}

async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk as Uint8Array);
    length += bytes.length;
    if (length > MOST_INPUT_BYTES) throw new Error('standard input is longer than it may be');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}
