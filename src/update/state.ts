/**
 * Which release is in use, which one is on trial, what happened; pure. `state-file.ts` keeps it.
 *
 *   confirmed ──begin──► confirmed + trial ──confirm──► the trial's slot is confirmed
 *                              └──────────rollBack──► as it was, with the reason
 *
 * What is confirmed stays while something is on trial: whoever starts it can always go back.
 */

/** `factory`: the release of the package; `a`, `b`: releases that came as updates. */
export const PLACES = ['factory', 'a', 'b'] as const;
export type Place = (typeof PLACES)[number];
export type Slot = Exclude<Place, 'factory'>;

export interface Installed {
  readonly place: Place;
  readonly version: string;
}

/** How the appliance was before; the release on trial is measured by it. Null: it did not run. */
export interface UpdateBaseline {
  /** Standing faults, as `<fault> <subject>`. */
  readonly faults: readonly string[];
  /** Sources that reported, as `<sensor>/<channel>`. */
  readonly sources: readonly string[];
  /** Brokers that were connected. */
  readonly connected: readonly string[];
}

export interface Trial {
  /** Names this trial, also for the launcher. */
  readonly id: string;
  readonly slot: Slot;
  readonly version: string;
  /** Who asked for it: `cli:root`, `mqtt:unnamed(centre)`. */
  readonly origin: string;
  readonly requestId: string;
  /** Wall time as ISO 8601 in UTC, as the clock had it. */
  readonly startedAt: string;
  readonly baseline: UpdateBaseline | null;
}

export const PHASES = ['requested', 'refused', 'started', 'confirmed', 'rolledBack'] as const;
export type Phase = (typeof PHASES)[number];

/** One thing that happened, for the journal of the appliance. */
export interface HistoryEntry {
  /** Unique: it is told once. */
  readonly id: string;
  readonly phase: Phase;
  readonly at: string;
  readonly version: string;
  /** What ran, or runs again. */
  readonly fromVersion: string;
  readonly slot: Place | null;
  /** For people. */
  readonly reason: string;
  readonly origin: string;
  readonly requestId: string;
}

export interface UpdateState {
  readonly current: Installed;
  /** What `--back` goes to; null: its slot has been used for something else. */
  readonly previous: Installed | null;
  readonly trial: Trial | null;
  /** Stands until an update is confirmed, or somebody dismisses it. */
  readonly rolledBack: { readonly version: string; readonly reason: string } | null;
  /** Newest last. */
  readonly history: readonly HistoryEntry[];
}

export const HISTORY_LENGTH = 40;

/** Who did something, when, and the id under which it is told. */
export interface Note {
  readonly id: string;
  readonly at: string;
  readonly origin: string;
  readonly requestId: string;
}

/** A unit as it came from its package. */
export function factoryState(version: string): UpdateState {
  const current: Installed = { place: 'factory', version };
  return { current, previous: null, trial: null, rolledBack: null, history: [] };
}

/** Where the next release goes: never where something lies that runs or is to be gone back to. */
export function freeSlot({ current, previous }: UpdateState): Slot {
  const isFree = (slot: Slot): boolean => current.place !== slot && previous?.place !== slot;
  if (isFree('a')) return 'a';
  if (isFree('b')) return 'b';
  return current.place === 'a' ? 'b' : 'a';
}

/** Nothing of a slot is counted on any more: it is about to be emptied. */
export function forgetSlot(state: UpdateState, slot: Slot): UpdateState {
  return state.previous?.place === slot ? { ...state, previous: null } : state;
}

/** @throws Error where one is on trial already: ask first. */
export function begin(state: UpdateState, trial: Trial): UpdateState {
  if (state.trial !== null) throw new Error(`${state.trial.version} is on trial already`);
  if (state.current.place === trial.slot) throw new Error(`slot ${trial.slot} is in use`);
  const { id, startedAt, origin, requestId, version, slot } = trial;
  const note = { id: `${id}-started`, at: startedAt, origin, requestId };
  const reason = 'on probation';
  return told({ ...state, trial }, note, { phase: 'started', version, slot, reason });
}

/** The release on trial is in use from now on. */
export function confirm(state: UpdateState, trial: Trial, at: string, reason: string): UpdateState {
  const { id, origin, requestId, version, slot } = trial;
  const next: UpdateState = {
    ...state,
    current: { place: slot, version },
    previous: state.current,
    trial: null,
    rolledBack: null,
  };
  const note = { id: `${id}-confirmed`, at, origin, requestId };
  const entry = { phase: 'confirmed', version, slot, reason } as const;
  return told(next, note, entry, state.current.version);
}

/** The release on trial is given up. */
export function rollBack(
  state: UpdateState,
  trial: Trial,
  at: string,
  reason: string,
): UpdateState {
  const { id, origin, requestId, version, slot } = trial;
  const next = { ...forgetSlot(state, slot), trial: null, rolledBack: { version, reason } };
  const note = { id: `${id}-rolledBack`, at, origin, requestId };
  return told(next, note, { phase: 'rolledBack', version, slot, reason });
}

/** By hand to what ran before: proven once, so without a trial. Null: there is nothing. */
export function goBack(state: UpdateState, note: Note): UpdateState | null {
  const { current, previous } = state;
  if (previous === null || state.trial !== null) return null;
  const next = { ...state, current: previous, previous: current };
  const { place, version } = previous;
  const reason = 'gone back by hand';
  const entry = { phase: 'confirmed', version, slot: place, reason } as const;
  return told(next, note, entry, current.version);
}

/** Something was asked for, or refused: nothing else changes. */
export function noted(
  state: UpdateState,
  note: Note,
  phase: 'requested' | 'refused',
  version: string,
  reason: string,
): UpdateState {
  return told(state, note, { phase, version, slot: null, reason });
}

/** The package is in use again, in whatever version it is now; what was told stays told. */
export function resetSlots(state: UpdateState, factoryVersion: string): UpdateState {
  return { ...factoryState(factoryVersion), history: state.history };
}

/** How a trial ended; null: it goes on, or nobody knows any more. */
export function endOf({ history }: UpdateState, trialId: string): HistoryEntry | null {
  const ends = ['confirmed', 'rolledBack'].map((phase) => `${trialId}-${phase}`);
  return history.findLast(({ id }) => ends.includes(id)) ?? null;
}

/** Somebody has seen that an update was rolled back. */
export function dismissed(state: UpdateState): UpdateState {
  return state.rolledBack === null ? state : { ...state, rolledBack: null };
}

function told(
  state: UpdateState,
  { id, at, origin, requestId }: Note,
  { phase, version, slot, reason }: Pick<HistoryEntry, 'phase' | 'version' | 'slot' | 'reason'>,
  fromVersion = state.current.version,
): UpdateState {
  const what = { phase, at, version, fromVersion, slot, reason, origin, requestId };
  return { ...state, history: [...state.history, { id, ...what }].slice(-HISTORY_LENGTH) };
}
