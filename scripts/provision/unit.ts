/** What an installed unit is asked over ssh; every answer is checked before it is believed. */
import type { IdentityDescription } from '../../src/commands/identity-show.ts';
import { EXIT } from '../../src/commands/exit-codes.ts';
import type { Put } from '../../src/commands/identity.ts';
import type { Ended } from './programs.ts';
import { quoted } from './ssh-words.ts';
import type { SshHost } from './ssh.ts';
import { missing, refusal, Trouble } from './trouble.ts';

export const CONFIG_FILE = '/etc/embereye/appliance.yaml';
const NOT_FOUND = 127;

/** `embereye identity show` of the unit. @throws Trouble where there is no appliance on it. */
export async function shownIdentity(host: SshHost): Promise<IdentityDescription> {
  const ended = await host.runAsRoot('embereye identity show --json');
  refuseWithoutProgram(host, ended);
  const shown = jsonOf(ended) as IdentityDescription | null;
  if (shown === null || typeof shown.hasKey !== 'boolean') {
    throw refusal(
      `${host.name} does not know \`embereye identity\`: install a newer release on it`,
    );
  }
  return shown;
}

/** The unit's request; it makes its key where it has none. */
export async function requestOf(host: SshHost, deviceId: string, newKey: boolean): Promise<string> {
  const more = newKey ? ' --new-key' : '';
  const ended = await host.runAsRoot(
    `embereye identity csr --device-id ${quoted(deviceId)}${more}`,
  );
  refuseWithoutProgram(host, ended);
  if (ended.code !== 0) throw refusal(`${host.name} makes no request: ${ended.err.trim()}`);
  return ended.out;
}

/** Certificates, then authorities, in PEM. */
export async function installIdentity(
  host: SshHost,
  deviceId: string,
  input: string,
): Promise<void> {
  const command = `embereye identity install --device-id ${quoted(deviceId)}`;
  const ended = await host.runAsRoot(command, { input });
  if (ended.code === 0) return;
  const exit = ended.code === EXIT.badInput ? EXIT.badInput : EXIT.failed;
  throw new Trouble(`${host.name}: ${ended.err.trim()}`, exit);
}

/** A secret, over the connection only. */
export async function putSecret(host: SshHost, what: Put, input: string): Promise<void> {
  const ended = await host.runAsRoot(`embereye identity put ${what}`, { input });
  if (ended.code !== 0) throw refusal(`${host.name} did not take the ${what}: ${ended.err.trim()}`);
}

/** The last line that is JSON; null: there is none. */
export function jsonOf({ out }: Pick<Ended, 'out'>): unknown {
  const line = out.trim().split('\n').at(-1) ?? '';
  try {
    return JSON.parse(line);
  } catch {
    // Words instead of JSON: the caller has the exit code and standard error to tell of it.
    return null;
  }
}

export function refuseWithoutProgram(host: SshHost, { code, err }: Ended): void {
  if (code !== NOT_FOUND && !/embereye: (command )?not found/.test(err)) return;
  throw missing(
    `embereye is not installed on ${host.name}: provision install --host ${host.name} --deb FILE ` +
      '--config FILE',
  );
}
