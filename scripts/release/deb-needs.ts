/**
 * What the programs of a release ask of the system they are installed on, read from the programs
 * themselves: the shared libraries they name, and the newest versions of symbols they use.
 * Source of the format: ELF-64, System V ABI, and the LSB's symbol versioning.
 */
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What one ELF file asks for. */
export interface ElfNeeds {
  /** Its `DT_NEEDED`, as `libc.so.6`. */
  readonly libraries: readonly string[];
  /** Versions of symbols by library, as `GLIBC_2.34` of `libc.so.6`. */
  readonly versions: readonly { readonly library: string; readonly version: string }[];
}

const MAGIC = 0x464c457f; // "\x7fELF", little endian
const DYNAMIC = 6;
const VERSION_NEEDS = 0x6ffffffe;
const DT_NEEDED = 1;

interface Section {
  readonly type: number;
  readonly bytes: Buffer;
  /** Index of the section with its strings. */
  readonly link: number;
  /** Meaning by type; for version needs the number of libraries. */
  readonly info: number;
}

/** Null for anything but a 64-bit little-endian ELF file. @throws Error when it is cut off */
export function elfNeeds(file: Buffer): ElfNeeds | null {
  const isElf = file.length >= 64 && file.readUInt32LE(0) === MAGIC;
  if (!isElf || file[4] !== 2 || file[5] !== 1) return null;
  const sections = sectionsOf(file);
  const libraries: string[] = [];
  const versions: { library: string; version: string }[] = [];
  for (const section of sections) {
    const strings = sections[section.link]?.bytes ?? Buffer.alloc(0);
    if (section.type === DYNAMIC) libraries.push(...neededIn(section, strings));
    if (section.type === VERSION_NEEDS) versions.push(...versionsIn(section, strings));
  }
  return { libraries, versions };
}

function sectionsOf(file: Buffer): readonly Section[] {
  const start = Number(file.readBigUInt64LE(0x28));
  const [size, count] = [file.readUInt16LE(0x3a), file.readUInt16LE(0x3c)];
  return Array.from({ length: count }, (_, i) => {
    const at = start + i * size;
    const type = file.readUInt32LE(at + 4);
    const [from, length] = [file.readBigUInt64LE(at + 24), file.readBigUInt64LE(at + 32)];
    // Sections of other kinds may occupy no bytes of the file.
    const isRead = type === DYNAMIC || type === VERSION_NEEDS || type === 3;
    const bytes = isRead ? file.subarray(Number(from), Number(from + length)) : Buffer.alloc(0);
    return { type, bytes, link: file.readUInt32LE(at + 40), info: file.readUInt32LE(at + 44) };
  });
}

function textAt(strings: Buffer, at: number): string {
  return strings.toString('latin1', at, strings.indexOf(0, at));
}

function neededIn({ bytes }: Section, strings: Buffer): string[] {
  const names: string[] = [];
  for (let at = 0; at + 16 <= bytes.length; at += 16) {
    if (Number(bytes.readBigUInt64LE(at)) === DT_NEEDED) {
      names.push(textAt(strings, Number(bytes.readBigUInt64LE(at + 8))));
    }
  }
  return names;
}

function versionsIn(
  { bytes, info }: Section,
  strings: Buffer,
): { library: string; version: string }[] {
  const found: { library: string; version: string }[] = [];
  for (let library = 0, at = 0; library < info; library += 1) {
    const name = textAt(strings, bytes.readUInt32LE(at + 4));
    let entry = at + bytes.readUInt32LE(at + 8);
    for (let i = 0; i < bytes.readUInt16LE(at + 2); i += 1) {
      found.push({ library: name, version: textAt(strings, bytes.readUInt32LE(entry + 8)) });
      entry += bytes.readUInt32LE(entry + 12);
    }
    at += bytes.readUInt32LE(at + 12);
  }
  return found;
}

/** The newest release of each library that every supported system has. */
interface Library {
  readonly package: string;
  readonly files: RegExp;
  /** Prefix of the symbol versions that count, and what the package is called that has them. */
  readonly prefix: string;
  readonly packageVersion: (symbols: string) => string;
  /** Of Ubuntu 22.04 (JetPack 6), the oldest; Debian 12 has 2.36 and 12.2. */
  readonly newest: string;
}

