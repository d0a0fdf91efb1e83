/**
 * Which configuration a start runs: the file, or one that came from afar and stands in for it. A
 * broken one is refused, and the last that worked runs. Nothing is started here.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { Environment } from '../commands/check-config.ts';
import type { CommandIo } from '../commands/exit-codes.ts';
import type { Config } from '../config-schema.ts';
import { problemText } from '../config-problems.ts';
import type { ConfigResult } from '../config.ts';
import { parseConfig } from '../config.ts';
import type { Log } from '../domain/ports.ts';
import type { FaultNotice } from '../domain/step.ts';
import { keepKnownGood, readKnownGood } from '../known-good.ts';
import { PLAN_CHECKS } from '../plan.ts';
import type { ConfigState, Probation } from './state.ts';
import { fileWins, hashOfConfig, MAX_STARTS, reverted } from './state.ts';
import { ConfigStore } from './store.ts';

const DEFAULT_STATE_DIRECTORY = '/var/lib/embereye';

export interface Chosen {
  readonly config: Config;
  readonly text: string;
  /** Of the text that runs. */
  readonly hash: string;
  /** The file and the hash of its text; the text is null where it could not be read. */
  readonly file: { readonly name: string; readonly text: string | null; readonly hash: string };
  readonly faults: readonly FaultNotice[];
  readonly store: ConfigStore;
  /** What runs is on probation; null: it is not. */
  readonly probation: Probation | null;
}

export interface ChooseDeps {
  readonly io: CommandIo;
  readonly environment: Environment;
  readonly log: Log;
}

/** Null when there is nothing valid to run; why stands on the error output. */
export async function chooseConfig(
  named: string | null,
  defaultFile: string,
  deps: ChooseDeps,
): Promise<Chosen | null> {
  const { io, environment, log } = deps;
  const path = named ?? (existsSync(defaultFile) ? defaultFile : null);
  if (path === null) io.err('no configuration file: running the embedded default');
  const name = path ?? '(embedded default)';
  const text = path === null ? '' : readText(path, io);
  const result = text === null ? null : parseConfig(text, environment, PLAN_CHECKS);
  const directory = environment['EMBEREYE__state__directory'] ?? directoryOf(result, text);
  const store = new ConfigStore(directory, log);
  const { trouble } = store.read();
  const isValid = result?.ok === true;
  const file = { name, text, hash: hashOfConfig(text ?? '') };
  const faults = trouble === null ? [] : [fault('configHistoryLost', trouble)];
  const remote = await standIn(file, isValid, store, deps);
  faults.push(...remote.faults);
  if (remote.chosen !== null) {
    if (!isValid) faults.push(refusal(name, result, io));
    if (remote.probation === null) faults.push(...notKept(directory, remote.chosen.text));
    return { ...remote.chosen, file, faults, store, probation: remote.probation };
  }
  const own = isValid && text !== null ? { config: result.config, text } : null;
  if (own !== null) faults.push(...notKept(directory, own.text));
  if (own === null) faults.push(refusal(name, result, io));
  const chosen = own ?? lastGood(name, directory, deps);
  if (chosen === null) return null;
  return { ...chosen, hash: hashOfConfig(chosen.text), file, faults, store, probation: null };
}

interface Running {
  readonly config: Config;
  readonly text: string;
  readonly hash: string;
}

interface StandIn {
  readonly chosen: Running | null;
  readonly probation: Probation | null;
  readonly faults: readonly FaultNotice[];
}

