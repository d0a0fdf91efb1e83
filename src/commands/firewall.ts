/**
 * `embereye firewall`: the rules of nftables that let in what the configuration needs, and nothing
 * else. Printed, or applied as a whole.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { possibleConfigs } from '../firewall/configs.ts';
import type { Applied } from '../firewall/nft.ts';
import { openingsOf } from '../firewall/openings.ts';
import { rulesetOf } from '../firewall/ruleset.ts';
import type { Environment } from './check-config.ts';
import type { CommandIo, ExitCode } from './exit-codes.ts';
import { EXIT } from './exit-codes.ts';

export interface FirewallOptions {
  readonly config: string;
  readonly apply: boolean;
  /** Where applied rules are kept for a start with a broken configuration; null: nowhere. */
  readonly keep: string | null;
}

export interface FirewallDeps {
  readonly io: CommandIo;
  readonly environment: Environment;
  readonly version: string;
  readonly nft: (text: string, mode: 'check' | 'apply') => Promise<Applied>;
}

/**
 * `EXIT.badInput` where the configuration file is broken: printed or applied is then what the last
 * good one needs, or what was kept. `EXIT.unavailable` where nothing could be applied; the rules
 * before stay in force, all of them.
 */
export async function runFirewall(options: FirewallOptions, deps: FirewallDeps): Promise<ExitCode> {
  const { io, environment, version } = deps;
  const { configs, problems } = possibleConfigs(options.config, environment);
  for (const problem of problems) io.err(problem);
  const made = rulesetOf(openingsOf(configs), `made by embereye ${version} of ${options.config}`);
  const kept = configs.length === 0 ? readKept(options.keep) : null;
  const text = kept ?? made;
  const code = problems.length === 0 ? EXIT.ok : EXIT.badInput;
  if (!options.apply) {
    io.out(text.trimEnd());
    return code;
  }
  const applied = await deps.nft(text, 'apply');
  if (!applied.ok) {
    io.err(`nothing applied, the rules before stay: ${applied.error}`);
    io.err('is nftables installed (apt install nftables), and is this root?');
    return EXIT.unavailable;
  }
  if (configs.length > 0) keep(options.keep, text, io);
  const which = kept !== null ? 'kept from before' : configs.length === 0 ? 'ssh alone' : 'all';
  io.out(
    `applied: ${which}, ${text.split('\n').filter((line) => / dport /.test(line)).length} rules`,
  );
  return code;
}

function readKept(file: string | null): string | null {
  if (file === null) return null;
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // The first start: the caller goes on with what an installer needs.
    return null;
  }
}

function keep(file: string | null, text: string, io: CommandIo): void {
  if (file === null) return;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.new`, text, { mode: 0o600, flush: true });
    renameSync(`${file}.new`, file);
  } catch (error) {
    io.err(`${file}: not kept: ${error instanceof Error ? error.message : String(error)}`);
  }
}
