/** What no release may contain, whoever built it: looked for in the finished tree. */
import { lstatSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ArchFacts } from './arch.ts';
import type { ElfFacts } from './elf.ts';
import { compareVersions, isElf, readElf } from './elf.ts';
import { pathsIn } from './manifest.ts';

/**
 * The newest versions of symbols that a file may want. The oldest systems are Jetson Linux 36
 * (Ubuntu 22.04: glibc 2.35, libstdc++ of GCC 12) and Debian bookworm (2.36, GCC 12).
 */
const NEWEST = { GLIBC: '2.34', GLIBCXX: '3.4.30', CXXABI: '1.3.13', GCC: '12.0' } as const;

/** Libraries that every one of these systems has; `libc6` and `libstdc++6` bring them. */
const SYSTEM_LIBRARIES = [
  /^lib(c|m|dl|rt|pthread)\.so\.\d+$/,
  /^libstdc\+\+\.so\.6$/,
  /^libgcc_s\.so\.1$/,
  /^ld-linux-(aarch64\.so\.1|x86-64\.so\.2)$/,
];

/** In dist and node_modules: sources, tests, types, maps and recipes of packages. */
const NOT_FOR_UNITS = [
  /\.(ts|mts|cts|map|gyp|gypi|c|cc|cpp|h|hh|hpp|o|a|lib|dll|dylib|md)$/,
  /(^|\/)(test|tests|__tests__|example|examples|deps|src\/.*\.inc)\//,
  /musl/,
];
/** A package's own code may lie in such a folder. */
const PLACES = /^(dist|node_modules)\//;

/** The highest version of each kind of symbol that a file wants. */
export function newestSymbols({ symbolVersions }: ElfFacts): readonly string[] {
  return Object.keys(NEWEST).flatMap((kind) => {
    const own = symbolVersions.filter((one) => one.startsWith(`${kind}_`)).sort(compareVersions);
    return own.slice(-1);
  });
}

/** What is wrong with a native file for this machine, each with its name. */
export function elfProblems(
  path: string,
  elf: ElfFacts,
  facts: ArchFacts,
  shipped: ReadonlySet<string>,
): readonly string[] {
  const problems: string[] = [];
  if (elf.machine !== facts.elfMachine) {
    problems.push(`${path}: for machine ${elf.machine}, not ${facts.arch} (${facts.elfMachine})`);
  }
  if (elf.alignmentBytes < facts.minAlignmentBytes) {
    const wanted = facts.minAlignmentBytes;
    problems.push(`${path}: segments aligned to ${elf.alignmentBytes} bytes, not ${wanted}`);
  }
  for (const version of newestSymbols(elf)) {
    const [kind = '', number = ''] = version.split('_');
    const newest = NEWEST[kind as keyof typeof NEWEST];
    if (compareVersions(number, newest) > 0) {
      problems.push(`${path}: wants ${version}; the oldest supported system has ${newest}`);
    }
  }
  for (const library of elf.needed) {
    const known = SYSTEM_LIBRARIES.some((pattern) => pattern.test(library));
    if (!known && !shipped.has(library)) {
      problems.push(`${path}: wants ${library}, which neither a base system nor the release has`);
    }
  }
  if (elf.runPath !== null && !/^\$ORIGIN\/?$/.test(elf.runPath)) {
    problems.push(`${path}: looks for libraries in ${elf.runPath}`);
  }
  return problems;
}

/** Files that a unit does not need, by their paths. */
export function leftovers(paths: readonly string[]): readonly string[] {
  return paths.filter(
    (path) => PLACES.test(path) && NOT_FOR_UNITS.some((pattern) => pattern.test(path)),
  );
}

export interface GateReport {
  /** Empty: it may go out. */
  readonly problems: readonly string[];
  /** One line for each native file: its newest symbols and its alignment. */
  readonly lines: readonly string[];
}

/**
 * Looks at every file of a finished tree.
 * @param buildPlaces folders of the build machine, which no file may name: the same release would
 * have other bytes elsewhere.
 */
export function inspectTree(
  folder: string,
  facts: ArchFacts,
  buildPlaces: readonly string[],
): GateReport {
  const paths = pathsIn(folder);
  const problems = leftovers(paths).map((path) => `${path}: no unit needs it`);
  const lines: string[] = [];
  const shipped = new Set(paths.map((path) => basename(path)));
  for (const path of paths) {
    const file = join(folder, path);
    if (lstatSync(file).isSymbolicLink()) continue;
    const bytes = readFileSync(file);
    const leaked = buildPlaces.filter((place) => bytes.includes(place));
    problems.push(...leaked.map((place) => `${path}: names ${place} of the build machine`));
    if (isElf(bytes)) {
      const elf = readElf(bytes);
      problems.push(...elfProblems(path, elf, facts, shipped));
      const alignment = `0x${elf.alignmentBytes.toString(16)}`;
      lines.push(`${path}: ${newestSymbols(elf).join(', ')}, aligned to ${alignment}`);
    } else if (path.endsWith('/package.json') && hasScripts(bytes)) {
      problems.push(`${path}: has scripts`);
    }
  }
  return { problems, lines };
}

function hasScripts(bytes: Buffer): boolean {
  return 'scripts' in (JSON.parse(bytes.toString('utf8')) as object);
}
