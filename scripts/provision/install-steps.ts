/** The steps of an installation over ssh; each can be done again after a broken connection. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { FileToPlace, PackageFile } from './install-plan.ts';
import { quoted } from './ssh-words.ts';
import type { SshHost } from './ssh.ts';
import { refusal, Trouble } from './trouble.ts';
import { CONFIG_FILE, jsonOf } from './unit.ts';
import type { ProvisionWorld } from './world.ts';

const FOLDER = '/var/tmp';

/** Conditions in which nobody may restart an appliance. */
const BUSY = ['alarm', 'test'];

/** @throws Trouble where the unit must not be disturbed now. */
export async function refuseWhileBusy(host: SshHost): Promise<void> {
  const trouble = busyTrouble(host.name, jsonOf(await host.runAsRoot('embereye status --json')));
  if (trouble !== null) throw refusal(trouble);
}

/** Why an appliance with that `status --json` must not be restarted; null: it may, or is dead. */
export function busyTrouble(name: string, status: unknown): string | null {
  const { condition = 'unknown', maintenanceUntilMs = null } = (status ?? {}) as {
    readonly condition?: string;
    readonly maintenanceUntilMs?: number | null;
  };
  if (BUSY.includes(condition)) {
    return `${name} is in ${condition}: nothing was changed. Wait until it is over, or reset it`;
  }
  if (maintenanceUntilMs === null) return null;
  return (
    `somebody has ${name} in maintenance: nothing was changed. End it first: embereye ` +
    'maintenance --end'
  );
}

/** Copies what is missing of the file, checks all of it, and installs. @throws Trouble */
export async function installPackage(
  host: SshHost,
  file: PackageFile,
  world: ProvisionWorld,
): Promise<void> {
  const remote = await copyPackage(host, file, world);
  const named = await host.run(`dpkg-deb -f ${remote} Package Version Architecture`);
  const field = (name: string): string =>
    new RegExp(`^${name}: (.*)$`, 'm').exec(named.out)?.[1]?.trim() ?? '';
  const is = `${field('Package')} ${field('Version')} ${field('Architecture')}`;
  const wanted = `embereye ${file.version} ${file.architecture}`;
  if (is !== wanted) {
    throw new Trouble(`${file.path} holds ${is.trim() || 'no package'}, not ${wanted}`);
  }
  world.err('installing the package: some minutes on a slow card');
  const options = '-y --no-install-recommends --allow-downgrades --reinstall';
  const keep = '-o Dpkg::Options::=--force-confold';
  const ended = await host.runAsRoot(
    `DEBIAN_FRONTEND=noninteractive apt-get install ${options} ${keep} ${remote}`,
  );
  if (ended.code !== 0) throw refusal(aptTrouble(`${ended.out}\n${ended.err}`));
  await host.run(`rm -f ${remote}`);
}

/** What apt says, with a remedy where there is one. */
export function aptTrouble(said: string): string {
  const last = said.trim().split('\n').slice(-3).join(' / ');
  if (/No space left/i.test(said)) {
    return 'the card is full: sudo apt-get clean on the unit, or take a larger card';
  }
  if (/Could not get lock|is another process using it/i.test(said)) {
    return 'another package manager runs on the unit, perhaps its automatic updates: wait a little';
  }
  if (/unmet dependencies|Unable to fetch|Temporary failure resolving/i.test(said)) {
    return (
      'the package needs others that the unit cannot fetch: connect it to its mirror and run ' +
      `sudo apt-get update there. apt says: ${last}`
    );
  }
  return `apt failed on the unit: ${last}. Run this again; dpkg goes on where it stopped`;
}

