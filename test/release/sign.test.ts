import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KeyChoice } from '../../scripts/release/sign.ts';
import { openKey, PASSWORD_VARIABLE, sign } from '../../scripts/release/sign.ts';
import { writeKeys } from '../../scripts/release/tree.ts';

const minisignIsHere = spawnSync('minisign', ['-v']).error === undefined;
const PASSWORD = 'correct horse';
let folder = '';
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'embereye-sign-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const choice = (changed: Partial<KeyChoice> = {}): KeyChoice => ({
  file: null,
  passwordFile: null,
  environment: {},
  isTerminal: false,
  developmentFolder: join(folder, 'keys'),
  ...changed,
});

/** A key as an owner makes it, with a password (a gigabyte and a second or more) or without. */
function ownKey(password: string | null): string {
  const file = join(folder, 'owner.key');
  const options = password === null ? ['-W'] : [];
  execFileSync('minisign', ['-G', ...options, '-s', file, '-p', join(folder, 'owner.pub')], {
    input: password === null ? '' : `${password}\n${password}\n`,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  return file;
}

function planted(): string {
  const file = join(folder, 'release.tar.gz');
  writeFileSync(file, 'a release');
  return file;
}

/** What minisign says of a signature: the trusted comment, or null where it does not believe it. */
function verified(file: string, publicText: string): string | null {
  const pub = join(folder, 'check.pub');
  writeFileSync(pub, publicText);
  const { status, stdout } = spawnSync('minisign', ['-V', '-Q', '-p', pub, '-m', file], {
    encoding: 'utf8',
  });
  return status === 0 ? stdout.trim() : null;
}

describe.skipIf(!minisignIsHere)('signatures (needs minisign)', () => {
  it('makes a development key once, readable by its owner alone, and signs with it', () => {
    const key = openKey(choice());
    expect(key.isDevelopment).toBe(true);
    expect(key.publicName).toBe('development.pub');
    expect(statSync(key.secretFile).mode & 0o077).toBe(0);
    expect(openKey(choice()).publicText).toBe(key.publicText);
    const file = planted();
    sign(key, file, 'embereye 1.2.3 linux-arm64');
    expect(verified(file, key.publicText)).toBe('embereye 1.2.3 linux-arm64');
    writeFileSync(file, 'another release');
    expect(verified(file, key.publicText)).toBeNull();
  });

  it('signs the same file with the same bytes', () => {
    const key = openKey(choice());
    const file = planted();
    const once = (): string => {
      sign(key, file, 'embereye 1.2.3 linux-x64');
      return readFileSync(`${file}.minisig`, 'utf8');
    };
    expect(once()).toBe(once());
  });

  it(
    'takes a password from a file or the environment, and says when there is none or a wrong one',
    {
      timeout: 300_000,
    },
    () => {
      const file = ownKey(PASSWORD);
      expect(() => openKey(choice({ file }))).toThrow(
        `${file} has a password: put it into ${PASSWORD_VARIABLE} or --password-file FILE`,
      );
      const environment = { [PASSWORD_VARIABLE]: 'wrong' };
      expect(() => openKey(choice({ file, environment }))).toThrow('Wrong password');
      const passwordFile = join(folder, 'password');
      writeFileSync(passwordFile, `${PASSWORD}\nnot this\n`);
      // The file is asked for by name, so it goes before a variable that may be left over.
      const key = openKey(choice({ file, passwordFile, environment }));
      expect(key.isDevelopment).toBe(false);
      expect(key.publicText).toBe(readFileSync(join(folder, 'owner.pub'), 'utf8'));
      const release = planted();
      sign(key, release, 'x');
      expect(verified(release, key.publicText)).toBe('x');
    },
  );

  it('says what is no key', () => {
    ownKey(null);
    const file = join(folder, 'owner.pub');
    expect(() => openKey(choice({ file }))).toThrow(`${file} is no secret key of minisign`);
  });

  it('puts its own public key and those of other owners into a release', () => {
    const key = openKey(choice());
    const own = join(folder, key.publicName);
    writeFileSync(own, key.publicText);
    ownKey(null);
    const other = join(folder, 'owner.pub');
    const target = join(folder, 'tree');
    mkdirSync(target);
    const write = (...trustedKeys: string[]): void => {
      rmSync(join(target, 'keys'), { recursive: true, force: true });
      writeKeys({ target, trustedKeys });
    };
    write(own, other);
    expect(readdirSync(join(target, 'keys'))).toEqual(['development.pub', 'owner.pub']);
    expect(readFileSync(join(target, 'keys', 'owner.pub'))).toEqual(readFileSync(other));
    expect(() => write(own, key.secretFile)).toThrow('is no public key of minisign');
    mkdirSync(join(folder, 'elsewhere'));
    const sameName = join(folder, 'elsewhere', 'owner.pub');
    cpSync(own, sameName);
    expect(() => write(other, sameName)).toThrow('two different keys have the name owner.pub');
    expect(() => write()).toThrow('would take no update');
  });
});
