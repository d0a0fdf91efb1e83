/**
 * Brings a release onto the machine and puts it on trial. Nothing here runs in the appliance: it
 * is the work of the confirmed release, as root.
 */
import { sleep } from '../clock.ts';
import { baselineOf } from '../remote-config/health.ts';
import { disturbText, mayBeDisturbed } from '../service/disturb.ts';
import { openFolder } from './durable.ts';
import type { InstallOptions } from './install.ts';
import { clear, folderOf, inspect, install } from './install.ts';
import type { LockName } from './lock.ts';
import { takeLock } from './lock.ts';
import { Refused } from './refused.ts';
import { readRelease } from './release-files.ts';
import { sourceOf } from './source.ts';
import type { Note, Slot, Trial, UpdateBaseline, UpdateState } from './state.ts';
import { begin, dismissed, factoryState, goBack, noted, resetSlots, rollBack } from './state.ts';
import { readState, writeState } from './state-file.ts';
import type { UpdateTerms, UpdateWorld } from './world.ts';
import { pathsOf } from './world.ts';

export interface UpdateOrder extends InstallOptions {
  /** A file or a URL. */
  readonly from: string;
  readonly origin: string;
  readonly requestId: string;
  /** The appliance itself has told already that it was asked for. */
  readonly isTold: boolean;
}

const LOOK_EVERY_MS = 2000;

/** What is so now; a unit without updates runs what its package brought. @throws Refused */
export function stateHere(world: UpdateWorld): UpdateState {
  const { releases, factory } = pathsOf(world.root);
  const stored = readState(releases);
  if (stored !== null && stored.current.place !== 'factory') return stored;
  const { version } = readRelease(factory);
  if (stored === null) return factoryState(version);
  // The package may have been replaced since.
  return { ...stored, current: { place: 'factory', version } };
}

/** Runs one piece of work alone, and releases the lock whatever happens. @throws Refused */
export async function alone<T>(
  world: UpdateWorld,
  name: LockName,
  work: () => Promise<T>,
): Promise<T> {
  const { releases } = pathsOf(world.root);
  openFolder(releases);
  const release = takeLock(releases, name, world.pid);
  try {
    return await work();
  } finally {
    release();
  }
}

/** Whether that release would be installed here: in words. @throws Refused where not */
export async function checkRelease(order: UpdateOrder, world: UpdateWorld): Promise<string> {
  const source = sourceOf(order.from, world);
  const { announced, running } = await inspect(source, stateHere(world), order, world);
  return `${announced.version} would be installed over ${running.version}`;
}

/**
 * Installs a release and starts it on trial. What is refused is noted for the appliance to tell.
 * @throws Refused where the release before goes on running
 */
export async function putOnTrial(
  order: UpdateOrder,
  terms: UpdateTerms,
  world: UpdateWorld,
): Promise<Trial> {
  return alone(world, 'install.lock', () => putOnTrialAlone(order, terms, world));
}

async function putOnTrialAlone(
  order: UpdateOrder,
  terms: UpdateTerms,
  world: UpdateWorld,
): Promise<Trial> {
  const { releases } = pathsOf(world.root);
  const before = stateHere(world);
  const source = sourceOf(order.from, world);
  let version = order.wanted ?? before.current.version;
  try {
    requireFree(before, terms);
    const found = await inspect(source, before, order, world);
    ({ version } = found.announced);
    const state = order.isTold
      ? before
      : noted(before, noteOf(order, world), 'requested', version, `from ${source.name}`);
    if (state !== before) writeState(releases, state);
    await untilQuiet(terms, world);
    const { slot, state: ready } = await install(source, found, state, world);
    const baseline = await untilQuiet(terms, world);
    const trial = trialOf(order, { slot, version, baseline }, world);
    writeState(releases, begin(ready, trial));
    world.onStep('begun');
    source.done();
    await world.restart();
    world.onStep('restarted');
    return trial;
  } catch (error) {
    if (error instanceof Refused) refuse(order, version, error.message, world);
    throw error;
  }
}

function requireFree({ trial }: UpdateState, { enabled }: UpdateTerms): void {
  if (!enabled) {
    throw new Refused('updates are off here: set update.enabled in the configuration');
  }
  if (trial === null) return;
  throw new Refused(
    `${trial.version} is on trial: wait until it is confirmed or rolled back, ` +
      'or end its trial with: sudo embereye update --back',
  );
}