/** Which GCC brought which version: the manual of libstdc++, "ABI Policy and Guidelines". */
const GCC_OF: Readonly<Record<string, string>> = {
  ...{ '3.4.21': '5', '3.4.22': '6', '3.4.23': '7', '3.4.24': '7', '3.4.25': '8', '3.4.26': '9' },
  ...{ '3.4.27': '9', '3.4.28': '9', '3.4.29': '11', '3.4.30': '12' },
};

const LIBRARIES: readonly Library[] = [
  {
    package: 'libc6',
    files: /^(lib(c|m|dl|pthread|rt|util)\.so\.\d+|ld-linux-.*\.so\.\d)$/,
    prefix: 'GLIBC_',
    packageVersion: (symbols) => symbols,
    newest: '2.35',
  },
  {
    package: 'libstdc++6',
    files: /^libstdc\+\+\.so\.6$/,
    prefix: 'GLIBCXX_',
    // An older version than the table's is in every supported system.
    packageVersion: (symbols) => GCC_OF[symbols] ?? '5',
    newest: '3.4.30',
  },
  {
    package: 'libgcc-s1',
    files: /^libgcc_s\.so\.1$/,
    prefix: 'GCC_',
    packageVersion: () => '4.2',
    newest: '12.0.0',
  },
];

/** Whether this system's apt has to bring it, or it lies in the release itself. */
export interface TreeNeeds {
  /** For `Depends:`, sorted, as `libc6 (>= 2.34)`. */
  readonly depends: readonly string[];
}

/**
 * Reads every program and library under `tree`.
 * @throws Error that names the file, when one asks for more than a supported system has
 */
export function needsOfTree(tree: string): TreeNeeds {
  const files = filesUnder(tree);
  const own = new Set(files.map((file) => basename(file)));
  const newest = new Map<Library, string>();
  for (const file of files) {
    const needs = isElf(file) ? elfNeeds(readFileSync(file)) : null;
    for (const name of needs?.libraries ?? []) {
      const library = LIBRARIES.find(({ files: pattern }) => pattern.test(name));
      if (library !== undefined) newest.set(library, newest.get(library) ?? '0');
      else if (!own.has(name)) throw new Error(unknownLibrary(file, name));
    }
    for (const { library: name, version } of needs?.versions ?? []) {
      const library = LIBRARIES.find(({ files: pattern }) => pattern.test(name));
      if (library === undefined || !version.startsWith(library.prefix)) continue;
      const number = version.slice(library.prefix.length);
      if (compare(number, library.newest) > 0) throw new Error(tooNew(file, version, library));
      if (compare(number, newest.get(library) ?? '0') > 0) newest.set(library, number);
    }
  }
  const depends = [...newest].map(
    ([library, symbols]) => `${library.package} (>= ${library.packageVersion(symbols)})`,
  );
  return { depends: depends.sort() };
}

function unknownLibrary(file: string, name: string): string {
  return (
    `${file} needs ${name}, which is neither in the release nor known here: ` +
    'prune the file, or name its package in LIBRARIES'
  );
}

function tooNew(file: string, version: string, library: Library): string {
  return (
    `${file} needs ${version}; the oldest supported system has ${library.prefix}` +
    `${library.newest}: build it against an older ${library.package}`
  );
}

/** Dotted numbers; a part that is no number ("PRIVATE") counts as newer than any. */
function compare(a: string, b: string): number {
  const [left, right] = [a.split('.'), b.split('.')];
  for (let i = 0; i < Math.max(left.length, right.length); i += 1) {
    const difference = part(left[i]) - part(right[i]);
    if (Number.isNaN(difference)) return 0;
    if (difference !== 0) return difference;
  }
  return 0;
}

function part(text: string | undefined): number {
  if (text === undefined) return 0;
  return /^\d+$/.test(text) ? Number(text) : Infinity;
}

function filesUnder(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function isElf(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const start = Buffer.alloc(4);
    return readSync(file, start) === 4 && start.readUInt32LE(0) === MAGIC;
  } finally {
    closeSync(file);
  }
}
