/** The guest's file system in memory: a cpio archive in the kernel's `newc` format. */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

const DIRECTORY = 0o040755;
const PROGRAM = 0o100755;
const LINK = 0o120777;

/** `path` without a leading slash; folders are made as needed. */
export class Initramfs {
  readonly #parts: Buffer[] = [];
  readonly #folders = new Set<string>();
  #inode = 1;

  folder(path: string): void {
    if (path === '' || path === '.' || this.#folders.has(path)) return;
    this.#folders.add(path);
    this.folder(path.split('/').slice(0, -1).join('/'));
    this.#add(path, DIRECTORY, Buffer.alloc(0));
  }

  /** Every file may be executed: nothing in there is anybody else's. */
  file(path: string, content: Uint8Array | string): void {
    this.#within(path);
    this.#add(path, PROGRAM, Buffer.from(content as string));
  }

  /** A folder of this machine with all that is in it. */
  copy(path: string, from: string): void {
    const stat = lstatSync(from);
    if (stat.isDirectory()) {
      this.folder(path);
      for (const name of readdirSync(from)) this.copy(`${path}/${name}`, join(from, name));
    } else if (stat.isSymbolicLink()) {
      this.#within(path);
      this.#add(path, LINK, Buffer.from(readlinkSync(from)));
    } else if (stat.isFile()) {
      this.file(path, readFileSync(from));
    }
  }

  /** The archive; nothing is added afterwards. */
  bytes(): Buffer {
    this.#add('TRAILER!!!', 0, Buffer.alloc(0));
    return Buffer.concat(this.#parts);
  }

  #within(path: string): void {
    this.folder(path.split('/').slice(0, -1).join('/'));
  }

  #add(name: string, mode: number, content: Buffer): void {
    // Inode, mode, user, group, links, time, size, device twice two, length of the name, checksum.
    const fields = [this.#inode++, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0];
    const numbers = [...fields, Buffer.byteLength(name) + 1, 0];
    const header = `070701${numbers.map((one) => one.toString(16).padStart(8, '0')).join('')}`;
    this.#parts.push(aligned(Buffer.from(`${header}${name}\0`)), aligned(content));
  }
}

function aligned(bytes: Buffer): Buffer {
  const rest = bytes.length % 4;
  return rest === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(4 - rest)]);
}