async function copyPackage(
  host: SshHost,
  { path }: PackageFile,
  world: ProvisionWorld,
): Promise<string> {
  const { size } = await stat(path);
  const sum = await sumOf(path);
  const remote = `${FOLDER}/embereye-${sum.slice(0, 16)}.deb`;
  const part = `${remote}.part`;
  const asked = await host.run(`sha256sum ${remote} 2>/dev/null; stat -c 'part %s' ${part} 2>&1`);
  if (asked.out.startsWith(sum)) return remote;
  const there = Number(/^part (\d+)$/m.exec(asked.out)?.[1] ?? 0);
  const from = there > size ? 0 : there;
  const megabytes = (bytes: number): string => (bytes / 1_048_576).toFixed(1);
  if (from > 0) world.err(`going on with the copy after ${megabytes(from)} MiB`);
  else world.err(`copying ${megabytes(size)} MiB`);
  const input = createReadStream(path, { start: from });
  const ended = await host.run(`umask 077; cat ${from > 0 ? '>>' : '>'} ${part}`, { input });
  if (ended.code !== 0) throw refusal(`copying to ${host.name} failed: ${ended.err.trim()}`);
  const moves = `chmod 644 ${part} && mv ${part} ${remote}`;
  const right = `[ "$(sha256sum < ${part} | cut -d' ' -f1)" = ${sum} ]`;
  const checked = await host.run(`if ${right}; then ${moves}; else rm -f ${part}; exit 1; fi`);
  if (checked.code !== 0) {
    throw refusal(`the copy of ${path} differs from the file: it was removed; run it again`);
  }
  return remote;
}

function sumOf(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const hash = createHash('sha256');
    createReadStream(path)
      .on('data', (chunk) => hash.update(chunk))
      .on('end', () => resolve(hash.digest('hex')))
      .on('error', reject);
  });
}

/**
 * All files in one go, none of which appears before all are there. Their content travels on
 * standard input only: arguments are seen by everybody on the unit.
 * @throws Trouble
 */
export async function placeFiles(host: SshHost, files: readonly FileToPlace[]): Promise<void> {
  const script = [STRICT, ...files.map(staged), ...files.map(moved), 'sync', ''].join('\n');
  const { code, err } = await host.runAsRoot('sh', { input: script });
  if (code !== 0) throw refusal(`${host.name} did not take the files: ${err.trim()}`);
}

/** Of a script for the unit: what fails ends it. */
const STRICT = 'set -eu; umask 077';
/** The exit code by which our script says that the configuration was refused. */
const REFUSED = 90;

/** The unit's own program judges the configuration before it takes its place. @throws Trouble */
export async function placeConfig(host: SshHost, file: FileToPlace): Promise<void> {
  const { path } = file;
  const script = [
    STRICT,
    staged(file),
    `embereye check-config ${path}.new >&2 || { rm -f ${path}.new; exit ${REFUSED}; }`,
    `[ ! -e ${path} ] || cp -p ${path} ${CONFIG_FILE}.before-install`,
    moved(file),
    '',
  ].join('\n');
  const { code, err } = await host.runAsRoot('sh', { input: script });
  if (code === REFUSED) {
    throw new Trouble(`the unit refuses the configuration: ${err.trim()}`);
  }
  if (code !== 0) throw refusal(`${host.name} did not take the configuration: ${err.trim()}`);
}

function staged({ path, group, mode, content }: FileToPlace): string {
  const fresh = quoted(`${path}.new`);
  const folder = quoted(path.replace(/\/[^/]*$/, ''));
  const base64 = Buffer.from(content).toString('base64');
  return [
    `[ -d ${folder} ] || install -d -m 0755 ${folder}`,
    `base64 -d > ${fresh} <<'END'`,
    ...(base64.match(/.{1,76}/g) ?? []),
    'END',
    `chown root:${group} ${fresh}; chmod ${mode} ${fresh}`,
  ].join('\n');
}

function moved({ path }: FileToPlace): string {
  return `mv ${quoted(`${path}.new`)} ${quoted(path)}`;
}

/** @throws Trouble */
export async function startService(host: SshHost, restart: boolean): Promise<void> {
  const verb = restart ? 'restart' : 'start';
  const command = `systemctl enable embereye.service && systemctl ${verb} embereye.service`;
  const { code, err } = await host.runAsRoot(command);
  if (code !== 0) {
    throw refusal(
      `${host.name}: embereye.service does not start: ${err.trim()}; on the unit: ` +
        'journalctl -u embereye -n 50',
    );
  }
}
