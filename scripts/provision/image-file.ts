/** Images as files: raw ones, and packed ones that are unpacked first. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { ByteSource } from './overlay.ts';
import type { Progress } from './progress.ts';
import { missing, Trouble, wordsOf } from './trouble.ts';

/** An image that is open for reading. */
export interface ImageFile extends ByteSource {
  /** As it was named. */
  readonly name: string;
  /** The raw file; of a packed image a temporary one. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Fills the buffer from `offset` on; fewer bytes at the end. */
  readInto(buffer: Uint8Array, offset: number): number;
  close(): void;
}

/**
 * Opens an image. One with a `.sha256` beside it is compared with that first; a packed one (.gz,
 * .xz) is unpacked into a temporary folder, which `close` removes.
 * @throws Trouble where it cannot be read, unpacked, or is not what its checksum says
 */
export async function openImage(
  name: string,
  progress: (title: string, totalBytes: number) => Progress,
  warn: (line: string) => void,
): Promise<ImageFile> {
  const size = sizeOf(name);
  await compareChecksum(name, progress('checking', size), warn);
  if (!/\.(gz|xz)$/.test(name)) return opened(name, name, () => undefined);
  const folder = mkdtempSync(join(tmpdir(), 'embereye-image-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const raw = join(folder, 'image');
    await unpack(name, raw, progress('unpacking', size));
    return opened(name, raw, remove);
  } catch (error) {
    remove();
    throw error;
  }
}

function sizeOf(name: string): number {
  const found = statSync(name, { throwIfNoEntry: false });
  if (found === undefined) throw missing(`${name}: no such image; name an existing file`);
  if (!found.isFile()) throw new Trouble(`${name}: not a file; name an image`);
  return found.size;
}

function opened(name: string, path: string, done: () => void): ImageFile {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw missing(`${name}: cannot be read: ${wordsOf(error)}`);
  }
  const sizeBytes = fstatSync(file).size;
  const readInto = (buffer: Uint8Array, offset: number): number => {
    let done = 0;
    while (done < buffer.length) {
      const count = readSync(file, buffer, done, buffer.length - done, offset + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  };
  return {
    ...{ name, path, sizeBytes, readInto },
    read(offset, length) {
      const bytes = Buffer.alloc(length);
      if (readInto(bytes, offset) < length) {
        throw new Trouble(`${name}: ends before byte ${offset + length}; get the file again`);
      }
      return bytes;
    },
    close() {
      closeSync(file);
      done();
    },
  };
}

async function compareChecksum(
  name: string,
  progress: Progress,
  warn: (line: string) => void,
): Promise<void> {
  const sumFile = `${name}.sha256`;
  if (!existsSync(sumFile)) {
    warn(`${name}: no ${basename(sumFile)} beside it, so nothing says whether it is whole`);
    return;
  }
  const wanted = /^[0-9a-f]{64}\b/i.exec(readFileSync(sumFile, 'latin1').trim())?.[0];
  if (wanted === undefined) {
    throw new Trouble(`${sumFile}: does not start with a SHA-256 in hex; get it again`);
  }
  const hash = createHash('sha256');
  for await (const piece of createReadStream(name, { highWaterMark: 1024 * 1024 })) {
    hash.update(piece as Buffer);
    progress.advance((piece as Buffer).length);
  }
  progress.done();
  const found = hash.digest('hex');
  if (found === wanted.toLowerCase()) return;
  throw new Trouble(
    `${name}: not what ${basename(sumFile)} says: cut off or damaged (SHA-256 ` +
      `${found.slice(0, 12)}…, not ${wanted.slice(0, 12).toLowerCase()}…); get the file again`,
  );
}

async function unpack(name: string, to: string, progress: Progress): Promise<void> {
  const packed = createReadStream(name, { highWaterMark: 1024 * 1024 });
  packed.on('data', (piece) => progress.advance(piece.length));
  const file = openSync(to, 'wx', 0o600);
  try {
    const plain = name.endsWith('.gz') ? packed.pipe(createGunzip()) : throughXz(packed);
    packed.on('error', (error) => plain.destroy(error));
    let at = 0;
    for await (const piece of plain) at = writeSparse(file, piece as Buffer, at);
    ftruncateSync(file, at);
    progress.done();
  } catch (error) {
    throw error instanceof Trouble
      ? error
      : new Trouble(`${name}: cut off or damaged (${wordsOf(error)}); get the file again`);
  } finally {
    closeSync(file);
  }
}

/** Zeros take no space in the temporary file. Returns where the next piece goes. */
function writeSparse(file: number, piece: Buffer, at: number): number {
  if (!isZero(piece)) {
    for (let done = 0; done < piece.length;) {
      done += writeSync(file, piece, done, piece.length - done, at + done);
    }
  }
  return at + piece.length;
}

const ZEROS = Buffer.alloc(64 * 1024);

function isZero(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const part = bytes.subarray(at, at + ZEROS.length);
    if (!part.equals(ZEROS.subarray(0, part.length))) return false;
  }
  return true;
}

/** Node has no xz: the program does it. */
function throughXz(packed: Readable): Readable {
  const child = spawn('xz', ['--decompress', '--stdout'], { stdio: ['pipe', 'pipe', 'pipe'] });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (words += text));
  // A child that ends early closes its input; its exit code tells why.
  child.stdin.on('error', () => undefined);
  packed.pipe(child.stdin);
  async function* bytes(): AsyncGenerator<Buffer> {
    const failed = new Promise<Error | null>((resolve) => {
      child.once('error', (error) => resolve(error));
      child.once('close', (code) => resolve(code === 0 ? null : new Error(words.trim())));
    });
    for await (const piece of child.stdout) yield piece as Buffer;
    const error = await failed;
    if (error === null) return;
    if ('code' in error && error.code === 'ENOENT') {
      throw missing('xz is not installed, and the image needs it: sudo apt-get install xz-utils');
    }
    throw error;
  }
  return Readable.from(bytes());
}
