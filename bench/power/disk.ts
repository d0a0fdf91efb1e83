/** A disk that loses with its power what nobody has flushed, or a random part of it. */
import { rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SeededRandom } from '../../src/simulator/random.ts';
import { runTool } from '../../test/arm64/host.ts';
import { LossyBlocks } from './lossy-blocks.ts';
import type { BlockServer } from './nbd.ts';
import { serveBlocks } from './nbd.ts';

const DISK_BYTES = 1024 * 1024 * 1024;

export class LossyDisk {
  readonly image: string;
  readonly #folder: string;
  readonly #random: SeededRandom;
  #running: { readonly blocks: LossyBlocks; readonly server: BlockServer } | null = null;
  #lostSectors = 0;

  /**
   * @param folder a folder of its own, for the socket.
   * @param image a raw image, whose bytes are the disk's.
   */
  constructor(folder: string, image: string, random: SeededRandom) {
    this.#folder = folder;
    this.image = image;
    this.#random = random;
  }

  /** An empty ext4. */
  static async make(folder: string, random: SeededRandom): Promise<LossyDisk> {
    const image = join(folder, 'disk');
    writeFileSync(image, '');
    truncateSync(image, DISK_BYTES);
    await runTool('/usr/sbin/mkfs.ext4', ['-q', '-F', image]);
    return new LossyDisk(folder, image, random);
  }

  get address(): string {
    return `nbd+unix:///?socket=${this.#socket}`;
  }

  /** Sectors that were written, not flushed, and gone after a cut; all cuts together. */
  get lostSectors(): number {
    return this.#lostSectors;
  }

  async powerOn(): Promise<void> {
    rmSync(this.#socket, { force: true });
    const blocks = new LossyBlocks(this.image, statSync(this.image).size);
    this.#running = { blocks, server: await serveBlocks(this.#socket, blocks) };
  }

  /** Every share of what was not flushed survives: nothing in one cut of four, else some of it. */
  async cut(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    if (running === null) return;
    const share = this.#random.next() < 0.25 ? 0 : this.#random.next();
    this.#lostSectors += running.blocks.cut(() => this.#random.next() < share);
    await running.server.stop();
  }

  get #socket(): string {
    return join(this.#folder, 'disk.sock');
  }
}
