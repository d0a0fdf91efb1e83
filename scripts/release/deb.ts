/**
 * A release as a Debian package: the tree below /opt/embereye, its system files where they belong,
 * and the maintainer scripts of packaging/deb. The same input gives the same bytes.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { ROOT, runTool } from '../../test/arm64/host.ts';
import type { Arch } from './arch.ts';
import { factsOf } from './arch.ts';
import { changelogText, controlText, COPYRIGHT_TEXT, PACKAGE } from './deb-control.ts';
import { DOC, layOut, PLACES, PROGRAM_FOLDERS } from './deb-layout.ts';
import { needsOfTree } from './deb-needs.ts';
import { debianVersion } from './version.ts';

export const MAINTAINER_SCRIPTS = ['preinst', 'postinst', 'prerm', 'postrm'] as const;
const RUNTIME_UNIT = 'embereye.service';
export const SCRIPTS_FOLDER = join(ROOT, 'packaging', 'deb');

export interface DebOptions {
  /** A release as `buildReleaseTree` writes it. */
  readonly tree: string;
  /** Semver; dpkg gets it with `~` before a pre-release. */
  readonly version: string;
  readonly arch: Arch;
  /** Folder for the package; made where it is missing. */
  readonly out: string;
  /** The time that everything in the package bears, in seconds. */
  readonly sourceDateEpoch: number;
}

/** `embereye_1.2.3~rc.1_arm64.deb`. */
export function debFileName(version: string, arch: Arch): string {
  return `${PACKAGE}_${debianVersion(version)}_${factsOf(arch).debian}.deb`;
}

/**
 * Writes `embereye_<version>_<arch>.deb` into `out` and returns its path.
 * @throws Error when the tree is not one, or holds what would not run on a supported system
 */
export async function writeDeb(options: DebOptions): Promise<string> {
  const { tree, version, arch, out, sourceDateEpoch } = options;
  const root = mkdtempSync(join(tmpdir(), 'embereye-deb-'));
  try {
    layOut(tree, root);
    await writeDocs(root, version, sourceDateEpoch);
    settleModes(root);
    const facts = {
      debianVersion: debianVersion(version),
      architecture: factsOf(arch).debian,
      installedKibibytes: installedKibibytes(root),
      libraries: needsOfTree(tree).depends,
    };
    const sums = sumsOf(root);
    const control = join(root, 'DEBIAN');
    mkdirSync(control);
    writeFileSync(join(control, 'control'), controlText(facts));
    writeFileSync(join(control, 'md5sums'), sums);
    writeScripts(root, control, databaseVersionOf(tree));
    settleTimes(root, sourceDateEpoch);
    mkdirSync(out, { recursive: true });
    const file = join(out, debFileName(version, arch));
    // Whoever looks into the folder meanwhile must not take half a package for one.
    await pack(root, `${file}.partial`, sourceDateEpoch);
    renameSync(`${file}.partial`, file);
    return file;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/**
 * zstd: every supported dpkg reads it, and a Pi unpacks it five times as fast as xz. One thread:
 * with more, where a block ends depends on the processors of the build machine.
 */
async function pack(root: string, file: string, sourceDateEpoch: number): Promise<void> {
  await runTool('dpkg-deb', ['--root-owner-group', '-Zzstd', '-z10', '--build', root, file], {
    environment: {
      SOURCE_DATE_EPOCH: String(sourceDateEpoch),
      DPKG_DEB_THREADS_MAX: '1',
      LC_ALL: 'C',
    },
  });
}

/** Packed by gzip itself: what Node's zlib gives changes with Node. */
async function writeDocs(root: string, version: string, epochSeconds: number): Promise<void> {
  const folder = join(root, DOC);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'copyright'), COPYRIGHT_TEXT);
  writeFileSync(join(folder, 'changelog'), changelogText(debianVersion(version), epochSeconds));
  cpSync(join(ROOT, 'CHANGELOG.md'), join(folder, 'CHANGELOG.md'));
  await runTool('gzip', ['-9n', join(folder, 'changelog'), join(folder, 'CHANGELOG.md')]);
}

