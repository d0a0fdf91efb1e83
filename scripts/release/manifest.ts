/** manifest.json: what lies in a release, so that a unit can tell whether it is all there. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** Its own name, the one file that it cannot list. */
export const MANIFEST_NAME = 'manifest.json';

export type ManifestEntry =
  | {
      /** 64 lower-case hex digits. */
      readonly sha256: string;
      /** Permission bits in octal, "0644" or "0755". */
      readonly mode: string;
      /** Bytes. */
      readonly size: number;
    }
  /** A symbolic link, relative, as it stands. */
  | { readonly link: string };

export interface Manifest {
  readonly schema: 1;
  /** By path within the release, with forward slashes, sorted; folders are not listed. */
  readonly files: Readonly<Record<string, ManifestEntry>>;
}

/** Every file and link below `folder`, sorted by the bytes of its path. */
export function pathsIn(folder: string): readonly string[] {
  const found: string[] = [];
  const visit = (within: string): void => {
    for (const entry of readdirSync(join(folder, within), { withFileTypes: true })) {
      const path = within === '' ? entry.name : `${within}/${entry.name}`;
      if (entry.isDirectory()) visit(path);
      else if (entry.isFile() || entry.isSymbolicLink()) found.push(path);
      else throw new Error(`${join(folder, path)} is neither file nor folder nor link`);
    }
  };
  visit('');
  return found.sort(byBytes);
}

/** An order that depends on no language or machine. */
export function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Describes everything below `folder` but the manifest itself. */
export function manifestOf(folder: string): Manifest {
  const files: Record<string, ManifestEntry> = {};
  for (const path of pathsIn(folder)) {
    if (path !== MANIFEST_NAME) files[path] = entryOf(join(folder, path));
  }
  return { schema: 1, files };
}

function entryOf(file: string): ManifestEntry {
  const stat = lstatSync(file);
  if (stat.isSymbolicLink()) return { link: readlinkSync(file) };
  const bytes = readFileSync(file);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
  return { sha256, mode, size: bytes.length };
}

/** Only two sets of permissions: whoever built it had a umask of their own. */
export function settleModes(folder: string, isProgram: (path: string) => boolean): void {
  for (const path of pathsIn(folder)) {
    const file = join(folder, path);
    if (!lstatSync(file).isSymbolicLink()) chmodSync(file, isProgram(path) ? 0o755 : 0o644);
  }
}

export function writeManifest(folder: string): void {
  const text = `${JSON.stringify(manifestOf(folder), null, 2)}\n`;
  writeFileSync(join(folder, MANIFEST_NAME), text, { mode: 0o644 });
}
