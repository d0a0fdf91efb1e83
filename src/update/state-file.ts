/**
 * `state.json` in the folder of the slots: JSON, and so laid out that the launcher, a shell script
 * without a JSON parser, reads the same from its lines. This is the one source of truth; only root
 * writes it, everybody reads it.
 *
 *   "current": "a",          the line that names what is confirmed
 *   "trial": "t-1f2e-3",     the line that names a trial, or `"trial": null,`
 *   "slot": "b",             and its slot
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openFolder, writeDurably } from './durable.ts';
import { codeOf, Refused, wordsOf } from './refused.ts';
import { isVersion } from './semver.ts';
import type { HistoryEntry, Installed, Trial, UpdateBaseline, UpdateState } from './state.ts';
import { PHASES, PLACES } from './state.ts';

export const STATE_FILE = 'state.json';
const SCHEMA = 1;
const MAX_BYTES = 1024 * 1024;
/** What ids are made of: the launcher takes them from a line. */
const ID = /^[A-Za-z0-9.-]{1,80}$/;

/** One field a line; nothing but ids, slots and versions stands where the launcher looks. */
export function stateText(state: UpdateState): string {
  const { current, previous, trial, rolledBack, history } = state;
  const line = (key: string, value: unknown): string => `"${key}": ${JSON.stringify(value)},`;
  const lines = [
    '{',
    line('schema', SCHEMA),
    line('current', current.place),
    line('currentVersion', current.version),
    line('previous', previous),
    line('trial', trial?.id ?? null),
    ...(trial === null ? [] : [line('slot', trial.slot), line('terms', trialTerms(trial))]),
    line('rolledBack', rolledBack),
    '"history": [',
    ...history.map((entry, i) => JSON.stringify(entry) + (i < history.length - 1 ? ',' : '')),
    ']',
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

function trialTerms({ version, origin, requestId, startedAt, baseline }: Trial) {
  return { version, origin, requestId, startedAt, baseline };
}

/** @throws Refused where it is not one. */
export function parseState(text: string, name: string): UpdateState {
  try {
    if (text.length > MAX_BYTES) throw new Error('it is too long');
    return stateOf(fields(JSON.parse(text)));
  } catch (error) {
    throw new Refused(
      `${name} cannot be used: ${wordsOf(error)}; the release of the package runs. ` +
        'To begin anew: sudo embereye update --reset-slots',
    );
  }
}

/** Null where there is none: nothing but the package was ever in use. @throws Refused */
export function readState(folder: string): UpdateState | null {
  const path = join(folder, STATE_FILE);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw new Refused(
      `${path} cannot be read: ${wordsOf(error)}; look at its rights, and the disk`,
    );
  }
  return parseState(text, path);
}

/** Durable when it returns. @throws Refused; then it is as it was. */
export function writeState(folder: string, state: UpdateState): void {
  const path = join(folder, STATE_FILE);
  try {
    openFolder(folder);
    writeDurably(path, stateText(state));
  } catch (error) {
    throw new Refused(
      `${path} cannot be written: ${wordsOf(error)}; run it as root, look at the disk`,
    );
  }
}

type Fields = Readonly<Record<string, unknown>>;

function fields(raw: unknown): Fields {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) throw new Error('no object');
  return { ...raw };
}

function stateOf(raw: Fields): UpdateState {
  if (raw['schema'] !== SCHEMA) throw new Error(`"schema" is not ${SCHEMA}`);
  const { previous, rolledBack, history, trial } = raw;
  if (!Array.isArray(history)) throw new Error('"history" is no list');
  const undone = rolledBack === null ? null : fields(rolledBack);
  return {
    current: installed({ place: raw['current'], version: raw['currentVersion'] }),
    previous: previous === null ? null : installed(fields(previous)),
    trial: trial === null ? null : trialOf(raw),
    rolledBack: undone && { version: version(undone), reason: text(undone, 'reason') },
    history: history.map((entry) => entryOf(fields(entry))),
  };
}

function installed(raw: Fields): Installed {
  return { place: oneOf(raw, 'place', PLACES), version: version(raw) };
}

function trialOf(raw: Fields): Trial {
  const terms = fields(raw['terms']);
  const { baseline } = terms;
  return {
    id: id(raw, 'trial'),
    slot: oneOf(raw, 'slot', ['a', 'b'] as const),
    version: version(terms),
    ...{ origin: text(terms, 'origin'), requestId: text(terms, 'requestId') },
    startedAt: text(terms, 'startedAt'),
    baseline: baseline === null ? null : baselineOf(fields(baseline)),
  };
}

function baselineOf(raw: Fields): UpdateBaseline {
  return {
    faults: texts(raw, 'faults'),
    sources: texts(raw, 'sources'),
    connected: texts(raw, 'connected'),
  };
}

function entryOf(raw: Fields): HistoryEntry {
  return {
    id: id(raw, 'id'),
    phase: oneOf(raw, 'phase', PHASES),
    ...{ at: text(raw, 'at'), version: version(raw), fromVersion: version(raw, 'fromVersion') },
    slot: raw['slot'] === null ? null : oneOf(raw, 'slot', PLACES),
    ...{ reason: text(raw, 'reason'), origin: text(raw, 'origin') },
    requestId: text(raw, 'requestId'),
  };
}

function text(raw: Fields, key: string): string {
  const value = raw[key];
  if (typeof value !== 'string') throw new Error(`"${key}" is no text`);
  return value;
}

function texts(raw: Fields, key: string): readonly string[] {
  const value = raw[key];
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string')) {
    throw new Error(`"${key}" is no list of texts`);
  }
  return value;
}

function id(raw: Fields, key: string): string {
  const value = text(raw, key);
  if (!ID.test(value)) throw new Error(`"${key}" is no id`);
  return value;
}

function version(raw: Fields, key = 'version'): string {
  const value = text(raw, key);
  if (!isVersion(value)) throw new Error(`"${key}" is no version`);
  return value;
}

function oneOf<T extends string>(raw: Fields, key: string, known: readonly T[]): T {
  const found = known.find((one) => one === raw[key]);
  if (found === undefined) throw new Error(`"${key}" is not one of ${known.join(', ')}`);
  return found;
}
