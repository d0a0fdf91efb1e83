/**
 * Carries a checked seed into a unit. A power cut at any moment leaves a state from which the next
 * start goes on: nothing is taken from the card before all of it is safely on the unit.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckConfiguration, CheckedSeed } from './check.ts';
import { checkSeed, sha256Of } from './check.ts';
import { destinationOf, ERROR_FILE, IMPORTED_FILE, SEED_FILE } from './format.ts';
import type { Owner } from './place.ts';
import { eraseFile, groupId, install, placeIn, stage, syncFolder, writeWhole } from './place.ts';

export interface ImportRequest {
  /** The seed's folder, such as `/boot/firmware/embereye`. */
  readonly from: string;
  /** Root of the unit's file system: `/`. */
  readonly to: string;
  readonly configuration: CheckConfiguration;
  /** Whether files get their owner; only root can. */
  readonly asRoot: boolean;
  /** Called after each step that a power cut may follow. */
  readonly onStep?: (step: string) => void;
}

export type ImportResult =
  /** No seed, or one that is here already. */
  | { readonly kind: 'nothing'; readonly words: string }
  | { readonly kind: 'imported'; readonly deviceId: string; readonly files: readonly string[] }
  /** Nothing was imported. */
  | { readonly kind: 'refused'; readonly problems: readonly string[] }
  /** The unit has everything, but the card still has its secrets. */
  | { readonly kind: 'notErased'; readonly deviceId: string; readonly problem: string };

/** Imports a seed once. @throws Error when the unit's own file system fails */
export function importSeed(request: ImportRequest): ImportResult {
  const { from, onStep = () => undefined } = request;
  const manifest = join(from, SEED_FILE);
  if (!existsSync(manifest)) return { kind: 'nothing', words: `${from}: no ${SEED_FILE}` };
  const before = importedBefore(from, manifest);
  if (before !== null) {
    // A power cut may have come between the note and the end of the cleaning.
    const problem = clean(from, before.secrets, onStep);
    if (problem !== null) return { kind: 'notErased', deviceId: before.deviceId, problem };
    return { kind: 'nothing', words: `${from}: "${before.deviceId}" was imported before` };
  }
  const result = checkSeed(from, request.configuration);
  if (!result.ok) return { kind: 'refused', problems: result.problems };
  const { checked } = result;
  const owners = ownersOf(request, checked);
  if (typeof owners === 'string') return { kind: 'refused', problems: [owners] };
  placeAll(request, checked, owners, onStep);
  const { deviceId } = checked.seed;
  const secrets = secretsOf(checked);
  const text = importedText(checked, secrets);
  const unnoted = tried(() => writeWhole(join(from, IMPORTED_FILE), text));
  if (unnoted !== null) return { kind: 'notErased', deviceId, problem: unnoted };
  onStep('noted');
  const problem = clean(from, secrets, onStep);
  if (problem !== null) return { kind: 'notErased', deviceId, problem };
  return { kind: 'imported', deviceId, files: Object.keys(checked.seed.files) };
}

function secretsOf({ seed }: CheckedSeed): readonly string[] {
  return Object.keys(seed.files).filter((name) => destinationOf(name)?.secret === true);
}

function ownersOf(
  { to, asRoot }: ImportRequest,
  { seed }: CheckedSeed,
): ReadonlyMap<string, Owner | null> | string {
  const owners = new Map<string, Owner | null>();
  for (const name of Object.keys(seed.files)) {
    const group = destinationOf(name)?.group ?? 'root';
    const gid = asRoot && group !== 'root' ? groupId(to, group) : 0;
    if (gid === null) {
      return `${join(to, 'etc/group')}: no group "${group}"; install the package embereye first`;
    }
    owners.set(name, asRoot ? { uid: 0, gid } : null);
  }
  return owners;
}

/** All of them beside their places first, then each into its place, to the disk. */
function placeAll(
  { to }: ImportRequest,
  { seed, files }: CheckedSeed,
  owners: ReadonlyMap<string, Owner | null>,
  onStep: (step: string) => void,
): void {
  const staged = Object.entries(seed.files).map(([name, file]) => {
    const place = placeIn(to, file.to);
    const bytes = files.get(name) ?? Buffer.alloc(0);
    stage(place, bytes, Number.parseInt(file.mode, 8), owners.get(name) ?? null);
    onStep(`staged ${name}`);
    return { name, place };
  });
  for (const { name, place } of staged) {
    install(place);
    onStep(`placed ${name}`);
  }
}

interface Before {
  readonly deviceId: string;
  readonly secrets: readonly string[];
}

/** What the note says, where it is about the seed that lies here; a broken note is none. */
function importedBefore(from: string, manifest: string): Before | null {
  const note = join(from, IMPORTED_FILE);
  if (!existsSync(note)) return null;
  const text = readFileSync(note, 'utf8');
  const field = (name: string): string | null =>
    new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1]?.trim() ?? null;
  const [seed, deviceId, secrets] = [field('seed'), field('deviceId'), field('removed')];
  if (seed === null || deviceId === null || secrets === null) return null;
  if (seed !== sha256Of(readFileSync(manifest))) return null;
  const names = secrets === '' ? [] : secrets.split(' ');
  return { deviceId, secrets: names.filter((name) => destinationOf(name)?.secret === true) };
}

function importedText({ seed, sha256 }: CheckedSeed, secrets: readonly string[]): string {
  return [
    `deviceId: ${seed.deviceId}`,
    `seed: ${sha256}`,
    `removed: ${secrets.join(' ')}`,
    '',
    'This seed is on the unit; it is not imported again. To import another one, write it here: a',
    'seed.json that differs is taken at the next start.',
    'The removed files were overwritten first. Flash memory may keep old copies in places that no',
    'program reaches: destroy a card that leaves your hands, and revoke its certificate.',
    '',
  ].join('\n');
}

/** Overwrites and removes the secrets; null, or why they are still there. */
function clean(
  from: string,
  secrets: readonly string[],
  onStep: (step: string) => void,
): string | null {
  for (const name of secrets) {
    const problem = tried(() => void eraseFile(join(from, name)));
    if (problem !== null) return problem;
    onStep(`erased ${name}`);
  }
  return tried(() => {
    rmSync(join(from, ERROR_FILE), { force: true });
    syncFolder(from);
  });
}

/** Null, or why it failed. */
function tried(run: () => void): string | null {
  try {
    run();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
