/** What is in an image, written beside it. */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MIB } from './layout.ts';
import { runInRoot } from './arm64-root.ts';

export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  /** As the package says it, in KiB. */
  readonly sizeKib: number;
}

/** `<image>.json`. */
export interface BuildRecord {
  readonly schema: 1;
  readonly suite: string;
  readonly sizeMib: number;
  readonly sha256: string;
  readonly sourceDateEpoch: number;
  readonly bootMib: number;
  readonly rootMib: number;
  readonly dataMib: number;
  readonly deb: { readonly name: string; readonly sha256: string } | null;
  readonly packages: readonly InstalledPackage[];
}

const FORMAT = '${Package}\t${Version}\t${Installed-Size}\n';

/** What dpkg knows in a root, by name. */
export async function installedPackages(root: string): Promise<readonly InstalledPackage[]> {
  const text = await runInRoot(root, ['dpkg-query', '--show', `--showformat=${FORMAT}`]);
  return readPackages(text);
}

/** Reads lines of name, version and size with tabs between. @throws Error that names a bad line */
export function readPackages(text: string): readonly InstalledPackage[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [name, version, size] = line.split('\t');
      // Some packages hold nothing and say no size.
      const sizeKib = size === '' ? 0 : Number(size);
      if (name === undefined || version === undefined || !Number.isInteger(sizeKib)) {
        throw new Error(`dpkg-query said ${JSON.stringify(line)}: no name, version and size`);
      }
      return { name, version, sizeKib };
    });
}

/** Bytes of all files in a folder, in MiB, without what a file system adds. */
export function treeMib(folder: string): number {
  const bytes = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + lstatSync(join(entry.parentPath, entry.name)).size, 0);
  return Math.ceil(bytes / MIB);
}
