/**
 * What the programs of a release ask of the system they are installed on, read from the programs
 * themselves: the shared libraries they name, and the newest versions of symbols they use.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { compareVersions, isElf, readElf } from './elf.ts';

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
    const bytes = readFileSync(file);
    if (!isElf(bytes)) continue;
    const { needed, symbolVersions } = readElf(bytes);
    for (const name of needed) {
      const library = LIBRARIES.find(({ files: pattern }) => pattern.test(name));
      if (library !== undefined) newest.set(library, newest.get(library) ?? '0');
      else if (!own.has(name)) throw new Error(unknownLibrary(file, name));
    }
    for (const version of symbolVersions) {
      const library = LIBRARIES.find(({ prefix }) => version.startsWith(prefix));
      if (library === undefined) continue;
      const number = version.slice(library.prefix.length);
      if (isNewer(number, library.newest)) throw new Error(tooNew(file, version, library));
      if (isNewer(number, newest.get(library) ?? '0')) newest.set(library, number);
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

/** A version without a number ("GLIBC_PRIVATE") is newer than any: nobody promises it. */
function isNewer(number: string, than: string): boolean {
  return !/^[\d.]+$/.test(number) || compareVersions(number, than) > 0;
}

function filesUnder(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
