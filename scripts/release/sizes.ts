/** How large the parts of a release are, for people. */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { pathsIn } from './manifest.ts';

/** "12.3 MB", in millions of bytes. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Bytes of each part of a tree, largest first, and of all of it. */
export function sizesOf(folder: string): { parts: readonly [string, number][]; total: number } {
  const parts = new Map<string, number>();
  let total = 0;
  for (const path of pathsIn(folder)) {
    const { size } = lstatSync(join(folder, path));
    const part = partOf(path);
    parts.set(part, (parts.get(part) ?? 0) + size);
    total += size;
  }
  return { parts: [...parts].sort(([, a], [, b]) => b - a), total };
}

/** A package of node_modules by its name, everything else by its first folder. */
function partOf(path: string): string {
  const [first = '', second = '', third = ''] = path.split('/');
  if (first !== 'node_modules') return first;
  return second.startsWith('@') ? `${second}/${third}` : second;
}
