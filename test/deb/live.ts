/**
 * The package on a unit that runs: systemd, the real units, a siren that sounds. What an upgrade must
 * not do is measured from outside of it, a hundred times a second.
 */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { eventually } from '../e2e/processes.ts';
import { Machine } from './machine.ts';
import type { Deb, Debs } from './releases.ts';
import type { Report } from './report.ts';
import { includes, same } from './report.ts';
import type { Root } from './root.ts';
import { CONFIG, configText, SIREN_FILE } from './site.ts';

const RUNTIME = 'embereye.service';
const HOLDER = 'embereye-gpio-holder.service';
const PORTS = { board: 4888, http: 9090 };
/** The question is asked again each minute. */
const LATER_MS = 240_000;
const LOOK_MS = 10;

/** A board that shows on ADC1 what stands in a file. */
const BOARD = `
import { connect } from 'node:net';
import { readFileSync } from 'node:fs';
const socket = connect(${PORTS.board}, '127.0.0.1');
socket.write('#serialno:A!');
setInterval(() => {
  const adc1 = readFileSync('/root/adc1', 'utf8').trim();
  socket.write('#Sensor:ADC1=' + adc1 + ',ADC2=1310,ADC3:=1,DIO=0!');
}, 50);
`;
const CLEAN = '290\n';
const SMOKE = '2900\n';

/** Everything in turn. @throws GiveUp */
export async function onLiveUnit(root: Root, debs: Debs, report: Report): Promise<void> {
  root.write('/root/board.mjs', BOARD);
  root.write('/root/adc1', CLEAN);
  // What a real machine has from its installation.
  root.write('/etc/machine-id', 'c0ffee00c0ffee00c0ffee00c0ffee00\n');
  const machine = new Machine(root);
  try {
    await report.step('systemd starts', () => machine.boot());
    await firstStart(machine, root, debs, report);
    await inAlarm(machine, root, debs, report);
    await brokenRelease(machine, root, debs, report);
    await removal(machine, report);
  } finally {
    machine.end();
  }
}

async function firstStart(
  machine: Machine,
  root: Root,
  { older }: Debs,
  report: Report,
): Promise<void> {
  await report.step('an example is not started, and postinst says so', async () => {
    const said = await install(machine, root, older);
    includes('apt', said, `${CONFIG} is the example`);
    same('runtime', await stateOf(machine, RUNTIME), 'inactive');
    same('enabled', (await machine.run('systemctl', 'is-enabled', RUNTIME)).trim(), 'enabled');
    return 'enabled, not started';
  });
  await report.step('starts with its owner`s configuration', async () => {
    writeFileSync(
      machine.file(CONFIG),
      configText(PORTS, { http: { host: '127.0.0.1', port: PORTS.http } }),
    );
    await machine.run('dpkg-reconfigure', '-fnoninteractive', 'embereye');
    return (await machine.run('embereye', 'healthcheck')).trim().slice(0, 80);
  });
  await report.step('the holder runs beside it, as the same user', async () => {
    const owner = `ps -o user= -p ${await pidOf(machine, HOLDER)},${await pidOf(machine, RUNTIME)}`;
    same('users', (await machine.sh(owner)).trim().split(/\s+/), ['embereye', 'embereye']);
    return 'embereye';
  });
}

