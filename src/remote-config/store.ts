/** The files of configurations from afar: what is so, and each text by its hash. */
import { readFileSync } from 'node:fs';
import { mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { CONFIG_HASH } from '../domain/command-service.ts';
import type { Log } from '../domain/ports.ts';
import type { ConfigState, HistoryEntry, Probation, Untold } from './state.ts';
import { hashOfConfig, neededHashes, NO_STATE, OUTCOMES } from './state.ts';

/** Below `state.directory`. */
export const CONFIG_FOLDER = 'configuration';
const STATE_FILE = 'state.json';
const FORMAT = 1;

export interface StateRead {
  readonly state: ConfigState;
  /** Why what is there cannot be used; null: it can, or nothing is there. */
  readonly trouble: string | null;
}

export class ConfigStore {
  readonly folder: string;
  readonly #log: Log;
  #state: ConfigState = NO_STATE;
  #saving: Promise<string | null> = Promise.resolve(null);

  constructor(stateDirectory: string, log: Log) {
    this.#log = log;
    this.folder = join(stateDirectory, CONFIG_FOLDER);
  }

  get state(): ConfigState {
    return this.#state;
  }

  /** Reads what is so. Never throws. */
  read(): StateRead {
    const path = join(this.folder, STATE_FILE);
    try {
      this.#state = stateOf(JSON.parse(readFileSync(path, 'utf8')));
      return { state: this.#state, trouble: null };
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return { state: NO_STATE, trouble: null };
      const why = error instanceof Error ? error.message : String(error);
      return { state: NO_STATE, trouble: `${path} cannot be used: ${why}` };
    }
  }

  /** Null where it is not there, cannot be read, or is not what its name says. */
  text(hash: string): string | null {
    if (!CONFIG_HASH.test(hash)) return null;
    try {
      const text = readFileSync(this.#pathOf(hash), 'utf8');
      return hashOfConfig(text) === hash ? text : null;
    } catch {
      // The caller says what it does without.
      return null;
    }
  }

  /**
   * Changes what is so, and saves it: one change after another, durable when it resolves.
   * @param texts that the change refers to and that may not be there yet.
   * @returns what went wrong, or null; then it is as it was, here and on disk. Never rejects.
   */
  update(
    change: (state: ConfigState) => ConfigState,
    texts: readonly string[] = [],
  ): Promise<string | null> {
    const next = this.#saving.then(() => this.#save(change(this.#state), texts));
    this.#saving = next;
    return next;
  }

  async #save(state: ConfigState, contents: readonly string[]): Promise<string | null> {
    if (state === this.#state) return null;
    const path = join(this.folder, STATE_FILE);
    const trouble = await told(path, async () => {
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      for (const content of contents) {
        await writeDurably(this.folder, this.#pathOf(hashOfConfig(content)), content);
      }
      await writeDurably(this.folder, path, JSON.stringify({ format: FORMAT, ...state }, null, 1));
    });
    if (trouble !== null) return trouble;
    this.#state = state;
    const left = await told(this.folder, () => this.#sweep());
    if (left !== null) this.#log('warn', 'an old configuration was not removed', { detail: left });
    return null;
  }

  /** Texts that the history does not name any more. */
  async #sweep(): Promise<void> {
    const needed = neededHashes(this.#state);
    for (const name of await readdir(this.folder)) {
      const [hash = '', end] = name.split('.');
      if (end === 'yaml' && !needed.has(hash)) await unlink(join(this.folder, name));
    }
  }

  #pathOf(hash: string): string {
    return join(this.folder, `${hash}.yaml`);
  }
}

async function told(path: string, work: () => Promise<void>): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return `${path} cannot be written: ${why}`;
  }
}

async function writeDurably(folder: string, path: string, text: string): Promise<void> {
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** @throws Error where a field is not as this release writes it. */
function stateOf(raw: unknown): ConfigState {
  const { format, active, probation, history, untold } = fieldsOf(raw);
  if (format !== FORMAT) throw new Error(`it has format ${String(format)}, not ${FORMAT}`);
  if (!Array.isArray(history) || !Array.isArray(untold)) throw new Error('it is not whole');
  return {
    active: active === null ? null : activeOf(fieldsOf(active)),
    probation: probation === null ? null : probationOf(fieldsOf(probation)),
    history: history.map((entry) => entryOf(fieldsOf(entry))),
    untold: untold.map((entry) => untoldOf(fieldsOf(entry))),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(raw: unknown): Fields {
  if (typeof raw !== 'object' || raw === null) throw new Error('it is not whole');
  return { ...raw };
}

function activeOf(raw: Fields): ConfigState['active'] {
  return { hash: text(raw, 'hash'), fileHash: text(raw, 'fileHash') };
}

function probationOf(raw: Fields): Probation {
  const { starts, failed, confirmed, broker } = raw;
  if (typeof starts !== 'number') throw new Error('starts is no number');
  const baseline = fieldsOf(raw['baseline']);
  return {
    ...{ hash: text(raw, 'hash'), fileHash: text(raw, 'fileHash'), from: text(raw, 'from') },
    ...{ by: text(raw, 'by'), requestId: text(raw, 'requestId'), starts },
    failed: typeof failed === 'string' ? failed : null,
    confirmed: confirmed === true,
    broker: typeof broker === 'string' ? broker : null,
    baseline: {
      faults: texts(baseline, 'faults'),
      sources: texts(baseline, 'sources'),
      connected: texts(baseline, 'connected'),
    },
    changes: texts(raw, 'changes'),
  };
}

function entryOf(raw: Fields): HistoryEntry {
  const outcome = OUTCOMES.find((known) => known === raw['outcome']);
  if (outcome === undefined) throw new Error('an outcome of the history is unknown');
  return {
    ...{ hash: text(raw, 'hash'), at: text(raw, 'at'), by: text(raw, 'by') },
    ...{ requestId: text(raw, 'requestId'), from: text(raw, 'from'), outcome },
    ...{ reason: text(raw, 'reason'), changes: texts(raw, 'changes') },
  };
}

const UNTOLD = ['configurationApplied', 'configurationKept', 'configurationReverted'] as const;

function untoldOf(raw: Fields): Untold {
  const type = UNTOLD.find((known) => known === raw['type']);
  if (type === undefined) throw new Error('an event to be told is unknown');
  const data = fieldsOf(raw['data']);
  return {
    type,
    data: {
      ...{ configHash: text(data, 'configHash'), from: text(data, 'from') },
      ...{ reason: text(data, 'reason'), origin: text(data, 'origin') },
      ...{ requestId: text(data, 'requestId'), changes: texts(data, 'changes') },
    },
  };
}

function text(raw: Fields, key: string): string {
  const value = raw[key];
  if (typeof value !== 'string') throw new Error(`${key} is no text`);
  return value;
}

function texts(raw: Fields, key: string): readonly string[] {
  const value = raw[key];
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string')) {
    throw new Error(`${key} is no list of texts`);
  }
  return value;
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error ? String(error.code) : null;
}
