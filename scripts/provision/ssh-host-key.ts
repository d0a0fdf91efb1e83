/** Host keys: a new one is shown and asked about once, a changed one is never taken. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { runProgram } from './programs.ts';
import { sshTrouble } from './ssh-words.ts';
import { missing, refusal } from './trouble.ts';
import type { ProvisionWorld } from './world.ts';

export interface HostKeyQuestion {
  /** As the user wrote it, without the user name. */
  readonly host: string;
  readonly port: number | null;
  readonly knownHosts: string | null;
  /** A fingerprint that was read elsewhere, `SHA256:...`; asks nobody. */
  readonly expected: string | null;
}

/** What ssh itself makes of a host: its configuration may give it another name and port. */
interface Resolved {
  readonly name: string;
  readonly knownHosts: string;
  readonly address: string;
  readonly port: string;
}

/** After this ssh may be strict. @returns the file with the key. @throws Trouble */
export async function trustHostKey(
  question: HostKeyQuestion,
  world: ProvisionWorld,
): Promise<string> {
  const { name, knownHosts, address, port } = await resolved(question, world);
  const known = await runProgram('ssh-keygen', ['-F', name, '-f', knownHosts], world);
  if (known.code === 0) return knownHosts;
  const scan = await runProgram('ssh-keyscan', ['-T', '10', '-p', port, address], world);
  const keys = scan.out.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  if (keys.length === 0) throw missing(await whyUnreachable(question, world));
  const listed = await runProgram('ssh-keygen', ['-l', '-f', '-'], world, {
    input: `${keys.join('\n')}\n`,
  });
  const prints = listed.out.trim().split('\n');
  await accept(question, prints, world);
  const lines = keys.map((line) => line.replace(/^\S+/, name));
  mkdirSync(dirname(knownHosts), { recursive: true, mode: 0o700 });
  appendFileSync(knownHosts, `${lines.join('\n')}\n`, { mode: 0o600 });
  return knownHosts;
}

/** ssh-keyscan keeps the reason to itself; ssh tells it. */
async function whyUnreachable(
  { host, port }: HostKeyQuestion,
  world: ProvisionWorld,
): Promise<string> {
  const at = port === null ? [] : ['-p', String(port)];
  const strict = ['-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes'];
  const args = [...strict, '-o', 'ConnectTimeout=10', ...at, '--', host, 'true'];
  const { err } = await runProgram('ssh', args, world);
  return sshTrouble(host, err);
}

async function accept(
  { host, expected }: HostKeyQuestion,
  prints: readonly string[],
  world: ProvisionWorld,
): Promise<void> {
  if (expected !== null) {
    if (prints.some((line) => line.split(' ').includes(expected))) return;
    throw refusal(
      `${host} shows other host keys than ${expected}: ${prints.join('; ')}. Nothing was sent`,
    );
  }
  world.err(`${host} is new to this machine. Its host keys:`);
  for (const line of prints) world.err(`  ${line}`);
  const answer = await world.ask?.('Compare one with the unit. Is it the right one? [y/N] ');
  if (/^y(es)?$/i.test(answer ?? '')) return;
  throw refusal(
    `the host key of ${host} was not accepted: nothing was sent. Without a terminal, give the ` +
      'right one with --host-key SHA256:...; on the unit: ssh-keygen -lf ' +
      '/etc/ssh/ssh_host_ed25519_key.pub',
  );
}

async function resolved(question: HostKeyQuestion, world: ProvisionWorld): Promise<Resolved> {
  const { host, port, knownHosts } = question;
  const named = port === null ? [] : ['-p', String(port)];
  const { code, out, err } = await runProgram('ssh', ['-G', ...named, '--', host], world);
  if (code !== 0) throw missing(sshTrouble(host, err));
  const field = (name: string): string =>
    new RegExp(`^${name} (.*)$`, 'm').exec(out)?.[1]?.trim() ?? '';
  const address = field('hostname') || host;
  const at = field('port') || '22';
  const alias = field('hostkeyalias');
  const own = field('userknownhostsfile').split(' ')[0] ?? '';
  const file = knownHosts ?? (own === '' ? '~/.ssh/known_hosts' : own);
  const plain = alias === '' || alias === 'none' ? address : alias;
  return {
    name: at === '22' || plain === alias ? plain : `[${plain}]:${at}`,
    knownHosts: resolve(world.cwd, file.replace(/^~(?=\/)/, homedir())),
    address,
    port: at,
  };
}
