/**
 * The same tree gives the same tarball: members in the order of their bytes, one time, no names of
 * users, no folder of the build machine. Written in the format of POSIX.1-1988 (ustar).
 */
import {
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { byBytes } from './manifest.ts';

const BLOCK = 512;
/** Bytes of the fields `name` and `prefix`. */
const NAME_BYTES = 100;
const PREFIX_BYTES = 155;
/** tar reads and writes 20 blocks at a time and fills up the last ones. */
const RECORD = 20 * BLOCK;

export interface TarMember {
  /** With the top folder, without a slash at the end. */
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'link';
  readonly mode: number;
  /** Content of a file. */
  readonly bytes: Buffer;
  /** Where a link leads. */
  readonly link: string;
}

/**
 * Writes `folder` as `top/` into an uncompressed tar file.
 * @throws Error when a path is too long for the format
 */
export function writeTar(folder: string, top: string, file: string, mtimeSeconds: number): void {
  const out = openSync(file, 'w');
  let written = 0;
  const write = (bytes: Buffer): void => {
    for (let at = 0; at < bytes.length;) at += writeSync(out, bytes, at);
    written += bytes.length;
  };
  try {
    for (const member of membersOf(folder, top)) {
      write(tarHeader(member, mtimeSeconds));
      write(member.bytes);
      write(Buffer.alloc(padding(member.bytes.length, BLOCK)));
    }
    write(Buffer.alloc(2 * BLOCK));
    write(Buffer.alloc(padding(written, RECORD)));
  } finally {
    closeSync(out);
  }
}

const padding = (length: number, unit: number): number => (unit - (length % unit)) % unit;

function* membersOf(folder: string, path: string): Generator<TarMember> {
  const none = { bytes: Buffer.alloc(0), link: '' };
  const stat = lstatSync(folder);
  if (stat.isSymbolicLink()) {
    yield { ...none, path, kind: 'link', mode: 0o777, link: readlinkSync(folder) };
  } else if (stat.isDirectory()) {
    yield { ...none, path, kind: 'folder', mode: 0o755 };
    for (const name of readdirSync(folder).sort(byBytes)) {
      yield* membersOf(join(folder, name), `${path}/${name}`);
    }
  } else {
    yield { ...none, path, kind: 'file', mode: stat.mode & 0o777, bytes: readFileSync(folder) };
  }
}

const KIND_FLAGS = { file: '0', link: '2', folder: '5' } as const;

/** One header block. @throws Error when the path or the link is too long */
export function tarHeader(member: TarMember, mtimeSeconds: number): Buffer {
  const { kind, mode, bytes, link } = member;
  const [prefix, name] = splitPath(kind === 'folder' ? `${member.path}/` : member.path);
  if (Buffer.byteLength(link) > NAME_BYTES) throw new Error(`too long for a link: ${link}`);
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number): void => {
    header.write(value.toString(8).padStart(length - 1, '0'), at, 'latin1');
  };
  header.write(name, 0);
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(bytes.length, 124, 12);
  octal(mtimeSeconds, 136, 12);
  header.write('        ', 148);
  header.write(KIND_FLAGS[kind], 156);
  header.write(link, 157);
  header.write('ustar\0' + '00', 257);
  header.write('root', 265);
  header.write('root', 297);
  octal(0, 329, 8);
  octal(0, 337, 8);
  header.write(prefix, 345);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** Into `prefix` and `name` at a slash where the name alone does not hold it. */
function splitPath(path: string): readonly [string, string] {
  if (Buffer.byteLength(path) <= NAME_BYTES) return ['', path];
  for (let cut = path.indexOf('/'); cut > 0; cut = path.indexOf('/', cut + 1)) {
    const [prefix, name] = [path.slice(0, cut), path.slice(cut + 1)];
    const fits = Buffer.byteLength(prefix) <= PREFIX_BYTES && name !== '';
    if (fits && Buffer.byteLength(name) <= NAME_BYTES) return [prefix, name];
  }
  throw new Error(`too long for a tarball: ${path}`);
}
