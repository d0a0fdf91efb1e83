/**
 * The blocks of a disk with a cache that forgets: what was written stays in memory until a flush.
 * When the power goes, some of it has reached the disk on its own and some has not, sector by
 * sector and in no order, as disks and cards do it.
 */
import { closeSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';

/** What a disk writes whole or not at all. */
export const SECTOR_BYTES = 512;

export class LossyBlocks {
  readonly sizeBytes: number;
  readonly #file: number;
  readonly #unflushed = new Map<number, Buffer>();

  /** @param sizeBytes a multiple of `SECTOR_BYTES`; the file is made or cut to it. */
  constructor(path: string, sizeBytes: number) {
    this.sizeBytes = sizeBytes;
    this.#file = openSync(path, 'r+');
    ftruncateSync(this.#file, sizeBytes);
  }

  get unflushedSectors(): number {
    return this.#unflushed.size;
  }

  read(at: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    readSync(this.#file, bytes, 0, length, at);
    const last = Math.floor((at + length - 1) / SECTOR_BYTES);
    for (let sector = Math.floor(at / SECTOR_BYTES); sector <= last; sector += 1) {
      const kept = this.#unflushed.get(sector);
      const start = sector * SECTOR_BYTES - at;
      if (kept === undefined) continue;
      kept.copy(
        bytes,
        Math.max(0, start),
        Math.max(0, -start),
        Math.min(SECTOR_BYTES, length - start),
      );
    }
    return bytes;
  }

  write(at: number, bytes: Buffer): void {
    let done = 0;
    while (done < bytes.length) {
      const sector = Math.floor((at + done) / SECTOR_BYTES);
      const within = (at + done) % SECTOR_BYTES;
      const part = Math.min(SECTOR_BYTES - within, bytes.length - done);
      const whole = this.#unflushed.get(sector) ?? this.read(sector * SECTOR_BYTES, SECTOR_BYTES);
      bytes.copy(whole, within, done, done + part);
      this.#unflushed.set(sector, whole);
      done += part;
    }
  }

  /** Everything written before stays from here on. */
  flush(): void {
    for (const [sector, bytes] of this.#unflushed) this.#store(sector, bytes);
    this.#unflushed.clear();
  }

  /**
   * The power goes. The file has what the disk will show when it comes back.
   * @param survives asked for each sector that was not flushed. @returns how many were lost.
   */
  cut(survives: () => boolean): number {
    let lost = 0;
    for (const [sector, bytes] of this.#unflushed) {
      if (survives()) this.#store(sector, bytes);
      else lost += 1;
    }
    this.#unflushed.clear();
    closeSync(this.#file);
    return lost;
  }

  #store(sector: number, bytes: Buffer): void {
    writeSync(this.#file, bytes, 0, SECTOR_BYTES, sector * SECTOR_BYTES);
  }
}
