/**
 * Follows a trial to its end, also over a cut of the power, and mends what one left behind. Run at
 * each boot and after each update, by the confirmed release.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { sleep } from '../clock.ts';
import { mayBeDisturbed } from '../service/disturb.ts';
import { folderOf } from './install.ts';
import { givenUp } from './launch-notes.ts';
import type { Verdict } from './probation.ts';
import { beginProbation, judge } from './probation.ts';
import { Refused } from './refused.ts';
import { readRelease } from './release-files.ts';
import type { Trial, UpdateState } from './state.ts';
import { confirm, endOf, noted, resetSlots, rollBack } from './state.ts';
import { writeState } from './state-file.ts';
import { alone, stateHere } from './updater.ts';
import type { UpdateTerms, UpdateWorld } from './world.ts';
import { pathsOf } from './world.ts';

const LOOK_EVERY_MS = 1000;
/** As the launcher counts. */
const MOST_STARTS = 3;

export type Outcome = 'nothing' | 'confirmed' | 'rolledBack';

/** @throws Refused where another one judges already, or what was decided cannot be carried out */
export function resume(terms: UpdateTerms, world: UpdateWorld): Promise<Outcome> {
  return alone(world, 'judge.lock', () => resumeAlone(terms, world));
}

async function resumeAlone(terms: UpdateTerms, world: UpdateWorld): Promise<Outcome> {
  mendMissing(world);
  const { trial } = stateHere(world);
  if (trial !== null) return await follow(trial, terms, world);
  await runWhatCounts(world);
  if (world.markGood !== null) await markAfter(terms, world);
  return 'nothing';
}

/** Until the trial is over. */
async function follow(trial: Trial, terms: UpdateTerms, world: UpdateWorld): Promise<Outcome> {
  const { clock, root } = world;
  const { launchNotes } = pathsOf(root);
  const limits = { ...terms, mostStarts: MOST_STARTS };
  let memory = beginProbation(clock.monotonicMs());
  let said = '';
  for (;;) {
    const state = stateHere(world);
    // Ended by hand meanwhile.
    if (state.trial?.id !== trial.id) return outcomeOf(state, trial);
    const sighting = { looked: await world.look(), givenUp: givenUp(launchNotes, trial.id) };
    const judged = judge(memory, sighting, trial, limits, clock.monotonicMs());
    ({ memory } = judged);
    const { verdict } = judged;
    if (verdict.kind !== 'wait') {
      return await settle(trial, verdict, sighting.givenUp !== null, world);
    }
    if (verdict.why !== said) world.say(`${trial.version} on trial: ${verdict.why}`);
    said = verdict.why;
    await sleep(clock, LOOK_EVERY_MS);
  }
}

async function settle(
  trial: Trial,
  verdict: Exclude<Verdict, { readonly kind: 'wait' }>,
  isGivenUp: boolean,
  world: UpdateWorld,
): Promise<Outcome> {
  const { releases } = pathsOf(world.root);
  const { reason } = verdict;
  const at = world.wallTime();
  const state = stateHere(world);
  // Ended by hand while it was judged.
  if (state.trial?.id !== trial.id) return outcomeOf(state, trial);
  if (verdict.kind === 'confirm') {
    writeState(releases, confirm(state, trial, at, reason));
    world.onStep('confirmed');
    world.say(`${trial.version} is confirmed: ${reason}`);
    await markGood(world);
    return 'confirmed';
  }
  writeState(releases, rollBack(state, trial, at, reason));
  world.onStep('rolledBack');
  world.say(`${trial.version} is rolled back: ${reason}; ${state.current.version} runs again`);
  // The launcher has started the release before it by itself.
  if (!isGivenUp) await world.restart();
  return 'rolledBack';
}

export function outcomeOf(state: UpdateState, { id }: Trial): 'confirmed' | 'rolledBack' {
  return endOf(state, id)?.phase === 'confirmed' ? 'confirmed' : 'rolledBack';
}

/** A confirmed release whose slot is gone runs no more: the launcher takes the package's. */
function mendMissing(world: UpdateWorld): void {
  const { releases } = pathsOf(world.root);
  const state = stateHere(world);
  const { place, version } = state.current;
  if (place === 'factory' || existsSync(join(folderOf(world.root, place), 'release.json'))) return;
  const reason = `its slot ${place} is missing or damaged: look at the disk; install it again`;
  const id = `lost-${place}-${version}-${state.history.length}`;
  const note = { id, at: world.wallTime(), origin: 'launcher', requestId: 'none' };
  const factory = resetSlots(state, readRelease(folderOf(world.root, 'factory')).version);
  const told = noted(factory, note, 'refused', version, reason);
  writeState(releases, { ...told, rolledBack: { version, reason } });
}

/** Somebody was cut off between the decision and the restart: what runs is not what counts. */
async function runWhatCounts(world: UpdateWorld): Promise<void> {
  const looked = await world.look();
  if (looked.kind !== 'seen') return;
  const { current } = stateHere(world);
  const { unit, look } = looked.sight;
  if (unit.version === current.version || !mayBeDisturbed(look.view).ok) return;
  world.say(`${unit.version} runs and ${current.version} counts: restarting`);
  await world.restart();
}

/** A system that was started anew is good once the appliance on it has been well for a while. */
async function markAfter(terms: UpdateTerms, world: UpdateWorld): Promise<void> {
  const { clock } = world;
  const { version } = stateHere(world).current;
  const limits = { ...terms, mostStarts: Number.POSITIVE_INFINITY };
  let memory = beginProbation(clock.monotonicMs());
  for (;;) {
    const sighting = { looked: await world.look(), givenUp: null };
    const judged = judge(
      memory,
      sighting,
      { version, baseline: null },
      limits,
      clock.monotonicMs(),
    );
    ({ memory } = judged);
    if (judged.verdict.kind === 'confirm') {
      await markGood(world);
      return;
    }
    if (judged.verdict.kind === 'rollBack') {
      throw new Refused(
        `this system is not marked good: ${judged.verdict.reason}; its boot loader goes back to ` +
          'the system before it at the next start',
      );
    }
    await sleep(clock, LOOK_EVERY_MS);
  }
}

async function markGood({ markGood: mark, say }: UpdateWorld): Promise<void> {
  const ran = await mark?.();
  if (ran === undefined) return;
  say(ran.code === 0 ? 'this system is marked good' : `rauc status mark-good failed: ${ran.said}`);
}