/** The scripts with what only the build knows filled in. */
function writeScripts(root: string, control: string, databaseVersion: number): void {
  const values: Readonly<Record<string, string>> = {
    '@UNITS@': unitsIn(root, /^\[Install\]$/m).join(' '),
    // The runtime first: it lets go of its outputs before the process that holds them ends.
    '@ALL_UNITS@': [...unitsIn(root)].sort(runtimeFirst).join(' '),
    '@DATABASE_VERSION@': String(databaseVersion),
  };
  for (const name of MAINTAINER_SCRIPTS) {
    const text = readFileSync(join(SCRIPTS_FOLDER, name), 'utf8');
    const filled = text.replace(/@[A-Z_]+@/g, (key) => {
      const value = values[key];
      if (value === undefined) throw new Error(`packaging/deb/${name}: nothing fills in ${key}`);
      return value;
    });
    const file = join(control, name);
    writeFileSync(file, filled);
    chmodSync(file, 0o755);
  }
}

/** Units in the package whose text matches; sorted. */
export function unitsIn(root: string, pattern = /^/): readonly string[] {
  const folder = join(root, PLACES['systemd'] ?? '');
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(service|path|timer|socket|mount)$/.test(entry.name))
    .map(({ name }) => name)
    .filter((name) => pattern.test(readFileSync(join(folder, name), 'utf8')))
    .sort();
}

function runtimeFirst(a: string, b: string): number {
  return Number(b === RUNTIME_UNIT) - Number(a === RUNTIME_UNIT);
}

function databaseVersionOf(tree: string): number {
  const file = join(tree, 'release.json');
  const facts = JSON.parse(readFileSync(file, 'utf8')) as { databaseVersion?: unknown };
  if (typeof facts.databaseVersion === 'number') return facts.databaseVersion;
  throw new Error(`${file} names no databaseVersion`);
}

interface Entry {
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'link';
}

/** Everything under `root`, sorted. */
function entriesOf(root: string): readonly Entry[] {
  return readdirSync(root, { withFileTypes: true, recursive: true })
    .map((entry): Entry => {
      const path = join(entry.parentPath, entry.name);
      if (entry.isSymbolicLink()) return { path, kind: 'link' };
      return { path, kind: entry.isDirectory() ? 'folder' : 'file' };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Whatever umask and file system the checkout has. */
function settleModes(root: string): void {
  chmodSync(root, 0o755);
  for (const { path, kind } of entriesOf(root)) {
    if (kind === 'link') continue;
    const below = relative(root, path);
    const isProgram =
      kind === 'folder' ||
      (statSync(path).mode & 0o100) !== 0 ||
      PROGRAM_FOLDERS.some((folder) => below.startsWith(`${folder}/`));
    chmodSync(path, isProgram ? 0o755 : 0o644);
  }
}

function settleTimes(root: string, epochSeconds: number): void {
  // Leaves first: what is done to a folder's entries changes the folder's own time.
  for (const { path } of [...entriesOf(root)].reverse()) {
    lutimesSync(path, epochSeconds, epochSeconds);
  }
  lutimesSync(root, epochSeconds, epochSeconds);
}

/** As dpkg counts it: files in whole KiB, and one for anything else. */
function installedKibibytes(root: string): number {
  return entriesOf(root).reduce(
    (total, { path, kind }) =>
      total + (kind === 'file' ? Math.ceil(statSync(path).size / 1024) : 1),
    0,
  );
}

function sumsOf(root: string): string {
  return entriesOf(root)
    .filter(({ kind }) => kind === 'file')
    .map(({ path }) => {
      const sum = createHash('md5').update(readFileSync(path)).digest('hex');
      return `${sum}  ${relative(root, path)}\n`;
    })
    .join('');
}
