/** Installing over a real SSH server; apt, dpkg and systemctl of the unit are small stand-ins. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addCa } from '../../scripts/provision/ca.ts';
import { addEnrol } from '../../scripts/provision/enrol.ts';
import { addInstall } from '../../scripts/provision/install.ts';
import { Bench, PASSPHRASE } from './bench.ts';
import { FakeUnit, hasSsh } from './ssh-server.ts';

const DEB = 'embereye_1.2.3_arm64.deb';
const FINDING = { area: 'system', subject: 'machine', found: 'a Pi', remedy: null };
const HEALTHY = JSON.stringify({ ok: true, findings: [{ ...FINDING, state: 'ok' }] });
const ILL = JSON.stringify({
  ok: false,
  findings: [{ ...FINDING, state: 'failed', found: 'no GPIO', remedy: 'wire it' }],
});

// Some dozen connections each, on a machine that may be busy.
describe.skipIf(!hasSsh)('provision install', { timeout: 120_000 }, () => {
  const unit = new FakeUnit();
  const bench = new Bench();
  beforeAll(async () => {
    bench.nowMs = Date.now();
    await unit.start();
    for (const [name, text] of Object.entries(PROGRAMS)) unit.program(name, text);
    const ca = ['--ca', 'ca', '--passphrase-file', bench.write('phrase', PASSPHRASE)];
    await bench.run(addCa, 'ca', 'new', ...ca);
    const offline = ['--offline', '--device-id', 'unit-1', '--new-broker-password'];
    await bench.run(addEnrol, 'enrol', ...offline, ...ca, '--out', 'id');
    writeFileSync(bench.at(DEB), `!<arch>\n${'x'.repeat(300_000)}`);
  }, 60_000);
  afterAll(async () => {
    await unit.remove();
    bench.remove();
  });
  beforeEach(() => {
    spawnSync('rm', ['-rf', unit.at('etc'), unit.at('state'), unit.at('var'), unit.at('commands')]);
    for (const name of ['etc/embereye', 'state', 'var/tmp']) {
      mkdirSync(unit.at(name), { recursive: true });
    }
    unit.write('state/doctor', HEALTHY);
    unit.write('commands', '');
    bench.write('appliance.yaml', 'device: { id: unit-1 }\n');
    bench.forget();
  });

  const install = (...args: string[]) =>
    bench.run(
      addInstall,
      ...['install', '--host', `${unit.user}@127.0.0.1`, '--port', String(unit.port)],
      ...['--ssh-key', unit.clientKey, '--known-hosts', 'known', '--deb', DEB],
      ...['--host-key', unit.hostKeyFingerprint, '--config', 'appliance.yaml', ...args],
    );
  const etc = (name: string): string => unit.read(`etc/embereye/${name}`);
  const actions = (): string =>
    existsSync(unit.at('state/actions')) ? unit.read('state/actions') : '';

  it('brings package, identity and configuration, and a second run changes nothing', async () => {
    expect(await install('--identity', 'id', '--dry-run'), bench.said).toBe(0);
    expect(bench.out).toEqual([
      'package: install 1.2.3',
      'configuration: write /etc/embereye/appliance.yaml',
      'identity: write ca.crt, device.key, device.crt, claim.json, device.json, broker-password',
      'service: enable and start embereye.service',
    ]);
    expect(actions()).toBe('');
    expect(await install('--identity', 'id'), bench.said).toBe(0);
    expect(etc('appliance.yaml')).toBe('device: { id: unit-1 }\n');
    expect(etc('identity/device.key')).toBe(readFileSync(bench.at('id', 'device.key'), 'utf8'));
    expect(statSync(unit.at('etc/embereye/identity/device.key')).mode & 0o777).toBe(0o640);
    expect(actions().split('\n').slice(0, -1)).toEqual([
      expect.stringMatching(/^apt-get install -y --no-install-recommends .*\.deb$/),
      'systemctl enable embereye.service',
      'systemctl start embereye.service',
    ]);
    expect(readdirSync(unit.at('var/tmp'))).toEqual([]);
    const done = actions();
    bench.forget();
    expect(await install('--identity', 'id')).toBe(0);
    expect(bench.said).toContain('is as it should be: nothing changed');
    expect(actions()).toBe(done);
    const secrets = [etc('broker-password').trim(), 'PRIVATE KEY', '"hash"'];
    for (const secret of secrets) {
      expect(bench.said).not.toContain(secret);
      expect(unit.read('commands')).not.toContain(secret);
    }
  });

  it('keeps the configuration it replaces, and brings none that the unit refuses', async () => {
    unit.write('etc/embereye/appliance.yaml', 'device: { id: before }\n');
    unit.write('state/refuse-config', 'unknown field');
    expect(await install()).toBe(3);
    expect(bench.said).toContain('the unit refuses the configuration: unknown field');
    expect(etc('appliance.yaml')).toBe('device: { id: before }\n');
    expect(existsSync(unit.at('etc/embereye/appliance.yaml.new'))).toBe(false);
    spawnSync('rm', [unit.at('state/refuse-config')]);
    unit.write('state/doctor', ILL);
    expect(await install()).toBe(1);
    expect(bench.said).toMatch(/FAILED system: machine: no GPIO\s+-> wire it/);
    expect(etc('appliance.yaml.before-install')).toBe('device: { id: before }\n');
  });

  it('goes on with a copy that broke off, and throws a damaged one away', async () => {
    const whole = readFileSync(bench.at(DEB));
    unit.write('state/break', '100000');
    expect(await install()).toBe(4);
    expect(bench.said).toContain('run the same command again, it goes on where it stopped');
    const [part = ''] = readdirSync(unit.at('var/tmp'));
    expect(statSync(unit.at('var/tmp', part)).size).toBe(100_000);
    spawnSync('rm', [unit.at('state/break')]);
    bench.forget();
    expect(await install(), bench.said).toBe(0);
    expect(bench.said).toContain('going on with the copy after 0.1 MiB');
    expect(unit.read('state/deb')).toBe(whole.toString('latin1'));
    spawnSync('rm', [unit.at('state/installed')]);
    unit.write(`var/tmp/${part}`, 'y'.repeat(50_000));
    expect(await install()).toBe(1);
    expect(bench.said).toContain('differs from the file: it was removed; run it again');
    expect(await install()).toBe(0);
  });

  it('disturbs nobody: in alarm nothing is changed', async () => {
    await install();
    bench.write('appliance.yaml', 'device: { id: unit-1, name: Hall }\n');
    unit.write('state/status', '{"condition":"alarm"}');
    expect(await install()).toBe(1);
    expect(bench.said).toContain('is in alarm: nothing was changed');
    expect(etc('appliance.yaml')).not.toContain('Hall');
    unit.write('state/status', '{"condition":"normal","maintenanceUntilMs":null}');
    expect(await install()).toBe(0);
    expect(actions()).toMatch(/systemctl restart embereye\.service\n$/);
  });

  it('becomes root by sudo with a password, which stands nowhere', async () => {
    unit.write('state/sudo-password', 'hunter2');
    expect(await install()).toBe(1);
    expect(bench.said).toContain('nobody may become root on');
    bench.answers = ['wrong'];
    expect(await install()).toBe(1);
    expect(bench.said).toContain('wrong password, or the user is not in group sudo');
    bench.answers = ['hunter2'];
    expect(await install(), bench.said).toBe(0);
    expect(etc('appliance.yaml')).toBe('device: { id: unit-1 }\n');
    expect(`${bench.said}${unit.read('commands')}`).not.toContain('hunter2');
  });

  it('refuses on the laptop: no package, a renamed one, a bad configuration', async () => {
    expect(await install('--deb', 'embereye_9_arm64.deb')).toBe(4);
    writeFileSync(bench.at('embereye_9_arm64.deb'), 'html');
    expect(await install('--deb', 'embereye_9_arm64.deb')).toBe(3);
    expect(bench.said).toContain('is no Debian package');
    writeFileSync(bench.at('other.deb'), '!<arch>\n');
    expect(await install('--deb', 'other.deb')).toBe(3);
    bench.write('bad.yaml', 'device: { id: "Halle 7" }');
    expect(await install('--config', 'bad.yaml')).toBe(3);
    bench.write('unnamed.yaml', 'logLevel: info');
    expect(await install('--config', 'unnamed.yaml')).toBe(3);
    expect(bench.said).toContain('write device.id');
    expect(await install('--identity', 'nowhere')).toBe(3);
    expect(bench.said).toContain('holds no whole identity');
    expect(unit.read('commands')).toBe('');
  });
});

/** What the unit's own programs do in these tests; `$UNIT/state` is what they know. */
const PROGRAMS: Readonly<Record<string, string>> = {
  uname: 'echo aarch64',
  id: '[ -e $UNIT/state/sudo-password ] && echo 1000 || echo 0',
  dpkg: 'echo arm64',
  'dpkg-query': 'cat $UNIT/state/installed 2>/dev/null',
  'dpkg-deb': 'printf "Package: embereye\\nVersion: 1.2.3\\nArchitecture: arm64\\n"',
  'apt-get': [
    'for last; do :; done',
    'cat "$last" > $UNIT/state/deb; echo "apt-get $*" >> $UNIT/state/actions',
    'echo "installed 1.2.3" > $UNIT/state/installed',
  ].join('\n'),
  systemctl: [
    'case $1 in',
    'is-active) cat $UNIT/state/active 2>/dev/null ;;',
    'is-enabled) cat $UNIT/state/enabled 2>/dev/null ;;',
    'enable) echo enabled > $UNIT/state/enabled; echo "systemctl $*" >> $UNIT/state/actions ;;',
    '*) echo active > $UNIT/state/active; echo "systemctl $*" >> $UNIT/state/actions ;;',
    'esac',
  ].join('\n'),
  timedatectl: 'echo yes',
  df: 'printf "head\\n/dev/x 1 1 9000000 1%% /\\n"',
  chown: ':',
  // The line breaks in the middle of a copy, as far as ssh can tell.
  cat: [
    'if [ -e $UNIT/state/break ] && [ $# = 0 ]; then',
    '  head -c $(/bin/cat $UNIT/state/break); kill -9 $(ps -o ppid= -p $PPID); exit 1',
    'fi',
    'exec /bin/cat "$@"',
  ].join('\n'),
  runuser: 'shift 3; exec "$@"',
  embereye: [
    'case $1 in',
    'doctor) cat $UNIT/state/doctor ;;',
    'status) cat $UNIT/state/status 2>/dev/null ;;',
    'check-config)',
    '  [ -e $UNIT/state/refuse-config ] || exit 0',
    '  cat $UNIT/state/refuse-config >&2; exit 3 ;;',
    'esac',
  ].join('\n'),
  sudo: [
    'ask=yes',
    'while :; do',
    '  case $1 in -k|-S) shift ;; -p) shift 2 ;; -n) ask=no; shift ;; *) break ;; esac',
    'done',
    '[ $ask = no ] && { echo "sudo: a password is required" >&2; exit 1; }',
    'read -r given; [ "$given" = "$(cat $UNIT/state/sudo-password)" ] || exit 1',
    'exec "$@"',
  ].join('\n'),
};
