/** A seed's folder as the provision tool writes it, and a unit's root to import it into. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { sha256Of } from '../../src/seed/check.ts';
import { destinationOf, SEED_FILE } from '../../src/seed/format.ts';

export const CONFIG = 'device:\n  id: kitchen-1\n';

export function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), 'embereye-seed-'));
}

export function put(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** Writes the files and a manifest that fits; `change` may spoil the manifest. */
export function writeSeed(
  folder: string,
  files: Readonly<Record<string, string>>,
  change: (manifest: Record<string, unknown>) => void = () => undefined,
): void {
  rmSync(folder, { recursive: true, force: true });
  const entries = Object.entries(files).map(([name, text]) => {
    put(join(folder, name), text);
    const { to, mode } = destinationOf(name) ?? { to: '/etc/passwd', mode: '0644' };
    return [name, { sha256: sha256Of(text), to, mode }] as const;
  });
  const manifest: Record<string, unknown> = {
    schema: 1,
    deviceId: 'kitchen-1',
    files: Object.fromEntries(entries),
  };
  change(manifest);
  writeFileSync(join(folder, SEED_FILE), JSON.stringify(manifest));
}

/** A root with the group that the package makes. */
export function makeRoot(folder: string): string {
  put(join(folder, 'etc/group'), 'root:x:0:\nembereye:x:987:\n');
  return folder;
}

export function textIn(folder: string, name: string): string {
  return readFileSync(join(folder, name), 'utf8');
}
