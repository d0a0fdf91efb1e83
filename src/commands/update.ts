/** `embereye update`: another release, from a file or a server, and what became of it. */
import { sleep } from '../clock.ts';
import type { DisturbReason } from '../service/disturb.ts';
import { disturbText, mayBeDisturbed } from '../service/disturb.ts';
import type { Looked } from '../update/look.ts';
import type { MachineParts } from '../update/real-world.ts';
import { machineWorld, siteSettings, startJudge } from '../update/real-world.ts';
import { Refused } from '../update/refused.ts';
import { takeRequest } from '../update/request.ts';
import { outcomeOf, resume } from '../update/resume.ts';
import type { Trial } from '../update/state.ts';
import { endOf } from '../update/state.ts';
import type { UpdateOrder } from '../update/updater.ts';
import { back, checkRelease, dismiss, putOnTrial, reset, stateHere } from '../update/updater.ts';
import type { UpdateTerms, UpdateWorld } from '../update/world.ts';
import type { CommandIo, ExitCode } from './exit-codes.ts';
import { EXIT } from './exit-codes.ts';

/** Exactly one of what can be done. */
export type UpdateTask =
  | { readonly kind: 'from'; readonly from: string; readonly allowDowngrade: boolean }
  | { readonly kind: 'check'; readonly from: string; readonly allowDowngrade: boolean }
  | { readonly kind: 'status' | 'back' | 'mayRestart' | 'resume' | 'resetSlots' | 'dismiss' };

export interface UpdateOptions {
  readonly config?: string;
  readonly runDirectory?: string;
  readonly json: boolean;
}

export interface UpdateDeps extends Omit<MachineParts, 'say'> {
  readonly io: CommandIo;
  /** What the user calls himself. */
  readonly user: string | null;
}

const FOLLOW_EVERY_MS = 1000;

interface Site {
  readonly terms: UpdateTerms;
  readonly world: UpdateWorld;
  readonly runDirectory: string;
  readonly deps: UpdateDeps;
  readonly options: UpdateOptions;
}

/** Exit code 1: the answer is no, or it was refused; why stands on the error output. */
export async function runUpdate(
  task: UpdateTask,
  options: UpdateOptions,
  deps: UpdateDeps,
): Promise<ExitCode> {
  const say = (line: string): void => deps.io.err(line);
  // Whoever only asks may not be allowed to read the configuration: the defaults will do.
  const isAsking = task.kind === 'status' || task.kind === 'mayRestart';
  const told = isAsking ? () => undefined : say;
  const settings = siteSettings({ ...deps, say: told }, options.config);
  const runDirectory = options.runDirectory ?? settings.runDirectory;
  const world = machineWorld({ ...deps, say }, runDirectory);
  try {
    return await carryOut(task, { terms: settings.terms, world, runDirectory, deps, options });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    deps.io.err(`refused: ${error.message}`);
    return EXIT.failed;
  }
}

async function carryOut(task: UpdateTask, site: Site): Promise<ExitCode> {
  const { world, terms, deps } = site;
  switch (task.kind) {
    case 'status':
      return showStatus(site);
    case 'mayRestart':
      return await mayRestart(site);
    case 'check':
      deps.io.out(await checkRelease(orderOf(task, deps), world));
      return EXIT.ok;
    case 'from':
      return await fromHand(orderOf(task, deps), site);
    case 'resume':
      return await serve(site);
    case 'back':
      deps.io.out(`${await back(originOf(deps), terms, world)} runs again`);
      return EXIT.ok;
    case 'resetSlots':
      deps.io.out(`the release of the package counts: ${reset(world)}`);
      return EXIT.ok;
    case 'dismiss':
      deps.io.out(dismiss(world) ? 'the roll-back is dismissed' : 'no roll-back stands');
      return EXIT.ok;
  }
}

function originOf({ user, random }: UpdateDeps): { origin: string; requestId: string } {
  return { origin: `cli:${user ?? 'unnamed'}`, requestId: `cli-${random.uint32().toString(16)}` };
}

function orderOf(
  { from, allowDowngrade }: Extract<UpdateTask, { readonly from: string }>,
  deps: UpdateDeps,
): UpdateOrder {
  return { from, allowDowngrade, ...originOf(deps), isTold: false };
}

