/** Commands to a running appliance on this machine, over its control sockets. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfigCheck } from '../config.ts';
import type { AccessLevel, CommandKind } from '../domain/command.ts';
import { ACCESS } from '../domain/command.ts';
import type { Clock, Random } from '../domain/ports.ts';
import type { Asked } from '../control/client.ts';
import { askAppliance } from '../control/client.ts';
import { CONTROL_VERSION, STATUS } from '../control/protocol.ts';
import { CONTROL_FOLDER } from '../control-access.ts';
import type { Environment } from './check-config.ts';
import { readConfig } from './check-config.ts';
import { readState, statusLines } from './control-status.ts';
import type { CommandIo, ExitCode } from './exit-codes.ts';
import { EXIT } from './exit-codes.ts';

export interface ControlDeps {
  readonly io: CommandIo;
  readonly clock: Clock;
  readonly random: Random;
  readonly environment: Environment;
  readonly checks: readonly ConfigCheck[];
  /** Where an installed appliance has its configuration. */
  readonly defaultConfig: string;
  /** What the user calls himself, for an appliance that cannot ask the kernel. */
  readonly user: string | null;
}

/** How to find the appliance, and how to answer. */
export interface ControlOptions {
  readonly runDirectory?: string;
  readonly config?: string;
  readonly json: boolean;
}

export interface Order {
  readonly kind: CommandKind;
  readonly zone?: string;
  readonly sensor?: string;
  readonly output?: string;
  readonly forMs?: number;
}

const DEFAULT_RUN_DIRECTORY = '/run/embereye';

/** `embereye status`. */
export async function runStatus(options: ControlOptions, deps: ControlDeps): Promise<ExitCode> {
  const { io } = deps;
  const asked = await ask(options, 'viewer', { name: STATUS }, deps);
  if (asked.kind !== 'answered') return unanswered(asked, 'viewer', options, deps);
  const { answer } = asked;
  if (options.json) {
    io.out(JSON.stringify(answer.ok ? answer.state : answer));
    return answer.ok ? EXIT.ok : EXIT.failed;
  }
  const state = readState(answer.state);
  if (!answer.ok || state === null) {
    io.err(answer.ok ? 'the appliance answered with a state of another version' : answer.detail);
    return EXIT.failed;
  }
  for (const line of statusLines(state)) io.out(line);
  return EXIT.ok;
}

/** Any command; exit code 0 when it was carried out, 1 when the appliance refused it. */
export async function runOrder(
  { kind, forMs, ...target }: Order,
  options: ControlOptions,
  deps: ControlDeps,
): Promise<ExitCode> {
  const fields = { ...target, ...(forMs === undefined ? {} : { forSeconds: forMs / 1000 }) };
  return runRequest(kind, ACCESS[kind], fields, options, deps);
}

/** The same for what is no command of the panel. */
export async function runRequest(
  name: string,
  needed: AccessLevel,
  fields: object,
  options: ControlOptions,
  deps: ControlDeps,
): Promise<ExitCode> {
  const { io, random } = deps;
  const requestId = `cli-${random.uint32().toString(16)}-${random.uint32().toString(16)}`;
  const asked = await ask(options, needed, { requestId, name, ...fields }, deps);
  if (asked.kind !== 'answered') return unanswered(asked, needed, options, deps);
  const { ok, detail } = asked.answer;
  if (options.json) io.out(JSON.stringify(asked.answer));
  else if (ok) io.out(detail);
  else io.err(`refused: ${detail}`);
  return ok ? EXIT.ok : EXIT.failed;
}

async function ask(
  options: ControlOptions,
  needed: AccessLevel,
  request: object,
  deps: ControlDeps,
): Promise<Asked> {
  const directory = runDirectory(options, deps);
  if (directory === null) {
    return { kind: 'failed', why: `${options.config ?? ''} is not valid: name --run-directory` };
  }
  const whole = { version: CONTROL_VERSION, ...request };
  const named = deps.user === null ? whole : { ...whole, user: deps.user };
  return askAppliance(join(directory, CONTROL_FOLDER), needed, named, deps.clock);
}

/** Null where a configuration was named that cannot be read. */
function runDirectory(options: ControlOptions, deps: ControlDeps): string | null {
  const { environment, checks, defaultConfig } = deps;
  const named = options.runDirectory ?? environment['EMBEREYE__state__runDirectory'];
  if (named !== undefined) return named;
  const file = options.config ?? (existsSync(defaultConfig) ? defaultConfig : null);
  if (file === null) return DEFAULT_RUN_DIRECTORY;
  const result = readConfig(file, environment, checks);
  if (result.ok) return result.config.state.runDirectory;
  // The appliance itself then runs with its last known-good configuration.
  return options.config === undefined ? DEFAULT_RUN_DIRECTORY : null;
}

function unanswered(
  asked: Exclude<Asked, { readonly kind: 'answered' }>,
  needed: AccessLevel,
  options: ControlOptions,
  deps: ControlDeps,
): ExitCode {
  const directory = runDirectory(options, deps) ?? DEFAULT_RUN_DIRECTORY;
  const text = unansweredText(asked, needed, join(directory, CONTROL_FOLDER));
  if (options.json) deps.io.out(JSON.stringify({ ok: false, error: asked.kind, detail: text }));
  else deps.io.err(text);
  return EXIT.unavailable;
}

function unansweredText(
  asked: Exclude<Asked, { readonly kind: 'answered' }>,
  needed: AccessLevel,
  folder: string,
): string {
  switch (asked.kind) {
    case 'absent':
      return (
        `no appliance is running here: nobody listens in ${folder}; start it with ` +
        '`systemctl start embereye` or `embereye run --config FILE`, or name its ' +
        'state.runDirectory with --run-directory'
      );
    case 'forbidden':
      return (
        `you may not use ${folder}/${needed}.sock: have your user added to its group ` +
        `(ls -l ${folder} shows it), or run the command with sudo`
      );
    case 'busy':
      return (
        'the appliance hung up without an answer: too many clients hold its sockets ' +
        `(ss -xp | grep ${folder} shows them), or it is about to stop; try again`
      );
    case 'failed':
      return `the appliance did not answer: ${asked.why}`;
  }
}