async function inAlarm(
  machine: Machine,
  root: Root,
  { newer }: Debs,
  report: Report,
): Promise<void> {
  let pids = '';
  await report.step('smoke on a board, the siren sounds', async () => {
    machine.start('/opt/embereye/bin/node', '/root/board.mjs');
    await eventually('the board is seen', async () =>
      (await machine.sh('embereye status')).includes('condition: normal'),
    );
    writeFileSync(machine.file('/root/adc1'), SMOKE);
    await eventually('the siren', () => siren(machine), LATER_MS);
    pids = await bothPids(machine);
    return `processes ${pids}`;
  });
  await report.step('an upgrade does not silence it, nor restart anything', async () => {
    const watch = watchSiren(machine);
    const said = await install(machine, root, newer).finally(watch.end);
    includes('apt', said, 'this release runs from the next start');
    includes('apt', said, 'alarm in zone:a');
    same('processes', await bothPids(machine), pids);
    same('times at which the siren was found silent', watch.silent(), 0);
    same('dpkg', await dpkgStatus(machine), `installed ${newer.debian}`);
    return `found sounding ${watch.looks()} times`;
  });
  await report.step('restarted by itself when the alarm is over', async () => {
    const [, runtime = ''] = pids.split(' ');
    writeFileSync(machine.file('/root/adc1'), CLEAN);
    await eventually('reset', async () => {
      await machine.try(['embereye', 'reset']);
      return (await machine.sh('embereye status')).includes('condition: normal');
    });
    await eventually(
      'another process',
      async () => {
        const pid = await pidOf(machine, RUNTIME);
        return pid !== runtime && pid !== '0';
      },
      LATER_MS,
    );
    await eventually(
      'healthy',
      async () => (await machine.try(['embereye', 'healthcheck'])).code === 0,
    );
    const log = await machine.run('journalctl', '-u', RUNTIME, '-o', 'cat', '-n', '200');
    includes('journal', log, `"version":"${newer.version}"`);
    same('holder', await pidOf(machine, HOLDER), pids.split(' ')[0]);
    same('timer', await stateOf(machine, 'embereye-restart-later.timer'), 'inactive');
    return `${newer.version} runs, the holder is the same`;
  });
}

async function brokenRelease(
  machine: Machine,
  root: Root,
  { newer, broken }: Debs,
  report: Report,
): Promise<void> {
  await report.step('a release that does not start leaves dpkg whole', async () => {
    const said = await install(machine, root, broken);
    includes('apt', said, `${RUNTIME} does not start: journalctl -u ${RUNTIME}`);
    same('dpkg', await dpkgStatus(machine), `installed ${broken.debian}`);
    return 'installed, and said so';
  });
  await report.step('the one before it mends that', async () => {
    await install(machine, root, newer);
    same('runtime', await stateOf(machine, RUNTIME), 'active');
    await eventually(
      'healthy',
      async () => (await machine.try(['embereye', 'healthcheck'])).code === 0,
    );
    return newer.version;
  });
}

async function removal(machine: Machine, report: Report): Promise<void> {
  await report.step('removal stops everything', async () => {
    await machine.run('apt-get', 'remove', '-y', '-q', 'embereye');
    const left = await machine.sh('pgrep -u embereye -a || echo none');
    same('processes of its user', left.trim(), 'none');
    return 'no process';
  });
  await report.step('purge on a running system', async () => {
    await machine.run('apt-get', 'purge', '-y', '-q', 'embereye');
    const units = await machine.sh('systemctl list-unit-files --no-legend "embereye*" || true');
    same('units', units.trim(), '');
    includes('state', await machine.run('ls', '/var/lib/embereye'), 'journal.db');
    return 'no unit is known any more, the journal is';
  });
}

async function install(machine: Machine, root: Root, { file }: Deb): Promise<string> {
  const name = basename(file);
  cpSync(file, join(root.folder, 'root', name));
  return await machine.run(
    ...['apt-get', 'install', '-y', '-q', '--no-install-recommends', '--allow-downgrades'],
    `/root/${name}`,
  );
}

async function stateOf(machine: Machine, unit: string): Promise<string> {
  return (await machine.try(['systemctl', 'is-active', unit])).said.trim();
}

/** As the machine numbers it; "0" while there is none. */
async function pidOf(machine: Machine, unit: string): Promise<string> {
  return (await machine.run('systemctl', 'show', '-P', 'MainPID', unit)).trim();
}

async function bothPids(machine: Machine): Promise<string> {
  return `${await pidOf(machine, HOLDER)} ${await pidOf(machine, RUNTIME)}`;
}

async function dpkgStatus(machine: Machine): Promise<string> {
  const format = '-f=${db:Status-Status} ${Version}';
  return (await machine.run('dpkg-query', '-W', format, 'embereye')).trim();
}

function siren(machine: Machine): boolean {
  try {
    return readFileSync(machine.file(SIREN_FILE), 'utf8').startsWith('1');
  } catch {
    return false; // not opened yet
  }
}

function watchSiren(machine: Machine) {
  let looks = 0;
  let silent = 0;
  const timer = setInterval(() => {
    looks += 1;
    if (!siren(machine)) silent += 1;
  }, LOOK_MS);
  return { end: () => clearInterval(timer), looks: () => looks, silent: () => silent };
}