/** Installs, starts, and tells how it ends; whoever goes away meanwhile changes nothing. */
async function fromHand(order: UpdateOrder, site: Site): Promise<ExitCode> {
  const { world, terms, deps } = site;
  const trial = await putOnTrial(order, terms, world);
  deps.io.err(`${trial.version} is on trial for at most ${terms.probationMs / 60_000} minutes`);
  const outcome = (await startJudge(world.root))
    ? await untilOver(trial, site)
    : await resume(terms, world);
  const end = `is ${outcome}: ${endOf(stateHere(world), trial.id)?.reason ?? 'see --status'}`;
  if (outcome === 'confirmed') deps.io.out(`${trial.version} ${end}`);
  else deps.io.err(`${trial.version} ${end}`);
  return outcome === 'confirmed' ? EXIT.ok : EXIT.failed;
}

async function untilOver(trial: Trial, { world, deps }: Site): Promise<'confirmed' | 'rolledBack'> {
  for (;;) {
    const state = stateHere(world);
    if (state.trial?.id !== trial.id) return outcomeOf(state, trial);
    await sleep(deps.clock, FOLLOW_EVERY_MS);
  }
}

/** The service: judges what is on trial, then carries out what the appliance asks for. */
async function serve(site: Site): Promise<ExitCode> {
  const { world, terms, runDirectory } = site;
  for (;;) {
    await resume(terms, world);
    try {
      const request = takeRequest(runDirectory);
      if (request === null) return EXIT.ok;
      const { url, version, origin, requestId } = request;
      const who = { origin, requestId, wanted: version, allowDowngrade: false };
      await putOnTrial({ ...who, from: url, isTold: true }, terms, world);
    } catch (error) {
      // It is noted for the appliance to tell; the next request may be a better one.
      if (!(error instanceof Refused)) throw error;
      world.say(`refused: ${error.message}`);
    }
  }
}

/** Nobody to ask is an answer of its own: a runtime whose socket is gone may stand in an alarm. */
async function mayRestart({ world, deps, options }: Site): Promise<ExitCode> {
  const looked = await world.look();
  const { code, detail, reasons } = restartAnswer(looked);
  const ok = code === EXIT.ok;
  if (options.json) deps.io.out(JSON.stringify({ ok, detail, reasons }));
  else if (ok) deps.io.out(detail);
  else deps.io.err(detail);
  return code;
}

interface RestartAnswer {
  readonly code: ExitCode;
  readonly detail: string;
  readonly reasons: readonly DisturbReason[];
}

function restartAnswer(looked: Looked): RestartAnswer {
  switch (looked.kind) {
    case 'absent': {
      const detail = 'no appliance answers: nobody is disturbed if its unit is stopped';
      return { code: EXIT.unavailable, detail, reasons: [] };
    }
    case 'failed':
      return { code: EXIT.failed, detail: `not now: ${looked.why}`, reasons: [] };
    case 'seen': {
      const { ok, reasons } = mayBeDisturbed(looked.sight.look.view);
      return ok
        ? { code: EXIT.ok, detail: 'the appliance may be disturbed', reasons }
        : { code: EXIT.failed, detail: `not now: ${disturbText(reasons)}`, reasons };
    }
  }
}

function showStatus({ world, deps, options }: Site): ExitCode {
  const state = stateHere(world);
  if (options.json) {
    deps.io.out(JSON.stringify(state));
    return EXIT.ok;
  }
  const { current, previous, trial, rolledBack, history } = state;
  const of = (place: string): string => (place === 'factory' ? 'the package' : `slot ${place}`);
  deps.io.out(`in use: ${current.version}, of ${of(current.place)}`);
  if (previous !== null) deps.io.out(`before it: ${previous.version}, of ${of(previous.place)}`);
  if (trial !== null) deps.io.out(`on trial: ${trial.version}, of ${of(trial.slot)}`);
  if (rolledBack !== null) {
    deps.io.out(`rolled back: ${rolledBack.version}: ${rolledBack.reason}`);
  }
  for (const { at, phase, version, reason, origin } of history) {
    deps.io.out(`${at}  ${phase}  ${version}  ${origin}: ${reason}`);
  }
  return EXIT.ok;
}
