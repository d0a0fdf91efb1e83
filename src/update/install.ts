/**
 * Puts a release into the free slot. A cut of the power after any of these steps leaves the
 * running release as it is: only `state.json`, written last of all, says that another one counts.
 *
 *   signature ─► rules ─► file ─► free slot emptied ─► `<slot>.unfinished` ─► manifest ─► tried out
 *   as the appliance's user ─► flushed ─► renamed
 */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openFolder, syncFolder } from './durable.ts';
import type { TrustedKey } from './minisign.ts';
import { parseSignature, readTrustedKeys, verifyComment, verifyFile } from './minisign.ts';
import { Refused } from './refused.ts';
import { readRelease } from './release-files.ts';
import type { Announced, Running } from './rules.ts';
import { announcedIn, requireConsistent, requireFitting } from './rules.ts';
import type { Source } from './source.ts';
import type { Place, Slot, UpdateState } from './state.ts';
import { forgetSlot, freeSlot } from './state.ts';
import { writeState } from './state-file.ts';
import { verifyTree } from './tree.ts';
import { requireRoom, unpack, unpackedBytes } from './unpack.ts';
import type { UpdateWorld } from './world.ts';
import { pathsOf } from './world.ts';

export interface InstallOptions {
  readonly allowDowngrade: boolean;
  /** The version that was asked for; left out: whichever it is. */
  readonly wanted?: string | undefined;
}

export interface Installable {
  readonly announced: Announced;
  /** Text of the signature, as it was checked. */
  readonly signature: string;
  readonly running: Running;
  readonly keys: readonly TrustedKey[];
}

export function folderOf(root: string, place: Place): string {
  const { factory, releases } = pathsOf(root);
  return place === 'factory' ? factory : join(releases, place);
}

/** What can be told by the signature alone. @throws Refused */
export async function inspect(
  source: Source,
  state: UpdateState,
  options: InstallOptions,
  world: UpdateWorld,
): Promise<Installable> {
  const { ownerKeys } = pathsOf(world.root);
  const tree = folderOf(world.root, state.current.place);
  const running: Running = { ...readRelease(tree), arch: world.arch };
  const { keys, problems } = readTrustedKeys([join(tree, 'keys'), ownerKeys]);
  for (const problem of problems) world.say(`not taken as a key: ${problem}`);
  const signature = await source.signature();
  const { trustedComment } = verifyComment(parseSignature(signature, source.name), keys);
  const announced = announcedIn(trustedComment);
  requireFitting(announced, running, options);
  return { announced, signature, running, keys };
}

/** @returns the slot that holds it, whole and tried out. @throws Refused */
export async function install(
  source: Source,
  found: Installable,
  state: UpdateState,
  world: UpdateWorld,
): Promise<{ readonly slot: Slot; readonly state: UpdateState }> {
  const { releases } = pathsOf(world.root);
  const { announced, running, keys } = found;
  const file = await source.file();
  world.onStep('fetched');
  const signed = parseSignature(found.signature, source.name);
  const { digest } = await verifyFile(file, signed, keys);
  world.say(`${announced.version}: the signature is right`);
  world.onStep('verified');
  const slot = freeSlot(state);
  const kept = forgetSlot(state, slot);
  if (kept !== state) writeState(releases, kept);
  world.onStep('forgotten');
  const unfinished = join(releases, `${slot}.unfinished`);
  openFolder(releases);
  clear(world, slot);
  world.onStep('emptied');
  await requireRoom(releases, await unpackedBytes(file), world.freeBytes);
  const top = `embereye-${announced.version}`;
  await unpack({ file, digest, top, target: unfinished });
  world.onStep('unpacked');
  await verifyTree(unfinished);
  requireConsistent(readRelease(unfinished), announced, running);
  world.onStep('compared');
  await tryOut(unfinished, announced, world);
  world.onStep('triedOut');
  renameSync(unfinished, join(releases, slot));
  world.onStep('renamed');
  syncFolder(releases);
  world.say(`${announced.version} lies in slot ${slot}`);
  return { slot, state: kept };
}

/** Nothing of a slot is left; one that is to be emptied may not be in use. */
export function clear(world: UpdateWorld, slot: Slot): void {
  const { releases } = pathsOf(world.root);
  for (const name of [`${slot}.unfinished`, slot]) {
    rmSync(join(releases, name), { recursive: true, force: true });
  }
  syncFolder(releases);
}

/** Whether it starts here at all, and takes the configuration. @throws Refused */
async function tryOut(tree: string, { version }: Announced, world: UpdateWorld): Promise<void> {
  const { config } = pathsOf(world.root);
  const program = join(tree, 'bin/node');
  const main = join(tree, 'dist/embereye.js');
  const asked = await world.tryOut(program, [main, '--version']);
  if (asked.code !== 0 || asked.said.trim() !== version) {
    throw new Refused(
      `${version} does not run on this machine (--version: ${endOf(asked)}): ` +
        'take a release for it, or build that one again',
    );
  }
  if (!existsSync(config)) {
    world.say(`there is no ${config}: the new release was not tried with it`);
    return;
  }
  const checked = await world.tryOut(program, [main, 'check-config', config]);
  if (checked.code === 0) return;
  throw new Refused(
    `${version} does not take the configuration ${config}: ${endOf(checked)}; ` +
      'change it so that both releases take it, then update',
  );
}

function endOf({ code, said }: { readonly code: number | null; readonly said: string }): string {
  const last = said.trim().split('\n').slice(-3).join(' / ').slice(-400);
  return `${last === '' ? 'it said nothing' : last} (exit code ${code ?? 'none'})`;
}
