/**
 * An installer's laptop and a unit that runs: `provision install` and `verify` over a real ssh, onto
 * a real systemd, with a real broker between them. Laptop and broker are on this machine, in the
 * network of the unit.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Point } from '../../scripts/provision/protocol.ts';
import { ROOT } from '../arm64/host.ts';
import { eventually } from '../e2e/processes.ts';
import { Machine } from './machine.ts';
import type { Deb, Debs } from './releases.ts';
import type { Report } from './report.ts';
import { includes, same } from './report.ts';
import type { Ran, Root } from './root.ts';
import { runWords } from './root.ts';
import { configText } from './site.ts';

const RUNTIME = 'embereye.service';
const DEVICE = 'unit';
const PORTS = { board: 4888, http: 9090 };
const BROKER_PORT = 1883;
/** A simulated fire grows, and is verified. */
const PATIENCE_MS = 400_000;

/** Everything in turn. @throws GiveUp */
export async function overSsh(root: Root, { older, newer }: Debs, report: Report): Promise<void> {
  const laptop = mkdtempSync(join(tmpdir(), 'embereye-laptop-'));
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(laptop, 'key')]);
  await root.sh('install -d -m 700 /root/.ssh');
  root.write('/root/.ssh/authorized_keys', execFileSync('cat', [join(laptop, 'key.pub')], TEXT));
  root.write('/etc/machine-id', 'c0ffee00c0ffee00c0ffee00c0ffee00\n');
  const machine = new Machine(root);
  const unit = new Laptop(laptop, machine);
  let broker: ChildProcess | null = null;
  try {
    await report.step('systemd and sshd start', async () => {
      await machine.boot();
      await eventually('sshd', async () => (await machine.try(['pgrep', 'sshd'])).code === 0);
      await unit.learn();
      return (await machine.sh('. /etc/os-release; echo "$PRETTY_NAME"')).trim();
    });
    broker = startBroker(laptop, machine);
    await installs(unit, machine, older, report);
    await upgrades(unit, machine, newer, report);
    await proves(unit, machine, report);
  } finally {
    broker?.kill('SIGKILL');
    machine.end();
    rmSync(laptop, { recursive: true, force: true });
  }
}

const TEXT = { encoding: 'utf8' } as const;

/** The tool as an installer calls it. */
class Laptop {
  readonly folder: string;
  readonly #machine: Machine;
  #hostKey = '';

  constructor(folder: string, machine: Machine) {
    this.folder = folder;
    this.#machine = machine;
  }

  /** Reads the fingerprint at the unit itself, as the page says. */
  async learn(): Promise<void> {
    const file = '/etc/ssh/ssh_host_ed25519_key.pub';
    this.#hostKey = (await this.#machine.run('ssh-keygen', '-lf', file)).split(' ')[1] ?? '';
  }

  offline(command: string, ...args: readonly string[]): Promise<Ran> {
    return runWords([join(ROOT, 'scripts', 'provision', command), ...args], PATIENCE_MS);
  }

