/** Signatures by minisign, the program that units and people check them with. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { EXIT } from '../../src/commands/exit-codes.ts';
import { Refusal } from './refusal.ts';

/** The variable that may hold the key's password: arguments are seen by everybody in `ps`. */
export const PASSWORD_VARIABLE = 'EMBEREYE_RELEASE_PASSWORD';

/** A secret key that can sign now. */
export interface SigningKey {
  readonly secretFile: string;
  /** Without a line end; null for a key without one, or where minisign asks. */
  readonly password: string | null;
  /** Whether minisign asks a person for the password. */
  readonly asks: boolean;
  /** Text of the public key's file. */
  readonly publicText: string;
  /** Name of the public key's file within a release. */
  readonly publicName: string;
  readonly isDevelopment: boolean;
}

export interface KeyChoice {
  /** Null: the development key. */
  readonly file: string | null;
  readonly passwordFile: string | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether minisign can ask a person. */
  readonly isTerminal: boolean;
  /** Where the development key lies or is made. */
  readonly developmentFolder: string;
}

/** @throws Refusal when minisign is missing */
export function requireMinisign(): void {
  const { error } = spawnSync('minisign', ['-v'], { stdio: 'ignore' });
  if (error === undefined) return;
  throw new Refusal(
    'minisign is missing, and nothing is released unsigned: sudo apt-get install -y minisign',
    EXIT.unavailable,
  );
}

/** @throws Refusal when the key cannot be read or its password is wrong or missing */
export function openKey(choice: KeyChoice): SigningKey {
  const isDevelopment = choice.file === null;
  const secretFile = choice.file ?? developmentKey(choice.developmentFolder);
  const encrypted = isEncrypted(secretFile);
  const password = encrypted ? passwordOf(choice) : null;
  if (encrypted && password === null && !choice.isTerminal) {
    throw new Refusal(
      `${secretFile} has a password: put it into ${PASSWORD_VARIABLE} or --password-file FILE`,
      EXIT.badInput,
    );
  }
  const asks = encrypted && password === null;
  const publicText = publicOf(secretFile, password, asks);
  const publicName = `${basename(secretFile).replace(/\.key$/, '')}.pub`;
  return { secretFile, password, asks, publicText, publicName, isDevelopment };
}

/** Writes `<file>.minisig`; the comment is signed too. @throws Refusal with minisign's words */
export function sign(key: SigningKey, file: string, trustedComment: string): void {
  const signature = `${file}.minisig`;
  rmSync(signature, { force: true });
  minisign(
    ['-S', '-s', key.secretFile, '-x', signature, '-t', trustedComment, '-m', file],
    key,
    `${key.secretFile} does not sign`,
  );
}

/** Algorithms, salt, limits, number and key (struct SeckeyStruct of minisign). */
const SECRET_KEY_BYTES = 158;

/** Of the second line, after the algorithm: how the key is protected ("Sc", or nothing). */
function isEncrypted(secretFile: string): boolean {
  const [, text = ''] = readFileSync(secretFile, 'utf8').split('\n');
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('latin1', 0, 2) !== 'Ed' || bytes.length !== SECRET_KEY_BYTES) {
    throw new Refusal(
      `${secretFile} is no secret key of minisign; make one with: minisign -G -s FILE`,
      EXIT.badInput,
    );
  }
  return bytes[2] !== 0 || bytes[3] !== 0;
}

function passwordOf({ passwordFile, environment }: KeyChoice): string | null {
  if (passwordFile !== null) return readFileSync(passwordFile, 'utf8').split('\n')[0] ?? '';
  return environment[PASSWORD_VARIABLE] ?? null;
}

function developmentKey(folder: string): string {
  const secret = join(folder, 'development.key');
  if (existsSync(secret)) return secret;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const pub = join(folder, 'development.pub');
  const none = { password: null, asks: false };
  minisign(['-G', '-W', '-f', '-s', secret, '-p', pub], none, 'no development key can be made');
  return secret;
}

function publicOf(secretFile: string, password: string | null, asks: boolean): string {
  const folder = mkdtempSync(join(tmpdir(), 'embereye-release-'));
  const file = join(folder, 'key.pub');
  try {
    const opening = `${secretFile} cannot be opened`;
    minisign(['-R', '-s', secretFile, '-p', file], { password, asks }, opening);
    return readFileSync(file, 'utf8');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** minisign reads a password from its input where that is no terminal. */
function minisign(
  args: readonly string[],
  { password, asks }: Pick<SigningKey, 'password' | 'asks'>,
  trouble: string,
): void {
  const { status, stderr, error } = spawnSync('minisign', args, {
    ...(password === null ? {} : { input: `${password}\n` }),
    stdio: [password === null ? 'inherit' : 'pipe', 'ignore', asks ? 'inherit' : 'pipe'],
    encoding: 'utf8',
  });
  if (status === 0) return;
  const said = asks ? 'see above' : stderr.replaceAll('Password: ', '').trim();
  throw new Refusal(`${trouble}: minisign says: ${error?.message ?? said}`, EXIT.badInput);
}