/** What came from afar, where it counts; settles a probation that did not end well. */
async function standIn(
  file: Chosen['file'],
  isValid: boolean,
  store: ConfigStore,
  deps: ChooseDeps,
): Promise<StandIn> {
  const faults: FaultNotice[] = [];
  const save = async (change: (state: ConfigState) => ConfigState): Promise<boolean> => {
    const trouble = await store.update(change);
    if (trouble !== null) faults.push(fault('configNotKept', trouble));
    return trouble === null;
  };
  const { active, probation } = store.state;
  const replaced = probation?.fileHash ?? active?.fileHash;
  if (replaced !== undefined && isValid && replaced !== file.hash) {
    const reason = `${file.name} was changed on the appliance: it counts from now on`;
    await save((state) => fileWins(state, file.hash, reason));
    return { chosen: null, probation: null, faults };
  }
  if (probation !== null) {
    const chosen = textOf(probation.hash, file, store, deps);
    const why = whyOver(probation) ?? (typeof chosen === 'string' ? chosen : null);
    const next = { ...probation, starts: probation.starts + 1 };
    // One that could not be counted would never end: it does not start.
    const isCounted = why === null && (await save((state) => ({ ...state, probation: next })));
    if (isCounted && typeof chosen !== 'string') return { chosen, probation: next, faults };
    await save((state) => reverted(state, probation, why ?? 'its start could not be recorded'));
  }
  if (active === null) return { chosen: null, probation: null, faults };
  const chosen = textOf(active.hash, file, store, deps);
  if (typeof chosen !== 'string') return { chosen, probation: null, faults };
  const detail = `${active.hash}, which came from afar, cannot run: ${chosen}; send it anew`;
  faults.push(fault('configRefused', detail));
  return { chosen: null, probation: null, faults };
}

/** Why a probation has failed before this start; null: it goes on. */
function whyOver({ failed, starts }: Probation): string | null {
  if (failed !== null) return failed;
  return starts < MAX_STARTS ? null : `the appliance stopped ${starts} times during its probation`;
}

/** Ready to run, or why not. */
function textOf(
  hash: string,
  file: Chosen['file'],
  store: ConfigStore,
  { environment }: ChooseDeps,
): Running | string {
  const text = hash === file.hash ? file.text : store.text(hash);
  if (text === null) return `its text is missing or damaged in ${store.folder}`;
  const result = parseConfig(text, environment, PLAN_CHECKS);
  if (result.ok) return { config: result.config, text, hash };
  const [first] = result.problems;
  return first === undefined ? 'it is not valid' : problemText(hash, first);
}

/** The last configuration that started, where the file is broken; null: there is none. */
function lastGood(
  name: string,
  directory: string,
  { io, environment }: ChooseDeps,
): { readonly config: Config; readonly text: string } | null {
  const known = readKnownGood(directory);
  const fallback = known === null ? null : parseConfig(known, environment, PLAN_CHECKS);
  if (known === null || fallback?.ok !== true) {
    io.err(`${name}: not started: correct it, and check it with: embereye check-config ${name}`);
    return null;
  }
  io.err(`${name}: refused; the last configuration that worked runs instead`);
  return { config: fallback.config, text: known };
}

/** Says all that is wrong with the file; the fault counts it. */
function refusal(name: string, result: ConfigResult | null, io: CommandIo): FaultNotice {
  const problems = result?.ok === false ? result.problems : [];
  for (const problem of problems) io.err(problemText(name, problem));
  const count = Math.max(1, problems.length);
  return fault('configRefused', `${name} has ${count} problems and was refused`);
}

function notKept(directory: string, text: string): readonly FaultNotice[] {
  const failure = keepKnownGood(directory, text);
  return failure === null ? [] : [fault('configNotKept', failure)];
}

function fault(name: string, detail: string): FaultNotice {
  return { fault: name, subject: 'config', raised: true, detail };
}

function readText(file: string, io: CommandIo): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    io.err(`${file}: cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

/** A broken file may still say where the state lies. */
function directoryOf(result: ConfigResult | null, text: string | null): string {
  if (result?.ok === true) return result.config.state.directory;
  const named = /^state:\s*(?:#.*)?\n(?:[ \t]+.*\n)*?[ \t]+directory:[ \t]*["']?([^"'\s#]+)/m;
  return named.exec(text ?? '')?.[1] ?? DEFAULT_STATE_DIRECTORY;
}
