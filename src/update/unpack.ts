/** Unpacks a release into a folder of its own, and nowhere else. */
import { createHash } from 'node:crypto';
import { createReadStream, symlinkSync } from 'node:fs';
import { open, statfs } from 'node:fs/promises';
import { posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { openFolder } from './durable.ts';
import { FILE_DIGEST } from './minisign.ts';
import { Refused, wordsOf } from './refused.ts';
import type { TarMember } from './tar.ts';
import { tarMembers } from './tar.ts';

/** More than any release; a tarball that unpacks for ever ends here. */
const MAX_BYTES = 2 * 1024 * 1024 * 1024;
const MAX_MEMBERS = 50_000;
/** The data partition keeps this much: the appliance's journal lives there too. */
const ROOM_LEFT_BYTES = 64 * 1024 * 1024;
const SPECIAL_BITS = 0o7000;
const WRITE_BY_OTHERS = 0o022;

export interface UnpackOrder {
  /** A `.tar.gz`. */
  readonly file: string;
  /** BLAKE2b-512 in hex of the file whose signature was verified. */
  readonly digest: string;
  /** The one folder at the top of the tarball; it becomes `target`. */
  readonly top: string;
  /** Does not exist yet. */
  readonly target: string;
}

/** @throws Refused where the tarball is not what was verified, or holds what it should not. */
export async function unpack({ file, digest, top, target }: UnpackOrder): Promise<void> {
  const hash = createHash(FILE_DIGEST);
  const made = new Set<string>();
  const tally = { bytes: 0, members: 0 };
  openFolder(target);
  try {
    const hashed = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of source) {
        hash.update(chunk);
        yield chunk;
      }
    };
    await pipeline(createReadStream(file), hashed, createGunzip(), async (source) => {
      for await (const member of tarMembers(source as AsyncIterable<Buffer>)) {
        const path = below(top, member);
        if (path !== null) await place(target, path, member, made, tally);
      }
    });
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Refused(`${file} cannot be unpacked into ${target}: ${wordsOf(error)}`);
  }
  if (hash.digest('hex') !== digest) {
    throw new Refused(`${file} was changed while it was read: put it where nobody writes to it`);
  }
}

/** The path below the tree; null: it is the top folder itself. */
function below(top: string, { path, kind }: TarMember): string | null {
  if (path === top && kind === 'folder') return null;
  if (path.startsWith(`${top}/`)) return path.slice(top.length + 1);
  throw new Refused(`the tarball holds "${path}" outside of ${top}/: build the release again`);
}

interface Tally {
  bytes: number;
  members: number;
}

async function place(
  target: string,
  path: string,
  member: TarMember,
  made: Set<string>,
  tally: Tally,
): Promise<void> {
  const refuse = (what: string): Refused =>
    new Refused(`the tarball cannot be used: "${path}" ${what}; build the release again`);
  tally.members += 1;
  tally.bytes += member.size;
  if (tally.members > MAX_MEMBERS || tally.bytes > MAX_BYTES) throw refuse('is one too many');
  if (member.kind !== 'link' && (member.mode & SPECIAL_BITS) !== 0) throw refuse('is setuid');
  if (member.kind !== 'link' && (member.mode & WRITE_BY_OTHERS) !== 0) {
    throw refuse('may be written by others');
  }
  const parent = posix.dirname(path);
  // Only folders that were made here: a link that stands for one would lead elsewhere.
  if (parent !== '.' && !made.has(parent)) throw refuse('lies in no folder of the tarball');
  const full = `${target}/${path}`;
  if (member.kind === 'folder') {
    openFolder(full);
    made.add(path);
  } else if (member.kind === 'link') {
    if (!staysInside(path, member.link)) throw refuse(`leads to ${member.link}, outside`);
    symlinkSync(member.link, full);
  } else {
    await writeFile(full, member);
  }
}

/** Whether a link in the tree leads to a place in the tree, by its words alone. */
export function staysInside(path: string, link: string): boolean {
  if (link === '' || posix.isAbsolute(link)) return false;
  // A way up behind another link would start from where that one leads.
  if (/[^./][^/]*\/(?:.*\/)?\.\.(?:\/|$)/.test(link)) return false;
  const to = posix.normalize(posix.join(posix.dirname(path), link));
  return to !== '..' && !to.startsWith('../');
}

async function writeFile(path: string, { mode, content }: TarMember): Promise<void> {
  const file = await open(path, 'wx', mode & 0o777);
  try {
    for await (const part of content) await file.writeFile(part);
    // The process may have a mask of its own.
    await file.chmod(mode & 0o777);
  } finally {
    await file.close();
  }
}

/**
 * How many bytes a tarball unpacks to: the last word of a gzip file, exact below 4 GiB.
 * @throws Refused where the file cannot be read.
 */
export async function unpackedBytes(file: string): Promise<number> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      const word = Buffer.alloc(4);
      const { bytesRead } = await handle.read(word, 0, 4, Math.max(0, size - 4));
      if (bytesRead < 4) throw new Error('it is too short');
      return word.readUInt32LE(0);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new Refused(`${file} cannot be read: ${wordsOf(error)}`);
  }
}

/** @throws Refused where so many bytes do not fit into the file system of `folder`. */
export async function requireRoom(
  folder: string,
  bytes: number,
  freeBytesOf: (folder: string) => Promise<number>,
): Promise<void> {
  const free = await freeBytesOf(folder);
  const needed = bytes + ROOM_LEFT_BYTES;
  if (free >= needed) return;
  const mebi = (count: number): string => `${Math.ceil(count / (1024 * 1024))} MiB`;
  throw new Refused(
    `${folder} has ${mebi(free)} left and the release needs ${mebi(needed)}: make room ` +
      '(du -xh --max-depth=2 /var/lib shows what is large), or lower state.maxMegabytes',
  );
}

/** What whoever is no administrator may still write, in bytes. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
