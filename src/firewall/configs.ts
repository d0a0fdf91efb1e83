/** Every configuration that may run before the rules are made again. Reads only. */
import { readFileSync } from 'node:fs';
import type { Environment } from '../commands/check-config.ts';
import { parseConfig } from '../config.ts';
import type { Config } from '../config-schema.ts';
import { problemText } from '../config-problems.ts';
import { readKnownGood } from '../known-good.ts';
import { PLAN_CHECKS } from '../plan.ts';
import { ConfigStore } from '../remote-config/store.ts';

export interface PossibleConfigs {
  readonly configs: readonly Config[];
  /** What is wrong with the file; empty: it is valid. */
  readonly problems: readonly string[];
}

const DEFAULT_STATE_DIRECTORY = '/var/lib/embereye';

export function possibleConfigs(file: string, environment: Environment): PossibleConfigs {
  const text = readText(file);
  const own = typeof text === 'string' ? parseConfig(text, environment, PLAN_CHECKS) : null;
  const problems =
    own === null
      ? [typeof text === 'string' ? text : text.error]
      : own.ok
        ? []
        : own.problems.map((problem) => problemText(file, problem));
  const directory =
    environment['EMBEREYE__state__directory'] ??
    (own?.ok === true ? own.config.state.directory : DEFAULT_STATE_DIRECTORY);
  const others = [readKnownGood(directory), ...fromAfar(directory)].flatMap((other) => {
    const result = other === null ? null : parseConfig(other, environment, PLAN_CHECKS);
    return result?.ok === true ? [result.config] : [];
  });
  return { configs: [...(own?.ok === true ? [own.config] : []), ...others], problems };
}

function fromAfar(directory: string): readonly (string | null)[] {
  const store = new ConfigStore(directory, () => undefined);
  const { active, probation } = store.read().state;
  return [active, probation].map((one) => (one === null ? null : store.text(one.hash)));
}

function readText(file: string): string | { readonly error: string } {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    return { error: `${file}: ${error instanceof Error ? error.message : String(error)}` };
  }
}
