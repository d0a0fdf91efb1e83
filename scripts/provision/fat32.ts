/**
 * Files in a FAT32 partition, read and written in place: what a card's first partition needs,
 * without mounting anything. Source: Microsoft's FAT32 File System Specification 1.03.
 */
import type { FatEntry, FolderContents } from './fat-entries.ts';
import {
  ENTRY_BYTES,
  makeEntries,
  markFree,
  pointTo,
  readEntries,
  shortEntry,
} from './fat-entries.ts';
import type { FatLayout } from './fat-layout.ts';
import { fatLayout } from './fat-layout.ts';
import type { ByteStore } from './overlay.ts';
import { Trouble } from './trouble.ts';

const CLUSTER_MASK = 0x0fffffff;
const CHAIN_END = 0x0ffffff8;
const FSINFO_FREE = 488;
const FSINFO_NEXT = 492;
const UNKNOWN = 0xffffffff;

/** One file system. Paths have forward slashes; letters' case does not matter in them. */
export class Fat32 {
  readonly #store: ByteStore;
  readonly #start: number;
  readonly #layout: FatLayout;
  readonly #wallMs: number;
  readonly #table: Buffer;
  #hint = 2;

  /**
   * @param start of the partition, in bytes
   * @param wallMs what files that are written here say of their time
   * @throws Trouble where no FAT32 file system is
   */
  constructor(store: ByteStore, start: number, wallMs: number) {
    this.#store = store;
    this.#start = start;
    this.#wallMs = wallMs;
    const layout = fatLayout(store.read(start, 512));
    if (layout === null) throw new Trouble('the first partition holds no FAT32 file system');
    this.#layout = layout;
    this.#table = store.read(start + (layout.fatOffsets[0] ?? 0), (layout.clusters + 2) * 4);
  }

  /** The partition's label, or an empty text. */
  label(): string {
    return this.#folder(this.#layout.root).contents.label ?? '';
  }

  /** Names in a folder, or null where there is no such folder. */
  list(path: string): readonly string[] | null {
    const folder = this.#folderOf(path);
    if (folder === null) return null;
    const { entries } = this.#folder(folder).contents;
    return entries.map(({ name }) => name).filter((name) => name !== '.' && name !== '..');
  }

