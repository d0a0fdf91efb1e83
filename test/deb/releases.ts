/** The packages that are installed in turn: two real ones, and one whose programs do not start. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Arch } from '../../scripts/release/arch.ts';
import { debFileName, writeDeb } from '../../scripts/release/deb.ts';
import { debianVersion } from '../../scripts/release/version.ts';
import { buildReleaseTree } from '../../scripts/release/tree.ts';

export interface Deb {
  readonly file: string;
  /** As the program says it. */
  readonly version: string;
  /** As dpkg says it. */
  readonly debian: string;
}

export interface Debs {
  readonly older: Deb;
  readonly newer: Deb;
  /** Newer still; `embereye run` ends at once. */
  readonly broken: Deb;
}

const EPOCH = 1_790_000_000;
const OLDER = '8.0.0-rc.1';
const NEWER = '8.0.0';
const BROKEN = '8.0.1';

/** A key that signs nothing: two letters of the algorithm, eight bytes of its id, the key. */
const PUBLIC_KEY = Buffer.concat([Buffer.from('Ed'), Buffer.alloc(8, 1), Buffer.alloc(32, 2)]);

/** Builds all three into `folder`, or takes those that are there. @throws Error */
export async function makeDebs(folder: string, arch: Arch): Promise<Debs> {
  const debs = {
    older: debIn(folder, OLDER, arch),
    newer: debIn(folder, NEWER, arch),
    broken: debIn(folder, BROKEN, arch),
  };
  if (existsSync(debs.broken.file)) return debs;
  console.log(`building packages for ${arch}`);
  mkdirSync(folder, { recursive: true });
  const key = join(folder, 'test.pub');
  writeFileSync(key, `untrusted comment: of a test\n${PUBLIC_KEY.toString('base64')}\n`);
  const target = join(folder, 'tree');
  const given = { arch, target, sourceDateEpoch: EPOCH };
  for (const version of [OLDER, NEWER]) {
    await buildReleaseTree({ ...given, version, commit: 'unknown', trustedKeys: [key] });
    await writeDeb({ ...given, tree: target, version, out: folder });
  }
  breakRuntime(join(target, 'dist', 'embereye.js'));
  await writeDeb({ ...given, tree: target, version: BROKEN, out: folder });
  rmSync(target, { recursive: true });
  return debs;
}

function debIn(folder: string, version: string, arch: Arch): Deb {
  const debian = debianVersion(version);
  return { version, debian, file: join(folder, debFileName(version, arch)) };
}

function breakRuntime(program: string): void {
  const [first = '', ...rest] = readFileSync(program, 'utf8').split('\n');
  const end = `if (process.argv[2] === 'run') process.exit(1);`;
  writeFileSync(program, [first, end, ...rest].join('\n'));
}
