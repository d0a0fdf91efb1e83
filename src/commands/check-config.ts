/** `embereye check-config FILE`: every problem at once, without touching hardware or network. */
import { readFileSync } from 'node:fs';
import { problemText } from '../config-problems.ts';
import type { Config } from '../config-schema.ts';
import type { ConfigCheck, ConfigResult } from '../config.ts';
import { parseConfig } from '../config.ts';
import { delayNotes } from '../config-notes.ts';
import type { CommandIo, ExitCode } from './exit-codes.ts';
import { EXIT } from './exit-codes.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads and checks a file; a file that cannot be read is a problem like any other. */
export function readConfig(
  file: string,
  environment: Environment,
  checks: readonly ConfigCheck[],
): ConfigResult {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    const problem = {
      line: null,
      path: '(file)',
      value: undefined,
      problem: `cannot be read: ${cause}`,
      remedy: 'name an existing file that this user may read',
    };
    return { ok: false, problems: [problem] };
  }
  return parseConfig(text, environment, checks);
}

/**
 * Prints `FILE: valid` and what is valid but should be meant, or one problem a line on standard
 * error; as JSON with `json`.
 * @param more further things that are valid and should be meant.
 */
export function runCheckConfig(
  file: string,
  options: { readonly json: boolean },
  environment: Environment,
  checks: readonly ConfigCheck[],
  io: CommandIo,
  more: (config: Config) => readonly string[] = () => [],
): ExitCode {
  const result = readConfig(file, environment, checks);
  const problems = result.ok ? [] : result.problems;
  const notes = result.ok ? [...delayNotes(result.config), ...more(result.config)] : [];
  if (options.json) {
    const report = problems.map((problem) => ({ ...problem, value: problem.value ?? null }));
    io.out(JSON.stringify({ file, valid: result.ok, problems: report, notes }));
  } else if (result.ok) {
    const { boards, sensors, zones } = result.config;
    io.out(
      `${file}: valid: ${zones.length} zones, ${boards.length} boards, ${sensors.length} sensors`,
    );
    for (const note of notes) io.out(`${file}: note: ${note}`);
  } else {
    for (const problem of problems) io.err(problemText(file, problem));
    io.err(`${file}: ${problems.length} problem${problems.length === 1 ? '' : 's'}`);
  }
  return result.ok ? EXIT.ok : EXIT.badInput;
}