  online(command: string, ...args: readonly string[]): Promise<Ran> {
    const to = [
      ...['--host', 'root@127.0.0.1', '--ssh-key', join(this.folder, 'key')],
      ...['--known-hosts', join(this.folder, 'known'), '--host-key', this.#hostKey],
    ];
    const words = [join(ROOT, 'scripts', 'provision', command), ...to, ...args];
    return runWords(this.#machine.inItsNetwork(words), PATIENCE_MS);
  }

  install({ file }: Deb): Promise<Ran> {
    const site = ['--config', join(this.folder, 'appliance.yaml')];
    const identity = ['--identity', join(this.folder, 'identity')];
    return this.online('install', '--deb', file, ...site, ...identity);
  }
}

function startBroker(folder: string, machine: Machine): ChildProcess {
  const file = join(folder, 'mosquitto.conf');
  const lines = [
    `listener ${BROKER_PORT} 127.0.0.1`,
    `user ${userInfo().username}`,
    'allow_anonymous true',
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const [first = '', ...rest] = machine.inItsNetwork(['/usr/sbin/mosquitto', '-c', file]);
  return spawn(first, rest, { stdio: 'ignore' });
}

async function installs(unit: Laptop, machine: Machine, older: Deb, report: Report): Promise<void> {
  await report.step('an authority and an identity, made offline', async () => {
    const passphrase = join(unit.folder, 'passphrase');
    writeFileSync(passphrase, 'correct horse battery staple\n', { mode: 0o600 });
    const ca = ['--ca', join(unit.folder, 'ca'), '--passphrase-file', passphrase];
    good(await unit.offline('ca', 'new', ...ca, '--name', 'Test'));
    const out = ['--device-id', DEVICE, '--out', join(unit.folder, 'identity')];
    good(await unit.offline('enrol', '--offline', ...ca, ...out));
    return DEVICE;
  });
  await report.step('installs package, identity and configuration', async () => {
    mkdirSync(join(unit.folder, 'site'));
    writeFileSync(join(unit.folder, 'appliance.yaml'), siteText());
    const { said } = await unit.install(older);
    includes('install', said, 'installed, and embereye.service is started');
    same('runtime', await stateOf(machine), 'active');
    const owner = await machine.run('stat', '-c', '%U:%G %a', '/etc/embereye/identity/device.key');
    same('key', owner.trim(), 'root:embereye 640');
    return (await machine.run('embereye', 'healthcheck')).trim().slice(0, 60);
  });
  await report.step('once more: nothing changes', async () => {
    const before = await pidOf(machine);
    const { said } = await unit.install(older);
    includes('install', said, 'is as it should be: nothing changed');
    same('process', await pidOf(machine), before);
    return `process ${before} goes on`;
  });
}

async function upgrades(unit: Laptop, machine: Machine, newer: Deb, report: Report): Promise<void> {
  await report.step('a newer package: restarted into it', async () => {
    const { said } = await unit.install(newer);
    includes('install', said, 'installed, and embereye.service is started');
    const log = await machine.run('journalctl', '-u', RUNTIME, '-o', 'cat', '-n', '200');
    includes('journal', log, `"version":"${newer.version}"`);
    return newer.version;
  });
}

/** What a container cannot have: a clock that somebody keeps in time. */
const NOT_HERE = new Set(['clock']);

async function proves(unit: Laptop, machine: Machine, report: Report): Promise<void> {
  await report.step('verify: service, identity, doctor, alarm path', async () => {
    const protocol = join(unit.folder, 'protocol');
    const { said } = await unit.online('verify', '--outputs', '--yes', '--report', protocol);
    if (!existsSync(`${protocol}.json`)) throw new Error(said);
    const { points } = JSON.parse(readFileSync(`${protocol}.json`, 'utf8')) as {
      readonly points: readonly Point[];
    };
    const text = points.map((one) => `${one.state} ${one.area}: ${one.point}: ${one.found}`);
    const bad = points.filter(({ area, state }) => state === 'failed' && !NOT_HERE.has(area));
    if (bad.length > 0) throw new Error(text.join('\n'));
    // The outputs here are simulated: there is nothing that the doctor could move.
    for (const area of ['service', 'identity', 'doctor', 'alarm path']) {
      const isPassed = points.some((one) => one.area === area && one.state === 'passed');
      if (!isPassed) throw new Error(`nothing of "${area}" passed:\n${text.join('\n')}`);
    }
    return `${points.filter(({ state }) => state === 'passed').length} points passed`;
  });
  await report.step('and it runs as before', async () => {
    await eventually(
      'healthy',
      async () => (await machine.try(['embereye', 'healthcheck'])).code === 0,
    );
    return stateOf(machine);
  });
}

function siteText(): string {
  return configText(PORTS, {
    http: { host: '127.0.0.1', port: PORTS.http },
    boards: [{ id: 'a', match: { serial: 'A' } }],
    zones: [{ id: 'hall', sensors: [{ sensor: 'a', channel: 'thermal', role: 'thermal' }] }],
    uplink: { brokers: [{ id: 'central', url: `mqtt://127.0.0.1:${BROKER_PORT}` }] },
  });
}

function good({ code, said }: Ran): void {
  if (code !== 0) throw new Error(`ended with ${code ?? 'no end'}: ${said.slice(-2000)}`);
}

async function stateOf(machine: Machine): Promise<string> {
  return (await machine.try(['systemctl', 'is-active', RUNTIME])).said.trim();
}

async function pidOf(machine: Machine): Promise<string> {
  return (await machine.run('systemctl', 'show', '-P', 'MainPID', RUNTIME)).trim();
}
