/** Small releases for tests: trees, tarballs and signatures as `npm run release` makes them. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';

/** A key pair of minisign, made without it. */
export class SigningKey {
  readonly id: Buffer;
  readonly #key: KeyObject;
  readonly #publicBytes: Buffer;

  constructor(idHex = '0102030405060708') {
    const pair = generateKeyPairSync('ed25519');
    this.id = Buffer.from(idHex, 'hex');
    this.#key = pair.privateKey;
    this.#publicBytes = pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(12);
  }

  get publicText(): string {
    const bytes = Buffer.concat([Buffer.from('Ed'), this.id, this.#publicBytes]);
    return `untrusted comment: a key of a test\n${bytes.toString('base64')}\n`;
  }

  signature(content: Buffer, comment: string, prehashed = true): string {
    const message = prehashed ? createHash('blake2b512').update(content).digest() : content;
    const made = sign(null, message, this.#key);
    const global = sign(null, Buffer.concat([made, Buffer.from(comment)]), this.#key);
    const head = Buffer.concat([Buffer.from(prehashed ? 'ED' : 'Ed'), this.id]);
    return [
      'untrusted comment: signature of a test',
      Buffer.concat([head, made]).toString('base64'),
      `trusted comment: ${comment}`,
      `${global.toString('base64')}\n`,
    ].join('\n');
  }
}

export const ARCH = process.arch === 'arm64' ? 'arm64' : 'x64';

export interface TreeParts {
  readonly version: string;
  /** Of `dist/embereye.js`. */
  readonly main?: string;
  /** Of `bin/node`. */
  readonly node?: string;
  readonly arch?: string;
  readonly databaseVersion?: number;
  readonly key: SigningKey;
  readonly more?: Readonly<Record<string, string>>;
}

/** Answers as every release does when it is tried out: a shell script, for speed. */
export const plainMain = (version: string): string =>
  `case "$*" in *--version*) echo ${version} ;; esac\n`;

/** Stands in for Node: takes its flag, and runs the shell script that the main program is. */
const SHELL_NODE = `#!/bin/sh
[ "$1" != --max-semi-space-size=2 ] || shift
exec sh "$@"
`;
/** The Node of this test: the main program is JavaScript. */
export const REAL_NODE = `#!/bin/sh\nexec ${process.execPath} "$@"\n`;

/** Writes a whole tree, its manifest last. */
export function writeTree(folder: string, parts: TreeParts): void {
  const { version, arch = ARCH, databaseVersion = 1, key } = parts;
  const write = (path: string, text: string, mode = 0o644): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text, { mode });
    chmodSync(join(folder, path), mode);
  };
  write('bin/node', parts.node ?? SHELL_NODE, 0o755);
  write('dist/embereye.js', parts.main ?? plainMain(version), 0o755);
  write('keys/test.pub', key.publicText);
  for (const [path, text] of Object.entries(parts.more ?? {})) write(path, text);
  mkdirSync(join(folder, 'config'), { recursive: true });
  symlinkSync('../dist/embereye.js', join(folder, 'config/link'));
  const facts = { schema: 1, name: 'embereye', version, arch, databaseVersion };
  write('release.json', JSON.stringify(facts));
  writeManifest(folder);
}

export function writeManifest(folder: string): void {
  const files: Record<string, unknown> = {};
  for (const path of pathsIn(folder)) {
    const full = join(folder, path);
    if (path === 'manifest.json') continue;
    files[path] = lstatSync(full).isSymbolicLink()
      ? { link: readlinkSync(full) }
      : {
          sha256: createHash('sha256').update(readFileSync(full)).digest('hex'),
          mode: (statSync(full).mode & 0o777).toString(8).padStart(4, '0'),
          size: statSync(full).size,
        };
  }
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ schema: 1, files }));
}

function pathsIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

/** `embereye-<version>-linux-<arch>.tar.gz` in `out`, by the real tar; signed. @returns its path */
export function packTree(
  tree: string,
  out: string,
  { version, key, arch = ARCH }: Pick<TreeParts, 'version' | 'key' | 'arch'>,
  comment = `embereye ${version} linux-${arch}`,
): string {
  const file = join(out, `embereye-${version}-linux-${arch}.tar.gz`);
  execFileSync('tar', [
    ...['--format=ustar', '--sort=name', '--owner=0', '--group=0', '-czf', file],
    ...[`--transform=s,^\\.,embereye-${version},S`, '-C', tree, '.'],
  ]);
  writeFileSync(`${file}.minisig`, key.signature(readFileSync(file), comment));
  return file;
}

/** Tree and tarball in one. @returns the path of the tarball */
export function makeRelease(out: string, parts: TreeParts): string {
  const tree = join(out, `tree-${parts.version}`);
  mkdirSync(tree, { recursive: true });
  writeTree(tree, parts);
  return packTree(tree, out, parts);
}
