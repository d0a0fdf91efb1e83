/**
 * Reads a tarball as `npm run release` writes it: ustar (POSIX.1-1988) with files, folders and
 * symbolic links. Everything else that tar can hold is refused: devices, hard links, extensions.
 */
import { isSafePath } from './release-files.ts';
import { Refused } from './refused.ts';

export interface TarMember {
  /** Relative, without a slash at the end, no way up. */
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'link';
  /** Permission bits, with setuid, setgid and sticky. */
  readonly mode: number;
  readonly size: number;
  /** Where a link leads; empty for all others. */
  readonly link: string;
  /** Bytes of a file; what is not read is skipped. */
  readonly content: AsyncIterable<Buffer>;
}

const BLOCK = 512;
const KINDS: Readonly<Record<string, TarMember['kind']>> = {
  '0': 'file',
  '\0': 'file',
  '2': 'link',
  '5': 'folder',
};

/** @throws Refused where it is none, ends too early, or holds what it should not. */
export async function* tarMembers(source: AsyncIterable<Buffer>): AsyncGenerator<TarMember> {
  const bytes = new ByteReader(source);
  for (;;) {
    const header = await bytes.take(BLOCK);
    if (header.every((byte) => byte === 0)) break;
    const head = readHeader(header);
    let left = head.size;
    const content = async function* (): AsyncGenerator<Buffer> {
      while (left > 0) {
        const part = await bytes.some(left);
        left -= part.length;
        yield part;
      }
    };
    const whole = content();
    yield { ...head, content: whole };
    // What the reader has left over lies before the next header.
    left = await skip(bytes, left);
    await bytes.take((BLOCK - (head.size % BLOCK)) % BLOCK);
  }
  await bytes.rest();
}

async function skip(bytes: ByteReader, count: number): Promise<0> {
  for (let left = count; left > 0;) left -= (await bytes.some(left)).length;
  return 0;
}

function readHeader(header: Buffer): Omit<TarMember, 'content'> {
  let sum = 0;
  for (const [at, byte] of header.entries()) sum += at >= 148 && at < 156 ? 0x20 : byte;
  if (octal(header, 148, 8) !== sum) throw bad('a header of it is damaged');
  const kind = KINDS[String.fromCharCode(header[156] ?? 1)];
  const name = text(header, 0, 100);
  const prefix = text(header, 257, 5) === 'ustar' ? text(header, 345, 155) : '';
  const path = (prefix === '' ? name : `${prefix}/${name}`).replace(/\/$/, '');
  if (kind === undefined) throw bad(`"${path}" is neither file nor folder nor symbolic link`);
  if (!isSafePath(path)) throw bad(`"${path}" leads out of the folder`);
  const size = octal(header, 124, 12);
  if (kind !== 'file' && size !== 0) throw bad(`"${path}" has a size and is no file`);
  const link = kind === 'link' ? text(header, 157, 100) : '';
  return { path, kind, mode: octal(header, 100, 8), size, link };
}

function text(header: Buffer, at: number, length: number): string {
  const field = header.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? length : end);
}

function octal(header: Buffer, at: number, length: number): number {
  const digits = text(header, at, length).trim();
  if (!/^[0-7]{1,11}$/.test(digits)) throw bad('a number in a header of it is none');
  return Number.parseInt(digits, 8);
}

function bad(what: string): Refused {
  return new Refused(`the tarball cannot be used: ${what}; build or fetch the release again`);
}

/** Takes bytes from chunks of any size. */
class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  /** Exactly so many. */
  async take(count: number): Promise<Buffer> {
    while (this.#held.length < count) {
      this.#held = Buffer.concat([this.#held, await this.#next()]);
    }
    return this.#give(count);
  }

  /** At least one, at most so many. */
  async some(most: number): Promise<Buffer> {
    if (this.#held.length === 0) this.#held = await this.#next();
    return this.#give(Math.min(most, this.#held.length));
  }

  /** To the end: whoever hashes the source has then seen all of it. */
  async rest(): Promise<void> {
    while ((await this.#chunks.next()).done !== true);
  }

  #give(count: number): Buffer {
    const given = this.#held.subarray(0, count);
    this.#held = this.#held.subarray(count);
    return given;
  }

  async #next(): Promise<Buffer> {
    for (;;) {
      const next = await this.#chunks.next();
      if (next.done === true) throw bad('it ends too early');
      if (next.value.length > 0) return next.value;
    }
  }
}
