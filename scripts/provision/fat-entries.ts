/**
 * Entries of a FAT folder, 32 bytes each: one short name, before it the pieces of a long one.
 * Source: Microsoft's FAT32 File System Specification 1.03, sections "FAT Directory Structure" and
 * "Long Directory Entries".
 */

export const ENTRY_BYTES = 32;
export const FOLDER_ATTRIBUTE = 0x10;
const ARCHIVE_ATTRIBUTE = 0x20;
const LABEL_ATTRIBUTE = 0x08;
const LONG_ATTRIBUTE = 0x0f;
const FREE = 0xe5;
const SMALL_BASE = 0x08;
const SMALL_EXTENSION = 0x10;
const PIECE_CHARACTERS = 13;
const LAST_PIECE = 0x40;
/** Where the UTF-16 letters of a long name's piece stand. */
const LETTER_PLACES = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30] as const;

/** A file or folder. */
export interface FatEntry {
  /** The long name, or the short one where there is none. */
  readonly name: string;
  /** As it is stored: 11 letters without a dot. */
  readonly shortName: string;
  readonly isFolder: boolean;
  readonly cluster: number;
  readonly size: number;
  /** Places of all its entries within the list of slots; the short name is the last. */
  readonly slots: readonly number[];
}

export interface FolderContents {
  readonly entries: readonly FatEntry[];
  /** The label of the whole partition; only a root folder has one. */
  readonly label: string | null;
  /** Slots that may be written, in order. */
  readonly free: readonly number[];
}

/** Reads a folder from its slots. */
export function readEntries(slots: readonly Buffer[]): FolderContents {
  const entries: FatEntry[] = [];
  const free: number[] = [];
  let label: string | null = null;
  let pieces: { readonly text: string; readonly checksum: number; readonly slot: number }[] = [];
  let ended = false;
  for (const [i, slot] of slots.entries()) {
    const first = slot[0] ?? 0;
    ended ||= first === 0;
    if (ended || first === FREE) {
      free.push(i);
      pieces = [];
      continue;
    }
    const attributes = slot[11] ?? 0;
    if ((attributes & 0x3f) === LONG_ATTRIBUTE) {
      if ((first & LAST_PIECE) !== 0) pieces = [];
      pieces.unshift({ text: lettersOf(slot), checksum: slot[13] ?? 0, slot: i });
      continue;
    }
    const shortName = slot.toString('latin1', 0, 11);
    if ((attributes & LABEL_ATTRIBUTE) !== 0) label = shortName.trimEnd();
    else {
      const fits = pieces.length > 0 && pieces.every((p) => p.checksum === checksumOf(shortName));
      entries.push({
        name: fits ? pieces.map(({ text }) => text).join('') : plainName(shortName, slot[12] ?? 0),
        shortName,
        isFolder: (attributes & FOLDER_ATTRIBUTE) !== 0,
        cluster: slot.readUInt16LE(20) * 0x10000 + slot.readUInt16LE(26),
        size: slot.readUInt32LE(28),
        slots: [...pieces.map((piece) => piece.slot).reverse(), i],
      });
    }
    pieces = [];
  }
  return { entries, label, free };
}

function lettersOf(slot: Buffer): string {
  const letters = LETTER_PLACES.map((place) => slot.readUInt16LE(place));
  const end = letters.indexOf(0);
  return String.fromCharCode(...(end < 0 ? letters : letters.slice(0, end)));
}

/** @param cases bits of Windows NT: base and extension are meant in small letters */
function plainName(shortName: string, cases = 0): string {
  const part = (text: string, bit: number): string =>
    (cases & bit) === 0 ? text.trimEnd() : text.trimEnd().toLowerCase();
  const base = part(shortName.slice(0, 8), SMALL_BASE);
  const extension = part(shortName.slice(8), SMALL_EXTENSION);
  return extension === '' ? base : `${base}.${extension}`;
}

function checksumOf(shortName: string): number {
  let sum = 0;
  for (const byte of Buffer.from(shortName, 'latin1')) {
    sum = (((sum & 1) << 7) + (sum >> 1) + byte) & 0xff;
  }
  return sum;
}

