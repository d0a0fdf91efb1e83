/** What is remembered of configurations that came from afar; pure. The files: `store.ts`. */
import { createHash } from 'node:crypto';

/** What stood when a configuration was applied; the new one is measured by it. */
export interface Baseline {
  /** Standing faults, as `<fault> <subject>`. */
  readonly faults: readonly string[];
  /** Sources that reported, as `<sensor>/<channel>`. */
  readonly sources: readonly string[];
  /** Brokers that were connected. */
  readonly connected: readonly string[];
}

export interface Probation {
  readonly hash: string;
  /** Of the file it stands in for. */
  readonly fileHash: string;
  /** What ran before it. */
  readonly from: string;
  /** Starts into it so far: the second one is forgiven, the third is not. */
  readonly starts: number;
  /** Why it is over already; null: it is not. */
  readonly failed: string | null;
  readonly confirmed: boolean;
  readonly by: string;
  readonly requestId: string;
  /** The broker it came by; null: it came from the machine itself. */
  readonly broker: string | null;
  readonly baseline: Baseline;
  readonly changes: readonly string[];
}

export const OUTCOMES = ['probation', 'kept', 'reverted', 'file'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface HistoryEntry {
  readonly hash: string;
  /** ISO 8601 in UTC, as the clock had it. */
  readonly at: string;
  readonly by: string;
  readonly requestId: string;
  readonly from: string;
  readonly outcome: Outcome;
  readonly reason: string;
  readonly changes: readonly string[];
}

/** For the journal of the next start: told at least once, whatever happens in between. */
export interface Untold {
  readonly type: 'configurationApplied' | 'configurationKept' | 'configurationReverted';
  readonly data: {
    readonly configHash: string;
    readonly from: string;
    readonly reason: string;
    readonly origin: string;
    readonly requestId: string;
    readonly changes: readonly string[];
  };
}

export interface ConfigState {
  /** What runs instead of the file with that hash; null: the file itself. */
  readonly active: { readonly hash: string; readonly fileHash: string } | null;
  readonly probation: Probation | null;
  /** Newest last. */
  readonly history: readonly HistoryEntry[];
  readonly untold: readonly Untold[];
}

export const NO_STATE: ConfigState = { active: null, probation: null, history: [], untold: [] };
export const HISTORY_LENGTH = 10;
/** Starts that a probation survives. */
export const MAX_STARTS = 2;

/** How a configuration is named everywhere. */
export function hashOfConfig(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Hashes whose texts are needed. */
export function neededHashes({ active, probation, history }: ConfigState): ReadonlySet<string> {
  const hashes = [active?.hash, probation?.hash, ...history.map(({ hash }) => hash)];
  return new Set(hashes.filter((hash) => hash !== undefined));
}

/** A new configuration, not started yet. @param fileEntry what ran before it, for the history */
export function begun(
  state: ConfigState,
  probation: Probation,
  at: string,
  fileEntry: HistoryEntry | null,
): ConfigState {
  const { hash, by, requestId, from, changes } = probation;
  const reason = 'on probation';
  const entry: HistoryEntry = {
    ...{ hash, at, by, requestId, from, changes, reason },
    outcome: 'probation',
  };
  const known = fileEntry !== null && state.history.some((one) => one.hash === fileEntry.hash);
  const before = fileEntry === null || known ? [] : [fileEntry];
  return {
    ...state,
    probation,
    history: [...state.history, ...before, entry].slice(-HISTORY_LENGTH),
    untold: [
      ...state.untold,
      told('configurationApplied', probation, `applied by ${by}, on probation`),
    ],
  };
}

export function kept(state: ConfigState, probation: Probation, reason: string): ConfigState {
  const { hash, fileHash } = probation;
  return {
    ...ended(state, probation, 'kept', reason),
    active: hash === fileHash ? null : { hash, fileHash },
    untold: [...state.untold, told('configurationKept', probation, reason)],
  };
}

export function reverted(state: ConfigState, probation: Probation, reason: string): ConfigState {
  return {
    ...ended(state, probation, 'reverted', reason),
    untold: [...state.untold, told('configurationReverted', probation, reason)],
  };
}

/** Somebody has edited the file since: it counts, and what came from afar does not any more. */
export function fileWins(state: ConfigState, fileHash: string, reason: string): ConfigState {
  const gone = state.probation?.hash ?? state.active?.hash;
  if (gone === undefined) return state;
  const data = { configHash: gone, from: fileHash, reason, origin: 'file', requestId: 'none' };
  return {
    ...state,
    active: null,
    probation: null,
    history: state.history.map((entry, i) =>
      i === state.history.findLastIndex(({ hash }) => hash === gone)
        ? { ...entry, outcome: 'reverted', reason }
        : entry,
    ),
    untold: [...state.untold, { type: 'configurationReverted', data: { ...data, changes: [] } }],
  };
}

function ended(
  state: ConfigState,
  { hash, requestId }: Probation,
  outcome: Outcome,
  reason: string,
): ConfigState {
  const at = state.history.findLastIndex(
    (entry) => entry.hash === hash && entry.requestId === requestId,
  );
  const history = state.history.map((entry, i) =>
    i === at ? { ...entry, outcome, reason } : entry,
  );
  return { ...state, probation: null, history };
}

const CHANGES_TOLD = 20;

function told(type: Untold['type'], probation: Probation, reason: string): Untold {
  const { hash, from, by, requestId, changes } = probation;
  const data = { configHash: hash, from, reason, origin: by, requestId };
  return { type, data: { ...data, changes: changes.slice(0, CHANGES_TOLD) } };
}