function trialOf(
  { origin, requestId }: UpdateOrder,
  what: { readonly slot: Slot; readonly version: string; readonly baseline: UpdateBaseline | null },
  world: UpdateWorld,
): Trial {
  return { id: newId(world), ...what, origin, requestId, startedAt: world.wallTime() };
}

/** Leaves nothing half done behind, and the reason for the journal. */
function refuse(order: UpdateOrder, version: string, why: string, world: UpdateWorld): void {
  const { releases } = pathsOf(world.root);
  const state = stateHere(world);
  // Its trial stands: whoever judges it says how it ends.
  if (state.trial !== null && state.trial.version === version) return;
  writeState(releases, noted(state, noteOf(order, world), 'refused', version, why));
  for (const slot of ['a', 'b'] as const) {
    const isUsed = [state.current, state.previous].some((one) => one?.place === slot);
    if (!isUsed && state.trial?.slot !== slot) clear(world, slot);
  }
}

/**
 * Waits for a moment at which a restart endangers nobody.
 * @returns how the appliance is then; null: it does not run. @throws Refused where none comes
 */
async function untilQuiet(
  { waitMs }: UpdateTerms,
  world: UpdateWorld,
): Promise<UpdateBaseline | null> {
  const { clock } = world;
  const startedMs = clock.monotonicMs();
  let said = '';
  for (;;) {
    const looked = await world.look();
    if (looked.kind === 'absent') return null;
    const { ok, reasons } =
      looked.kind === 'seen' ? mayBeDisturbed(looked.sight.look.view) : { ok: false, reasons: [] };
    if (looked.kind === 'seen' && ok) return baselineOf(looked.sight.look);
    const why = looked.kind === 'failed' ? looked.why : disturbText(reasons);
    if (clock.monotonicMs() - startedMs >= waitMs) {
      throw new Refused(
        `the appliance may not be disturbed now: ${why}; try again when that is over`,
      );
    }
    if (why !== said) world.say(`waiting: ${why}`);
    said = why;
    await sleep(clock, LOOK_EVERY_MS);
  }
}

/** By hand to what ran before; ends a trial that stands. @throws Refused */
export async function back(
  who: Pick<Note, 'origin' | 'requestId'>,
  terms: UpdateTerms,
  world: UpdateWorld,
): Promise<string> {
  const { releases } = pathsOf(world.root);
  const state = stateHere(world);
  const note = noteOf(who, world);
  const { trial } = state;
  const next =
    trial === null
      ? goBack(state, note)
      : rollBack(state, trial, note.at, `ended by hand by ${who.origin}`);
  if (next === null) {
    throw new Refused(
      'there is no release to go back to; the one of the package runs again after: ' +
        'sudo embereye update --reset-slots',
    );
  }
  readRelease(folderOf(world.root, next.current.place));
  await untilQuiet({ ...terms, waitMs: 0 }, world);
  writeState(releases, next);
  world.onStep('wentBack');
  await world.restart();
  return next.current.version;
}

/** The package counts again, and the slots are emptied: after another package was installed. */
export function reset(world: UpdateWorld): string {
  const { releases, factory } = pathsOf(world.root);
  const { version } = readRelease(factory);
  writeState(releases, resetSlots(stateOrNone(world, version), version));
  for (const slot of ['a', 'b'] as const) clear(world, slot);
  return version;
}

/** What cannot be read is begun anew. */
function stateOrNone(world: UpdateWorld, version: string): UpdateState {
  try {
    return stateHere(world);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    world.say(error.message);
    return factoryState(version);
  }
}

/** Somebody has seen the roll-back: its fault ends. */
export function dismiss(world: UpdateWorld): boolean {
  const state = stateHere(world);
  const next = dismissed(state);
  if (next === state) return false;
  writeState(pathsOf(world.root).releases, next);
  return true;
}

function noteOf(
  { origin, requestId }: Pick<Note, 'origin' | 'requestId'>,
  world: UpdateWorld,
): Note {
  return { id: newId(world), at: world.wallTime(), origin, requestId };
}

function newId({ random }: UpdateWorld): string {
  return `u-${random.uint32().toString(16)}-${random.uint32().toString(16)}`;
}
