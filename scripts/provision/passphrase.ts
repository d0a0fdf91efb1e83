/** The passphrase of an authority: from the terminal, a file or a descriptor; never an argument. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { whole } from '../../src/commands/arguments.ts';
import { checked } from './options.ts';
import { missing, Trouble, wordsOf } from './trouble.ts';
import type { ProvisionWorld } from './world.ts';

/** Where a secret comes from; nothing named: the terminal. */
export interface SecretSource {
  readonly file?: string;
  readonly descriptor?: number;
}

export interface PassphraseOptions {
  readonly passphraseFile?: string;
  readonly passphraseFd?: number;
}

export const LEAST_PASSPHRASE = 12;

export function withPassphrase(command: Command): Command {
  return command
    .option('--passphrase-file <file>', 'file with the passphrase of the authority')
    .option('--passphrase-fd <n>', 'descriptor to read it from, such as 3', checked(whole));
}

export function passphraseSource(options: PassphraseOptions): SecretSource {
  const { passphraseFile: file, passphraseFd: descriptor } = options;
  return {
    ...(file === undefined ? {} : { file }),
    ...(descriptor === undefined ? {} : { descriptor }),
  };
}

/** @throws Trouble where nobody can be asked, or what is named cannot be read. */
export async function readSecret(
  what: string,
  { file, descriptor }: SecretSource,
  world: ProvisionWorld,
): Promise<string> {
  const named = file === undefined ? descriptor : resolve(world.cwd, file);
  if (named !== undefined) {
    const secret = read(what, named).replace(/\r?\n$/, '');
    if (secret === '') throw new Trouble(`the ${what} in ${String(named)} is empty`);
    return secret;
  }
  const answer = await world.ask?.(`${what}: `, true);
  if (answer === undefined || answer === null || answer === '') {
    throw new Trouble(
      `nobody gave the ${what}: call this on a terminal, or name a file that holds it`,
    );
  }
  return answer;
}

/** For a new authority: long enough, and typed twice. */
export async function newPassphrase(source: SecretSource, world: ProvisionWorld): Promise<string> {
  const first = await readSecret('passphrase of the new authority', source, world);
  if (first.length < LEAST_PASSPHRASE) {
    throw new Trouble(
      `the passphrase has ${first.length} characters: whoever finds this folder may try millions ` +
        `a day; take ${LEAST_PASSPHRASE} or more, such as five random words`,
    );
  }
  if (source.file !== undefined || source.descriptor !== undefined) return first;
  const again = await readSecret('the same once more', {}, world);
  if (again !== first) throw new Trouble('the two differ: nothing was made; try again');
  return first;
}

function read(what: string, from: string | number): string {
  try {
    return readFileSync(from, 'utf8');
  } catch (error) {
    throw missing(`the ${what} cannot be read from ${String(from)}: ${wordsOf(error)}`);
  }
}