/** A date and a time in the two words that FAT keeps, in UTC; two seconds are the finest. */
export function fatTime(wallMs: number): { readonly date: number; readonly time: number } {
  const at = new Date(wallMs);
  const year = Math.min(127, Math.max(0, at.getUTCFullYear() - 1980));
  const date = (year << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate();
  const seconds = at.getUTCSeconds() >> 1;
  return { date, time: (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | seconds };
}

export interface NewEntry {
  /** At most 255 letters of ASCII that FAT allows. */
  readonly name: string;
  readonly isFolder: boolean;
  readonly cluster: number;
  readonly size: number;
  readonly wallMs: number;
}

/** The entries of a new name, in the order in which they lie: long pieces, then the short one. */
export function makeEntries(entry: NewEntry, taken: ReadonlySet<string>): readonly Buffer[] {
  const shortName = shortNameOf(entry.name, taken);
  const own = shortEntry(shortName, entry);
  if (plainName(shortName) === entry.name) return [own];
  const checksum = checksumOf(shortName);
  const count = Math.ceil(entry.name.length / PIECE_CHARACTERS);
  const pieces = Array.from({ length: count }, (_, i) => {
    const letters = entry.name.slice(i * PIECE_CHARACTERS, (i + 1) * PIECE_CHARACTERS);
    const slot = Buffer.alloc(ENTRY_BYTES);
    slot[0] = (i + 1) | (i === count - 1 ? LAST_PIECE : 0);
    slot[11] = LONG_ATTRIBUTE;
    slot[13] = checksum;
    for (const [at, place] of LETTER_PLACES.entries()) {
      const code =
        at < letters.length ? letters.charCodeAt(at) : at === letters.length ? 0 : 0xffff;
      slot.writeUInt16LE(code, place);
    }
    return slot;
  });
  return [...pieces.reverse(), own];
}

/** One short entry; `.` and `..` of a folder are such too. */
export function shortEntry(shortName: string, entry: Omit<NewEntry, 'name'>): Buffer {
  const slot = Buffer.alloc(ENTRY_BYTES);
  slot.write(shortName, 0, 11, 'latin1');
  slot[11] = entry.isFolder ? FOLDER_ATTRIBUTE : ARCHIVE_ATTRIBUTE;
  const { date, time } = fatTime(entry.wallMs);
  slot.writeUInt16LE(time, 14);
  slot.writeUInt16LE(date, 16);
  slot.writeUInt16LE(date, 18);
  slot.writeUInt16LE(time, 22);
  slot.writeUInt16LE(date, 24);
  pointTo(slot, entry.cluster, entry.size);
  return slot;
}

/** Changes where the content of an entry lies and how long it is. */
export function pointTo(slot: Buffer, cluster: number, size: number): void {
  slot.writeUInt16LE(Math.floor(cluster / 0x10000), 20);
  slot.writeUInt16LE(cluster % 0x10000, 26);
  slot.writeUInt32LE(size, 28);
}

/** Marks an entry as gone. */
export function markFree(slot: Buffer): void {
  slot[0] = FREE;
}

/** A short name that no other entry has: the name itself where it is one, else `NAME~1`, ... */
function shortNameOf(name: string, taken: ReadonlySet<string>): string {
  const dot = name.lastIndexOf('.');
  const clean = (text: string): string => text.toUpperCase().replace(/[^A-Z0-9_-]/g, '');
  const base = clean(dot > 0 ? name.slice(0, dot) : name);
  const extension = clean(dot > 0 ? name.slice(dot + 1) : '').slice(0, 3);
  const whole = base.padEnd(8) + extension.padEnd(3);
  if (base.length <= 8 && plainName(whole) === name.toUpperCase() && !taken.has(whole))
    return whole;
  for (let n = 1; ; n++) {
    const tail = `~${n}`;
    const short = base.slice(0, 8 - tail.length) + tail;
    const candidate = short.padEnd(8) + extension.padEnd(3);
    if (!taken.has(candidate)) return candidate;
  }
}