  /** The bytes of a file, at most `most` from its start, or null where there is no such file. */
  read(path: string, most = Infinity): Buffer | null {
    const entry = this.#find(path);
    if (entry === null || entry.isFolder) return null;
    const length = Math.min(entry.size, most);
    const { clusterBytes } = this.#layout;
    const pieces = this.#chain(entry.cluster, Math.ceil(length / clusterBytes)).map((cluster) =>
      this.#store.read(this.#place(cluster), clusterBytes),
    );
    if (pieces.length * clusterBytes < length) throw damaged(`${path} ends early`);
    return Buffer.concat(pieces).subarray(0, length);
  }

  /** Writes a whole file and makes its folders; an existing one keeps its name. @throws Trouble */
  write(path: string, bytes: Uint8Array): void {
    const folder = this.#makeFolders(path.split('/').slice(0, -1));
    const name = nameOf(path);
    const old = this.#find(path);
    if (old?.isFolder === true) throw new Trouble(`${path} is a folder on the card`);
    if (old !== null) this.#release(old.cluster);
    const cluster = this.#writeChain(bytes);
    if (old === null) this.#add(folder, name, false, cluster, bytes.length);
    else {
      const place = this.#folder(folder).places[old.slots.at(-1) ?? 0] ?? 0;
      const slot = this.#store.read(place, ENTRY_BYTES);
      pointTo(slot, cluster, bytes.length);
      this.#store.write(place, slot);
    }
  }

  /** Removes a file, or a folder with all in it; what is not there is removed already. */
  remove(path: string): void {
    const entry = this.#find(path);
    if (entry === null) return;
    if (entry.isFolder) for (const name of this.list(path) ?? []) this.remove(`${path}/${name}`);
    const parent = this.#folderOf(path.split('/').slice(0, -1).join('/')) ?? this.#layout.root;
    const { places } = this.#folder(parent);
    for (const index of entry.slots) {
      const slot = this.#store.read(places[index] ?? 0, ENTRY_BYTES);
      markFree(slot);
      this.#store.write(places[index] ?? 0, slot);
    }
    this.#release(entry.cluster);
  }

  #find(path: string): FatEntry | null {
    const parts = path.split('/').filter((part) => part !== '');
    let folder = this.#layout.root;
    let entry: FatEntry | null = null;
    for (const [i, part] of parts.entries()) {
      const wanted = part.toLowerCase();
      const { entries } = this.#folder(folder).contents;
      entry = entries.find(({ name }) => name.toLowerCase() === wanted) ?? null;
      if (entry === null || (i < parts.length - 1 && !entry.isFolder)) return null;
      folder = entry.cluster;
    }
    return entry;
  }

  #folderOf(path: string): number | null {
    if (path === '') return this.#layout.root;
    const entry = this.#find(path);
    return entry?.isFolder === true ? entry.cluster : null;
  }

  #makeFolders(parts: readonly string[]): number {
    let folder = this.#layout.root;
    for (const [i, part] of parts.entries()) {
      const path = parts.slice(0, i + 1).join('/');
      const found = this.#find(path);
      if (found !== null && !found.isFolder) throw new Trouble(`${path} is a file on the card`);
      folder = found?.cluster ?? this.#makeFolder(folder, part);
    }
    return folder;
  }

  #makeFolder(parent: number, name: string): number {
    const about = { isFolder: true, size: 0, wallMs: this.#wallMs };
    const cluster = this.#writeChain(new Uint8Array(this.#layout.clusterBytes));
    // The parent of a folder in the root is written as 0.
    const above = parent === this.#layout.root ? 0 : parent;
    const own = shortEntry('.'.padEnd(11), { ...about, cluster });
    const up = shortEntry('..'.padEnd(11), { ...about, cluster: above });
    this.#store.write(this.#place(cluster), Buffer.concat([own, up]));
    this.#add(parent, name, true, cluster, 0);
    return cluster;
  }

  #add(folder: number, name: string, isFolder: boolean, cluster: number, size: number): void {
    const { contents, places } = this.#folder(folder);
    const taken = new Set(contents.entries.map(({ shortName }) => shortName));
    const entry = { name, isFolder, cluster, size, wallMs: this.#wallMs };
    const slots = makeEntries(entry, taken);
    const first = runOf(contents.free, slots.length);
    if (first === null) {
      const last = this.#chain(folder).at(-1) ?? folder;
      this.#link(last, this.#writeChain(new Uint8Array(this.#layout.clusterBytes)));
      this.#add(folder, name, isFolder, cluster, size);
      return;
    }
    for (const [i, slot] of slots.entries()) this.#store.write(places[first + i] ?? 0, slot);
  }

  #folder(cluster: number): { contents: FolderContents; places: readonly number[] } {
    const slots: Buffer[] = [];
    const places: number[] = [];
    for (const one of this.#chain(cluster)) {
      const bytes = this.#store.read(this.#place(one), this.#layout.clusterBytes);
      for (let at = 0; at < bytes.length; at += ENTRY_BYTES) {
        slots.push(bytes.subarray(at, at + ENTRY_BYTES));
        places.push(this.#place(one) + at);
      }
    }
    return { contents: readEntries(slots), places };
  }

  #place(cluster: number): number {
    const { dataOffset, clusterBytes } = this.#layout;
    return this.#start + dataOffset + (cluster - 2) * clusterBytes;
  }

  #chain(first: number, most = Infinity): readonly number[] {
    const chain: number[] = [];
    for (let at = first; at !== 0 && at < CHAIN_END && chain.length < most; at = this.#next(at)) {
      if (at < 2 || at >= this.#layout.clusters + 2 || chain.length > this.#layout.clusters) {
        throw damaged(`cluster ${at} leads nowhere`);
      }
      chain.push(at);
    }
    return chain;
  }

  #next(cluster: number): number {
    return this.#table.readUInt32LE(cluster * 4) & CLUSTER_MASK;
  }

  /** The highest four bits of an entry belong to nobody and stay. */
  #link(cluster: number, next: number): void {
    const kept = this.#table.readUInt32LE(cluster * 4) - this.#next(cluster);
    this.#table.writeUInt32LE(kept + next, cluster * 4);
    const bytes = this.#table.subarray(cluster * 4, cluster * 4 + 4);
    for (const offset of this.#layout.fatOffsets) {
      this.#store.write(this.#start + offset + cluster * 4, bytes);
    }
  }

  /** Writes bytes into free clusters and returns the first; 0 for none. */
  #writeChain(bytes: Uint8Array): number {
    const { clusterBytes } = this.#layout;
    const clusters = this.#freeClusters(Math.ceil(bytes.length / clusterBytes));
    for (const [i, cluster] of clusters.entries()) {
      const piece = new Uint8Array(clusterBytes);
      piece.set(bytes.subarray(i * clusterBytes, (i + 1) * clusterBytes));
      this.#store.write(this.#place(cluster), piece);
      this.#link(cluster, clusters[i + 1] ?? CLUSTER_MASK);
    }
    this.#countFree(-clusters.length);
    return clusters[0] ?? 0;
  }

  #freeClusters(count: number): readonly number[] {
    const end = this.#layout.clusters + 2;
    const found: number[] = [];
    let at = this.#hint;
    for (; at < end && found.length < count; at++) if (this.#next(at) === 0) found.push(at);
    if (found.length < count) {
      throw new Trouble(
        `the first partition of the image is full: ${count * this.#layout.clusterBytes} bytes do ` +
          'not fit; use an image with a larger first partition',
      );
    }
    this.#hint = at;
    return found;
  }

  #release(first: number): void {
    const chain = this.#chain(first);
    for (const cluster of chain) this.#link(cluster, 0);
    this.#hint = Math.min(this.#hint, ...chain);
    this.#countFree(chain.length);
  }

  #countFree(change: number): void {
    const place = this.#start + this.#layout.infoOffset;
    const info = this.#store.read(place, 512);
    const free = info.readUInt32LE(FSINFO_FREE);
    if (free !== UNKNOWN) info.writeUInt32LE(Math.max(0, free + change), FSINFO_FREE);
    info.writeUInt32LE(Math.min(this.#hint, this.#layout.clusters + 1), FSINFO_NEXT);
    this.#store.write(place, info);
  }
}

function nameOf(path: string): string {
  const name = path.split('/').at(-1) ?? '';
  if (/^[\x21-\x7e]{1,100}$/.test(name) && !/["*/:<>?\\|]/.test(name)) return name;
  throw new Trouble(`${JSON.stringify(name)} is no name for a file on a card`);
}

/** The first of `count` free slots that follow each other, or null. */
function runOf(free: readonly number[], count: number): number | null {
  for (const [i, slot] of free.entries()) {
    if (free[i + count - 1] === slot + count - 1) return slot;
  }
  return null;
}

function damaged(what: string): Trouble {
  return new Trouble(`the first partition is damaged: ${what}; get the image again`);
}
