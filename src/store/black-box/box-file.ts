/** One recording on its way to disk: `NAME.part` while it grows, `NAME` once it has been ended. */
import type { Buffer } from 'node:buffer';
import { basename } from 'node:path';
import { packBlock } from './block.ts';
import type { BoxDisk, BoxFileHandle } from './disk.ts';
import { PART_SUFFIX } from './shelf.ts';

/** Every method may reject with an error of the file system; the file is then to be abandoned. */
export class BoxFile {
  readonly #disk: BoxDisk;
  readonly #handle: BoxFileHandle;
  #path: string;
  #bytes = 0;
  #unsynced = false;

  private constructor(disk: BoxDisk, handle: BoxFileHandle, path: string) {
    this.#disk = disk;
    this.#handle = handle;
    this.#path = path;
  }

  /** @param path of the ended recording */
  static async create(disk: BoxDisk, path: string): Promise<BoxFile> {
    return new BoxFile(disk, await disk.create(path + PART_SUFFIX), path);
  }

  /** Name in its folder while it is being written. */
  get partName(): string {
    return basename(this.#path) + PART_SUFFIX;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Gives it another name: its cause has become a graver one. */
  async moveTo(path: string): Promise<void> {
    if (path === this.#path) return;
    await this.#disk.rename(this.#path + PART_SUFFIX, path + PART_SUFFIX);
    this.#path = path;
  }

  /** @param records whole records; may be used again afterwards */
  async append(records: Buffer): Promise<void> {
    const block = await packBlock(records);
    await this.#handle.append(block);
    this.#bytes += block.length;
    this.#unsynced = true;
  }

  /** What was appended survives a power cut. */
  async sync(): Promise<void> {
    if (!this.#unsynced) return;
    await this.#handle.sync();
    this.#unsynced = false;
  }

  async finish(): Promise<void> {
    await this.#handle.sync();
    await this.#handle.close();
    await this.#disk.rename(this.#path + PART_SUFFIX, this.#path);
  }

  /** Lets it lie as it is; readable up to where writing failed. */
  async abandon(): Promise<void> {
    await this.#handle.close();
    await this.#disk.rename(this.#path + PART_SUFFIX, this.#path);
  }
}
