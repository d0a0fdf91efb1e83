/**
 * `embereye healthcheck`: asks a running appliance for its health and answers with one line, for
 * containers and monitoring. It judges what `/health` judges: step and outputs.
 */
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import type { Config } from '../config-schema.ts';
import { configSchema } from '../config-schema.ts';
import type { Cancel, Clock } from '../domain/ports.ts';
import { HEALTH_ADDRESS_FILE, healthUrl } from '../service/health-address.ts';
import type { Environment } from './check-config.ts';
import { readConfig } from './check-config.ts';
import type { CommandIo, ExitCode } from './exit-codes.ts';
import { EXIT } from './exit-codes.ts';

export interface HealthcheckOptions {
  /** Asked instead of looking for the address. */
  readonly url: string | null;
  /** Null: the default file. */
  readonly config: string | null;
  /** `state.runDirectory` of the appliance; null: as configured. */
  readonly runDirectory: string | null;
  readonly timeoutMs: number;
}

export interface HealthcheckDeps {
  readonly io: CommandIo;
  readonly clock: Clock;
  readonly environment: Environment;
  readonly defaultConfig: string;
}

/**
 * `EXIT.ok` while it is well, `EXIT.failed` when it is not or does not answer: container engines
 * know no other answers. A broken configuration is no reason to fail: the last good one may run.
 */
export async function runHealthcheck(
  options: HealthcheckOptions,
  deps: HealthcheckDeps,
): Promise<ExitCode> {
  const url = options.url ?? addressOf(options, deps);
  const answer = await ask(url, options.timeoutMs, deps.clock);
  if (!answer.ok) {
    deps.io.err(`${url}: ${answer.error}`);
    return EXIT.failed;
  }
  const isWell = answer.status === 200;
  if (isWell) deps.io.out(`${url}: well: ${answer.text}`);
  else deps.io.err(`${url}: not well (${answer.status}): ${answer.text}`);
  return isWell ? EXIT.ok : EXIT.failed;
}

/** What the running appliance wrote; else what its configuration says; else the defaults. */
function addressOf({ config, runDirectory }: HealthcheckOptions, deps: HealthcheckDeps): string {
  const { defaultConfig, environment } = deps;
  const { state, http } = configured(config ?? defaultConfig, environment);
  const file = join(runDirectory ?? state.runDirectory, HEALTH_ADDRESS_FILE);
  return written(file) ?? healthUrl(http.host, http.port);
}

function configured(file: string, environment: Environment): Pick<Config, 'state' | 'http'> {
  const read = readConfig(file, environment, []);
  return read.ok ? read.config : configSchema.parse({});
}

function written(file: string): string | null {
  try {
    const text = readFileSync(file, 'utf8').trim();
    return text.startsWith('http://') ? text : null;
  } catch {
    // None has run yet, or it has another directory: the configuration knows as well.
    return null;
  }
}

type Answer =
  | { readonly ok: true; readonly status: number; readonly text: string }
  | { readonly ok: false; readonly error: string };

const LONGEST_TEXT = 500;

function ask(url: string, timeoutMs: number, clock: Clock): Promise<Answer> {
  return new Promise((resolve) => {
    let cancel: Cancel = () => undefined;
    const end = (answer: Answer): void => {
      cancel();
      resolve(answer);
    };
    const fail = (error: string): void => end({ ok: false, error });
    if (!URL.canParse(url) || !url.startsWith('http://')) {
      fail('is no address: write http://HOST:PORT/health');
      return;
    }
    const asked = request(url, { agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (text = (text + part).slice(0, LONGEST_TEXT)));
      response.on('error', (error) => fail(error.message));
      response.on('end', () => {
        const line = text.trim().replace(/\s+/g, ' ');
        end({ ok: true, status: response.statusCode ?? 0, text: line });
      });
    });
    asked.on('error', (error) => fail(error.message));
    cancel = clock.after(timeoutMs, () => {
      asked.destroy(new Error(`no answer within ${timeoutMs / 1000} s`));
    });
    asked.end();
  });
}
