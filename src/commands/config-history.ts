/** `embereye config history` and `show`: what came from afar, and what became of it. */
import type { Log } from '../domain/ports.ts';
import type { ConfigState, HistoryEntry } from '../remote-config/state.ts';
import { ConfigStore } from '../remote-config/store.ts';
import type { CommandIo, ExitCode } from './exit-codes.ts';
import { EXIT } from './exit-codes.ts';

/** Nothing is written here. */
const noLog: Log = () => undefined;

/** One line an entry, newest first; as JSON lines with `json`. */
export function runConfigHistory(
  stateDirectory: string,
  options: { readonly json: boolean },
  io: CommandIo,
): ExitCode {
  const store = new ConfigStore(stateDirectory, noLog);
  const { state, trouble } = store.read();
  if (trouble !== null) return unreadable(trouble, io);
  if (state.history.length === 0 && !options.json) io.out('no configuration came from afar');
  for (const entry of state.history.toReversed()) {
    io.out(options.json ? JSON.stringify(entry) : entryText(entry, state));
  }
  return EXIT.ok;
}

function entryText(entry: HistoryEntry, { active, probation }: ConfigState): string {
  const { hash, at, by, outcome, reason, changes } = entry;
  const runs = hash === (probation?.hash ?? active?.hash) ? '*' : ' ';
  const lines = changes.map((change) => `      ${change}`);
  return [`${runs} ${hash}  ${at}  ${outcome} (${reason}), by ${by}`, ...lines].join('\n');
}

/** The text of one of the history; without a hash that which runs instead of the file. */
export function runConfigShow(
  stateDirectory: string,
  hash: string | null,
  io: CommandIo,
): ExitCode {
  const store = new ConfigStore(stateDirectory, noLog);
  const { state, trouble } = store.read();
  if (trouble !== null) return unreadable(trouble, io);
  const wanted = hash ?? state.probation?.hash ?? state.active?.hash;
  if (wanted === undefined) {
    io.err('nothing from afar runs: the file counts');
    return EXIT.failed;
  }
  const text = store.text(wanted);
  if (text === null) {
    io.err(`${wanted} is not in ${store.folder}: \`embereye config history\` lists what is`);
    return EXIT.badInput;
  }
  io.out(text.replace(/\n$/, ''));
  return EXIT.ok;
}

function unreadable(trouble: string, io: CommandIo): ExitCode {
  io.err(`${trouble}; run this as the user of the appliance, or with sudo`);
  return EXIT.unavailable;
}
